"""Rules against their equations in floating point, and against what they are known to do."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikeloom_hw.learning import (
    Dependence,
    Eligibility,
    LearningRule,
    Post,
    Pre,
    Rounding,
    Sdsp,
    Seen,
    Term,
    Trace,
    TraceKind,
)
from spikeloom_sim.learning import Neurons, Plastic, Step
from spikeloom_sim.projection import Dense

TAU = 20.0
DECAY = round(4096 * np.exp(-1 / TAU))
ONE = 1 << 13
"""Increment of a trace."""


def trace(tau: float = TAU, **changes: Any) -> Trace:
    return Trace(round(4096 * np.exp(-1 / tau)), ONE, **changes)


LATE = trace(seen=Seen.BEFORE)
LTD = Term(-100, on_pre=True, post=Post.Y1)
LTP = Term(100, pre=Pre.X1, on_post=True)


def rule(terms: Sequence[Term] = (LTD, LTP), **changes: Any) -> LearningRule:
    """Potentiation by 1 at a distance of 0: a coefficient of 100 takes 2**7 * 100 to 12800."""
    given: dict[str, Any] = {
        "shift": 8,
        "low": -16000,
        "high": 16000,
        "pre_traces": (trace(),),
        "post_traces": (LATE,),
        "rounding": Rounding.NEAREST,
        "operand_width": 10,
    }
    return LearningRule(**{"terms": tuple(terms), **given, **changes})


def train(made: LearningRule, pre: Any, post: Any, start: Any, **more: Any) -> np.ndarray:
    """Weights after each step, of (steps, neurons) spikes before and after."""
    pre, post = np.asarray(pre, bool), np.asarray(post, bool)
    weights = np.full((pre.shape[1], post.shape[1]), start)
    plastic = Plastic(Dense("a", "b", weights, rule=made), 16)
    zeros = np.zeros(post.shape[1], np.int64)
    modulators = more.get("modulator", np.zeros(len(pre), np.int64))
    potentials = more.get("potentials", np.zeros(post.shape, np.int64))
    kept = []
    for t, (before, after) in enumerate(zip(pre, post, strict=True)):
        target = Neurons(after, potentials[t], zeros, zeros, zeros)
        plastic.learn(Step(t, int(modulators[t]), {}), before, target)
        kept.append(plastic.weights.copy())
    return np.array(kept)


def pair(distance: int) -> tuple[np.ndarray, np.ndarray]:
    """One spike of each neuron, the postsynaptic one ``distance`` steps after the other."""
    pre, post = np.zeros((130, 1), bool), np.zeros((130, 1), bool)
    pre[60], post[60 + distance] = True, True
    return pre, post


def test_single_pairs_draw_the_window_of_stdp() -> None:
    change = {d: int(train(rule(), *pair(d), 0)[-1, 0, 0]) for d in (*range(-60, 61, 12), -1, 1)}
    amplitude = 100 * (ONE >> 6) / 2**8
    for distance, got in change.items():
        sign = 1 if distance >= 0 else -1
        expected = sign * amplitude * np.exp(-abs(distance) / TAU)
        # An operand lacks less than 1, and the trace less than a half of that; then rounding.
        assert abs(got - expected) <= 1.5 * 100 / 2**8 + 0.5
    assert change[0] == amplitude
    assert change[-1] < 0 < change[1]


def test_with_both_traces_before_a_coincidence_does_nothing() -> None:
    made = rule(pre_traces=(LATE,))
    assert train(made, *pair(0), 0)[-1, 0, 0] == 0


def trains(seed: int, steps: int = 400, rate: float = 0.04) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.random((steps, 6)) < rate, rng.random((steps, 5)) < rate


def exact(
    pre: np.ndarray, post: np.ndarray, start: float, change: Any, kind: TraceKind = TraceKind.ALL
) -> np.ndarray:
    """Weights after each step, in floating point, of a function of traces, spikes and weights.

    ``change(x, y, s_pre, s_post, w)`` sees x after the spikes of a step, and y before, for time
    constants of 20 and 60 steps.
    """
    keep = np.exp(-1 / np.array([[TAU], [3 * TAU]]))
    x, y = np.zeros((2, pre.shape[1])), np.zeros((2, post.shape[1]))
    weights, kept = np.full((pre.shape[1], post.shape[1]), start), []
    for before, after in zip(pre, post, strict=True):
        x_old, y_old = keep * x, keep * y
        x, y = x_old + before, y_old + after
        if kind is TraceKind.NEAREST:
            x, y = np.where(before, 1, x_old), np.where(after, 1, y_old)
        sides = [
            (a[:, :, None] if n % 2 == 0 else a[:, None, :])
            for n, a in enumerate((x, y_old, x_old))
        ]
        weights = weights + change(sides, before[:, None], after[None, :], weights)
        kept.append(weights)
    return np.array(kept)


AMPLITUDE = 100 * (ONE >> 6) / 2**8


def near(got: np.ndarray, expected: np.ndarray, spikes: Any, each: float) -> bool:
    """Whether the weights are as near as errors of ``each`` for every change allow."""
    pre, post = spikes
    changes = np.cumsum(pre[:, :, None] | post[:, None, :], axis=0)
    return bool((np.abs(got - expected) <= each * changes).all())


# A trace lacks up to 65 of what it should be after many spikes, and an operand another 63: that
# is 2 operands. The rounding adds a half.
OPERANDS = 2
EACH = OPERANDS * 100 / 2**8 + 0.5


def test_nearest_neighbours_are_those_of_the_equation() -> None:
    def change(sides: Any, before: Any, after: Any, weights: Any) -> Any:
        x, y, _ = sides
        return AMPLITUDE * (x[0] * after - y[0] * before)

    spikes = trains(1)
    once = trace(kind=TraceKind.NEAREST)
    made = rule(pre_traces=(once,), post_traces=(trace(kind=TraceKind.NEAREST, seen=Seen.BEFORE),))
    expected = exact(*spikes, 0.0, change, TraceKind.NEAREST)
    assert near(train(made, *spikes, 0), expected, spikes, EACH)
    assert not near(train(rule(), *spikes, 0), expected, spikes, EACH)


def test_triplets_are_those_of_pfister_and_gerstner() -> None:
    triple = AMPLITUDE * 2 * 128 / 100

    def change(sides: Any, before: Any, after: Any, weights: Any) -> Any:
        x, y, x_before = sides
        up = after * x[0] * (AMPLITUDE + triple * y[1])
        return up - before * y[0] * (AMPLITUDE + triple * x_before[1])

    slow = trace(3 * TAU, seen=Seen.BEFORE)
    terms = (
        LTD,
        LTP,
        Term(-2, pre=Pre.X2, post=Post.Y1, on_pre=True),
        Term(2, pre=Pre.X1, post=Post.Y2, on_post=True),
    )
    made = rule(terms, pre_traces=(trace(), slow), post_traces=(LATE, slow))
    spikes = trains(2, rate=0.02)
    expected = exact(*spikes, 0.0, change)
    # Either factor of a triplet may lack its operands; traces here reach 4 at most.
    each = EACH + 2 * OPERANDS * 2 * (4 * 128) / 2**8
    assert near(train(made, *spikes, 0), expected, spikes, each)
    pairs_only = rule(terms[:2], pre_traces=(trace(), slow), post_traces=(LATE, slow))
    assert not near(train(pairs_only, *spikes, 0), expected, spikes, each)


def test_multiplicative_changes_are_those_of_the_equation() -> None:
    share = 100 * (ONE >> 6) / 2**20

    def change(sides: Any, before: Any, after: Any, weights: Any) -> Any:
        x, y, _ = sides
        up = share * x[0] * after * (4000 - weights)
        return up - share * y[0] * before * (weights + 4000)

    down = Term(-100, on_pre=True, post=Post.Y1, dependence=Dependence.ABOVE)
    up = Term(100, pre=Pre.X1, on_post=True, dependence=Dependence.BELOW)
    made, spikes = rule((down, up), shift=20, low=-4000, high=4000), trains(3)
    expected = exact(*spikes, 2000.0, change)
    # An error of the weight shrinks with every change, as the change opposes it.
    each = OPERANDS * 100 * 8000 / 2**20 + 0.5
    assert near(train(made, *spikes, 2000), expected, spikes, each)
    additive = rule((LTD, LTP), low=-4000, high=4000)
    assert not near(train(additive, *spikes, 2000), expected, spikes, each)


def test_sdsp_follows_the_potential_and_the_calcium() -> None:
    window = Sdsp(potential=100, up_low=2, up_high=400, down_low=2, down_high=200)
    made = rule(
        (Term(64, on_pre=True, post=Post.SDSP),),
        shift=4,
        sdsp=window,
        low=0,
        high=20,
        post_traces=(trace(3 * TAU),),
    )
    steps = 12
    pre = np.zeros((steps, 2), bool)
    pre[4:, 0] = True
    # Neurons: high and active, low and active, high and silent, high and too active.
    post = np.zeros((steps, 4), bool)
    post[3, :2] = True
    post[:4, 3] = True
    potentials = np.tile([100, 99, 100, 100], (steps, 1))
    weights = train(made, pre, post, 10, potentials=potentials)
    assert weights[4, 0].tolist() == [14, 6, 10, 10]
    assert weights[-1, 0].tolist() == [20, 0, 10, 10]
    assert (weights[:, 1] == 10).all()


def test_weights_decay_toward_the_least_one() -> None:
    made = rule((Term(-128, dependence=Dependence.ABOVE),), shift=12, low=100, high=16000)
    silent = np.zeros((200, 1), bool)
    weights = train(made, silent, silent, 16000)[:, 0, 0]
    expected = 100 + 15900 * (1 - 128 / 4096) ** np.arange(1, 201)
    assert np.abs(weights - expected).max() <= 0.5 * 4096 / 128
    assert weights[-1] < 200


def reward_trial(seed: int, steps: int = 6000) -> np.ndarray:
    """Distal reward after Izhikevich (2007): who fires before the neuron is paid 60 steps later.

    All inputs fire at random. Whenever input 0 does, the neuron fires 2 steps later, as it does
    at random too, and a reward comes 60 steps after that.
    """
    rng = np.random.default_rng(seed)
    pre = rng.random((steps, 8)) < 0.01
    post = rng.random((steps, 1)) < 0.005
    modulator = np.zeros(steps, np.int64)
    for t in np.flatnonzero(pre[:, 0]):
        if t + 62 < steps:
            post[t + 2], modulator[t + 62] = True, 100
    made = rule(
        (Term(-60, on_pre=True, post=Post.Y1), Term(50, pre=Pre.X1, on_post=True)),
        shift=4,
        low=0,
        high=16000,
        eligibility=Eligibility(reward_shift=8, decay=3700, epoch=10),
        rounding=Rounding.STOCHASTIC,
    )
    return train(made, pre, post, 8000, modulator=modulator)[-1, :, 0]


def test_a_delayed_reward_finds_its_cause() -> None:
    weights = reward_trial(4)
    assert weights[0] == 16000
    assert weights[1:].max() < 12000
