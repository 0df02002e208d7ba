"""A link over a simulated serial line in this process, on the clock of the simulation."""

from .uart_chip import CompiledSerialChip, SerialLine

__all__ = ["UartTransport"]

_BATCH = 256


class UartTransport:
    """Link to a simulated chip with a serial line; time passes only while the host waits.

    Parameters
    ----------
    chip : CompiledSerialChip
        The chip.
    baud : float
        Bits a second, which must be the rate that the chip has.
    poll : float
        Seconds of the simulation between two transfers of a USB adapter: what the host sends goes
        out with the next one, and what came is seen with the next one; 0 for no adapter.

    Attributes
    ----------
    line : SerialLine
        The line.
    sent : int
        Bytes sent so far.
    """

    def __init__(
        self, chip: CompiledSerialChip, baud: float = 3_000_000, poll: float = 0.0
    ) -> None:
        self.line = SerialLine(chip, baud)
        self.sent = 0
        self._collected = b""
        self.set_poll(poll)

    def set_poll(self, poll: float) -> None:
        """Change the seconds between two transfers."""
        self._poll = round(poll * self.line.chip.frequency)

    def clock(self) -> float:
        """Time in seconds of the simulation."""
        return self.line.cycles / self.line.chip.frequency

    def write(self, data: bytes) -> None:
        """Send bytes."""
        self.sent += len(data)
        self.line.send(data, self._until_transfer())

    def read(self, timeout: float) -> bytes:
        """Run the chip until bytes came, for ``timeout`` seconds of the simulation at most."""
        end = self.line.cycles + max(1, round(timeout * self.line.chip.frequency))
        while self.line.cycles < end:
            step = self._until_transfer() or _BATCH
            self._collected += self.line.advance(min(step, end - self.line.cycles))
            if self._collected and not self._until_transfer():
                break
        else:
            if self._poll:
                return b""
        collected, self._collected = self._collected, b""
        return collected

    def close(self) -> None:
        """Do nothing: the chip belongs to whoever made it."""

    def _until_transfer(self) -> int:
        """Cycles until the adapter meets the host again."""
        return -self.line.cycles % self._poll if self._poll else 0
