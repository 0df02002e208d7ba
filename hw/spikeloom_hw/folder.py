"""Files that are written into a folder all together, or none of them."""

import errno
import os
import shutil
import tempfile
from pathlib import Path

__all__ = ["EmitError", "write_files"]


class EmitError(OSError):
    """The files cannot be written."""


def write_files(folder: Path, texts: dict[str, str]) -> None:
    """Write files beside their place, then move all of them there; none if one cannot be.

    Raises
    ------
    EmitError
        If the folder cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".spikeloom-", dir=folder))
        try:
            for name, text in texts.items():
                (partial / name).write_text(text)
                if (folder / name).is_dir():
                    raise IsADirectoryError(errno.EISDIR, name)
            for name in texts:
                os.replace(partial / name, folder / name)
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    except OSError as error:
        cause = os.strerror(error.errno or errno.EIO).lower()
        raise EmitError(
            f"Cannot write into {folder}: {cause}; choose another folder, or make room in it"
        ) from error
