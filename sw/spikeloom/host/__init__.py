"""The host's end of the link: transports, which carry bytes, and sessions, which carry frames."""

from .session import Session
from .transport import SerialTransport, TCPTransport, Transport, open_transport

__all__ = ["SerialTransport", "Session", "TCPTransport", "Transport", "open_transport"]
