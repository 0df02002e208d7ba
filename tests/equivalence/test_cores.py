"""Networks on cores of several chips give golden's spikes, states and weights, as Verilog.

A few small networks; benchmarks/mapping_invariance.py runs many more, on other numbers of both.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from spikeloom import Dense, Device, Golden, NeuronParameters, Program, compile
from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.random_learning import random_learning_case
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import LEARNING, STRUCTURES

CORE = replace(STRUCTURES["everything"], bases=32)
CHIPS = ChipConfig(CORE, cores=2, parents=(0,))
LEARNS = ChipConfig(replace(LEARNING, bases=16), parents=(0,))


@pytest.fixture(scope="module")
def chips() -> CompiledChip:
    return CompiledChip(CHIPS)


@pytest.fixture(scope="module")
def learner() -> CompiledChip:
    return CompiledChip(LEARNS)


def check(device: Device, network: QuantisedNetwork, golden: Golden) -> None:
    """Hold the state of all neurons against golden's."""
    assert golden.state is not None
    for population in network.neurons:
        for member, values in device.state(population.name).items():
            expected = getattr(golden.state[population.name], member)[0]
            assert np.array_equal(values, expected), f"{member} of {population.name!r}"


@pytest.mark.parametrize("seed", range(10))
def test_two_chips_of_two_cores_compute_what_golden_does(chips: CompiledChip, seed: int) -> None:
    case = random_case(seed, STRUCTURES["everything"], largest=30)
    # The links let through what the host wants, and what cores on their other side do.
    names = [p.name for p in case.network.neurons]
    record = (names[seed % len(names)],) if seed % 2 else None
    program = compile(case.network, CHIPS, cores=2, chips=2, record=record)
    golden = Golden(case.network)
    expected = golden.run(case.spikes, record=record)
    chips.reset()
    with Device(SimulatedTransport(chips), program) as device:
        recording = device.run(case.spikes)
        assert expected.difference(recording) is None
        check(device, case.network, golden)
        operations = "synaptic_operations"
        assert recording.counters[operations] == expected.counters[operations]
        sent = Golden(case.network).run(case.spikes).spikes | case.spikes
        assert recording.counters["events"] == sum(
            np.count_nonzero(sent.get(p.name, 0)) * listeners(program, p.name)
            for p in program.populations
        )


def listeners(program: Program, name: str) -> int:
    """Cores that hear a population."""
    joined = [p.parts for p in program.projections if p.source == name]
    return len({part.core for parts in joined for part in parts})


def test_it_does_not_matter_where_populations_are(chips: CompiledChip) -> None:
    case = random_case(7, STRUCTURES["everything"], largest=30)
    expected = Golden(case.network).run(case.spikes)
    names = [p.name for p in case.network.neurons]
    chips.reset()
    with Device(SimulatedTransport(chips), compile(case.network, CHIPS)) as device:
        for core in range(4):
            pins = {name: (core + k) % 4 for k, name in enumerate(names)}
            device.load(compile(case.network, CHIPS, pins=pins))
            assert expected.difference(device.run(case.spikes)) is None


def cut_cases() -> Iterator[int]:
    """Seeds of learning networks of which some projection is on both chips."""
    for seed in range(40):
        network = random_learning_case(seed, 1).network
        if any(len(p.parts) > 1 for p in compile(network, LEARNS).plastic):
            yield seed


CUT = list(cut_cases())[:5]


@pytest.mark.parametrize("seed", CUT)
def test_two_chips_learn_what_golden_does(learner: CompiledChip, seed: int) -> None:
    case = random_learning_case(seed, 40)
    network, golden = case.network, Golden(case.network)
    expected = golden.run(case.spikes, **case.teaching)
    learner.reset()
    with Device(SimulatedTransport(learner), compile(network, LEARNS, cores=1, chips=2)) as device:
        assert expected.difference(device.run(case.spikes, **case.teaching)) is None
        check(device, network, golden)
        learned, wanted = device.learned(network), golden.learned
        for mine, other in zip(learned.projections, wanted.projections, strict=True):
            assert np.array_equal(mine.weights, other.weights), f"weights of {mine}"
        for mine, other in zip(learned.neurons, wanted.neurons, strict=True):
            for name in ("threshold", "decay"):
                found, due = (getattr(p.neuron, name) for p in (mine, other))
                assert np.all(found == due), f"{name} of {mine.name!r}"
        check_traces(device, network, golden)


def check_traces(device: Device, network: QuantisedNetwork, golden: Golden) -> None:
    """Hold traces and eligibilities against those of golden."""
    assert golden.state is not None
    found = device.traces(network)
    assert list(found) == list(golden.state.learning)
    for label, kept in golden.state.learning.items():
        for name, array in kept._asdict().items():
            assert np.array_equal(getattr(found[label], name), array), f"{name} of {label}"


@pytest.mark.parametrize("seed", CUT[:3])
def test_a_state_is_taken_to_other_chips(learner: CompiledChip, seed: int) -> None:
    case = random_learning_case(seed, 40)
    network, golden = case.network, Golden(case.network)
    expected = golden.run(case.spikes)
    first = {name: train[:20] for name, train in case.spikes.items()}
    rest = {name: train[20:] for name, train in case.spikes.items()}
    learner.reset()
    with Device(SimulatedTransport(learner), compile(network, LEARNS)) as device:
        before = device.run(first)
        stopped = device.checkpoint(network)
        moved = compile(stopped.network, LEARNS, pins=dict.fromkeys(("a", "b"), 1))
        assert all(p.slices[0].core == 1 for p in moved.neurons)
        device.load(moved)
        device.restore(stopped.state)
        after = device.run(rest, reset=False)
        for name, train in expected.spikes.items():
            both = np.concatenate([before.spikes[name], after.spikes[name]])
            assert np.array_equal(both, train)
        check(device, network, golden)
        check_traces(device, network, golden)


def test_a_network_that_no_core_holds_runs_without_more_ado() -> None:
    rng = np.random.default_rng(0)
    neuron = NeuronParameters(threshold=60, width=16)
    populations = (
        QuantisedPopulation("in", 30),
        QuantisedPopulation("hidden", 44, neuron),
        QuantisedPopulation("out", 10, neuron),
    )
    projections = (
        Dense("in", "hidden", rng.integers(-20, 30, (30, 44))),
        Dense("hidden", "hidden", rng.integers(-20, 20, (44, 44)), delay=1),
        Dense("hidden", "out", rng.integers(-20, 30, (44, 10))),
    )
    network = QuantisedNetwork(populations, projections)
    small = Target("small", "for tests", 4, 1, 225, 8, cores=8)
    program = compile(network, small)
    # 74 x 11 + 44 x 3 rows of weights, more than four times what a core has.
    needed = sum(part.rows for p in program.projections for part in p.parts)
    assert needed == 74 * 11 + 44 * 3 > 4 * small.weight_rows
    assert program.config.cores == 5
    spikes = {"in": rng.random((20, 30)) < 0.2}
    golden = Golden(network)
    expected = golden.run(spikes)
    with Device.simulate(program) as device:
        assert expected.difference(device.run(spikes)) is None
        check(device, network, golden)
    assert sum(train.sum() for train in expected.spikes.values()) > 100
