"""What a host does at a register port: load a program, and read memories back."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_hw.window import Window

__all__ = ["Access", "Outcome", "Readback", "loads_of"]


@dataclass(frozen=True)
class Access:
    """An access at the register port.

    Parameters
    ----------
    offset : int
        Byte offset in the window, a multiple of 4.
    value : int or None
        Word to write; None to read.
    size : int
        Bytes that are written, from the lowest on.
    """

    offset: int
    value: int | None = None
    size: int = 4


@dataclass(frozen=True)
class Outcome:
    """What became of an access: whether it failed, and what was read (0 for a write)."""

    failed: bool
    value: int = 0


def loads_of(program: Program, window: Window) -> list[Access]:
    """Writes that load all memories of a program that a window reaches."""
    known = regions(program.config)
    return [
        Access(window.memories[name] + 4 * (row * known[name].stride + word), int(value))
        for name, image in program.images.items()
        if name in window.memories
        for row, words in enumerate(image)
        for word, value in enumerate(words)
    ]


class Readback:
    """Reads like a session of the host, from a simulation that takes a list of accesses.

    What is asked for before :meth:`answer` goes into ``accesses`` and reads as 0; the same
    questions after it get the answers.

    Parameters
    ----------
    window : Window
        Byte offsets of the register port.

    Attributes
    ----------
    accesses : list of Access
        Reads to be made.
    """

    def __init__(self, window: Window) -> None:
        self.accesses: list[Access] = []
        self._window = window
        self._answers: dict[int, int] = {}

    def read(self, address: int, count: int) -> np.ndarray:
        """Read so many words of the address map, as (count,) uint32 array."""
        offsets = [self._window.offset(address + k) for k in range(count)]
        self.accesses += [Access(offset) for offset in offsets if offset not in self._answers]
        return np.array([self._answers.get(offset, 0) for offset in offsets], np.uint32)

    def answer(self, outcomes: Sequence[Outcome]) -> None:
        """Take the outcomes of all accesses.

        Raises
        ------
        ValueError
            If one of them failed.
        """
        for access, outcome in zip(self.accesses, outcomes, strict=True):
            if outcome.failed:
                raise ValueError(f"The read at offset 0x{access.offset:x} failed")
            self._answers[access.offset] = outcome.value
