"""Cycles and memory are told in advance as the hardware counts them."""

import re
from typing import Any

import numpy as np
import pytest

from spikeloom import Device, Golden, NeuronParameters, Program, QuantisedNetwork, compile
from spikeloom.demo.images import load_network
from spikeloom.estimate import estimate, memory_bits
from spikeloom_hw.neuron import Output
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.quantised import QuantisedPopulation

STEPS = 60


@pytest.fixture(scope="module")
def network() -> QuantisedNetwork:
    return load_network()


@pytest.fixture(scope="module")
def program(network: QuantisedNetwork) -> Program:
    return compile(network, "generic-16")


@pytest.fixture(scope="module")
def device(program: Program):
    with Device.simulate(program) as device:
        yield device


def random_spikes(activity: float) -> np.ndarray:
    return np.random.default_rng(3).random((STEPS, 784)) < activity


@pytest.mark.parametrize("activity", [0.0, 0.02, 0.1])
def test_the_estimate_is_within_two_percent_of_the_counters(
    program: Program, device: Device, activity: float
) -> None:
    spikes = random_spikes(activity)
    # From a reset, all rows are processed for some steps.
    device.run(random_spikes(0.0)[:5])
    recording = device.run(spikes, reset=False)
    seen = {name: float(array.mean()) for name, array in recording.spikes.items()}
    counted = recording.counters
    told = estimate(
        program,
        {**seen, "image": float(spikes.mean())},
        processed=counted["rows_updated"] / (STEPS * 9),
    )
    assert counted["cycles_update"] == pytest.approx(STEPS * told.update, rel=0.02)
    assert counted["cycles_integrate"] == pytest.approx(STEPS * told.integrate, rel=0.02)
    assert counted["events"] == pytest.approx(STEPS * told.events)
    assert counted["synaptic_operations"] == pytest.approx(STEPS * told.synaptic_operations)
    assert counted["cycles"] == pytest.approx(STEPS * told.cycles, rel=0.02)


def test_the_estimate_counts_operations_as_golden_does(
    network: QuantisedNetwork, program: Program
) -> None:
    spikes = random_spikes(0.1)
    recording = Golden(network).run(spikes)
    seen = {name: float(array.mean()) for name, array in recording.spikes.items()}
    told = estimate(program, {**seen, "image": float(spikes.mean())})
    assert recording.counters["events"] == pytest.approx(STEPS * told.events)
    operations = recording.counters["synaptic_operations"]
    assert operations == pytest.approx(STEPS * told.synaptic_operations)


def test_one_activity_holds_for_all_populations(program: Program) -> None:
    names = [p.name for p in program.populations]
    assert estimate(program, 0.25) == estimate(program, dict.fromkeys(names, 0.25))


def test_a_silent_step_of_two_phases_takes_its_sweeps_and_overheads(program: Program) -> None:
    silent = estimate(program, 0.0)
    # On hardware that skips, the scan of the rows takes 3 cycles more for each population.
    assert silent.update == 128 / 4 + 3 + 2 * (6 + 3)
    assert silent.core == 4 + 2 * (17 + 8 + 3) + 128 / 4 + 3


def test_busy_inputs_make_the_link_set_the_pace(network: QuantisedNetwork) -> None:
    # On 64 lanes an event takes 2 cycles, its word about 4.
    busy = estimate(compile(network, "generic-64"), {"image": 1.0})
    assert busy.cycles == busy.link > busy.core


@pytest.mark.parametrize(
    ("activity", "message"),
    [
        (1.5, r"^Activity of 'image' must lie between 0 and 1, not 1.5$"),
        (
            {"image": np.full(784, -0.5)},
            r"^Activity of 'image' must lie between 0 and 1, not -0.5$",
        ),
        (
            {"digits": 0.1},
            r"^Activity names 'digits', but the populations are 'image', 'hidden', 'digit'$",
        ),
    ],
)
def test_an_activity_that_makes_no_sense_is_refused(
    program: Program, activity: Any, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        estimate(program, activity)


def test_memory_is_counted_by_region(program: Program) -> None:
    bits = memory_bits(program.config)
    core = program.config.core
    assert bits["weights"] == core.weight_rows * core.lanes * 8
    assert bits["accumulators"] == core.neuron_rows * core.lanes * 18
    assert all(re.fullmatch("[a-z]+", name) for name in bits)


@pytest.fixture(scope="module")
def mixed() -> QuantisedNetwork:
    """All kinds of projections, delays, and a population that sends its potentials."""
    rng = np.random.default_rng(5)
    neuron = NeuronParameters(threshold=60, decay=3700)
    first = Convolution(
        "in", "maps", rng.integers(-8, 12, (6, 2, 3, 3)), input_shape=(2, 12, 12), pool=(2, 2)
    )
    pre, post = np.nonzero(rng.random((96, 70)) < 0.2)
    populations = (
        QuantisedPopulation("in", 288, shape=(2, 12, 12)),
        QuantisedPopulation("maps", 96, neuron, shape=(6, 4, 4)),
        QuantisedPopulation("pool", 70, neuron),
        QuantisedPopulation("out", 5, NeuronParameters(threshold=1, output=Output.VALUE)),
    )
    projections = (
        first,
        Sparse("maps", "pool", rng.integers(-20, 30, len(pre)), pre=pre, post=post, size=(96, 70)),
        Dense("pool", "out", rng.integers(-9, 9, (70, 5)), delay=3),
    )
    return QuantisedNetwork(populations, projections)


@pytest.mark.slow
def test_every_kind_of_walk_is_told_within_two_percent(mixed: QuantisedNetwork) -> None:
    program = compile(mixed, "generic-16")
    rng = np.random.default_rng(6)
    with Device.simulate(program) as device:
        device.run(rng.random((10, 288)) < 0.05)
        for activity in (0.02, 0.1):
            spikes = rng.random((STEPS, 288)) < activity
            recording = device.run(spikes, reset=False)
            seen = {name: array.mean((0, 1)) for name, array in recording.spikes.items()}
            counted = recording.counters
            rows = sum(-(-p.span // 16) for p in program.neurons)
            share = counted["rows_updated"] / (STEPS * rows)
            told = estimate(program, {**seen, "in": spikes.mean(0)}, processed=share)
            assert counted["synaptic_operations"] == pytest.approx(STEPS * told.synaptic_operations)
            assert counted["cycles_update"] == pytest.approx(STEPS * told.update, rel=0.02)
            assert counted["cycles_integrate"] == pytest.approx(STEPS * told.integrate, rel=0.02)
            assert counted["cycles"] == pytest.approx(STEPS * told.cycles, rel=0.02)


def test_rows_that_are_skipped_take_no_time(mixed: QuantisedNetwork) -> None:
    program = compile(mixed, "generic-16")
    whole, half = estimate(program, 0.0), estimate(program, 0.0, processed=0.5)
    none = estimate(program, 0.0, processed={"maps": 0.0, "pool": 0.0})
    assert none.update < half.update < whole.update
    # What sends its potential is never skipped: 2 groups, and the words that the host hears.
    assert estimate(program, 0.0, processed={"out": 0.0}) == whole
    # 62, 18 and 2 groups; a scan that finds nothing takes 2 cycles where there is one word.
    sweep = (whole.update - 82) / 3
    assert none.update == pytest.approx(2 * 2 + 2 + sweep)
