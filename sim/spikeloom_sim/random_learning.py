"""Random networks that learn, and what they are taught."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikeloom_hw.learning import Errors, Surrogate
from spikeloom_hw.neuron import NeuronParameters, Output, Reset

from .learning import Teaching, plastic_projections
from .projection import Dense, Projection, Sparse
from .quantised import QuantisedNetwork, QuantisedPopulation
from .random_rule import random_feedback, random_rule

__all__ = ["LearningCase", "random_learning_case", "random_teaching"]

_ENDS = (("i", "a"), ("a", "b"), ("i", "b"), ("a", "a"))


@dataclass(frozen=True, eq=False)
class LearningCase:
    """A network that learns, its input, and what it is taught.

    Parameters
    ----------
    network : QuantisedNetwork
        The network.
    spikes : dict of str to (steps, neurons) bool array
        Spikes of each input.
    teaching : Teaching
        Modulator and errors; may be empty.
    """

    network: QuantisedNetwork
    spikes: dict[str, np.ndarray]
    teaching: Teaching


def random_learning_case(
    seed: int, steps: int, largest: int = 13, *, sparse: bool = False
) -> LearningCase:
    """Draw a network that fits the structure ``LEARNING``, with rules that use all it has.

    Feedforward, recurrent and delayed projections, winners, adaptation and readouts are in the
    mix, and errors that go backwards.

    Parameters
    ----------
    seed : int
        Same seed, same case.
    steps : int
        Time steps.
    largest : int
        Most neurons of a population.
    sparse : bool
        Whether projections that may be sparse are, most of them, for the structure
        ``SPARSE_LEARNING``.
    """
    for attempt in range(100):
        rng = np.random.default_rng([seed, attempt])
        try:
            network = _network(rng, largest)
        except ValueError:
            # Too much for an accumulator, or errors against the order of learning: draw again.
            continue
        if plastic_projections(network.projections, network.phases):
            break
    else:
        raise AssertionError(f"No network that learns was drawn for seed {seed}")
    if sparse:
        network = _thinned(np.random.default_rng([seed, 100]), network)
    size = network.inputs[0].size
    spikes = {"i": rng.random((steps, size)) < rng.choice([0.05, 0.3, 0.8])}
    return LearningCase(network, spikes, random_teaching(rng, network, steps))


def random_teaching(rng: np.random.Generator, network: QuantisedNetwork, steps: int) -> Teaching:
    """Draw a modulator for every other step, and errors of some neurons."""
    if rng.random() < 0.2:
        return {}
    errors = {}
    for projection in plastic_projections(network.projections, network.phases).values():
        if projection.rule.errors:
            shape = steps, projection.shape[1]
            scale = 30_000 if rng.random() < 0.1 else 2_000
            given = rng.random(shape) < 0.3
            errors[projection.target] = rng.integers(-scale, scale, shape) * given
    modulator = rng.integers(-128, 128, steps) * (rng.random(steps) < 0.5)
    return {"modulator": modulator, "errors": errors}


def _network(rng: np.random.Generator, largest: int) -> QuantisedNetwork:
    sizes = dict(zip("iab", rng.integers(1, largest + 1, 3).tolist(), strict=True))
    populations = [QuantisedPopulation("i", sizes["i"])]
    for name in "ab":
        neuron = _neuron(rng, sizes[name], reads_out=name == "b")
        populations.append(QuantisedPopulation(name, sizes[name], neuron))
    projections: list[Projection] = []
    taught: set[str] = set()
    for source, target in _ENDS:
        shape = sizes[source], sizes[target]
        fixed: dict[str, Any] = {"neurons": None} if target in taught else {}
        if (source, target) == ("a", "b") and rng.random() < 0.7:
            surrogate = Surrogate(int(rng.integers(4)))
            fixed["errors"] = Errors(surrogate, int(rng.integers(5)), int(rng.integers(1000)))
            fixed["back"] = random_feedback(rng, shape)
        rule = random_rule(rng, 8, 8, **fixed) if rng.random() < 0.8 else None
        taught |= {target} if rule and rule.neurons else set()
        low, high = (rule.low, rule.high) if rule else (-40, 60)
        weights = rng.integers(low, high + 1, shape)
        delay = int(rng.integers(3))
        projections.append(Dense(source, target, weights, rule=rule, delay=delay))
    return QuantisedNetwork(tuple(populations), tuple(projections))


def _thinned(rng: np.random.Generator, network: QuantisedNetwork) -> QuantisedNetwork:
    """Leave synapses out, and give the others delays of their own, where that may be."""
    projections = []
    for projection in network.projections:
        rule = projection.rule if isinstance(projection, Dense) else None
        fixed = rule and (rule.back or rule.eligibility)
        if not fixed and rng.random() < 0.8:
            places = rng.random(projection.shape) < rng.choice([0.2, 0.6, 1.0])
            pre, post = np.nonzero(places)
            order = rng.permutation(len(pre))
            projection = Sparse(
                projection.source,
                projection.target,
                projection.weights[places][order],
                pre=pre[order],
                post=post[order],
                size=projection.shape,
                delays=rng.integers(0, 2, len(pre)) if rng.random() < 0.5 else None,
                delay=projection.delay,
                rule=rule,
            )
        projections.append(projection)
    return replace(network, projections=tuple(projections))


def _neuron(rng: np.random.Generator, size: int, reads_out: bool) -> NeuronParameters:
    output = Output.VALUE if reads_out and rng.random() < 0.3 else Output.SPIKE
    winner = output is Output.SPIKE and rng.random() < 0.25
    threshold = rng.integers(60, 300, size) if rng.random() < 0.5 else int(rng.integers(60, 300))
    return NeuronParameters(
        threshold=threshold,
        decay=int(rng.integers(3000, 4097)),
        reset=Reset.SUBTRACT,
        output=output,
        winner=winner,
        inhibition=int(rng.integers(50)) if winner else 0,
        adaptation_step=int(rng.integers(3)) * 20,
        adaptation_decay=3500,
    )
