"""Which serial ports belong to boards."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from serial.tools import list_ports

from spikeloom_boards.board import Board, USBIdentity
from spikeloom_boards.catalogue import BOARDS

from ..errors import LinkError

__all__ = ["BoardPort", "board_ports", "find_port"]


@dataclass(frozen=True)
class BoardPort:
    """A serial port that may be the line to a board.

    Parameters
    ----------
    port : str
        Name, like ``/dev/ttyUSB1``.
    usb : USBIdentity
        What it told of itself; many boards have the same bridge.
    boards : tuple of Board
        Boards that have it.
    """

    port: str
    usb: USBIdentity
    boards: tuple[Board, ...]

    @property
    def baud(self) -> int:
        """Fastest rate that the bridge is good for."""
        return max(board.link.baud for board in self.boards)

    def __str__(self) -> str:
        """Describe the port to people."""
        names = " or ".join(board.name for board in self.boards)
        return f"{self.port} ({self.usb}, as of {names})"


def board_ports(boards: Iterable[Board] = BOARDS.values()) -> list[BoardPort]:
    """List the serial ports whose USB identity is that of a board.

    Parameters
    ----------
    boards : iterable of Board
        Boards to look for.

    Returns
    -------
    list of BoardPort
        By name of the port.
    """
    known = list(boards)
    found = []
    for info in sorted(list_ports.comports(), key=lambda info: info.device):
        fitting = tuple(b for b in known if any(_matches(info, usb) for usb in b.usb))
        if fitting:
            usb = USBIdentity(info.vid, info.pid, _interface(info))
            found.append(BoardPort(info.device, usb, fitting))
    return found


def find_port(boards: Iterable[Board] = BOARDS.values()) -> BoardPort:
    """Find the one serial port that belongs to a board.

    Raises
    ------
    LinkError
        If there is none, or more than one.
    """
    found = board_ports(boards)
    if len(found) == 1:
        return found[0]
    if found:
        ports = ", ".join(map(str, found))
        raise LinkError(
            f"Several serial ports may be boards: {ports}; name one, as in serial://{found[0].port}"
        )
    others = ", ".join(sorted(info.device for info in list_ports.comports()))
    raise LinkError(
        f"No serial port is known as that of a board; there {_others(others)}. Plug the board in, "
        "or name its port, as in serial:///dev/ttyUSB1"
    )


def _others(others: str) -> str:
    if not others:
        return "is no serial port at all"
    return f"{'are' if ',' in others else 'is'} {others}"


def _matches(info: Any, usb: USBIdentity) -> bool:
    if (info.vid, info.pid) != (usb.vendor, usb.product):
        return False
    # Where the system does not tell the interface, all of them are candidates.
    return usb.interface is None or _interface(info) in (None, usb.interface)


def _interface(info: Any) -> int | None:
    """Number of the interface, which stands last in a location like ``1-4.2:1.1``."""
    _, _, number = (info.location or "").partition(":")[2].partition(".")
    return int(number) if number.isdecimal() else None
