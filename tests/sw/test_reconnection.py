import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from spikeloom import Device, Golden, Program, compile
from spikeloom.errors import DeviceError, LinkError
from spikeloom.host.reconnection import Resumption
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.device_model import DeviceModel
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.server import PtyServer, Runnable
from spikeloom_sim.structures import STRUCTURES

CORE = STRUCTURES["all per population, skipping"]
STEPS = 12


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(ChipConfig(CORE))


@pytest.fixture(scope="module")
def case() -> Case:
    return random_case(11, CORE, steps=STEPS)


@pytest.fixture(scope="module")
def program(case: Case) -> Program:
    return compile(case.network, ChipConfig(CORE))


class Socket:
    """A USB socket: the name of a port, which is there while a chip is plugged in."""

    def __init__(self, place: Path) -> None:
        self.port = place / "ttyUSB1"
        self.url = f"serial://{self.port}?baud=3000000&wait=1"
        self.server: PtyServer | None = None

    def plug(self, chip: Runnable) -> None:
        self.server = PtyServer(chip)
        self.port.symlink_to(self.server.path)

    def pull(self) -> None:
        self.port.unlink(missing_ok=True)
        if self.server is not None:
            self.server.stop()
            self.server = None

    def later(self, act: Callable[[], None], seconds: float = 0.4) -> threading.Timer:
        """Do something in a while, when the host has noticed that the device is gone."""
        timer = threading.Timer(seconds, act)
        timer.start()
        return timer


@pytest.fixture
def socket(chip: CompiledChip, tmp_path: Path) -> Iterator[Socket]:
    chip.reset()
    socket = Socket(tmp_path)
    socket.plug(chip)
    yield socket
    socket.pull()


def test_a_device_that_kept_its_power_goes_on_in_the_middle_of_time(
    socket: Socket, chip: CompiledChip, program: Program, case: Case
) -> None:
    expected = Golden(case.network).run(case.spikes)
    half = STEPS // 2
    with Device.open(socket.url, program) as device:
        device.run({k: v[:half] for k, v in case.spikes.items()}, reset=False)
        socket.pull()
        with pytest.raises(LinkError, match="^Serial port .* failed .*$"):
            device.counters()
        timer = socket.later(lambda: socket.plug(chip))
        assert device.reconnect() is Resumption.CONTINUED
        timer.join()
        assert device.steps == half
        second = device.run({k: v[half:] for k, v in case.spikes.items()}, reset=False)
    for name, sent in (expected.spikes | expected.values).items():
        np.testing.assert_array_equal((second.spikes | second.values)[name], sent[half:])


def test_a_device_that_was_reset_gets_its_program_again(
    socket: Socket, chip: CompiledChip, program: Program, case: Case
) -> None:
    expected = Golden(case.network).run(case.spikes)
    with Device.open(socket.url, program) as device:
        device.run(case.spikes)
        socket.pull()
        chip.reset()
        # What stood in the memories is gone too.
        other = random_case(12, CORE, steps=STEPS)
        Device(SimulatedTransport(chip), compile(other.network, ChipConfig(CORE))).close()
        chip.reset()
        socket.plug(chip)
        assert device.reconnect() is Resumption.RELOADED
        assert device.steps == 0
        assert expected.difference(device.run(case.spikes)) is None


class Puller:
    """A chip whose cable is pulled when it has taken some bytes, and put back a little later."""

    def __init__(self, chip: CompiledChip, socket: Socket, resets: bool) -> None:
        self.chip, self.socket, self.resets = chip, socket, resets
        self.left = 1 << 60
        self.pulls = 0
        self.timer: threading.Timer | None = None

    @property
    def cycles(self) -> int:
        return self.chip.cycles

    def run(
        self, data: bytes = b"", *, cycles: int, quiet: int | None = None, answered: bool = False
    ) -> tuple[bytes, int]:
        received, taken = self.chip.run(
            data[: max(1, self.left)], cycles=cycles, quiet=quiet, answered=answered
        )
        self.left -= taken
        if self.left <= 0:
            self.left = 1 << 60
            self.pulls += 1
            self.timer = self.socket.later(self.replug, 0.0)
            return b"", taken
        return received, taken

    def replug(self) -> None:
        self.socket.pull()
        if self.resets:
            self.chip.reset()
        time.sleep(0.3)
        self.socket.plug(self)


@pytest.mark.parametrize("resets", [False, True])
@pytest.mark.parametrize("after", [40, 150, 260])
def test_a_run_whose_cable_is_pulled_and_put_back_gives_the_same_result(
    socket: Socket, chip: CompiledChip, program: Program, case: Case, after: int, resets: bool
) -> None:
    batch = {name: np.repeat(array, 4, axis=1) for name, array in case.spikes.items()}
    expected = Golden(case.network).run(batch)
    puller = Puller(chip, socket, resets)
    socket.pull()
    socket.plug(puller)
    with Device.open(socket.url, program) as device:
        puller.left = after
        recording = device.run(batch)
        assert puller.pulls == 1
        assert puller.timer is not None
        puller.timer.join()
        assert expected.difference(recording) is None
        if resets:
            for name, count in expected.counters.items():
                assert recording.counters[name] == count


def test_a_run_that_goes_on_is_not_done_again_but_given_up(
    socket: Socket, chip: CompiledChip, program: Program, case: Case
) -> None:
    puller = Puller(chip, socket, False)
    socket.pull()
    socket.plug(puller)
    with Device.open(socket.url, program) as device:
        puller.left = 60
        with pytest.raises(LinkError, match="^Serial port .* failed .*$"):
            device.run(case.spikes, reset=False)
        assert device.reconnect() is Resumption.INTERRUPTED
        assert device.steps == 0
        assert Golden(case.network).run(case.spikes).difference(device.run(case.spikes)) is None


def test_a_device_that_does_not_come_back_is_one_error(
    socket: Socket, program: Program, case: Case
) -> None:
    with Device.open(socket.url, program) as device:
        socket.pull()
        message = (
            f"^The link did not come back in 0.3 seconds. Serial port {socket.port} cannot be "
            "opened: there is no such port; check the cable and the name$"
        )
        for _ in range(2):
            with pytest.raises(LinkError, match=message):
                device.reconnect(0.3)
        with pytest.raises(LinkError, match="^The session was closed$|^Serial port .*$"):
            device.counters()


def test_an_fpga_that_lost_its_configuration_is_told(socket: Socket, program: Program) -> None:
    with Device.open(socket.url.replace("wait=1", "wait=0.05"), program) as device:
        socket.pull()
        near, far = os.openpty()
        socket.port.symlink_to(os.ttyname(far))
        message = (
            f"^The link did not come back in 0.1 seconds. No device answers on {socket.port} at "
            "3000000 baud: check the port and the power of the board, and program it again, as an "
            "FPGA that lost power has lost its configuration$"
        )
        with pytest.raises(LinkError, match=message):
            device.reconnect(0.1)
        os.close(near)
        os.close(far)


class Stranger:
    """A device of another configuration."""

    cycles = 0

    def __init__(self) -> None:
        self.model = DeviceModel(config_hash=0xABC)

    def run(
        self, data: bytes = b"", *, cycles: int, quiet: int | None = None, answered: bool = False
    ) -> tuple[bytes, int]:
        return self.model.feed(data), len(data)


def test_another_device_in_its_place_is_refused(socket: Socket, program: Program) -> None:
    with Device.open(socket.url, program) as device:
        socket.pull()
        socket.plug(Stranger())
        message = "^The device has configuration 0000000000000abc, but the program is for .*$"
        with pytest.raises(DeviceError, match=message):
            device.reconnect()


def test_a_device_without_a_url_cannot_be_opened_again(
    chip: CompiledChip, program: Program
) -> None:
    chip.reset()
    message = "^The link of this device cannot be opened again: open another device$"
    with Device(SimulatedTransport(chip), program) as device:
        with pytest.raises(LinkError, match=message):
            device.reconnect()
