"""How far weights that were learned in integers may lie from those of the equation."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from spikeloom_hw.learning import (
    Dependence,
    LearningRule,
    Post,
    Rounding,
    Seen,
    Term,
    Trace,
    TraceKind,
)
from spikeloom_hw.learning.parts import LARGEST_TRACE
from spikeloom_hw.number import DECAY_ONE

from .learning.traces import TRACE_WIDTH

__all__ = ["Band", "Equation", "band", "reward_band"]


@dataclass(frozen=True)
class Equation:
    """A rule in real numbers, of the same form as one in integers.

    Parameters
    ----------
    amplitudes : sequence of float
        Magnitude of each term, in steps of the weights; a share of the distance to an end of
        their range, where the term depends on the weight.
    pre_taus, post_taus : sequence of float
        Time constant of each trace, in steps of time.
    """

    amplitudes: Sequence[float]
    pre_taus: Sequence[float]
    post_taus: Sequence[float]


class Band(NamedTuple):
    """How far weights may lie below and above those of the equation; (steps, pairs) arrays."""

    below: np.ndarray
    above: np.ndarray


class _Values(NamedTuple):
    """What the equation has, and the least and the greatest that integers can have.

    Numbers, or arrays of pairs or of steps and pairs.
    """

    true: Any
    low: Any
    high: Any


def band(
    rule: LearningRule, equation: Equation, pre: np.ndarray, post: np.ndarray, weights: np.ndarray
) -> Band:
    """Bound the error of the weights of single synapses, one for each pair of neurons.

    Parameters
    ----------
    rule : LearningRule
        Terms of spikes and traces, without a modulator.
    equation : Equation
        What it stands for.
    pre, post : (steps, pairs) bool array
        Spikes.
    weights : (steps + 1, pairs) int array
        Weights of the integers before the first step, where they are those of the equation, and
        after each step.

    Raises
    ------
    ValueError
        If the rule has other parts, or a weight changes by more than there is.

    Notes
    -----
    X is a trace of the equation, to which a spike adds 1, x that of the integers.

    * A step takes X to ``X exp(-1 / tau)``, and x to ``x d / 4096``, less a fraction below 1. So if
      x lies between l and h, it then lies between ``l d / 4096 - 1`` and ``h d / 4096``. A spike
      adds the increment to both, or sets both to it; neither exceeds ``2**16 - 1``.
    * An operand is ``x / 2**(16 - B)``, less a fraction below 1.
    * A term is c times its operands, so it lies between c times the product of the least and c
      times that of the greatest, over ``2**G``; for the equation it is A times the true traces.
    * The sum is rounded once: to the nearest by half a step of the weight at most, at random by
      less than one. A sum of 0 is not rounded.

    With w the integer weight, W the true one, ``e = w - W`` and a share ``s = A X`` of the distance
    to the upper end, integers add ``(s + error) (high - w)`` and the equation adds
    ``s (high - W) = s (high - w) + s e``. So ``e' = e (1 - s) + error (high - w)``, and the same
    for the lower end: errors of the weight shrink by what the terms that depend on it take away.

    The equation sees spikes one after the other, the presynaptic one first: in a step with both,
    what has been lost can be won back. With shares s and t that is at most ``s t (W - low)``, by
    which the integers, whose terms see the weight before the step, lie lower.

    Both clip weights to the same range, which brings them no further apart; the equation must not
    come to the lower end between the two spikes of a step.
    """
    if rule.eligibility:
        raise ValueError("Rule must have no eligibility: use reward_band")
    return _compared(rule, equation, pre, post, weights).summed()


def reward_band(
    rule: LearningRule,
    equation: Equation,
    tau: float,
    spikes: tuple[np.ndarray, np.ndarray],
    modulator: np.ndarray,
) -> Band:
    """Bound the error of weights that learn from rewards, of single synapses as in :func:`band`.

    Parameters
    ----------
    rule : LearningRule
        Terms of spikes and traces, with an eligibility.
    equation : Equation
        What it stands for; amplitudes are in steps of the eligibility.
    tau : float
        Time constant of the eligibility, which decays in every step, in steps.
    spikes : pair of (steps, pairs) bool arrays
        Spikes before and after.
    modulator : (steps,) int array
        Modulator of each step.

    Raises
    ------
    ValueError
        If the rule has other parts, or a term that depends on the weight.

    Notes
    -----
    The eligibility E of the equation changes by the terms and then decays; that of the integers
    lies between l and h, which change by the least and the greatest sum of the terms, as in
    :func:`band`. At the end of an epoch both are multiplied by ``d / 4096``, less a fraction below
    1 of the magnitude, as the product is rounded toward zero. In a step with the modulator m the
    weight then lies off by ``m (l - E) / 2**shift`` to ``m (h - E) / 2**shift`` more, and by what
    rounding adds. The eligibility must not come to the ends of its format.
    """
    depends = any(term.dependence is not Dependence.ONE for term in rule.terms)
    if depends or not rule.eligibility:
        raise ValueError("Rule must have an eligibility, and no term that depends on the weight")
    part, keep = rule.eligibility, np.exp(-1 / tau)
    nothing, found = np.zeros(spikes[0].shape[1]), []
    changes = _compared(rule, equation, *spikes, np.tile(nothing, (len(modulator) + 1, 1)))
    least, most = changes.ends()
    true = low = high = below = above = nothing
    for t, m in enumerate(modulator.tolist()):
        low, high = low + changes.true[t] + least[t], high + changes.true[t] + most[t]
        true = keep * (true + changes.true[t])
        if (t + 1) % part.epoch == 0:
            share = part.decay / DECAY_ONE
            low, high = share * low - np.clip(share * low, 0, 1), share * high
            high = high + np.clip(-high, 0, 1)
        one, other = (m * (end - true) / 2.0**part.reward_shift for end in (low, high))
        rounding = changes.rounding * ((low != 0) | (high != 0)) * (m != 0)
        below = np.maximum(below - np.minimum(one, other) + rounding, 0)
        above = np.maximum(above + np.maximum(one, other) + rounding, 0)
        found.append((below, above))
    return Band(*(np.array(side) for side in zip(*found, strict=True)))


def _compared(
    rule: LearningRule, equation: Equation, pre: np.ndarray, post: np.ndarray, weights: np.ndarray
) -> "_Changes":
    """Compare the changes of a rule with those of its equation."""
    if any(t.post in (Post.DELTA, Post.SDSP) or t.modulated for t in rule.terms) or rule.gate:
        raise ValueError("Rule must be of spikes and traces alone, without a modulator")
    width = rule.operand_width
    x, y = (
        [_ONE, *(_operands(t, tau, width, s) for t, tau in zip(traces, taus, strict=True))]
        for traces, taus, s in (
            (rule.pre_traces, equation.pre_taus, pre),
            (rule.post_traces, equation.post_taus, post),
        )
    )
    changes = _Changes(rule, np.asarray(weights[:-1], float))
    for term, amplitude in zip(rule.terms, equation.amplitudes, strict=True):
        there = (pre | (not term.on_pre)) & (post | (not term.on_post))
        changes.add(term, amplitude, x[term.pre], y[term.post], there)
    return changes


_ONE = _Values(1.0, 1, 1)


def _operands(trace: Trace, tau: float, width: int, spikes: np.ndarray) -> _Values:
    """Give what terms see of a trace in each step."""
    keep, share = np.exp(-1 / tau), trace.decay / DECAY_ONE
    after = _Values(*np.zeros((3, spikes.shape[1])))
    found = []
    for fired in spikes:
        before = _Values(
            keep * after.true, np.maximum(share * after.low - 1, 0), share * after.high
        )
        rest = np.where(fired, 0, before) if trace.kind is TraceKind.NEAREST else before
        grown = rest + fired * np.array([[1], [trace.increment], [trace.increment]])
        after = _Values(grown[0], *np.minimum(grown[1:], LARGEST_TRACE))
        found.append(after if trace.seen is Seen.AFTER else before)
    true, low, high = np.moveaxis(np.array(found), 1, 0)
    unit = 1 << (TRACE_WIDTH - width)
    return _Values(true, np.maximum((low + 1) / unit - 1, 0), high / unit)


class _Changes:
    """Changes of weights by a rule: those of integers less those of the equation.

    Arrays are (steps, pairs); ``weights`` are those before each step.
    """

    def __init__(self, rule: LearningRule, weights: np.ndarray) -> None:
        self.rule, self.weights = rule, weights
        self.rounding = 0.5 if rule.rounding is Rounding.NEAREST else 1.0
        self.true = self.low = self.high = np.zeros(weights.shape)
        self.shares = {kind: np.zeros(weights.shape) for kind in Dependence}
        self.changed = np.zeros(weights.shape, bool)

    def add(self, term: Term, amplitude: float, x: _Values, y: _Values, there: Any) -> None:
        """Add a term, in the steps and for the pairs where it is there."""
        rule = self.rule
        size = abs(term.coefficient) / 2.0**rule.shift
        true = there * amplitude * x.true * y.true
        distance: Any = 1.0
        if term.dependence is Dependence.ABOVE:
            distance = self.weights - rule.low
        elif term.dependence is Dependence.BELOW:
            distance = rule.high - self.weights
        less, more = (
            (there * size * a * b - true) * distance for a, b in ((x.low, y.low), (x.high, y.high))
        )
        if term.coefficient < 0:
            less, more = -more, -less
        self.low, self.high = self.low + less, self.high + more
        self.true = self.true + np.sign(term.coefficient) * true * distance
        self.shares[term.dependence] += true
        self.changed |= there & (x.high * y.high > 0)

    def ends(self) -> tuple[np.ndarray, np.ndarray]:
        """Least and greatest difference, with what rounding may do."""
        return self.low - self.changed * self.rounding, self.high + self.changed * self.rounding

    def summed(self) -> Band:
        """Sum the errors of all steps, from none before the first."""
        down, up = self.shares[Dependence.ABOVE], self.shares[Dependence.BELOW]
        kept = 1 - down - up
        if (kept < 0).any():
            raise ValueError("Terms must take no more than the distance to an end of the range")
        (low, high), both = self.ends(), down * up
        room = self.weights - self.rule.low
        below, above = [np.zeros(low.shape[1])], [np.zeros(low.shape[1])]
        for t in range(len(low)):
            regained = both[t] * (room[t] + below[-1])
            below.append(np.maximum(kept[t] * below[-1] - low[t] + regained, 0))
            above.append(np.maximum(kept[t] * above[-1] + high[t], 0))
        return Band(np.array(below[1:]), np.array(above[1:]))
