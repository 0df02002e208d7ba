import random

import pytest

from spikeloom.errors import LinkError
from spikeloom.host.negotiation import RATES, RateError, negotiate, probe
from spikeloom_hw.host.frame import Frame, FrameType
from spikeloom_sim.device_model import COUNTER, DeviceModel


class FakeLine:
    """A line to a device that measures its rate, with faults from some rates on."""

    def __init__(
        self,
        port: tuple[int, ...] = RATES,
        adapter: int = max(RATES),
        garbles: tuple[int, ...] = (),
        drops: tuple[int, ...] = (),
    ) -> None:
        self.device = DeviceModel()
        self.port, self.adapter, self.garbles, self.drops = port, adapter, garbles, drops
        self.baud = 9600
        self.device_baud = 0
        self.measuring = False
        self.proposed: list[int] = []
        self.random = random.Random(1)
        self.answers = b""

    def set_baud(self, baud: int) -> None:
        if baud != 9600 and baud not in self.port:
            raise RateError(f"no {baud}")
        self.baud = baud

    def write(self, data: bytes) -> None:
        if self.baud == 9600 and data == b"\0":
            self.measuring = True
        elif self.measuring:
            assert data == b"\x55"
            self.measuring = False
            # An adapter that cannot follow has another rate than the one it was told.
            self.device_baud = self.baud if self.baud <= self.adapter else 0
            self.proposed.append(self.baud)
        elif self.baud == self.device_baud:
            self.answers += self._spoil(self.device.feed(self._spoil(data, self.garbles)), ())
            if self.baud in self.drops:
                self.answers = self.answers[:-1]

    def _spoil(self, data: bytes, rates: tuple[int, ...]) -> bytes:
        if self.baud not in rates:
            return data
        return bytes(b ^ (1 if b > 1 and self.random.random() < 0.02 else 0) for b in data)

    def drain(self) -> None:
        pass

    def discard(self) -> None:
        self.answers = b""

    def read(self, timeout: float) -> bytes:
        answers, self.answers = self.answers, b""
        return answers


@pytest.mark.parametrize("adapter", RATES)
def test_the_fastest_rate_that_the_adapter_follows_is_taken(adapter: int) -> None:
    line = FakeLine(adapter=adapter)
    assert negotiate(line, "/dev/x", RATES, 0.0005) == adapter
    assert line.baud == line.device_baud == adapter


def test_rates_that_the_port_does_not_have_are_left_out() -> None:
    line = FakeLine(port=(500_000, 115_200))
    assert negotiate(line, "/dev/x", RATES, 0.001) == 500_000
    assert line.proposed == [500_000]


def test_a_rate_at_which_frames_are_garbled_or_cut_is_not_taken() -> None:
    line = FakeLine(garbles=(3_000_000,), drops=(2_000_000,))
    assert negotiate(line, "/dev/x", RATES, 0.001) == 1_000_000
    assert line.proposed == [3_000_000] * 2 + [2_000_000] * 2 + [1_000_000]


def test_a_device_is_asked_and_nothing_is_done_to_it() -> None:
    line = FakeLine()
    line.device.memory[COUNTER] = 5
    negotiate(line, "/dev/x", RATES, 0.01)
    assert line.device.executed == 0
    assert line.device.memory == {COUNTER: 5}


def test_a_session_that_is_to_go_on_is_not_ended() -> None:
    line = FakeLine()
    first = Frame.of_words(FrameType.PING, 0, 7)
    line.device.feed(first.encode())
    line.device.feed(Frame.of_words(FrameType.WRITE, 1, COUNTER, 3).encode())
    negotiate(line, "/dev/x", RATES, 0.01, Frame.of_words(FrameType.PING, 99, 7))
    line.device.feed(Frame.of_words(FrameType.WRITE, 2, COUNTER, 3).encode())
    assert line.device.memory == {COUNTER: 6}


def test_what_another_host_left_behind_does_not_matter() -> None:
    line = FakeLine()
    line.device_baud = line.baud = 115200
    line.device.feed(b"\x07half a fra")
    line.answers = b"\x05and an an"
    assert probe(line, 0.01) == "good"


@pytest.mark.parametrize(
    ("line", "rates", "message"),
    [
        (
            FakeLine(port=()),
            RATES[:2],
            ("Serial port /dev/x cannot do any of 3000000 and 2000000 baud: use another adapter"),
        ),
        (
            FakeLine(adapter=0),
            RATES[:3],
            (
                "No device answers on /dev/x at any of 3000000, 2000000 and 1000000 baud: check "
                "the port and the power of the board, and program it again, as an FPGA that lost "
                "power has lost its configuration"
            ),
        ),
        (
            FakeLine(garbles=RATES),
            RATES[:1],
            (
                "The device on /dev/x answers, but the line garbles frames at 3000000 baud: "
                "check cable and ground"
            ),
        ),
    ],
)
def test_a_line_without_a_good_rate_says_why(
    line: FakeLine, rates: tuple[int, ...], message: str
) -> None:
    with pytest.raises(LinkError, match=f"^{message}$"):
        negotiate(line, "/dev/x", rates, 0.001)
