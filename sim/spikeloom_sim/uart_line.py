"""A serial line as the times at which its level changes: what a perfect UART sends and reads."""

from collections import deque
from collections.abc import Iterable

__all__ = ["LineReader", "LineWriter"]


class LineWriter:
    """Writes bytes onto a line that is high at rest.

    Attributes
    ----------
    edges : list of float
        Times at which the level changes, which may be taken away; it falls first.
    now : float
        Until when the line is written, in the same unit as all times: clock cycles, as a rule.
    """

    def __init__(self, now: float = 0.0) -> None:
        self.edges: list[float] = []
        self.now = now
        self._level = 1

    def send(self, data: bytes, bit: float) -> None:
        """Write bytes one behind the other, each bit for the time ``bit``."""
        for byte in data:
            # The start bit, eight bits with the lowest first, and the stop bit.
            for level in (0, *((byte >> k) & 1 for k in range(8)), 1):
                self.hold(level, bit)

    def hold(self, level: int, time: float) -> None:
        """Keep the line at a level for a time."""
        if level != self._level:
            self.edges.append(self.now)
            self._level = level
        self.now += time

    def take(self) -> list[float]:
        """Give the edges since the last call, and forget them."""
        taken, self.edges = self.edges, []
        return taken


class LineReader:
    """Reads the bytes of a line, sampling each bit in its middle.

    A byte without a stop bit is given all the same, as computers do.

    Parameters
    ----------
    bit : float
        Time of a bit; may be set anew at any time.

    Attributes
    ----------
    unframed : int
        Bytes without a stop bit so far.
    """

    def __init__(self, bit: float) -> None:
        self.bit = bit
        self.unframed = 0
        self._edges: deque[float] = deque()
        self._level = 1

    def feed(self, edges: Iterable[float], until: float) -> bytes:
        """Take the next edges of the line, and give the bytes that ended before ``until``."""
        self._edges.extend(edges)
        received = bytearray()
        while True:
            # A byte begins where the line falls.
            if self._edges and not self._level:
                self._edges.popleft()
                self._level = 1
            if not self._edges or self._edges[0] + 9.5 * self.bit >= until:
                return bytes(received)
            begin = self._edges[0]
            bits = [self._at(begin + (k + 0.5) * self.bit) for k in range(10)]
            self.unframed += 1 - bits[9]
            received.append(sum(bit << k for k, bit in enumerate(bits[1:9])))

    def _at(self, time: float) -> int:
        """Level at a time that is not before the last one asked for."""
        while self._edges and self._edges[0] <= time:
            self._edges.popleft()
            self._level ^= 1
        return self._level
