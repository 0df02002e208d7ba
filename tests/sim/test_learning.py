from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import (
    Backward,
    Eligibility,
    Errors,
    LearningRule,
    NeuronLearning,
    Post,
    Pre,
    Seen,
    Surrogate,
    Term,
    Trace,
)
from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.learning import Sample
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.recording import Recording
from spikeloom_sim.run_state import RunState

TRACE = Trace(3900, 12000)
LATE = replace(TRACE, seen=Seen.BEFORE)
STDP = LearningRule(
    (Term(-90, on_pre=True, post=Post.Y1), Term(100, pre=Pre.X1, on_post=True)),
    shift=10,
    low=-100,
    high=100,
    pre_traces=(TRACE,),
    post_traces=(LATE,),
)
STOP = LearningRule(
    (Term(60, pre=Pre.X1, post=Post.DELTA),),
    shift=18,
    low=-127,
    high=127,
    pre_traces=(TRACE,),
    errors=Errors(Surrogate.EXPONENTIAL, 1, 50),
)
HIDDEN = Errors(Surrogate.EXPONENTIAL, 1)
NEURON = NeuronParameters(
    300, decay=3900, reset=Reset.SUBTRACT, shift=1, adaptation_decay=3000, adaptation_step=4
)


def deep(feedback: np.ndarray | None = None) -> QuantisedNetwork:
    """Two layers that learn by STOP, the first of them a population that learns its neurons."""
    rng = np.random.default_rng(0)
    neurons = NeuronLearning(16, 16, (50, 2000), (3000, 4096), leak_shift=2)
    populations = (
        QuantisedPopulation("in", 20),
        QuantisedPopulation("hidden", 12, NEURON),
        QuantisedPopulation("out", 4, replace(NEURON, adaptation_step=0)),
    )
    first, second = rng.integers(-60, 90, (20, 12)), rng.integers(-60, 90, (12, 4))
    projections = (
        Dense("in", "hidden", first, rule=replace(STOP, neurons=neurons, errors=HIDDEN)),
        Dense("hidden", "out", second, rule=replace(STOP, back=Backward(6, feedback))),
    )
    return QuantisedNetwork(populations, projections, 8, 18)


def mixed() -> QuantisedNetwork:
    """Loops, delays, several rules, projections of which some do not learn."""
    rng = np.random.default_rng(1)
    populations = (
        QuantisedPopulation("in", 15),
        QuantisedPopulation("a", 10, NEURON),
        QuantisedPopulation("b", 8, replace(NEURON, winner=True, inhibition=50)),
    )
    eligible = replace(STDP, eligibility=Eligibility(6, 3800, 7), seed=9)
    projections = (
        Dense("in", "a", rng.integers(-60, 100, (15, 10)), rule=STDP),
        Dense("in", "a", rng.integers(-60, 100, (15, 10)), delay=2),
        Dense("a", "b", rng.integers(0, 100, (10, 8)), delay=1, rule=eligible),
        Dense("b", "a", rng.integers(-100, 0, (8, 10)), rule=replace(STDP, seed=3)),
    )
    return QuantisedNetwork(populations, projections, 8, 18)


def dense(network: QuantisedNetwork) -> list[Dense]:
    return [p for p in network.projections if isinstance(p, Dense)]


NETWORKS = {"deep": deep, "mixed": mixed}
STEPS = 100


def taught(network: QuantisedNetwork) -> tuple[np.ndarray, dict[str, Any]]:
    rng = np.random.default_rng(2)
    size = network.inputs[0].size
    modulator = rng.integers(-128, 128, STEPS) * (rng.random(STEPS) < 0.5)
    teaching: dict[str, Any] = {"modulator": modulator}
    if network.neurons[-1].name == "out":
        teaching["errors"] = {"out": rng.integers(-200, 300, (STEPS, 4))}
    return rng.random((STEPS, size)) < 0.2, teaching


def part(spikes: np.ndarray, teaching: dict[str, Any], steps: slice) -> tuple[Any, dict[str, Any]]:
    cut = {"modulator": teaching["modulator"][steps]}
    if "errors" in teaching:
        cut["errors"] = {name: array[steps] for name, array in teaching["errors"].items()}
    return spikes[steps], cut


def same(one: QuantisedNetwork, other: QuantisedNetwork) -> bool:
    weights = [
        np.array_equal(p.weights, q.weights)
        for p, q in zip(one.projections, other.projections, strict=True)
    ]
    parameters = [
        np.array_equal(getattr(p.neuron, name), getattr(q.neuron, name))
        for p, q in zip(one.neurons, other.neurons, strict=True)
        for name in ("threshold", "decay")
    ]
    return all(weights) and all(parameters)


@pytest.mark.parametrize("name", NETWORKS)
def test_a_run_goes_on_from_files_bit_for_bit(name: str, tmp_path: Path) -> None:
    network = NETWORKS[name]()
    spikes, teaching = taught(network)
    whole = Golden(network)
    recording = whole.run(spikes, potentials=True, **teaching)
    assert not same(whole.learned, network)

    first = Golden(network)
    train, lesson = part(spikes, teaching, slice(0, 60))
    first.run(train, **lesson)
    assert first.state is not None and whole.state is not None
    first.learned.save(tmp_path / "network.npz")
    first.state.save(tmp_path / "state.npz")
    second = Golden(QuantisedNetwork.load(tmp_path / "network.npz"))
    train, lesson = part(spikes, teaching, slice(60, None))
    rest = second.run(train, potentials=True, state=RunState.load(tmp_path / "state.npz"), **lesson)
    assert same(second.learned, whole.learned)
    assert second.state is not None and second.state.age == whole.state.age == STEPS
    for label, state in whole.state.learning.items():
        for one, other in zip(state, second.state.learning[label], strict=True):
            np.testing.assert_array_equal(one, other)
    for population, potentials in recording.potentials.items():
        np.testing.assert_array_equal(potentials[60:], rest.potentials[population])
        np.testing.assert_array_equal(recording.spikes[population][60:], rest.spikes[population])


def test_parameters_of_neurons_learn() -> None:
    golden = Golden(deep())
    spikes, teaching = taught(golden.quantised)
    golden.run(spikes, **teaching)
    neuron = golden.learned.population("hidden").neuron
    assert neuron is not None
    assert len(np.unique(neuron.threshold)) > 3 and len(np.unique(neuron.decay)) > 3
    assert golden.learned.population("out").neuron is golden.quantised.population("out").neuron


@pytest.mark.parametrize("name", NETWORKS)
def test_without_learning_weights_and_traces_stand_still(name: str) -> None:
    network = NETWORKS[name]()
    spikes, teaching = taught(network)
    golden = Golden(network)
    golden.run(spikes[:50], **part(spikes, teaching, slice(0, 50))[1])
    before, learned = golden.state, Golden(golden.learned)
    assert before is not None
    learned.run(spikes[50:], state=before, learning=False)
    assert learned.state is not None
    assert same(learned.learned, learned.quantised)
    assert learned.state.age == STEPS
    for label, state in before.learning.items():
        for one, other in zip(state, learned.state.learning[label], strict=True):
            np.testing.assert_array_equal(one, other)
    plain = replace(
        learned.quantised,
        projections=[replace(p, rule=None) for p in learned.quantised.projections],
    )
    other = Golden(plain).run(spikes[50:], state=replace(before, learning={}))
    assert other.difference(learned.run(spikes[50:], state=before, learning=False)) is None


def test_a_projection_that_is_switched_off_stands_still() -> None:
    network = mixed()
    off = [
        replace(p, rule=replace(p.rule, enabled=False)) if p is network.projections[0] else p
        for p in dense(network)
    ]
    golden = Golden(replace(network, projections=off))
    recording = golden.run(taught(network)[0], weights_every=10, traces=True)
    assert golden.state is not None
    np.testing.assert_array_equal(recording.weights["in -> a"][-1], network.projections[0].weights)
    assert not recording.traces["in -> a/x1"].any()
    assert recording.traces["b -> a/x1"].any()


def test_snapshots_and_traces_are_recorded_and_saved(tmp_path: Path) -> None:
    golden = Golden(mixed())
    recording = golden.run(taught(golden.quantised)[0], weights_every=30, traces=True)
    assert list(recording.weights) == ["a -> b", "in -> a", "b -> a"]
    assert recording.weights["in -> a"].shape == (3, 15, 10)
    assert recording.traces["a -> b/x1"].shape == (STEPS, 10)
    assert recording.traces["a -> b/y1"].shape == (STEPS, 8)
    recording.save(tmp_path / "recording.npz")
    loaded = Recording.load(tmp_path / "recording.npz")
    for one, other in ((recording.weights, loaded.weights), (recording.traces, loaded.traces)):
        assert list(one) == list(other)
        for name, array in one.items():
            np.testing.assert_array_equal(array, other[name])


def test_fixed_feedback_takes_the_place_of_the_weights() -> None:
    feedback = np.random.default_rng(5).integers(-80, 80, (12, 4))
    symmetric, fixed, zero = (Golden(deep(f)) for f in (None, feedback, 0 * feedback))
    for golden in (symmetric, fixed, zero):
        spikes, teaching = taught(golden.quantised)
        golden.run(spikes, **teaching)
    one, other = symmetric.learned.projections[0].weights, fixed.learned.projections[0].weights
    assert (one != other).any()
    np.testing.assert_array_equal(
        zero.learned.projections[0].weights, deep().projections[0].weights
    )


def test_samples_are_shown_to_a_network_at_rest_whose_age_goes_on() -> None:
    network = deep()
    spikes, teaching = taught(network)
    pieces = [slice(0, 30), slice(30, 50), slice(50, 100)]
    samples = []
    for piece in pieces:
        train, lesson = part(spikes, teaching, piece)
        samples.append(Sample(train, lesson["modulator"], lesson["errors"]))
    golden = Golden(network)
    recordings = list(golden.learn(samples))
    assert [len(r.spikes["out"]) for r in recordings] == [30, 20, 50]
    assert golden.state is not None and golden.state.age == STEPS and golden.state.time == 50

    state, other = None, network
    for sample in samples:
        again = Golden(other)
        again.run(sample.spikes, state=state, modulator=sample.modulator, errors=sample.errors)
        assert again.state is not None
        state, other = again.state.cleared(), again.learned
    assert same(other, golden.learned)


def test_the_age_chooses_the_draws() -> None:
    network = mixed()
    spikes = taught(network)[0]
    fresh, old = Golden(network), Golden(network)
    fresh.run(spikes)
    assert fresh.state is not None
    old.run(spikes, state=fresh.state.cleared())
    assert not same(fresh.learned, old.learned)


def test_a_clear_leaves_the_eligibility() -> None:
    golden = Golden(mixed())
    golden.run(taught(golden.quantised)[0])
    assert golden.state is not None
    cleared = golden.state.cleared()
    assert cleared.learning["a -> b"].eligibility.any()
    assert not cleared.learning["a -> b"].pre_traces.any()
    assert (cleared.time, cleared.age) == (0, STEPS)


def test_a_rule_survives_the_file_of_its_network(tmp_path: Path) -> None:
    network = deep(np.random.default_rng(3).integers(-80, 80, (12, 4)))
    network.save(tmp_path / "network.npz")
    loaded = QuantisedNetwork.load(tmp_path / "network.npz")
    for one, other in zip(network.projections, loaded.projections, strict=True):
        assert isinstance(one, Dense) and isinstance(other, Dense)
        mine, theirs = vars(one.rule) | {"back": None}, vars(other.rule) | {"back": None}
        assert mine == theirs
    back = [dense(n)[1].rule.back for n in (network, loaded)]
    assert back[0].shift == back[1].shift
    np.testing.assert_array_equal(back[0].feedback, back[1].feedback)
