import numpy as np
import pytest

from spikeloom.errors import LinkError
from spikeloom.host.patience import Patience
from spikeloom.host.session import Session
from spikeloom_sim.device_model import COUNTER, STEP, DeviceModel
from spikeloom_sim.faults import FaultRates, FaultyTransport
from spikeloom_sim.host_bench import ModelTransport, PortTransport

WORDS = 256
FAULTS = {
    "drop": FaultRates(drop=0.004),
    "flip": FaultRates(flip=0.004),
    "repeat": FaultRates(repeat=0.004),
    "garbage": FaultRates(garbage=0.2),
    "repeat_frame": FaultRates(repeat_frame=0.3),
    "stall": FaultRates(stall=0.05, stall_seconds=3.0),
    "all": FaultRates(0.002, 0.002, 0.002, 0.1, 0.1, 0.02, 1.0),
}


class Exercise:
    """Use a device in random ways, and hold what it does against what it was asked."""

    def __init__(self, session: Session, seed: int) -> None:
        self.session = session
        self.random = np.random.default_rng(seed)
        self.memory = np.zeros(WORDS, np.uint32)
        self.count = 0
        self.unsure: list[tuple[int, np.ndarray]] = []
        self.errors = 0
        self.marker = 0

    def run(self, rounds: int) -> None:
        self.session.connect()
        self.write(0, self.memory)
        for _ in range(rounds):
            acts = (self.do_write, self.do_count, self.do_read, self.do_events)
            act = acts[int(self.random.integers(len(acts)))]
            try:
                act()
            except LinkError as error:
                assert "lost" in str(error) or "does not answer" in str(error)
                self.errors += 1
                self.recover()
        self.recover()

    def write(self, address: int, words: np.ndarray) -> None:
        for k in range(0, words.size, 60):
            self.unsure.append((address + k, words[k : k + 60]))
        self.session.write(address, words)

    def do_write(self) -> None:
        address = int(self.random.integers(WORDS - 1))
        count = int(self.random.integers(1, WORDS - address))
        words = self.random.integers(0, 1 << 32, count, dtype=np.uint32)
        words[self.random.random(count) < 0.5] = 0
        self.write(address, words)

    def do_count(self) -> None:
        self.write(COUNTER, np.array([1], np.uint32))

    def do_read(self) -> None:
        address = int(self.random.integers(WORDS - 1))
        count = int(self.random.integers(1, WORDS - address))
        read = self.session.read(address, count)
        for place, words in self.unsure:
            self.apply(place, words)
        self.unsure.clear()
        np.testing.assert_array_equal(read, self.memory[address : address + count])

    def do_events(self) -> None:
        words = self.random.integers(0, STEP, int(self.random.integers(1, 150)), dtype=np.uint32)
        self.marker += 1
        words[-1] = STEP | self.marker
        self.session.send_events(words)
        np.testing.assert_array_equal(self.receive(words.size), words)

    def receive(self, count: int) -> np.ndarray:
        received = np.zeros(0, np.uint32)
        while received.size < count:
            received = np.concatenate([received, self.session.receive_events(60.0)])
        return received

    def apply(self, address: int, words: np.ndarray) -> None:
        if address == COUNTER:
            self.count += int(words[0])
        else:
            self.memory[address : address + words.size] = words

    def recover(self) -> None:
        """Connect, and check that a prefix of the unsure writes was carried out, each once."""
        while True:
            try:
                self.session.connect()
                memory, count = self.session.read(0, WORDS), int(self.session.read(COUNTER, 1)[0])
                break
            except LinkError:
                self.errors += 1
        prefixes = [self.snapshot()]
        for address, words in self.unsure:
            self.apply(address, words)
            prefixes.append(self.snapshot())
        self.unsure.clear()
        assert (memory.tobytes(), count) in prefixes
        self.memory, self.count = memory, count
        self.drain()

    def snapshot(self) -> tuple[bytes, int]:
        return self.memory.tobytes(), self.count

    def drain(self) -> None:
        """Drop the events of the former session, up to a word that is known."""
        try:
            self.marker += 1
            self.session.send_events([STEP | self.marker])
            while STEP | self.marker not in self.session.receive_events(60.0):
                pass
        except LinkError:
            self.errors += 1
            self.recover()


def model_of(rates: FaultRates, seed: int) -> tuple[Session, FaultyTransport, DeviceModel]:
    device = DeviceModel(config_hash=seed)
    inner = ModelTransport(device)
    link = FaultyTransport(inner, rates, seed, inner.clock)
    return Session(link, clock=inner.clock), link, device


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("fault", FAULTS)
def test_nothing_is_wrong_or_done_twice_over_a_faulty_link(fault: str, seed: int) -> None:
    session, link, device = model_of(FAULTS[fault], seed)
    exercise = Exercise(session, seed)
    exercise.run(80)
    link.rates = FaultRates()
    exercise.recover()
    assert link.faults > 0
    assert exercise.count == device.memory.get(COUNTER, 0) > 0


@pytest.mark.parametrize("fault", ["repeat_frame", "stall"])
def test_faults_that_lose_nothing_raise_no_error(fault: str) -> None:
    session, link, _ = model_of(FAULTS[fault], 7)
    exercise = Exercise(session, 7)
    exercise.run(200)
    assert link.faults > 0
    assert exercise.errors == 0


@pytest.mark.slow
@pytest.mark.parametrize("waits", [True, False])
def test_gateware_survives_a_faulty_link(waits: bool) -> None:
    inner = PortTransport(config_hash=3, pace=0.6, seed=5, waits=waits)
    rates = FaultRates(0.0003, 0.0003, 0.0003, 0.05, 0.05, 0.02, 0.006)
    link = FaultyTransport(inner, rates, 5, inner.clock)
    exercise = Exercise(Session(link, Patience(0.002), inner.clock), 5)
    exercise.run(8)
    link.rates = FaultRates()
    exercise.recover()
    assert link.faults > 0
