"""A compiled chip behind a TCP port or a pseudo-terminal, as if it were a board."""

import os
import select
import socket
import threading
import tty
from types import TracebackType
from typing import Self

from .compiled import CompiledChip

__all__ = ["PtyServer", "Server", "TCPServer"]

_CHUNK = 65536
_BATCH = 16384
_BUDGET = 100_000_000


class Server:
    """Runs a chip in a thread for one client at a time; clients may come and go.

    The chip keeps its state from client to client. It runs while a client is there, until it has
    been silent for 100 million cycles; the next byte of the client wakes it. Bytes are lost only
    when a client leaves.

    Parameters
    ----------
    chip : CompiledChip
        The chip, which belongs to the server until that is stopped.

    Attributes
    ----------
    url : str
        Where to connect.
    """

    url: str

    def __init__(self, chip: CompiledChip) -> None:
        self.chip = chip
        self._wake, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._serve, name="spikeloom server", daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        """Serve in a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop the server."""
        self.stop()

    def stop(self) -> None:
        """End the thread and the connection; the chip stays as it is."""
        if self._thread.is_alive():
            os.write(self._stop, b"\0")
            self._thread.join()
        if self._wake >= 0:
            os.close(self._wake)
            os.close(self._stop)
            self._wake = -1
            self._release()

    def wait(self) -> None:
        """Return when the server was stopped."""
        self._thread.join()

    def _serve(self) -> None:
        raise NotImplementedError

    def _release(self) -> None:
        raise NotImplementedError

    def _talk(self, link: int) -> bool:
        """Carry bytes between a file descriptor and the chip; False once the server stops."""
        incoming, outgoing, silent = b"", b"", _BUDGET
        while True:
            runs = not outgoing and (incoming or silent < _BUDGET)
            readers = [self._wake, *([link] if len(incoming) < _CHUNK else [])]
            ready = select.select(readers, [link] if outgoing else [], [], 0 if runs else None)
            if self._wake in ready[0]:
                return False
            try:
                if link in ready[0]:
                    received = os.read(link, _CHUNK)
                    if not received:
                        return True
                    incoming, silent = incoming + received, 0
                if link in ready[1]:
                    outgoing = outgoing[os.write(link, outgoing) :]
            except BlockingIOError:
                continue
            except OSError:
                return True
            if not outgoing and (incoming or silent < _BUDGET):
                outgoing, taken = self.chip.run(incoming, cycles=_BATCH, quiet=16, answered=True)
                incoming = incoming[taken:]
                silent = 0 if outgoing or taken else silent + _BATCH


class TCPServer(Server):
    """Server on a TCP port.

    Parameters
    ----------
    chip : CompiledChip
        The chip.
    host : str
        Address to listen on.
    port : int
        Port, or 0 for any that is free; ``url`` tells which.

    Raises
    ------
    OSError
        If the port cannot be had.
    """

    def __init__(self, chip: CompiledChip, host: str = "127.0.0.1", port: int = 0) -> None:
        self._listener = socket.create_server((host, port))
        self.port = self._listener.getsockname()[1]
        self.url = f"tcp://{host}:{self.port}"
        super().__init__(chip)

    def _serve(self) -> None:
        going = True
        while going:
            ready, _, _ = select.select([self._listener, self._wake], [], [])
            if self._wake in ready:
                return
            connection, _ = self._listener.accept()
            with connection:
                connection.setblocking(False)
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                going = self._talk(connection.fileno())

    def _release(self) -> None:
        self._listener.close()


class PtyServer(Server):
    """Server on a pseudo-terminal, which the host opens like a serial port.

    Parameters
    ----------
    chip : CompiledChip
        The chip.

    Attributes
    ----------
    path : str
        Name of the terminal, like ``/dev/pts/3``.
    """

    def __init__(self, chip: CompiledChip) -> None:
        # Our own handle of the far end keeps the terminal alive between clients.
        self._near, self._far = os.openpty()
        tty.setraw(self._far)
        os.set_blocking(self._near, False)
        self.path = os.ttyname(self._far)
        self.url = f"serial://{self.path}"
        super().__init__(chip)

    def _serve(self) -> None:
        while self._talk(self._near):
            pass

    def _release(self) -> None:
        os.close(self._near)
        os.close(self._far)
