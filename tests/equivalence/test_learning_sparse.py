"""The chip learns at the synapses of sparse projections what the golden model learns there."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom import (
    LIF,
    Device,
    Golden,
    Network,
    QuantisedNetwork,
    Sparse,
    compile,
    quantise,
    recompile,
)
from spikeloom.learning import e_prop, pair_stdp
from spikeloom.learning.structure import carried_over, rewire
from spikeloom.learning_cycles import expected_learning_cycles, most_learning_cycles
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.random_learning import random_learning_case, random_teaching
from spikeloom_sim.structures import SPARSE_LEARNING

CONFIG = ChipConfig(SPARSE_LEARNING)
CUT = ChipConfig(replace(SPARSE_LEARNING, bases=16), cores=2)
STEPS = 1000
RULES: dict[str, Any] = {
    "pair": pair_stdp((0.05, 0.06)),
    "multiplicative": pair_stdp((0.05, 0.06), form="multiplicative"),
    "e-prop": e_prop(0.1, low=-1.0, high=1.0),
}


def sparse_network(name: str) -> QuantisedNetwork:
    """Two layers, sparse with delays; the second has synapses within itself too."""
    rng = np.random.default_rng(7)
    network = Network()
    network.add_input("in", 17)
    for population, size in (("hidden", 14), ("out", 9)):
        network.add_population(population, size, LIF(decay=0.9, threshold=0.8, reset="subtract"))
    sizes = {"in": 17, "hidden": 14, "out": 9}
    for source, target in (("in", "hidden"), ("hidden", "out"), ("out", "out")):
        places = rng.random((sizes[source], sizes[target])) < 0.5
        weights = places * rng.uniform(0.05, 0.6, places.shape)
        delays = rng.integers(0, 3, places.shape)
        options = {"delay": delays, "spare": 0.6, "rule": RULES[name]}
        network.connect_sparse(source, target, weights, **options)
    return quantise(network)


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    program = compile(sparse_network("pair"), CONFIG)
    with Device.simulate(program) as device:
        yield device


@pytest.fixture(scope="module")
def cut() -> Iterator[Device]:
    """Two cores."""
    program = compile(sparse_network("pair"), CUT)
    with Device.simulate(program) as device:
        yield device


def check_learned(learned: QuantisedNetwork, expected: QuantisedNetwork) -> None:
    for mine, other in zip(learned.projections, expected.projections, strict=True):
        assert np.array_equal(mine.weights, other.weights), f"weights of {mine}"
    for mine, other in zip(learned.neurons, expected.neurons, strict=True):
        for name in ("threshold", "decay"):
            found, wanted = (getattr(p.neuron, name) for p in (mine, other))
            assert np.all(found == wanted), f"{name} of {mine.name!r}"


@pytest.mark.parametrize("name", RULES)
def test_every_rule_learns_what_golden_learns(device: Device, name: str) -> None:
    network, rng = sparse_network(name), np.random.default_rng(5)
    steps = STEPS // 5 if name == "multiplicative" else STEPS
    spikes = {"in": rng.random((steps, 17)) < 0.1}
    teaching = random_teaching(np.random.default_rng(1), network, steps)
    golden = Golden(network)
    expected = golden.run(spikes, **teaching)
    device.load(compile(network, CONFIG))
    assert expected.difference(device.run(spikes, **teaching)) is None
    check_learned(device.learned(network), golden.learned)
    for now, before in zip(golden.learned.projections, network.projections, strict=True):
        assert np.count_nonzero(now.weights != before.weights) > 10


@pytest.mark.parametrize("seed", range(10))
def test_random_rules_learn_what_golden_learns(device: Device, seed: int) -> None:
    case = random_learning_case(seed, 40, sparse=True)
    golden = Golden(case.network)
    expected = golden.run(case.spikes, **case.teaching)
    device.load(compile(case.network, CONFIG))
    recording = device.run(case.spikes, **case.teaching)
    assert expected.difference(recording) is None
    check_learned(device.learned(case.network), golden.learned)
    for counter, count in expected.counters.items():
        assert recording.counters[counter] == count


def test_random_cases_have_sparse_and_dense_projections_that_learn() -> None:
    kinds = [
        type(p)
        for seed in range(10)
        for p in random_learning_case(seed, 1, sparse=True).network.projections
        if not isinstance(p, Sparse) or p.rule
    ]
    assert min(kinds.count(kind) for kind in set(kinds)) > 4 and len(set(kinds)) == 2


def test_a_rewired_network_goes_on_learning_as_golden_does(device: Device) -> None:
    network, rng = sparse_network("pair"), np.random.default_rng(5)
    device.load(compile(network, CONFIG))
    state = None
    for epoch in range(4):
        spikes = {"in": rng.random((150, 17)) < 0.15}
        golden = Golden(network)
        expected = golden.run(spikes, state=state)
        assert expected.difference(device.run(spikes)) is None
        learned = device.learned(network)
        check_learned(learned, golden.learned)
        assert golden.state is not None
        network = rewire(learned, 0.3, seed=epoch, weight=20)
        state = carried_over(golden.state, network)
        rows = device.rewire(recompile(network, device.program))
        assert 0 < rows <= len(device.program.images["synapses"]) + 40
        check_learned(device.learned(network), network)
    (first, *_) = network.projections
    assert isinstance(first, Sparse)
    other = network.with_rule("in", "hidden", replace(first.rule, shift=first.rule.shift - 1))
    device.set_rules(compile(other, CONFIG))
    golden = Golden(other)
    spikes = {"in": rng.random((150, 17)) < 0.15}
    assert golden.run(spikes, state=state).difference(device.run(spikes)) is None
    check_learned(device.learned(other), golden.learned)


@pytest.mark.parametrize("seed", [9, 11, 36])
def test_two_cores_learn_random_rules_as_golden_does(cut: Device, seed: int) -> None:
    case = random_learning_case(seed, 40, sparse=True)
    golden = Golden(case.network)
    expected = golden.run(case.spikes, **case.teaching)
    program = compile(case.network, CUT)
    assert any(len(p.parts) == 2 for p in program.plastic if p.memory == "synapses")
    cut.load(program)
    assert expected.difference(cut.run(case.spikes, **case.teaching)) is None
    check_learned(cut.learned(case.network), golden.learned)


def test_slices_are_rewired_and_go_on_learning_as_golden_does(cut: Device) -> None:
    network, rng = sparse_network("pair"), np.random.default_rng(5)
    program = compile(network, CUT, pins={"hidden": (0, 1), "out": (1, 0)})
    assert [len(p.parts) for p in program.plastic] == [2, 2, 2]
    cut.load(program)
    state = None
    for epoch in range(3):
        spikes = {"in": rng.random((60, 17)) < 0.15}
        golden = Golden(network)
        expected = golden.run(spikes, state=state)
        assert expected.difference(cut.run(spikes)) is None
        learned = cut.learned(network)
        check_learned(learned, golden.learned)
        assert golden.state is not None
        network = rewire(learned, 0.3, seed=epoch, weight=20)
        state = carried_over(golden.state, network)
        assert cut.rewire(recompile(network, cut.program)) > 0
        check_learned(cut.learned(network), network)


def test_a_run_is_stopped_restored_and_taught_by_another_rule(device: Device) -> None:
    network, rng = sparse_network("pair"), np.random.default_rng(6)
    spikes = rng.random((120, 17)) < 0.2
    golden = Golden(network)
    golden.run(spikes[:50])
    device.load(compile(network, CONFIG))
    device.run(spikes[:50])
    learned, state = device.checkpoint(network)
    check_learned(learned, golden.learned)
    device.load(compile(learned, CONFIG))
    device.restore(state)
    (first, *_) = network.projections
    assert isinstance(first, Sparse)
    rule = replace(first.rule, shift=first.rule.shift - 1)
    other = learned.with_rule("in", "hidden", rule)
    device.set_rules(compile(other, CONFIG))
    golden = Golden(other)
    expected = golden.run(spikes[50:], state=state)
    assert expected.difference(device.run(spikes[50:], reset=False)) is None
    check_learned(device.learned(other), golden.learned)


def test_learning_takes_no_more_cycles_than_told(device: Device) -> None:
    network = sparse_network("pair")
    spikes = {"in": np.ones((50, 17), bool)}
    device.load(compile(network, CONFIG))
    most = most_learning_cycles(device.program)
    learns = device.run(spikes).counters["cycles_control"]
    for projection in network.projections:
        device.switch_learning(projection.source, projection.target, False)
    rests = device.run(spikes).counters["cycles_control"]
    taken = (learns - rests) / 50
    assert 0.1 * most < taken <= most
    assert 0.5 * taken < expected_learning_cycles(device.program, network, 0.8) < 1.5 * taken


def test_an_engine_for_sparse_projections_is_built_only_where_they_learn() -> None:
    config = compile(sparse_network("pair")).config
    assert config.core.learning and config.core.learning.sparse
    network = sparse_network("pair")
    fixed = tuple(replace(p, rule=None) for p in network.projections[:2])
    dense = replace(network, projections=fixed)
    assert compile(dense).config.core.learning is None
    learning = replace(config.core.learning, sparse=False)
    plain = replace(config, core=replace(config.core, learning=learning))
    assert "sparse" not in plain.to_dict()["core"]["learning"]
    assert ChipConfig.from_dict(plain.to_dict()) == plain
    assert ChipConfig.from_dict(config.to_dict()) == config
