"""Arrays and a description in one file, versioned, written whole or not at all."""

import json
import os
import zipfile
import zlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

__all__ = ["archive_kind", "read_archive", "write_archive"]

_DESCRIPTION = "description"

# What zipfile, NumPy and json raise at a file that is cut short, altered, or something else.
_DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    NotImplementedError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
)


def write_archive(
    path: str | os.PathLike[str],
    kind: tuple[str, int],
    description: Mapping[str, Any],
    arrays: Mapping[str, np.ndarray],
) -> None:
    """Write one .npz file; an existing file is replaced only once the new one is complete.

    Parameters
    ----------
    path : str or path-like
        File to write.
    kind : tuple of str and int
        What the file holds, and the version of its layout.
    description : Mapping
        What is not an array, fit for JSON.
    arrays : Mapping of str to array
        The arrays by name.
    """
    path = Path(path)
    label, version = kind
    text = json.dumps({"kind": label, "version": version, **description})
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("wb") as file:
            np.savez_compressed(
                file, allow_pickle=False, **{_DESCRIPTION: np.array(text), **arrays}
            )
        os.replace(partial, path)
    finally:
        with suppress(FileNotFoundError):
            partial.unlink()


def archive_kind(path: str | os.PathLike[str]) -> str:
    """Tell what a file that :func:`write_archive` wrote holds; empty for any other file."""
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                return str(json.loads(str(archive[_DESCRIPTION]))["kind"])
        except _DAMAGE:
            return ""


def read_archive(
    path: str | os.PathLike[str], kind: tuple[str, int]
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Read what :func:`write_archive` wrote, as description and arrays.

    Raises
    ------
    ValueError
        If the file is damaged, or holds something else, or another version of it.
    """
    label, version = kind
    with open(path, "rb") as file:
        try:
            with np.load(file, allow_pickle=False) as archive:
                arrays = {name: archive[name] for name in archive.files}
            description = json.loads(str(arrays.pop(_DESCRIPTION)))
            found = description.pop("kind"), description.pop("version")
        except _DAMAGE as error:
            raise ValueError(f"{os.fspath(path)} is not a complete {label} file") from error
    if found[0] != label:
        raise ValueError(f"{os.fspath(path)} holds a {found[0]}, not a {label}")
    if found[1] != version:
        raise ValueError(
            f"{os.fspath(path)} is a {label} file of version {found[1]}; "
            f"this Spikeloom reads version {version}"
        )
    return description, arrays
