"""What is streamed is what is run: spike for spike as golden says, whatever becomes of the rest."""

import re
import time
from collections.abc import Iterator

import numpy as np
import pytest

from spikeloom import Device, Golden, Program, Recording, compile
from spikeloom.errors import DeviceError, LinkError
from spikeloom.host.stream import Binning, Pacing, Stream
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.faults import FaultRates, FaultyTransport
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.structures import STRUCTURES

EVERYTHING = STRUCTURES["everything"]
STEPS = 12
DT = 500
EVENT = np.dtype([("t", np.int64), ("population", np.uint8), ("neuron", np.int32), ("value", int)])


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(ChipConfig(EVERYTHING))


@pytest.fixture(scope="module")
def case() -> Case:
    return random_case(4, EVERYTHING, steps=STEPS, largest=24)


@pytest.fixture(scope="module")
def expected(case: Case) -> Recording:
    recording = Golden(case.network).run(case.spikes)
    assert sum(int(np.count_nonzero(a)) for a in (recording.spikes | recording.values).values())
    return recording


@pytest.fixture
def device(chip: CompiledChip, case: Case) -> Iterator[Device]:
    chip.reset()
    chip.stall(None)
    program = compile(case.network, ChipConfig(EVERYTHING))
    with Device(SimulatedTransport(chip), program) as device:
        yield device


def events_of(case: Case, program: Program, seed: int = 0) -> np.ndarray:
    """Events at random times in their steps; every third twice, a value as a sum of two."""
    rng = np.random.default_rng(seed)
    parts = []
    for number, population in enumerate(program.inputs):
        array = case.spikes[population.name][:, 0].astype(np.int64)
        step, neuron = np.nonzero(array)
        part = np.zeros(len(step), EVENT)
        part["t"] = step * DT + rng.integers(DT, size=len(step))
        part["population"], part["neuron"] = number, neuron
        part["value"] = array[step, neuron]
        again = part[::3].copy()
        again["t"] = step[::3] * DT + rng.integers(DT, size=len(again))
        if population.largest > 1:
            part["value"][::3] -= 2
            again["value"] = 2
        parts += [part, again]
    events = np.concatenate(parts)
    return events[np.argsort(events["t"], kind="stable")]


def chunks_of(events: np.ndarray, seed: int = 0) -> Iterator[np.ndarray]:
    """Chunks of random sizes, some of them empty."""
    rng = np.random.default_rng(seed)
    while len(events):
        size = int(rng.integers(0, 9))
        yield events[:size]
        events = events[size:]


@pytest.mark.parametrize("seed", range(6))
def test_a_stream_spikes_as_golden_says(chip: CompiledChip, seed: int) -> None:
    case = random_case(seed, EVERYTHING, steps=STEPS, largest=24)
    program = compile(case.network, ChipConfig(EVERYTHING))
    events = events_of(case, program, seed)
    sent = sum(int(np.count_nonzero(array)) for array in case.spikes.values())
    chip.reset()
    with Device(SimulatedTransport(chip), program) as device:
        stream = Stream(device, chunks_of(events, seed), Binning(DT, steps=STEPS))
        recording = stream.record()
        assert Golden(case.network).run(case.spikes).difference(recording) is None
        assert device.run(case.spikes).difference(recording) is None
    report = stream.report
    assert (report.steps, report.events_read) == (STEPS, len(events))
    assert (report.events_sent, report.merged) == (sent, len(events) - sent)
    assert (report.unsent, report.beyond, report.late_steps, report.dropped) == (0, 0, 0, {})
    arrays = [*recording.spikes.values(), *recording.values.values()]
    assert report.events_received >= sum(int(np.count_nonzero(array)) for array in arrays)


@pytest.mark.parametrize("ahead", [1, 2, 5, 64])
def test_a_slow_link_and_any_number_ahead_change_nothing(
    device: Device, chip: CompiledChip, case: Case, expected: Recording, ahead: int
) -> None:
    chip.stall(ahead, pace=0.3)
    events = events_of(case, device.program)
    stream = Stream(device, chunks_of(events), Binning(DT, steps=STEPS), Pacing(ahead=ahead))
    assert expected.difference(stream.record()) is None
    assert stream.report.most_in_flight == min(ahead, STEPS)


def test_time_goes_on_without_a_reset(device: Device, case: Case, expected: Recording) -> None:
    events = events_of(case, device.program)
    half = STEPS // 2
    second = events[events["t"] >= half * DT].copy()
    second["t"] -= half * DT
    first = Stream(device, iter([events]), Binning(DT, steps=half))
    parts = [first.record()]
    assert first.report.beyond == len(second)
    parts.append(Stream(device, [second], Binning(DT, steps=STEPS - half), reset=False).record())
    for name, array in (expected.spikes | expected.values).items():
        got = [(part.spikes | part.values)[name] for part in parts]
        np.testing.assert_array_equal(np.concatenate(got), array)


def test_a_stream_that_is_left_early_drains_the_device(
    device: Device, case: Case, expected: Recording
) -> None:
    events = events_of(case, device.program)
    with Stream(device, chunks_of(events), Binning(DT, steps=STEPS)) as stream:
        step = next(stream)
    assert (step.number, step.time) == (0, 0)
    assert stream.report.unread_steps == stream.report.steps - 1 > 0
    assert device.steps == stream.report.steps
    assert list(stream) == []
    assert expected.difference(device.run(case.spikes)) is None


def test_an_error_of_the_source_comes_through_and_drains_the_device(
    device: Device, case: Case, expected: Recording
) -> None:
    def source() -> Iterator[np.ndarray]:
        events = events_of(case, device.program)
        yield events[events["t"] < 6 * DT]
        raise OSError("The disk is gone")

    stream = Stream(device, source(), Binning(DT), Pacing(ahead=4))
    with pytest.raises(OSError, match=r"^The disk is gone$"):
        list(stream)
    assert device.steps == stream.report.steps > 0
    assert expected.difference(device.run(case.spikes)) is None


def test_a_device_that_was_used_meanwhile_is_noticed(
    device: Device, case: Case, expected: Recording
) -> None:
    stream = Stream(device, [events_of(case, device.program)], Binning(DT), Pacing(ahead=4))
    for _ in range(4):
        next(stream)
    short = {name: array[: device.steps] for name, array in case.spikes.items()}
    device.run(short)
    assert device.steps == stream.report.steps
    message = (
        "The device was used for something else during the stream, which is lost: take all of its "
        "steps, or close it, before"
    )
    with pytest.raises(DeviceError, match=f"^{message}$"):
        list(stream)
    stream.close()
    assert list(stream) == []
    assert expected.difference(device.run(case.spikes)) is None


@pytest.mark.parametrize(
    "rates",
    [
        FaultRates(drop=1e-3),
        FaultRates(drop=3e-4, flip=3e-4, repeat=3e-4, garbage=0.02, repeat_frame=0.02),
    ],
    ids=["drop", "everything"],
)
def test_a_faulty_link_never_gives_a_wrong_stream(
    chip: CompiledChip, case: Case, expected: Recording, rates: FaultRates
) -> None:
    program = compile(case.network, ChipConfig(EVERYTHING))
    events = events_of(case, program)
    right = faults = 0
    for seed in range(6):
        chip.reset()
        link = FaultyTransport(SimulatedTransport(chip), rates, seed, time.monotonic)
        with Device(SimulatedTransport(chip), program) as device:
            # Only the stream is to suffer.
            device.session._transport = link
            for _ in range(20):
                try:
                    recording = Stream(device, [events], Binning(DT, steps=STEPS)).record()
                except LinkError:
                    continue
                assert expected.difference(recording) is None
                right += 1
                break
        faults += link.faults
    assert faults > 0
    assert right == 6


def test_a_stream_without_steps_has_nothing_to_record(device: Device) -> None:
    stream = Stream(device, [], Binning(DT))
    message = "The stream has no step left to record"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        stream.record()
    assert stream.report.steps == 0
