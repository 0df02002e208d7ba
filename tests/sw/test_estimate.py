"""Cycles and memory are told in advance as the hardware counts them."""

import re

import numpy as np
import pytest

from spikeloom import Device, Golden, Program, QuantisedNetwork, compile
from spikeloom.demo.images import load_network
from spikeloom.estimate import estimate, memory_bits

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
    recording = device.run(spikes)
    seen = {name: float(array.mean()) for name, array in recording.spikes.items()}
    told = estimate(program, {**seen, "image": float(spikes.mean())})
    counted = recording.counters
    assert counted["cycles_update"] == pytest.approx(STEPS * told.update)
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
    assert silent.update == 128 / 4 + 3 + 2 * 6
    assert silent.core == 2 + 2 * (11 + 7) + 128 / 4 + 3


def test_busy_inputs_make_the_link_set_the_pace(network: QuantisedNetwork) -> None:
    # On 32 lanes an event takes 4 cycles, its word a little more.
    busy = estimate(compile(network, "generic-32"), {"image": 1.0})
    assert busy.cycles == busy.link > busy.core


@pytest.mark.parametrize(
    ("activity", "message"),
    [
        (1.5, r"^Activity of 'image' must lie between 0 and 1, not 1.5$"),
        (
            {"digits": 0.1},
            r"^Activity names 'digits', but the populations are 'image', 'hidden', 'digit'$",
        ),
    ],
)
def test_an_activity_that_makes_no_sense_is_refused(
    program: Program, activity: float | dict[str, float], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        estimate(program, activity)


def test_memory_is_counted_by_region(program: Program) -> None:
    bits = memory_bits(program.config)
    core = program.config.core
    assert bits["weights"] == core.weight_rows * core.lanes * 8
    assert bits["accumulators"] == core.neuron_rows * core.lanes * 18
    assert all(re.fullmatch("[a-z]+", name) for name in bits)
