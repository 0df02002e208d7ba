"""The life of a chip in a compiled library: made, reset, counted, and freed."""

import ctypes
from pathlib import Path

from .tools import SimulationError

__all__ = ["Simulated"]


class Simulated:
    """A chip of a library of :func:`~spikeloom_sim.library.build_library`; not reset yet.

    Parameters
    ----------
    path : Path
        The library.
    """

    def __init__(self, path: Path) -> None:
        self._library = library = ctypes.CDLL(str(path))
        library.spikeloom_new.restype = ctypes.c_void_p
        library.spikeloom_delete.argtypes = [ctypes.c_void_p]
        library.spikeloom_reset.argtypes = [ctypes.c_void_p]
        library.spikeloom_cycles.argtypes = [ctypes.c_void_p]
        library.spikeloom_cycles.restype = ctypes.c_uint64
        self._chip: int | None = library.spikeloom_new()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Free the memory of the chip, which is of no use any more."""
        if getattr(self, "_chip", None) is not None:
            self._library.spikeloom_delete(self._chip)
            self._chip = None

    @property
    def cycles(self) -> int:
        """Clock cycles since the last reset."""
        return self._library.spikeloom_cycles(self._alive())

    def reset(self) -> None:
        """Reset the chip, as when it is powered up; memories keep what they hold."""
        self._library.spikeloom_reset(self._alive())

    def _alive(self) -> int:
        if self._chip is None:
            raise SimulationError("The simulated chip was closed")
        return self._chip
