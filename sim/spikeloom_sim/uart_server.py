"""A simulated chip with a serial line behind a pseudo-terminal, at the rate of the client."""

import fcntl
import os
import select
import struct
import threading
from collections import deque

from .server import PtyServer
from .uart_chip import CompiledSerialChip, SerialLine

__all__ = ["UartServer", "terminal_baud"]

# TCGETS2 of Linux, which tells rates as numbers; of a pseudo-terminal it asks the client's end.
_REQUEST = 0x802C542A
_SETTINGS = struct.Struct("IIII20xII")
_CHUNK = 4096
_CHUNKS = 64
_AHEAD = 200_000


class UartServer(PtyServer):
    """Server on a pseudo-terminal with a serial line between it and the chip.

    The line has the rate to which the client sets the terminal, whatever that is; at a rate that
    the chip does not have, garbage comes out at both ends. The kernel does not tell when in the
    stream of bytes a client changes the rate: what is sent right before may go out at the new rate.

    Parameters
    ----------
    chip : CompiledSerialChip
        The chip, which belongs to the server until that is stopped.

    Attributes
    ----------
    line : SerialLine
        The line.
    """

    batch = 2048

    def __init__(self, chip: CompiledSerialChip) -> None:
        self.line = SerialLine(chip)
        self._heard: deque[tuple[bytes, int]] = deque()
        self._outlet, self._inlet = os.pipe()
        self._halted, self._halt = os.pipe()
        super().__init__(self.line)

    def _serve(self) -> None:
        # A thread that mostly sleeps sees bytes and their rate at once, however long a batch takes.
        listener = threading.Thread(target=self._listen, name="spikeloom terminal", daemon=True)
        listener.start()
        while self._talk(self._near, self._outlet):
            pass
        os.write(self._halt, b"\0")
        listener.join()

    def _listen(self) -> None:
        """Note what the client sends, and at which rate."""
        while True:
            full = len(self._heard) >= _CHUNKS
            sources = [self._halted] if full else [self._halted, self._near]
            ready, _, _ = select.select(sources, [], [], 0.001 if full else None)
            if self._halted in ready:
                return
            if ready:
                received = os.read(self._near, _CHUNK)
                self._heard.append((received, terminal_baud(self._near)))
                os.write(self._inlet, b"\0")

    def _take(self, source: int) -> bytes:
        # What was sent before goes out at the rate that it had then.
        self.line.drain(_AHEAD)
        os.read(source, 1)
        received, baud = self._heard.popleft()
        self.line.set_baud(baud)
        return received

    def _release(self) -> None:
        super()._release()
        for pipe in (self._outlet, self._inlet, self._halted, self._halt):
            os.close(pipe)


def terminal_baud(terminal: int) -> int:
    """Bits a second of a terminal; of a pseudo-terminal, what its client has set."""
    settings = _SETTINGS.unpack(fcntl.ioctl(terminal, _REQUEST, bytes(_SETTINGS.size)))
    return settings[-1]
