"""NEST's additive STDP: the weight of 20 single synapses at each of their presynaptic spikes.

In the units of NEST, weights are multiples of 1 / SCALE. How far they may be from those of NEST is
derived in ``spikeloom_sim.learning_bound.band``. The coefficients are in the true proportion, 20
to 21.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from spikeloom_hw.learning import (
    LearningRule,
    Post,
    Pre,
    Rounding,
    Seen,
    Term,
    Trace,
    TraceKind,
)
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_sim.golden import Golden
from spikeloom_sim.learning_bound import Band, Equation, band
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

FILE = Path(__file__).parents[1] / "data" / "nest" / "stdp_additive.npz"
PAIRS = 20
TAU, LARGEST = 20.0, 100.0
UP, DOWN = 1.0, 1.05  # lambda * Wmax, and alpha times that
SCALE, SHIFT, WIDTH = 256, 7, 10
UNIT = 1 << 16 - WIDTH
COEFFICIENTS = (120, 126)
INCREMENT = round(UP * SCALE * UNIT * 2**SHIFT / COEFFICIENTS[0])
DECAY = round(4096 * np.exp(-1 / TAU))


class Pairs(NamedTuple):
    """Spikes, (steps, pairs), and the weights of NEST with their steps and pairs."""

    pre: np.ndarray
    post: np.ndarray
    weights: list[tuple[int, int, float]]


def load() -> Pairs:
    with np.load(FILE) as file:
        steps = 3 + int(
            max(file[f"{kind}{n}"].max() for kind in ("pre", "post") for n in range(20))
        )
        pre, post = np.zeros((steps, PAIRS), bool), np.zeros((steps, PAIRS), bool)
        weights = []
        for n in range(PAIRS):
            pre[np.rint(file[f"pre{n}"]).astype(int), n] = True
            # A spike is seen at the synapse after the dendritic delay of 1 ms.
            post[np.rint(file[f"post{n}"]).astype(int) + 1, n] = True
            times = np.rint(file[f"t{n}"]).astype(int).tolist()
            weights += zip(times, [n] * len(times), file[f"w{n}"].tolist(), strict=True)
    return Pairs(pre, post, weights)


# NEST counts a pair that coincides at the synapse neither way: both traces are seen before.
TRACE = Trace(DECAY, INCREMENT, seen=Seen.BEFORE)
RULE = LearningRule(
    (
        Term(-COEFFICIENTS[1], on_pre=True, post=Post.Y1),
        Term(COEFFICIENTS[0], pre=Pre.X1, on_post=True),
    ),
    shift=SHIFT,
    low=0,
    high=int(LARGEST * SCALE),
    pre_traces=(TRACE,),
    post_traces=(TRACE,),
    rounding=Rounding.NEAREST,
    operand_width=WIDTH,
)


def learned(rule: LearningRule, pairs: Pairs) -> np.ndarray:
    """Weights of the pairs after each step, in NEST's units."""
    strong = 1 << 22
    relay = NeuronParameters(threshold=strong - 1, decay=0, width=32)
    populations = (
        QuantisedPopulation("pre", PAIRS),
        QuantisedPopulation("teacher", PAIRS),
        QuantisedPopulation("post", PAIRS, relay),
    )
    start = np.full((PAIRS, PAIRS), 50 * SCALE)
    projections = (
        Dense("pre", "post", start, rule=rule),
        Dense("teacher", "post", np.diag(np.full(PAIRS, strong))),
    )
    network = QuantisedNetwork(populations, projections, 24, 32)
    spikes = {"pre": pairs.pre, "teacher": pairs.post}
    recording = Golden(network).run(spikes, weights_every=1)
    np.testing.assert_array_equal(recording.spikes["post"][:, 0], pairs.post)
    return np.diagonal(recording.weights["pre -> post"], axis1=1, axis2=2) / SCALE


def bounds(pairs: Pairs, weights: np.ndarray) -> Band:
    """How far each weight may lie below and above that of NEST, after each step."""
    equation = Equation((DOWN * SCALE, UP * SCALE), (TAU,), (TAU,))
    steps = np.rint(SCALE * np.concatenate([np.full((1, PAIRS), 50), weights])).astype(int)
    found = band(RULE, equation, pairs.pre, pairs.post, steps)
    return Band(found.below / SCALE, found.above / SCALE)


def outside(rule: LearningRule, pairs: Pairs) -> int:
    """Count the weights of NEST that the bound does not allow."""
    weights = learned(rule, pairs)
    below, above = bounds(pairs, weights)
    wrong = 0
    for step, pair, expected in pairs.weights:
        apart = weights[step, pair] - expected
        wrong += not -below[step, pair] - 1e-9 <= apart <= above[step, pair] + 1e-9
    return wrong


def test_every_weight_is_that_of_nest_within_the_bound() -> None:
    pairs = load()
    assert len(pairs.weights) > 700
    assert outside(RULE, pairs) == 0
    # The weights move much further than the bound is wide.
    below, above = bounds(pairs, learned(RULE, pairs))
    span = np.ptp([weight for *_, weight in pairs.weights])
    assert span > 10 and (below + above).max() < 1


def with_trace(**changes: Any) -> dict[str, Any]:
    return {"pre_traces": (replace(TRACE, **changes),), "post_traces": (replace(TRACE, **changes),)}


MUTANTS = {
    "a time constant of 19": with_trace(decay=round(4096 * np.exp(-1 / 19))),
    "coincident pairs count": with_trace(seen=Seen.AFTER),
    "nearest neighbours only": with_trace(kind=TraceKind.NEAREST),
    "potentiation and depression the other way round": {
        "terms": (
            Term(COEFFICIENTS[0], on_pre=True, post=Post.Y1),
            Term(-COEFFICIENTS[1], pre=Pre.X1, on_post=True),
        )
    },
    "equal amplitudes": {
        "terms": (
            Term(-COEFFICIENTS[0], on_pre=True, post=Post.Y1),
            Term(COEFFICIENTS[0], pre=Pre.X1, on_post=True),
        )
    },
}


@pytest.mark.parametrize("change", MUTANTS.values(), ids=list(MUTANTS))
def test_another_rule_differs(change: dict[str, Any]) -> None:
    assert outside(LearningRule(**{**vars(RULE), **change}), load()) > 0


def test_another_dendritic_delay_differs() -> None:
    pairs = load()
    later = np.roll(pairs.post, 1, axis=0)
    weights = learned(RULE, pairs._replace(post=later))
    below, above = bounds(pairs, weights)
    wrong = [
        not -below[t, n] <= weights[t, n] - expected <= above[t, n]
        for t, n, expected in pairs.weights
    ]
    assert any(wrong)
