"""A faulty link: wraps a transport, and loses, garbles, repeats and delays what goes through it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

__all__ = ["ByteLink", "FaultRates", "FaultyTransport"]


class ByteLink(Protocol):
    """What is wrapped: the verbs of a transport."""

    def write(self, data: bytes) -> None:
        """Send bytes."""
        ...

    def read(self, timeout: float) -> bytes:
        """Wait for bytes."""
        ...

    def close(self) -> None:
        """Give the link up."""
        ...


@dataclass(frozen=True)
class FaultRates:
    """How often each fault happens.

    Parameters
    ----------
    drop, flip, repeat : float
        Share of the bytes that are lost, have one bit inverted, or come twice.
    garbage, repeat_frame : float
        Share of the frames that have random bytes before them, or come twice.
    stall : float
        Share of the calls of ``write`` after which the link stands still.
    stall_seconds : float
        For how long.
    """

    drop: float = 0.0
    flip: float = 0.0
    repeat: float = 0.0
    garbage: float = 0.0
    repeat_frame: float = 0.0
    stall: float = 0.0
    stall_seconds: float = 3.0


class FaultyTransport:
    """A transport with faults in both directions, the same ones for the same seed and traffic.

    Bytes go through in whole frames, that is up to a zero byte.

    Parameters
    ----------
    inner : ByteLink
        Transport without faults.
    rates : FaultRates
        How often each fault happens; may be set anew at any time.
    seed : int
        Seed of the faults.
    clock : callable
        Time in seconds.

    Attributes
    ----------
    faults : int
        Faults so far.
    """

    def __init__(
        self, inner: ByteLink, rates: FaultRates, seed: int, clock: Callable[[], float]
    ) -> None:
        self.inner = inner
        self.rates = rates
        self.faults = 0
        self._random = np.random.default_rng(seed)
        self._clock = clock
        self._stalled_until = clock()
        self._outgoing = b""
        self._incoming = b""
        self._cut_outgoing = b""
        self._cut_incoming = b""

    def write(self, data: bytes) -> None:
        """Send bytes, or keep them while the link stands still."""
        *frames, self._cut_outgoing = (self._cut_outgoing + data).split(b"\0")
        self._outgoing += self._spoil(frames)
        if self._happens(self.rates.stall):
            self._stalled_until = self._clock() + self.rates.stall_seconds
        self._release()

    def read(self, timeout: float) -> bytes:
        """Wait for bytes; none come while the link stands still."""
        self._release()
        received = self._cut_incoming + self.inner.read(timeout)
        *frames, self._cut_incoming = received.split(b"\0")
        self._incoming += self._spoil(frames)
        if self._clock() < self._stalled_until:
            return b""
        self._release()
        received, self._incoming = self._incoming, b""
        return received

    def close(self) -> None:
        """Close the inner transport."""
        self.inner.close()

    def _release(self) -> None:
        if self._outgoing and self._clock() >= self._stalled_until:
            outgoing, self._outgoing = self._outgoing, b""
            self.inner.write(outgoing)

    def _happens(self, rate: float) -> bool:
        happens = rate > 0 and self._random.random() < rate
        self.faults += happens
        return bool(happens)

    def _spoil(self, frames: list[bytes]) -> bytes:
        spoilt = bytearray()
        for frame in frames:
            if self._happens(self.rates.garbage):
                spoilt += self._random.bytes(int(self._random.integers(1, 20)))
            for _ in range(1 + self._happens(self.rates.repeat_frame)):
                spoilt += self._spoil_bytes(frame + b"\0")
        return bytes(spoilt)

    def _spoil_bytes(self, block: bytes) -> bytes:
        rates = self.rates
        if not rates.drop + rates.flip + rates.repeat:
            return block
        spoilt = bytearray()
        for byte in block:
            if self._happens(rates.drop):
                continue
            if self._happens(rates.flip):
                byte ^= 1 << int(self._random.integers(8))
            spoilt.append(byte)
            if self._happens(rates.repeat):
                spoilt.append(byte)
        return bytes(spoilt)
