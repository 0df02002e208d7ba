import numpy as np
import pytest

from spikeloom.errors import LinkError
from spikeloom.host.patience import Patience
from spikeloom.host.session import Session
from spikeloom_hw.host.frame import Frame
from spikeloom_sim.device_model import COUNTER, STEP, DeviceModel
from spikeloom_sim.host_bench import ModelTransport, PortTransport


class Cable(ModelTransport):
    """A link to a model that may be pulled out: after some more bytes, in either direction."""

    def __init__(self, device: DeviceModel) -> None:
        super().__init__(device)
        self.outgoing = self.incoming = 1 << 60
        self.closed = False

    def write(self, data: bytes) -> None:
        part = data[: max(self.outgoing, 0)]
        self.outgoing -= len(data)
        super().write(part)
        if self.outgoing < 0:
            raise LinkError("The cable was pulled out")

    def read(self, timeout: float) -> bytes:
        received = super().read(timeout)
        part = received[: max(self.incoming, 0)]
        self.incoming -= len(received)
        if self.incoming < 0 and not part:
            raise LinkError("The cable was pulled out")
        return part

    def close(self) -> None:
        self.closed = True

    def lose(self) -> None:
        """Lose what the device has sent."""
        self._answers = b""


def plugged() -> tuple[Session, Cable]:
    cable = Cable(DeviceModel())
    session = Session(cable, clock=cable.clock)
    session.connect()
    return session, cable


def replug(session: Session, cable: Cable) -> bool:
    """Put the cable back in; the device has what came before, and is cut off from the rest."""

    def reopen(ping: Frame) -> Cable:
        assert cable.closed
        cable.outgoing = cable.incoming = 1 << 60
        cable.closed = False
        cable.lose()
        # As while rates are tried.
        cable.write(b"\0" + ping.encode() * 2)
        cable.read(0.0)
        return cable

    return session.resume(reopen)


@pytest.mark.parametrize("cut", [0, 1, 100, 257, 258, 300, 513, 514, 600])
def test_what_was_sent_before_the_cut_is_done_once(cut: int) -> None:
    session, cable = plugged()
    cable.outgoing = cut
    sent = 0
    with pytest.raises(LinkError, match="^The cable was pulled out$"):
        while True:
            sent += 1
            session.write(COUNTER, np.ones(60, np.uint32))
    with pytest.raises(LinkError, match="^The cable was pulled out$"):
        session.flush()
    assert session.vanished
    assert replug(session, cable)
    assert not session.vanished
    session.flush()
    assert cable.device.memory[COUNTER] == sent
    session.write(COUNTER, [1])
    assert session.read(COUNTER, 1).tolist() == [sent + 1]


@pytest.mark.parametrize("seed", range(6))
def test_a_cable_that_is_pulled_again_and_again_spoils_nothing(seed: int) -> None:
    random = np.random.default_rng(seed)
    session, cable = plugged()
    sent = cuts = 0
    for _ in range(400):
        wrote = False
        try:
            sent += 1
            session.write(COUNTER, np.ones(int(random.integers(1, 61)), np.uint32))
            wrote = True
            if random.random() < 0.2:
                assert session.read(COUNTER, 1).tolist() == [sent]
        except LinkError as error:
            assert str(error) == "The cable was pulled out"
            cuts += 1
            assert replug(session, cable)
            # The call that failed may not have come as far as to send anything.
            (done,) = session.read(COUNTER, 1).tolist()
            assert done == sent or (done == sent - 1 and not wrote)
            sent = done
        if random.random() < 0.1:
            cable.outgoing = int(random.integers(900))
        if random.random() < 0.1:
            cable.incoming = int(random.integers(60))
    assert cuts > 10
    assert replug(session, cable)
    session.flush()
    assert cable.device.memory[COUNTER] == sent


def test_a_device_that_was_reset_is_told_from_one_that_was_not() -> None:
    # Numbers go round after 256, and the one that tells a reset stands across from the next.
    for already in (0, 1, 5, 63, 64, *range(125, 131), 192, 254, 255, 256, 300):
        session, cable = plugged()
        for _ in range(already):
            session.write(0, [1])
        session.flush()
        cable.outgoing = 30
        with pytest.raises(LinkError, match="^The cable was pulled out$"):
            while True:
                session.write(COUNTER, [1])
        cable.device = DeviceModel()
        assert not replug(session, cable)
        assert cable.device.executed == 0
        message = "^The device was reset and lost the session: connect again$"
        with pytest.raises(LinkError, match=message):
            session.read(0, 1)
        session.connect()
        assert session.read(COUNTER, 1).tolist() == [0]


def test_a_device_that_another_host_has_used_is_not_taken_for_ones_own() -> None:
    session, cable = plugged()
    session.write(COUNTER, [1])
    session.flush()
    Session(ModelTransport(cable.device)).connect()
    assert not replug(session, cable)


def test_events_that_were_lost_in_the_cut_are_one_error() -> None:
    session, cable = plugged()
    cable.incoming = 12
    session.send_events([STEP | 1])
    with pytest.raises(LinkError, match="^The cable was pulled out$"):
        session.receive_events(10.0)
    assert replug(session, cable)
    message = "^Event words of the device were lost on the link: connect again and run again$"
    with pytest.raises(LinkError, match=message):
        session.receive_events(10.0)
    assert cable.device.executed == 1


def test_events_that_came_before_the_cut_are_still_there() -> None:
    session, cable = plugged()
    session.send_events([STEP | 1])
    session.read(0, 1)
    cable.outgoing = 0
    with pytest.raises(LinkError, match="^The cable was pulled out$"):
        session.write(0, [1])
    assert replug(session, cable)
    assert session.receive_events(1.0).tolist() == [STEP | 1]


def test_a_session_that_never_began_does_not_go_on() -> None:
    cable = Cable(DeviceModel())
    session = Session(cable, clock=cable.clock)
    assert not replug(session, cable)
    session.connect()
    assert session.read(0, 1).tolist() == [0]


def test_a_reset_is_noticed_even_while_nothing_is_asked() -> None:
    session, cable = plugged()
    session.write(0, [1])
    session.flush()
    cable.device = DeviceModel()
    with pytest.raises(LinkError, match="^The device was reset and lost the session: .*$"):
        session.receive_events(10.0)


def test_gateware_goes_on_with_a_session() -> None:
    link = PortTransport()
    session = Session(link, Patience(0.004), link.clock)
    session.connect()
    for _ in range(5):
        session.write(COUNTER, [1])
    assert session.resume(lambda ping: link)
    session.write(COUNTER, [1])
    assert session.read(COUNTER, 1).tolist() == [6]
    fresh = PortTransport()
    assert not session.resume(lambda ping: fresh)
    session.connect()
    assert session.read(COUNTER, 1).tolist() == [0]
