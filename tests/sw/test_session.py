from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from spikeloom.errors import LinkError
from spikeloom.host.patience import Patience
from spikeloom.host.session import Session
from spikeloom_hw.host.frame import Frame, FrameType, Status
from spikeloom_sim.device_model import COUNTER, STEP, DeviceModel
from spikeloom_sim.host_bench import ModelTransport, PortTransport


@pytest.mark.parametrize("cut", [1, 5, 100, 245])
@pytest.mark.parametrize("device", [ModelTransport, PortTransport])
def test_a_new_session_takes_over_from_a_host_that_died(cut: int, device: Any) -> None:
    link = ModelTransport(DeviceModel()) if device is ModelTransport else PortTransport()
    patience = Patience(0.004)
    first = Session(link, patience, link.clock)
    first.connect()
    first.write(COUNTER, [1])
    first.flush()
    half = Frame.of_words(FrameType.WRITE, 2, COUNTER, np.full(60, 7)).encode()
    link.write(half[:cut])

    second = Session(link, patience, link.clock)
    second.connect()
    assert second.read(COUNTER, 1).tolist() == [1]
    second.write(COUNTER, [1])
    assert second.read(COUNTER, 1).tolist() == [2]


def test_lost_events_are_one_clear_error_until_the_next_connect() -> None:
    session, transport, device = plain_session()
    session.connect()
    transport.reply = drop(FrameType.DEVICE_EVENTS)
    session.send_events([STEP | 1])
    message = "^Event words of the device were lost on the link: connect again and run again$"
    with pytest.raises(LinkError, match=message):
        session.receive_events(60.0)
    with pytest.raises(LinkError, match=message):
        session.read(0, 1)
    session.connect()
    assert session.read(0, 1).tolist() == [0]
    assert device.executed == 2


def test_a_lost_answer_is_read_again() -> None:
    session, transport, device = plain_session()
    session.connect()
    session.write(0, [11, 22])
    transport.reply = drop(FrameType.DATA)
    assert session.read(0, 2).tolist() == [11, 22]
    assert device.executed == 3


def test_a_lost_acknowledgement_does_not_repeat_the_write() -> None:
    session, transport, device = plain_session()
    session.connect()
    transport.reply = drop(FrameType.ACKNOWLEDGE)
    session.write(COUNTER, [1])
    session.flush()
    assert device.memory[COUNTER] == 1
    assert transport.now >= 0.25


def test_answers_that_never_come_end_in_an_error() -> None:
    session, transport, _ = plain_session()
    session.connect()
    transport.reply = drop(FrameType.DATA, times=1000)
    message = "^The link lost the answer to a read 8 times: check the cable$"
    with pytest.raises(LinkError, match=message):
        session.read(0, 1)


def test_a_silent_device_is_given_up() -> None:
    session, transport, _ = plain_session()
    transport.reply = drop(FrameType.PONG, times=1000)
    message = (
        "^The device does not answer for 15.75 seconds: check its power, its clock and the link$"
    )
    with pytest.raises(LinkError, match=message):
        session.connect()
    assert transport.now == pytest.approx(15.75)


def test_a_device_that_falls_silent_while_it_computes_is_given_up() -> None:
    session, transport, _ = plain_session()
    session.connect()
    transport.reply = lambda frames: []
    with pytest.raises(LinkError, match="^The device does not answer for 15.75 seconds: .*$"):
        session.receive_events(3600.0)


def test_a_device_that_answers_may_compute_for_long() -> None:
    session, transport, _ = plain_session()
    session.connect()
    assert session.receive_events(3600.0).size == 0
    assert transport.now >= 3600.0


def test_a_device_that_was_reset_is_noticed() -> None:
    session, transport, _ = plain_session()
    session.connect()
    transport.device = DeviceModel()
    session.write(0, [1])
    message = "^The device was reset and lost the session: connect again$"
    with pytest.raises(LinkError, match=message):
        session.flush()
    session.connect()
    session.write(0, [1])
    session.flush()
    assert transport.device.memory == {0: 1}


def test_another_protocol_is_refused() -> None:
    session, transport, _ = plain_session()
    transport.reply = lambda frames: [
        frame._replace(payload=frame.payload[:4] + b"\x02\0\0\0" + frame.payload[8:])
        for frame in frames
    ]
    message = (
        "^The device speaks protocol 53504b4c version 2, not 53504b4c version 1: "
        "build it anew with this version$"
    )
    with pytest.raises(LinkError, match=message):
        session.connect()


def test_a_refused_frame_is_an_error() -> None:
    session, transport, _ = plain_session()
    session.connect()
    transport.reply = lambda frames: [
        Frame.of_words(FrameType.ERROR, frame.sequence, Status.MALFORMED) for frame in frames
    ]
    session.write(0, [1])
    message = "^The device refused a frame as malformed: host and device differ in version$"
    with pytest.raises(LinkError, match=message):
        session.flush()


def test_the_window_is_used_and_never_exceeded() -> None:
    transport = CountingTransport(DeviceModel())
    session = Session(transport, clock=transport.clock)
    session.connect()
    transport.most = transport.ahead = 0
    session.write(0, np.arange(600))
    session.flush()
    assert 256 < transport.most <= session.window


@pytest.mark.parametrize("call", ["read", "write", "flush", "events", "hash"])
def test_calls_before_connect_say_so(call: str) -> None:
    session, _, _ = plain_session()
    calls: dict[str, Callable[[], Any]] = {
        "read": lambda: session.read(0, 1),
        "write": lambda: session.write(0, [1]),
        "flush": session.flush,
        "events": lambda: session.receive_events(1.0),
        "hash": lambda: session.config_hash,
    }
    with pytest.raises(LinkError, match="^The session is not connected: call connect first$"):
        calls[call]()


def test_words_and_addresses_are_checked() -> None:
    session, _, _ = plain_session()
    session.connect()
    with pytest.raises(TypeError, match=r"^Words must be a \(count,\) integer array, not \[0.5\]$"):
        session.write(0, [0.5])
    with pytest.raises(ValueError, match="^Words must lie between 0 and 4294967295, not -1$"):
        session.write(0, [-1])
    message = "^Address and count must stay in 32 bits, not 4294967295 and 2$"
    with pytest.raises(ValueError, match=message):
        session.read(0xFFFFFFFF, 2)


class CountingTransport(ModelTransport):
    """A model that counts the bytes sent since the host last listened."""

    ahead = most = 0

    def write(self, data: bytes) -> None:
        self.ahead += len(data)
        self.most = max(self.most, self.ahead)
        super().write(data)

    def read(self, timeout: float) -> bytes:
        self.ahead = 0
        return super().read(timeout)


class SpoiltTransport(ModelTransport):
    """A model whose answers go through a function first."""

    reply: Callable[[list[Frame]], list[Frame]] = staticmethod(lambda frames: frames)

    def write(self, data: bytes) -> None:
        before = self._answers
        self._answers = b""
        super().write(data)
        blocks = (block for block in self._answers.split(b"\0") if block)
        frames = [frame for frame in map(Frame.decode, blocks) if frame is not None]
        self._answers = before + b"".join(frame.encode() for frame in self.reply(frames))


def plain_session() -> tuple[Session, SpoiltTransport, DeviceModel]:
    device = DeviceModel()
    transport = SpoiltTransport(device)
    return Session(transport, clock=transport.clock), transport, device


def drop(kind: FrameType, times: int = 1) -> Callable[[list[Frame]], list[Frame]]:
    """Make a link that loses the first frames of a kind."""
    left = [times]

    def reply(frames: list[Frame]) -> list[Frame]:
        kept = []
        for frame in frames:
            if frame.type == kind and left[0]:
                left[0] -= 1
            else:
                kept.append(frame)
        return kept

    return reply
