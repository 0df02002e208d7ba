"""Events in NumPy files, read a chunk at a time without ever holding the whole array."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib import format as npy

from .order import as_events, find_columns

__all__ = ["read_npy", "read_npz"]

_NEEDED = "with the fields t (microseconds), x, y and p"


def read_npy(path: Path, chunk: int) -> Iterator[np.ndarray]:
    """Read the structured array of an .npy file."""
    with path.open("rb") as file:
        column = _Column(file, path)
        names = find_columns(column.dtype.names or ())
        if names is None:
            raise ValueError(f"{path} must hold a structured array {_NEEDED}, not {column.dtype}")
        for part in column.read(chunk):
            yield as_events(*(part[names[key]] for key in "txyp"))


def read_npz(path: Path, chunk: int) -> Iterator[np.ndarray]:
    """Read the columns of an .npz file, or the one structured array in it."""
    try:
        with zipfile.ZipFile(path) as archive, ExitStack() as stack:
            members = {Path(name).stem: name for name in archive.namelist()}
            names = find_columns(members)
            if names is None and len(members) != 1:
                listed = ", ".join(sorted(members)) or "nothing"
                raise ValueError(
                    f"{path} must hold the columns t (microseconds), x, y and p, or one structured "
                    f"array, not {listed}"
                )
            wanted = [names[key] for key in "txyp"] if names else list(members)
            columns = [_Column(stack.enter_context(archive.open(members[n])), path) for n in wanted]
            if len({column.length for column in columns}) > 1:
                raise ValueError(f"The columns of {path} must have the same length")
            for parts in zip(*(column.read(chunk) for column in columns), strict=True):
                yield as_events(*parts) if names else _fields(parts[0], path)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(f"{path} is not a whole .npz file") from error


class _Column:
    """An array in a file, whose header was read.

    Parameters
    ----------
    file : binary file
        File at the beginning of the array.
    path : Path
        Its name, for errors.
    """

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self._path = path
        try:
            version = npy.read_magic(file)
            reader = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            shape, _, self.dtype = reader(file)
        except ValueError as error:
            raise ValueError(f"{path} is not a whole .npy file") from error
        if len(shape) != 1 or self.dtype.hasobject:
            raise ValueError(
                f"Events in {path} must be one-dimensional arrays of numbers, not {self.dtype} of "
                f"shape {shape}"
            )
        self.length = shape[0]

    def read(self, chunk: int) -> Iterator[np.ndarray]:
        """Give the array in parts of ``chunk`` entries."""
        for start in range(0, self.length, chunk):
            size = min(chunk, self.length - start) * self.dtype.itemsize
            data = self._file.read(size)
            if len(data) < size:
                raise ValueError(f"{self._path} ends in the middle of its events: it was cut off")
            yield np.frombuffer(data, self.dtype)


def _fields(part: np.ndarray, path: Path) -> np.ndarray:
    names = find_columns(part.dtype.names or ())
    if names is None:
        raise ValueError(f"{path} must hold a structured array {_NEEDED}, not {part.dtype}")
    return as_events(*(part[names[key]] for key in "txyp"))
