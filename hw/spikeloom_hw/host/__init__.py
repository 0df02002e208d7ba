"""The device end of the host link: byte streams in and out, accesses and event words inside."""

from .port import HostPort
from .uart import UART

__all__ = ["UART", "HostPort"]
