"""What the host has sent and the device has not yet acknowledged."""

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.host.frame import Frame, FrameType

__all__ = ["InFlight", "Sent", "as_words", "check_address"]

# Fewer than half of the sequence numbers, so that a repeated frame is known from a new one.
MAXIMUM_FRAMES = 64


@dataclass
class Sent:
    """A frame on its way: whether it was executed, and what answered it if it is a READ."""

    frame: Frame
    encoded: bytes
    done: bool = False
    answer: np.ndarray | None = None


class InFlight:
    """Frames on their way, the oldest first.

    Attributes
    ----------
    frames : deque of Sent
        The frames.
    next_sequence : int
        Sequence number of the next frame.
    """

    def __init__(self) -> None:
        self.frames: deque[Sent] = deque()
        self.next_sequence = 1

    def has_room(self, sent: Sent, window: int) -> bool:
        """Tell whether one more frame keeps within ``window`` bytes."""
        ahead = sum(len(other.encoded) for other in self.frames)
        return len(self.frames) < MAXIMUM_FRAMES and ahead + len(sent.encoded) <= window

    def push(self, sent: Sent) -> None:
        """Add a frame, which must carry ``next_sequence``."""
        self.frames.append(sent)
        self.next_sequence = (self.next_sequence + 1) & 0xFF

    def answer(self, data: Frame) -> None:
        """Keep the words of a DATA frame with the READ that it answers, if that still waits."""
        words = data.words
        for sent in self.frames:
            if sent.frame.type != FrameType.READ:
                continue
            address, count = sent.frame.words
            follows = (sent.frame.sequence + 1) & 0xFF == data.sequence
            if follows and words.size == count + 1 and words[0] == address:
                sent.answer = words[1:]

    def acknowledge(self, expected: int) -> int | None:
        """Drop the frames before ``expected``.

        Returns
        -------
        int or None
            How many were dropped; None if the number belongs to no frame on its way.
        """
        executed = (expected - self.next_sequence + len(self.frames)) & 0xFF
        if executed > len(self.frames):
            return None
        for _ in range(executed):
            self.frames.popleft().done = True
        return executed


def as_words(words: Any) -> np.ndarray:
    """Check 32-bit words, and give them as a (count,) uint32 array.

    Raises
    ------
    TypeError
        If they are no one-dimensional integers.
    ValueError
        If one has more than 32 bits.
    """
    values = np.atleast_1d(np.asarray(words))
    if values.size == 0:
        return np.zeros(0, np.uint32)
    if values.dtype.kind not in "iu" or values.ndim != 1:
        raise TypeError(f"Words must be a (count,) integer array, not {words!r}")
    if values.min() < 0 or values.max() >= 1 << 32:
        worst = int(values.min() if values.min() < 0 else values.max())
        raise ValueError(f"Words must lie between 0 and 4294967295, not {worst}")
    return values.astype(np.uint32)


def check_address(address: int, count: int) -> None:
    """Raise ValueError unless ``count`` words from ``address`` on have 32-bit addresses."""
    if address < 0 or count < 0 or address + count > 1 << 32:
        raise ValueError(f"Address and count must stay in 32 bits, not {address} and {count}")
