"""What a stream needs of a device and of its session."""

from typing import Any, Protocol

import numpy as np

from spikeloom_hw.program import Program

__all__ = ["EventLink", "StreamingDevice"]


class EventLink(Protocol):
    """The part of a session that carries event words."""

    def send_events(self, words: Any) -> None:
        """Send event words; returns as soon as they may be sent."""
        ...

    def receive_events(self, timeout: float) -> np.ndarray:
        """Give the event words that came, waiting up to ``timeout`` seconds for the first."""
        ...


class StreamingDevice(Protocol):
    """What a stream needs of a device."""

    program: Program
    steps: int
    resets: int

    @property
    def session(self) -> EventLink:
        """Session with the device."""
        ...

    def restart(self) -> None:
        """Begin a new session, and clear all state."""
        ...

    def check_errors(self) -> None:
        """Raise DeviceError if the device found fault with what it was sent."""
        ...
