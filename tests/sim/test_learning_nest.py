"""NEST's additive STDP: the weight of 20 single synapses at each of their presynaptic spikes.

The bound
---------
In the units of NEST, weights are multiples of 1 / SCALE. Each step adds
``(A+ x s_post - A- y s_pre) * SCALE``, rounded, where x and y are operands in place of the true
traces X and Y. These are the sources of error:

* Decay: a step keeps ``d / 4096`` of a trace in place of ``a = exp(-1 / 20)``, and cuts off the
  fraction of the product. As d / 4096 is less than a, a trace lacks ``D' = a D + (a - d / 4096) X
  + 1`` at most (all in steps of 1 / INCREMENT), and is never too large.
* Operand: terms see the upper 10 of its 16 bits, which is up to 63 less.
* Coefficients: c+ and c- are in the true proportion 20 to 21; of their magnitude a share RELATIVE
  is wrong, which comes from rounding INCREMENT.
* Rounding: a change in a step is off by half a weight step at most.

So the true weight lies no further below than the sum of what all potentiations may lack, and no
further above than the sum of what all depressions may lack, plus the last two errors either way.
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


def bounds(pairs: Pairs) -> tuple[np.ndarray, np.ndarray]:
    """How far each weight may lie below and above that of NEST, after each step."""
    keep, share = np.exp(-1 / TAU), DECAY / 4096
    assert share < keep
    relative = abs(COEFFICIENTS[0] * INCREMENT / (UP * SCALE * UNIT * 2**SHIFT) - 1)
    traces = {"pre": np.zeros(PAIRS), "post": np.zeros(PAIRS)}
    lacks = {"pre": np.zeros(PAIRS), "post": np.zeros(PAIRS)}
    below, above, found = np.zeros(PAIRS), np.zeros(PAIRS), []
    for pre, post in zip(pairs.pre, pairs.post, strict=True):
        for side in traces:
            lost = (keep - share) * traces[side] * INCREMENT + 1
            lacks[side] = keep * lacks[side] + lost
            traces[side] = keep * traces[side]
        less = {side: (lacks[side] + UNIT - 1) / INCREMENT for side in lacks}
        either = UP * relative * traces["pre"] * post + DOWN * relative * traces["post"] * pre
        either = either + (pre | post) * 0.5 / SCALE
        below = below + UP * less["pre"] * post + either
        above = above + DOWN * less["post"] * pre + either
        found.append((below, above))
        for side, spikes in (("pre", pre), ("post", post)):
            traces[side] = traces[side] + spikes
            assert (traces[side] * INCREMENT < 65535).all()
    low, high = zip(*found, strict=True)
    return np.array(low), np.array(high)


def outside(rule: LearningRule, pairs: Pairs) -> int:
    """Count the weights of NEST that the bound does not allow."""
    weights, (below, above) = learned(rule, pairs), bounds(pairs)
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
    below, above = bounds(pairs)
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
    weights, (below, above) = learned(RULE, pairs._replace(post=later)), bounds(pairs)
    wrong = [
        not -below[t, n] <= weights[t, n] - expected <= above[t, n]
        for t, n, expected in pairs.weights
    ]
    assert any(wrong)
