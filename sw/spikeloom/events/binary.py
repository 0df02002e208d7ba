"""Event files of fixed records: N-MNIST and its kin (.bin), and Prophesee's .dat."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from .order import as_events

__all__ = ["dat_size", "read_bin", "read_dat"]

_BIN_BYTES = 5
_OVERFLOW_LINE = 240
_OVERFLOW_TIME = 1 << 13

_DAT_BYTES = 8
# Event2D and EventCD, whose records are the same.
_DAT_TYPES = (0, 12)
_DAT_VERSION = 2


def read_bin(path: Path, chunk: int) -> Iterator[np.ndarray]:
    """Read a file of 5-byte events: column, line, polarity and 23 bits of microseconds.

    An event in line 240 is none, but tells that the time went on by 8192 us (Orchard et al.,
    "Converting static image datasets to spiking neuromorphic datasets using saccades", 2015).
    """
    ahead = 0
    with path.open("rb") as file:
        for data in _records(file, path, _BIN_BYTES, chunk):
            x, y, first, second, third = data.reshape(-1, _BIN_BYTES).T.astype(np.int64)
            marks = y == _OVERFLOW_LINE
            times = (first & 127) << 16 | second << 8 | third
            times += (ahead + np.cumsum(marks)) * _OVERFLOW_TIME
            ahead += int(np.count_nonzero(marks))
            yield as_events(*(column[~marks] for column in (times, x, y, first >> 7)))


def read_dat(path: Path, chunk: int) -> Iterator[np.ndarray]:
    """Read a file of 8-byte events: time, then 14 bits of column and of line, and 4 of polarity."""
    with path.open("rb") as file:
        _read_dat_header(file, path)
        last, wraps = -1, 0
        for data in _records(file, path, _DAT_BYTES, chunk):
            low, place = data.view("<u4").reshape(-1, 2).T.astype(np.int64)
            # 32 bits of microseconds last for 71 minutes.
            steps = np.diff(low, prepend=low[:1] if last < 0 else last)
            turns = np.cumsum(steps < -(1 << 31)) + wraps
            last, wraps = int(low[-1]), int(turns[-1])
            x, y, p = place & 0x3FFF, place >> 14 & 0x3FFF, place >> 28
            yield as_events(low + (turns << 32), x, y, p)


def dat_size(path: Path) -> tuple[int, int] | None:
    """Width and height that the header of a .dat file tells; None if it does not."""
    with path.open("rb") as file:
        header = _read_dat_header(file, path)
    try:
        return int(header["width"]), int(header["height"])
    except (KeyError, ValueError):
        return None


def _read_dat_header(file: BinaryIO, path: Path) -> dict[str, str]:
    """Read up to the first event: what the lines of the header say."""
    header: dict[str, str] = {}
    while True:
        start = file.tell()
        line = file.readline(4096)
        if not line.startswith(b"%"):
            break
        name, _, value = line[1:].decode("latin-1").strip().partition(" ")
        header[name.lower()] = value.strip()
    file.seek(start)
    version = header.get("version", "none")
    if version != str(_DAT_VERSION):
        raise ValueError(f"{path} must be a .dat file of version {_DAT_VERSION}, not {version}")
    kind, size = (*file.read(2), -1, -1)[:2]
    if kind not in _DAT_TYPES or size != _DAT_BYTES:
        raise ValueError(f"{path} holds no events of a camera: type {kind} of {size} bytes")
    return header


def _records(file: BinaryIO, path: Path, size: int, chunk: int) -> Iterator[np.ndarray]:
    """Give the bytes of up to ``chunk`` whole records at a time."""
    while data := file.read(size * chunk):
        if len(data) % size:
            raise ValueError(f"{path} ends in the middle of an event: it was cut off")
        yield np.frombuffer(data, np.uint8)
