"""Files of events, whatever their format."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .arrays import read_npy, read_npz
from .binary import dat_size, read_bin, read_dat
from .camera import camera_size, read_camera
from .order import in_order

__all__ = ["EventReader", "open_events"]

_CHUNK = 16384


class _Format(NamedTuple):
    """How a format is read, and where the size of the camera is told."""

    read: Callable[[Path, int], Iterator[np.ndarray]]
    size: Callable[[Path], tuple[int, int] | None] = lambda path: None


_CAMERA = _Format(read_camera, camera_size)
_FORMATS = {
    ".bin": _Format(read_bin),
    ".dat": _Format(read_dat, dat_size),
    ".npy": _Format(read_npy),
    ".npz": _Format(read_npz),
    ".raw": _CAMERA,
    ".aedat4": _CAMERA,
    ".es": _CAMERA,
}


class EventReader:
    """Chunks of a file of events; iterating reads the file anew each time.

    A chunk is a structured array of type :data:`~spikeloom.events.EVENT`: time ``t`` in
    microseconds from the first event on, ascending, column ``x``, line ``y`` and polarity ``p``.
    Memory is that of a chunk, however long the file.

    Parameters
    ----------
    path : path
        File, whose format its ending tells.
    window : int
        Microseconds by which an event may come in the file after later ones; it is sorted in.
    origin : int or None
        Time in the file that becomes 0; None for that of the first event.
    chunk : int
        Most events of a chunk; formats in packets keep theirs.

    Attributes
    ----------
    width, height : int or None
        Size of the camera, where the file tells.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        window: int = 0,
        origin: int | None = None,
        chunk: int = _CHUNK,
    ) -> None:
        self.path = Path(path)
        known = _FORMATS.get(self.path.suffix.lower())
        if known is None:
            raise ValueError(
                f"{self.path} has no ending of a file of events: {', '.join(_FORMATS)}"
            )
        if window < 0 or chunk < 1:
            raise ValueError(
                f"Window must not be negative and chunk at least 1, not {window} and {chunk}"
            )
        if not self.path.is_file():
            raise FileNotFoundError(2, "No such file", str(self.path))
        self._format = known
        self._window = window
        self._origin = origin
        self._chunk = chunk
        self.width, self.height = known.size(self.path) or (None, None)

    def __iter__(self) -> Iterator[np.ndarray]:
        """Read the file from its beginning."""
        return in_order(self._format.read(self.path, self._chunk), self._window, self._origin)


def open_events(
    path: str | os.PathLike[str], window: int = 0, origin: int | None = None
) -> EventReader:
    """Open a file of events, of which nothing is read but the header.

    Parameters
    ----------
    path : path
        ``.bin`` (N-MNIST, N-Caltech101), ``.dat`` (Prophesee), ``.npy`` or ``.npz``; with the extra
        ``events`` also ``.raw`` (EVT2, EVT3), ``.aedat4`` and ``.es``.
    window : int
        Microseconds by which an event may come in the file after later ones; it is sorted in.
    origin : int or None
        Time in the file that becomes 0; None for that of the first event.

    Raises
    ------
    ValueError
        If the ending is not known, the file is damaged, or what reads it is not installed.
    """
    return EventReader(path, window, origin)
