"""Transports: what carries the bytes of the host link."""

import select
import socket
from typing import Protocol
from urllib.parse import SplitResult, parse_qs, urlsplit

import serial

from ..errors import LinkError

__all__ = ["SerialTransport", "TCPTransport", "Transport", "open_transport"]

CHUNK = 65536
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


class SerialTransport:
    """A serial port, taken for this process alone.

    Parameters
    ----------
    port : str
        Name of the port, like ``/dev/ttyUSB1``.
    baud : int
        Bits a second.
    """

    def __init__(self, port: str, baud: int = 3_000_000) -> None:
        self.port = port
        try:
            self._serial = serial.Serial(
                port, baud, timeout=0.0, write_timeout=WRITE_TIMEOUT, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise LinkError(
                f"Serial port {port} cannot be opened: {_serial_cause(error)}"
            ) from error

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._serial.write(data)
        except OSError as error:
            raise self._vanished(error) from error

    def read(self, timeout: float) -> bytes:
        """Wait for bytes."""
        try:
            if self._serial.timeout != timeout:
                self._serial.timeout = timeout
            first = self._serial.read(1)
            return first + self._serial.read(self._serial.in_waiting) if first else b""
        except OSError as error:
            raise self._vanished(error) from error

    def close(self) -> None:
        """Close the port."""
        self._serial.close()

    def _vanished(self, error: OSError) -> LinkError:
        return LinkError(
            f"Serial port {self.port} failed ({error}): check whether it is still plugged in"
        )


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


def open_transport(url: str) -> Transport:
    """Open the transport that a URL names.

    Parameters
    ----------
    url : str
        ``serial:///dev/ttyUSB1?baud=3000000`` or ``tcp://host:port``.

    Raises
    ------
    LinkError
        If the URL cannot be understood, or what it names cannot be opened.
    """
    parts = urlsplit(url)
    if parts.scheme == "serial":
        return _open_serial(url, parts)
    if parts.scheme == "tcp":
        return _open_tcp(url, parts)
    raise LinkError(
        f"Link {url!r} has no known scheme: write serial:///dev/ttyUSB1?baud=3000000 "
        "or tcp://host:port"
    )


def _open_serial(url: str, parts: SplitResult) -> Transport:
    options = parse_qs(parts.query, keep_blank_values=True)
    unknown = sorted(options.keys() - {"baud"})
    if unknown:
        raise LinkError(f"Link {url!r} has an unknown option {unknown[0]!r}: only baud is known")
    baud = options.get("baud", ["3000000"])[-1]
    if not baud.isdecimal() or int(baud) == 0:
        raise LinkError(f"Link {url!r} must give baud as a positive integer, not {baud!r}")
    if parts.netloc or not parts.path.strip("/"):
        raise LinkError(f"Link {url!r} names no serial port: write serial:///dev/ttyUSB1")
    # A Windows port has no leading slash: serial:///COM3.
    port = parts.path if parts.path.count("/") > 1 else parts.path.lstrip("/")
    return SerialTransport(port, int(baud))


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


def _serial_cause(error: Exception) -> str:
    """Say in words why a serial port cannot be opened."""
    text = str(error)
    if "exclusively lock" in text or "busy" in text:
        return "another program uses it; close that first"
    if "No such file" in text or "FileNotFound" in text:
        return "there is no such port; check the cable and the name"
    if "Permission" in text:
        return "permission denied; add your user to the group that owns it (often dialout)"
    return text


def _socket_cause(error: OSError) -> str:
    """Say in words why a connection cannot be made."""
    if isinstance(error, ConnectionRefusedError):
        return "nothing listens there; start the simulation or the bridge first"
    if isinstance(error, socket.gaierror):
        return "no such host; check the name"
    if isinstance(error, TimeoutError):
        return "no answer; check the address"
    return str(error)
