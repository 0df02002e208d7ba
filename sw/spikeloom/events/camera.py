"""Event files of cameras, EVT2, EVT3, AEDAT4 and Event Stream, by the library faery."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .order import as_events

__all__ = ["camera_size", "read_camera"]

# What faery tells as the size where the file does not.
_UNKNOWN = (65535, 65535)


def read_camera(path: Path, chunk: int) -> Iterator[np.ndarray]:
    """Read a file with faery, in the packets in which it gives the events."""
    try:
        for packet in _open(path):
            yield as_events(packet["t"].astype(np.int64), packet["x"], packet["y"], packet["on"])
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"{path} cannot be read: {error}") from error


def camera_size(path: Path) -> tuple[int, int] | None:
    """Width and height that the file tells; None if it does not."""
    width, height = _open(path).dimensions()
    return None if (width, height) == _UNKNOWN else (width, height)


def _open(path: Path) -> Any:
    try:
        faery = importlib.import_module("faery")
    except ImportError:
        raise ValueError(
            f"Files {path.suffix} are read by faery, which is not installed: "
            f"pip install 'spikeloom[events]'"
        ) from None
    with path.open("rb"):
        pass
    try:
        return faery.events_stream_from_file(path, dimensions_fallback=_UNKNOWN)
    except Exception as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
