"""Files that are written into a folder all together, or none of them."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["EmitError", "staged", "write_files"]


class EmitError(OSError):
    """The files cannot be written."""


@contextmanager
def staged(folder: Path) -> Iterator[Path]:
    """Give a folder to write in, whose files move to ``folder`` if all went well.

    Raises
    ------
    ValueError
        If ``folder`` is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; give the name of a folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    # On the same file system, so that each file moves at once.
    place = folder if folder.is_dir() else folder.parent
    stage = Path(tempfile.mkdtemp(prefix=".spikeloom-", dir=place))
    try:
        yield stage
        folder.mkdir(exist_ok=True)
        for file in stage.iterdir():
            os.replace(file, folder / file.name)
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_files(folder: Path, texts: dict[str, str]) -> None:
    """Write files beside their place, then move all of them there; none if one cannot be.

    Raises
    ------
    ValueError
        If ``folder`` is a file.
    EmitError
        If the folder cannot be written.
    """
    try:
        with staged(folder) as stage:
            for name, text in texts.items():
                (stage / name).write_text(text)
                if (folder / name).is_dir():
                    raise IsADirectoryError(errno.EISDIR, name)
    except OSError as error:
        cause = os.strerror(error.errno or errno.EIO).lower()
        raise EmitError(
            f"Cannot write into {folder}: {cause}; choose another folder, or make room in it"
        ) from error
