"""Transports: what carries the bytes of the host link."""

import re
import select
import socket
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

from spikeloom_boards.catalogue import BOARDS
from spikeloom_hw.host.frame import Frame

from ..errors import LinkError
from .discovery import find_port
from .negotiation import RATES
from .serial_port import SerialTransport

__all__ = ["TCPTransport", "Transport", "open_transport"]

CHUNK = 65536
_POSITIVE = re.compile(r"\d+(\.\d+)?")
WRITE_TIMEOUT = 10.0


class Transport(Protocol):
    """Bytes to a device and back. A transport may lose and garble them, but not reorder them."""

    def write(self, data: bytes) -> None:
        """Send bytes; raises LinkError if the link is gone."""
        ...

    def read(self, timeout: float) -> bytes:
        """Wait up to ``timeout`` seconds for bytes, and give all that came; empty if none did."""
        ...

    def close(self) -> None:
        """Give the link up."""
        ...


class TCPTransport:
    """A connection to a device or a simulation that listens on a TCP port.

    Parameters
    ----------
    host : str
        Name or address.
    port : int
        Port.
    timeout : float
        Seconds to wait for the connection.
    """

    def __init__(self, host: str, port: int, timeout: float = 5.0) -> None:
        self.peer = f"{host}:{port}"
        try:
            self._socket = socket.create_connection((host, port), timeout)
        except OSError as error:
            cause = _socket_cause(error)
            raise LinkError(f"Cannot connect to {self.peer}: {cause}") from error
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket.settimeout(WRITE_TIMEOUT)

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._socket.sendall(data)
        except OSError as error:
            raise LinkError(f"The connection to {self.peer} failed: {error}") from error

    def read(self, timeout: float) -> bytes:
        """Wait for bytes."""
        try:
            readable, _, _ = select.select([self._socket], [], [], max(timeout, 0.0))
            if not readable:
                return b""
            received = self._socket.recv(CHUNK)
        except (OSError, ValueError) as error:
            raise LinkError(f"The connection to {self.peer} failed: {error}") from error
        if not received:
            raise LinkError(f"The device closed the connection to {self.peer}")
        return received

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def open_transport(url: str, ping: Frame | None = None) -> Transport:
    """Open the transport that a URL names.

    Parameters
    ----------
    url : str
        ``serial:///dev/ttyUSB1`` for the fastest rate that works, ``serial:///dev/ttyUSB1?baud=N``
        for the rate N alone, ``serial:auto`` for the only board that is plugged in,
        ``serial:auto?board=NAME`` for the only one of a kind, or ``tcp://host:port``. Serial ports
        also have ``wait=SECONDS``, the time to wait for each answer while rates are tried.
    ping : Frame or None
        PING of a session that is to go on, see ``Session.greeting``.

    Raises
    ------
    LinkError
        If the URL cannot be understood, or what it names cannot be opened, or no device answers
        over a serial port.
    """
    parts = urlsplit(url)
    if parts.scheme == "serial":
        return _open_serial(url, parts, ping)
    if parts.scheme == "tcp":
        return _open_tcp(url, parts)
    raise LinkError(
        f"Link {url!r} has no known scheme: write serial:auto, serial:///dev/ttyUSB1 "
        "or tcp://host:port"
    )


def _open_serial(url: str, parts: SplitResult, ping: Frame | None) -> Transport:
    automatic = parts.path == "auto" and not parts.netloc
    options = _options(url, parts, ("baud", "wait", "board") if automatic else ("baud", "wait"))
    wait = float(options.get("wait", "0.25"))
    if automatic:
        name = options.get("board")
        if name is not None and name not in BOARDS:
            raise LinkError(f"Link {url!r} names no board: {name!r} is none of {_names()}")
        found = find_port(BOARDS.values() if name is None else [BOARDS[name]])
        port, rates = found.port, [rate for rate in RATES if rate <= found.baud]
    else:
        if parts.netloc or not parts.path.strip("/"):
            raise LinkError(
                f"Link {url!r} names no serial port: write serial:///dev/ttyUSB1 or serial:auto"
            )
        # A Windows port has no leading slash: serial:///COM3.
        port = parts.path if parts.path.count("/") > 1 else parts.path.lstrip("/")
        rates = list(RATES)
    if "baud" in options:
        rates = [int(options["baud"])]
    return SerialTransport(port, rates, wait=wait, ping=ping)


def _options(url: str, parts: SplitResult, known: tuple[str, ...]) -> dict[str, str]:
    """Read what stands behind the question mark."""
    options = {k: v[-1] for k, v in parse_qs(parts.query, keep_blank_values=True).items()}
    unknown = sorted(options.keys() - set(known))
    if unknown:
        raise LinkError(
            f"Link {url!r} has an unknown option {unknown[0]!r}: known are {', '.join(known)}"
        )
    baud, wait = options.get("baud", "1"), options.get("wait", "1")
    if not baud.isdecimal() or int(baud) == 0:
        raise LinkError(f"Link {url!r} must give baud as a positive integer, not {baud!r}")
    if not _POSITIVE.fullmatch(wait) or float(wait) == 0:
        raise LinkError(f"Link {url!r} must give wait as a number of seconds, not {wait!r}")
    return options


def _names() -> str:
    return ", ".join(BOARDS)


def _open_tcp(url: str, parts: SplitResult) -> Transport:
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        raise LinkError(
            f"Link {url!r} has no port from 1 to 65535: write tcp://host:port"
        ) from None
    if not host or not port:
        missing = "port" if host else "host"
        raise LinkError(f"Link {url!r} names no {missing}: write tcp://host:port")
    return TCPTransport(host, port)


def _socket_cause(error: OSError) -> str:
    """Say in words why a connection cannot be made."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there; start the simulation or the bridge first"
    if isinstance(error, socket.gaierror):
        return "no such host; check the name"
    if isinstance(error, TimeoutError):
        return "no answer; check the address"
    return str(error)
