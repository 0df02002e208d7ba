from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import Errors, LearningRule, Surrogate
from spikeloom_hw.neuron import NeuronParameters, Output, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.learning import Sample
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.random_rule import random_feedback, random_rule

SIZES = {"in": 17, "a": 9, "b": 6}
STEPS = 60
NEURON = NeuronParameters(250, decay=3900, reset=Reset.SUBTRACT, shift=1, minimum=-900)
ADAPTIVE = replace(NEURON, adaptation_decay=3000, adaptation_step=5, bias=3, inclusive=True)
CHOOSY = replace(
    NEURON, threshold=100, winner=True, inhibition=90, refractory=2, reset=Reset.TO_VALUE
)
OWING = replace(NEURON, reset=Reset.SUBTRACT_DELAYED)


def random_rules(rng: np.random.Generator, second: NeuronParameters) -> list[LearningRule]:
    """Rules of in -> a, a -> b and b -> a; the first two of them from errors, most often."""
    errors = Errors(Surrogate(int(rng.integers(4))), int(rng.integers(6)), 60)
    none: dict[str, Any] = {"neurons": None}
    fixed = none if second.reset is not Reset.SUBTRACT else {}
    back = random_feedback(rng, (SIZES["a"], SIZES["b"]))
    return [
        random_rule(rng, errors=errors),
        random_rule(rng, errors=errors, back=back, **fixed),
        random_rule(rng, enabled=bool(rng.random() < 0.7), **none),
    ]


def random_network(seed: int) -> QuantisedNetwork:
    rng = np.random.default_rng(seed)
    second = [CHOOSY, OWING, ADAPTIVE][seed % 3]
    populations = [
        QuantisedPopulation("in", SIZES["in"]),
        QuantisedPopulation("a", SIZES["a"], ADAPTIVE),
        QuantisedPopulation("b", SIZES["b"], second),
    ]
    pairs = [("in", "a"), ("a", "b"), ("b", "a")]
    projections = [
        Dense(x, y, rng.integers(r.low, r.high + 1, (SIZES[x], SIZES[y])), rule=r)
        for (x, y), r in zip(pairs, random_rules(rng, second), strict=True)
    ]
    fixed = Dense("in", "b", rng.integers(-20, 90, (SIZES["in"], SIZES["b"])))
    return QuantisedNetwork(tuple(populations), (*projections, fixed), 8, 18)


def teach(network: QuantisedNetwork, seed: int) -> tuple[np.ndarray, dict[str, Any]]:
    rng = np.random.default_rng(seed)
    names = {p.target for p in network.projections if isinstance(p, Dense) and p.rule}
    errors = {
        name: rng.integers(-300, 300, (STEPS, SIZES[name]))
        for name in sorted(names)
        if any(
            isinstance(p, Dense) and p.rule and p.target == name and p.rule.errors
            for p in network.projections
        )
    }
    modulator = rng.integers(-128, 128, STEPS) * (rng.random(STEPS) < 0.6)
    return rng.random((STEPS, SIZES["in"])) < 0.3, {"modulator": modulator, "errors": errors}


def compare(models: list[Golden]) -> None:
    """Hold weights, parameters and states of two models against one another."""
    numpy, numba = models
    assert numpy.state is not None and numba.state is not None
    for name, state in numpy.state.items():
        for one, other in zip(state, numba.state[name], strict=True):
            np.testing.assert_array_equal(one, other)
        np.testing.assert_array_equal(numpy.state.pending[name], numba.state.pending[name])
    for name, kept in numpy.state.learning.items():
        for one, other in zip(kept, numba.state.learning[name], strict=True):
            np.testing.assert_array_equal(one, other)
    for one, other in zip(numpy.learned.projections, numba.learned.projections, strict=True):
        assert isinstance(one, Dense) and isinstance(other, Dense)
        np.testing.assert_array_equal(one.weights, other.weights)
    for one, other in zip(numpy.learned.neurons, numba.learned.neurons, strict=True):
        assert one.neuron and other.neuron
        np.testing.assert_array_equal(one.neuron.threshold, other.neuron.threshold)
        np.testing.assert_array_equal(one.neuron.decay, other.neuron.decay)
    assert (numpy.state.time, numpy.state.age) == (numba.state.time, numba.state.age)


def same(recorded: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> None:
    assert recorded.keys() == other.keys()
    for name, array in recorded.items():
        np.testing.assert_array_equal(array, other[name])


@pytest.mark.parametrize("seed", range(24))
def test_compiled_learning_equals_numpy_bit_for_bit(seed: int) -> None:
    network = random_network(seed)
    models = [Golden(network, engine=engine) for engine in ("numpy", "numba")]
    spikes, teaching = teach(network, seed)
    record = {"traces": seed % 2 == 0, "weights_every": 7}
    runs = [model.run(spikes, potentials=True, **record, **teaching) for model in models]
    for kind in ("spikes", "potentials", "weights", "traces"):
        same(getattr(runs[0], kind), getattr(runs[1], kind))
    assert runs[0].counters == runs[1].counters
    compare(models)
    before = {p.name: p for p in network.neurons}
    assert any(np.any(runs[0].spikes[name]) for name in before)

    # Go on from where both are.
    models = [Golden(m.learned, engine=m.engine) for m in models]
    state = models[0].state
    for model, old in zip(models, runs, strict=True):
        assert old is not state
        model.run(spikes[:20])
    compare(models)


@pytest.mark.parametrize("seed", range(3))
def test_compiled_learning_from_samples_equals_numpy(seed: int) -> None:
    network = random_network(seed)
    models = [Golden(network, engine=engine) for engine in ("numpy", "numba")]
    samples = [Sample(s, **t) for s, t in (teach(network, n) for n in range(4))]
    for one, other in zip(*(model.learn(samples) for model in models), strict=True):
        same(one.spikes, other.spikes)
    compare(models)


def test_a_compiled_network_that_goes_on_from_a_state_equals_one_that_never_stopped() -> None:
    network = random_network(5)
    spikes, teaching = teach(network, 5)
    whole, first = Golden(network, engine="numba"), Golden(network, engine="numba")
    whole.run(spikes, **teaching)
    cut = 23
    head, tail = (
        {
            "modulator": teaching["modulator"][part],
            "errors": {name: e[part] for name, e in teaching["errors"].items()},
        }
        for part in (slice(0, cut), slice(cut, None))
    )
    first.run(spikes[:cut], **head)
    second = Golden(first.learned, engine="numba")
    second.run(spikes[cut:], state=first.state, **tail)
    compare([whole, second])


def test_the_compiled_engine_says_what_it_cannot_learn_in() -> None:
    network = random_network(0)
    noisy = [
        replace(p, neuron=replace(p.neuron, noise=3, output=Output.SPIKE)) if p.neuron else p
        for p in network.populations
    ]
    with pytest.raises(
        ValueError,
        match=r"^Engine 'numba' learns in dense networks of leaky neurons, but population 'a' has "
        r"noise; use the engine 'numpy'$",
    ):
        Golden(replace(network, populations=tuple(noisy)), engine="numba")
