import re
import time
from collections.abc import Iterator

import numpy as np
import pytest

from spikeloom import Convolution, Device, Golden, Program, Sparse, compile
from spikeloom.errors import DeviceError, LinkError
from spikeloom.host.session import Session
from spikeloom.host.words import encode_steps
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, pack
from spikeloom_hw.neuron import Fields, Output, Per
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.faults import FaultRates, FaultyTransport
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.structures import STRUCTURES

CORE = CoreConfig(
    lanes=4,
    update_lanes=2,
    fields=Fields({"threshold": Per.NEURON, "refractory": Per.NEURON}),
    weight_rows=4096,
    neuron_rows=64,
    populations=4,
    projections=32,
    sources=8,
    phases=4,
)
STEPS = 12
EVERYTHING = STRUCTURES["everything"]
SEEDS = range(12)


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(ChipConfig(CORE))


@pytest.fixture(scope="module")
def large_chip() -> CompiledChip:
    return CompiledChip(ChipConfig(EVERYTHING))


@pytest.fixture(scope="module")
def case() -> Case:
    return random_case(11, CORE, steps=STEPS)


@pytest.fixture(scope="module")
def program(case: Case) -> Program:
    return compile(case.network, ChipConfig(CORE))


@pytest.fixture
def device(chip: CompiledChip, program: Program) -> Iterator[Device]:
    chip.reset()
    chip.stall(None)
    with Device(SimulatedTransport(chip), program) as device:
        yield device


def test_the_case_is_worth_running(case: Case) -> None:
    recording = Golden(case.network).run(case.spikes)
    assert sum(int(s.sum()) for s in recording.spikes.values()) > 20


def test_run_gives_spikes_potentials_and_counters_of_golden(device: Device, case: Case) -> None:
    expected = Golden(case.network).run(case.spikes, potentials=True)
    recording = device.run(case.spikes, potentials=True)
    assert expected.difference(recording) is None
    for name, potentials in expected.potentials.items():
        np.testing.assert_array_equal(recording.potentials[name], potentials)
    for name, count in expected.counters.items():
        assert recording.counters[name] == count


def test_the_mixed_cases_have_every_feature() -> None:
    networks = [random_case(seed, EVERYTHING, steps=STEPS, largest=24).network for seed in SEEDS]
    outputs = {p.neuron.output for n in networks for p in n.neurons if p.neuron}
    assert outputs >= {Output.SPIKE, Output.COUNT, Output.VALUE}
    assert any(p.largest > 1 for n in networks for p in n.inputs)
    projections = [p for n in networks for p in n.projections]
    assert any(isinstance(p, Sparse) and p.longest_delay > p.delay for p in projections)
    assert any(isinstance(p, Convolution) and p.delay for p in projections)
    programs = [compile(n, ChipConfig(EVERYTHING)) for n in networks]
    assert any(p.stride > p.channels for program in programs for p in program.neurons)
    assert {n.timing for n in networks} == {"exact", "pipelined"}


@pytest.mark.parametrize("seed", SEEDS)
def test_values_convolutions_and_delays_run_as_golden_says(
    large_chip: CompiledChip, seed: int
) -> None:
    case = random_case(seed, EVERYTHING, steps=STEPS, largest=24)
    expected = Golden(case.network).run(case.spikes, potentials=True)
    large_chip.reset()
    with Device(
        SimulatedTransport(large_chip), compile(case.network, ChipConfig(EVERYTHING))
    ) as device:
        recording = device.run(case.spikes, potentials=True)
    assert recording.spikes.keys() == expected.spikes.keys()
    assert recording.values.keys() == expected.values.keys()
    assert expected.difference(recording) is None
    for name, potentials in expected.potentials.items():
        np.testing.assert_array_equal(recording.potentials[name], potentials)
    for name, count in expected.counters.items():
        assert recording.counters[name] == count


def test_inputs_that_are_recorded_come_back(large_chip: CompiledChip) -> None:
    case = random_case(7, EVERYTHING, steps=STEPS, largest=24)
    names = tuple(p.name for p in case.network.inputs)
    graded = {p.name for p in case.network.inputs if p.largest > 1}
    program = compile(case.network, ChipConfig(EVERYTHING), record=names)
    expected = Golden(case.network).run(case.spikes, record=names)
    large_chip.reset()
    with Device(SimulatedTransport(large_chip), program) as device:
        recording = device.run(case.spikes)
    assert graded and recording.values.keys() == graded
    assert expected.difference(recording) is None


def test_a_value_beyond_that_of_its_input_is_refused(large_chip: CompiledChip) -> None:
    case = random_case(9, EVERYTHING, steps=STEPS, largest=24)
    (graded,) = [p for p in case.network.inputs if p.largest > 1]
    spikes = {name: array.copy() for name, array in case.spikes.items()}
    most = graded.largest
    spikes[graded.name][3, 0, 0] = most + 1
    large_chip.reset()
    message = (
        f"Values of input '{graded.name}' must be whole numbers from {-most} to {most}, "
        f"not {most + 1}"
    )
    program = compile(case.network, ChipConfig(EVERYTHING))
    with (
        Device(SimulatedTransport(large_chip), program) as device,
        pytest.raises(ValueError, match=f"^{message}$"),
    ):
        device.run(spikes)


def test_time_goes_on_where_it_was(device: Device, case: Case) -> None:
    check_halves(device, case)


def test_spikes_that_are_late_go_on_where_they_were(large_chip: CompiledChip) -> None:
    case = random_case(4, EVERYTHING, steps=STEPS, largest=24)
    assert max(p.longest_delay for p in case.network.projections) == 3
    large_chip.reset()
    program = compile(case.network, ChipConfig(EVERYTHING))
    with Device(SimulatedTransport(large_chip), program) as device:
        check_halves(device, case)


def check_halves(device: Device, case: Case) -> None:
    """Hold two runs, one going on where the other stopped, against a single one of golden."""
    expected = Golden(case.network).run(case.spikes)
    device.reset()
    half = STEPS // 2
    first = device.run({k: v[:half] for k, v in case.spikes.items()}, reset=False)
    second = device.run({k: v[half:] for k, v in case.spikes.items()}, reset=False)
    for name, sent in (expected.spikes | expected.values).items():
        parts = [(part.spikes | part.values)[name] for part in (first, second)]
        np.testing.assert_array_equal(np.concatenate(parts), sent)


def test_single_steps_give_the_same_spikes(device: Device, case: Case) -> None:
    expected = Golden(case.network).run(case.spikes)
    device.reset()
    for t in range(STEPS):
        spikes = device.step({name: array[t, 0] for name, array in case.spikes.items()})
        for name in spikes:
            np.testing.assert_array_equal(spikes[name], expected.spikes[name][t, 0])


def test_a_batch_equals_its_samples(device: Device, case: Case) -> None:
    batch = {name: np.repeat(array, 3, axis=1) for name, array in case.spikes.items()}
    for array in batch.values():
        array[:, 1] = False
    assert Golden(case.network).run(batch).difference(device.run(batch)) is None


def test_names_that_do_not_exist_are_refused(device: Device) -> None:
    with pytest.raises(ValueError, match=r"^There is no projection from 'n0' to 'nowhere'$"):
        device.weights("n0", "nowhere")
    ends = device.program.projections[0].source, device.program.projections[0].target
    message = f"There is no projection from '{ends[0]}' to '{ends[1]}' with the number 5"
    with pytest.raises(ValueError, match=f"^{message}$"):
        device.weights(*ends, 5)
    known = ", ".join(repr(p.name) for p in device.program.neurons)
    message = f"There is no population of neurons 'nowhere', but {known}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        device.potentials("nowhere")


def test_a_program_for_other_hardware_is_refused(chip: CompiledChip, case: Case) -> None:
    other = compile(case.network, "generic-8")
    chip.reset()
    ours, theirs = f"{ChipConfig(CORE).hash:016x}", f"{other.config.hash:016x}"
    message = (
        f"The device has configuration {ours}, but the program is for {theirs}: build the device "
        f"from this program, or compile the network for the target of the device"
    )
    with pytest.raises(DeviceError, match=f"^{message}$"):
        Device(SimulatedTransport(chip), other)


def test_an_event_of_nobody_is_reported(device: Device, case: Case) -> None:
    device._session.send_events(np.array([pack(Kind.SPIKE, 7, 3), pack(Kind.REWARD, 0, 0)]))
    message = "The device reported <Errors.BAD_SOURCE|BAD_WORD: 3>; the results were discarded"
    with pytest.raises(DeviceError, match=f"^{re.escape(message)}$"):
        device.run(case.spikes)
    assert Golden(case.network).run(case.spikes).difference(device.run(case.spikes)) is None


def test_a_host_that_dies_in_a_step_leaves_nothing_behind(
    chip: CompiledChip, program: Program, case: Case
) -> None:
    check_successor(chip, program, case)


def test_a_host_that_dies_before_a_value_leaves_nothing_behind(large_chip: CompiledChip) -> None:
    case = random_case(7, EVERYTHING, steps=2, largest=24)
    check_successor(large_chip, compile(case.network, ChipConfig(EVERYTHING)), case)


def check_successor(chip: CompiledChip, program: Program, case: Case) -> None:
    """Let hosts die at a dozen places of a run, and others connect."""
    chip.reset()
    sample = {name: array[:, 0] for name, array in case.spikes.items()}
    words = encode_steps(sample, program.inputs)
    expected = Golden(case.network).run(case.spikes)
    for cut in range(1, len(words), max(1, len(words) // 12)):
        transport = SimulatedTransport(chip)
        dying = Device(transport, program)
        dying._session.send_events(words[:cut])
        transport._pending = transport._pending[: -cut % 7 or None]
        chip.run(transport._pending, cycles=40 * cut)
        with Device(SimulatedTransport(chip), program) as device:
            assert expected.difference(device.run(case.spikes)) is None


@pytest.mark.parametrize(
    "rates",
    [
        FaultRates(drop=1e-3),
        FaultRates(flip=1e-3),
        FaultRates(repeat=1e-3),
        FaultRates(garbage=0.05),
        FaultRates(repeat_frame=0.1),
        FaultRates(drop=3e-4, flip=3e-4, repeat=3e-4, garbage=0.02, repeat_frame=0.02),
        FaultRates(stall=0.05, stall_seconds=0.4),
    ],
    ids=lambda rates: "-".join(k for k, v in vars(rates).items() if v and k != "stall_seconds"),
)
def test_a_faulty_link_never_gives_a_wrong_result(
    chip: CompiledChip, program: Program, case: Case, rates: FaultRates
) -> None:
    expected = Golden(case.network).run(case.spikes)
    outcomes = {"right": 0, "error": 0}
    faults = 0
    for seed in range(6):
        chip.reset()
        link = FaultyTransport(SimulatedTransport(chip), rates, seed, time.monotonic)
        try:
            with Device(link, program) as device:
                recording = device.run(case.spikes)
        except LinkError:
            outcomes["error"] += 1
        else:
            assert expected.difference(recording) is None
            outcomes["right"] += 1
        faults += link.faults
    assert faults > 0
    assert outcomes["right"] >= 3


def test_a_session_of_an_older_host_is_told_so(chip: CompiledChip, program: Program) -> None:
    chip.reset()
    transport = SimulatedTransport(chip)
    with Device(transport, program) as first:
        chip.reset()
        message = "The device was reset and lost the session: connect again"
        with pytest.raises(LinkError, match=f"^{message}$"):
            first.counters()
    assert Session(SimulatedTransport(chip)) is not None
