"""A compiled chip behind a TCP port or a pseudo-terminal, as if it were a board."""

import os
import select
import socket
import threading
import tty
from types import TracebackType
from typing import Protocol, Self

__all__ = ["PtyServer", "Runnable", "Server", "TCPServer"]

_CHUNK = 65536
_BATCH = 16384
_BUDGET = 100_000_000


class Runnable(Protocol):
    """A chip that runs when it is told to, like :class:`~spikeloom_sim.compiled.CompiledChip`."""

    @property
    def cycles(self) -> int:
        """Clock cycles since the last reset."""
        ...

    def run(
        self, data: bytes = b"", *, cycles: int, quiet: int | None = None, answered: bool = False
    ) -> tuple[bytes, int]:
        """Give bytes to the chip; give what came back, and how many bytes it took."""
        ...


class Server:
    """Runs a chip in a thread for one client at a time; clients may come and go.

    The chip keeps its state from client to client. It runs while a client is there, until it has
    been silent for 100 million cycles; the next byte of the client wakes it. Bytes are lost only
    when a client leaves.

    Parameters
    ----------
    chip : Runnable
        The chip, which belongs to the server until that is stopped.

    Attributes
    ----------
    url : str
        Where to connect.
    batch : int
        Clock cycles after which the chip lets the server look for the client.
    """

    url: str
    batch = _BATCH

    def __init__(self, chip: Runnable) -> None:
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

    def _take(self, source: int) -> bytes:
        """Read what the client sent; nothing if it has left."""
        return os.read(source, _CHUNK)

    def _talk(self, link: int, source: int | None = None) -> bool:
        """Carry bytes between a file descriptor and the chip; False once the server stops."""
        source = link if source is None else source
        incoming, outgoing, silent = b"", b"", _BUDGET
        while True:
            runs = not outgoing and (incoming or silent < _BUDGET)
            readers = [self._wake, *([source] if len(incoming) < _CHUNK else [])]
            ready = select.select(readers, [link] if outgoing else [], [], 0 if runs else None)
            if self._wake in ready[0]:
                return False
            try:
                if source in ready[0]:
                    received = self._take(source)
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
                outgoing, taken = self.chip.run(
                    incoming, cycles=self.batch, quiet=16, answered=True
                )
                incoming = incoming[taken:]
                silent = 0 if outgoing or taken else silent + self.batch


class TCPServer(Server):
    """Server on a TCP port.

    Parameters
    ----------
    chip : Runnable
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

    def __init__(self, chip: Runnable, host: str = "127.0.0.1", port: int = 0) -> None:
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
    chip : Runnable
        The chip.

    Attributes
    ----------
    path : str
        Name of the terminal, like ``/dev/pts/3``.
    """

    def __init__(self, chip: Runnable) -> None:
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
