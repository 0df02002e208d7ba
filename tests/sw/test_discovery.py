from types import SimpleNamespace

import pytest

from spikeloom.errors import LinkError
from spikeloom.host.discovery import board_ports, find_port
from spikeloom.host.transport import open_transport
from spikeloom_boards.catalogue import BOARDS


def port(
    device: str, vid: int | None = None, pid: int | None = None, location: str | None = None
) -> SimpleNamespace:
    return SimpleNamespace(device=device, vid=vid, pid=pid, location=location)


PLAIN = port("/dev/ttyS0")
MODEM = port("/dev/ttyACM0", 0x1234, 0x5678, "1-1:1.0")
ICEBREAKER = [
    port("/dev/ttyUSB0", 0x0403, 0x6010, "1-4.2:1.0"),
    port("/dev/ttyUSB1", 0x0403, 0x6010, "1-4.2:1.1"),
]
ULX3S = port("/dev/ttyUSB2", 0x0403, 0x6015, "1-5:1.0")


@pytest.fixture
def plug(monkeypatch: pytest.MonkeyPatch) -> list[SimpleNamespace]:
    ports: list[SimpleNamespace] = [PLAIN, MODEM]
    monkeypatch.setattr("spikeloom.host.discovery.list_ports.comports", lambda: ports)
    return ports


def test_the_port_of_a_board_is_found_among_others(plug: list[SimpleNamespace]) -> None:
    plug += ICEBREAKER
    found = find_port()
    assert found.port == "/dev/ttyUSB1"
    assert BOARDS["icebreaker"] in found.boards
    assert found.baud == max(board.link.baud for board in found.boards)
    assert str(found).startswith("/dev/ttyUSB1 (0403:6010, as of icebreaker")


def test_every_board_with_a_bridge_is_found(plug: list[SimpleNamespace]) -> None:
    for board in BOARDS.values():
        for usb in board.usb:
            place = f"1-1:1.{usb.interface or 0}"
            plug[:] = [PLAIN, port("/dev/ttyUSB5", usb.vendor, usb.product, place)]
            assert find_port([board]).port == "/dev/ttyUSB5"
            assert find_port([board]).boards == (board,)


def test_ports_are_listed_by_name_where_the_system_tells_no_interface(
    plug: list[SimpleNamespace],
) -> None:
    plug += [port("COM7", 0x0403, 0x6010), port("COM4", 0x0403, 0x6010)]
    assert [found.port for found in board_ports()] == ["COM4", "COM7"]


def test_no_board_is_an_error_that_lists_the_ports(plug: list[SimpleNamespace]) -> None:
    message = (
        "^No serial port is known as that of a board; there are /dev/ttyACM0, /dev/ttyS0. Plug the "
        "board in, or name its port, as in serial:///dev/ttyUSB1$"
    )
    with pytest.raises(LinkError, match=message):
        open_transport("serial:auto")
    plug.clear()
    with pytest.raises(LinkError, match="^.*; there is no serial port at all. Plug .*$"):
        open_transport("serial:auto?board=icebreaker")


def test_several_boards_are_an_error_that_lists_them(plug: list[SimpleNamespace]) -> None:
    plug += [*ICEBREAKER, ULX3S]
    message = (
        r"^Several serial ports may be boards: /dev/ttyUSB1 \(0403:6010, as of .*\), "
        r"/dev/ttyUSB2 \(0403:6015, as of .*\); name one, as in serial:///dev/ttyUSB1$"
    )
    with pytest.raises(LinkError, match=message):
        open_transport("serial:auto")
    assert find_port([BOARDS["icebreaker"]]).port == "/dev/ttyUSB1"


def test_a_board_that_is_found_is_opened(plug: list[SimpleNamespace]) -> None:
    plug += ICEBREAKER
    with pytest.raises(LinkError, match="^Serial port /dev/ttyUSB1 cannot be opened: .*$"):
        open_transport("serial:auto?baud=115200&wait=0.01")
