"""Changes of weights: the sum of the terms, eligibility, and what is written back."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from spikeloom_hw.learning import Dependence, Eligibility, LearningRule, Post, Pre, Term
from spikeloom_hw.number import Signed, decay

from .postsynaptic import ERROR, divide
from .rounding import draw, rounded

__all__ = [
    "backward",
    "change_eligibility",
    "change_synapses",
    "change_weights",
    "decay_eligibility",
    "post_factor",
    "pre_factor",
    "reward_weights",
    "synapse_sum",
    "term_sum",
]

_SEEDS = 1 << 16


def pre_factor(term: Term, spikes: Any, operands: Sequence[Any], modulator: int) -> Any:
    """Presynaptic factor ``p`` of a term, with its coefficient.

    Parameters
    ----------
    term : Term
        The term.
    spikes : (pre,) bool array
        Whether the neurons sent a spike.
    operands : sequence of (pre,) int64 array
        What terms see of ``x1`` and ``x2``.
    modulator : int
        That of the step.
    """
    scale = modulator if term.modulated else term.coefficient
    factor = np.ones(len(spikes), np.int64) if term.pre is Pre.ONE else operands[term.pre - 1]
    return np.where(spikes, scale * factor, 0) if term.on_pre else scale * factor


def post_factor(
    term: Term, spikes: Any, operands: Sequence[Any], delta: Any = None, sdsp: Any = None
) -> Any:
    """Postsynaptic factor ``q`` of a term.

    Parameters
    ----------
    term : Term
        The term.
    spikes : (post,) bool array
        Whether the neurons sent a spike.
    operands : sequence of (post,) int64 array
        What terms see of ``y1`` to ``y3``.
    delta, sdsp : (post,) int64 array or None
        Where terms need them.
    """
    if term.post is Post.ONE:
        factor = np.ones(len(spikes), np.int64)
    elif term.post is Post.DELTA:
        factor = delta
    elif term.post is Post.SDSP:
        factor = sdsp
    else:
        factor = operands[term.post - 1]
    return np.where(spikes, factor, 0) if term.on_post else factor


def term_sum(
    rule: LearningRule, before: Sequence[Any], after: Sequence[Any], weights: Any
) -> np.ndarray:
    """Sum of the terms of a rule.

    Parameters
    ----------
    rule : LearningRule
        The rule.
    before, after : sequence of (rows,) and of (columns,) int64 array
        Factors p and q of each term.
    weights : (rows, columns) int64 array
        Weights before the step.
    """
    products = [p[:, None] * q[None, :] for p, q in zip(before, after, strict=True)]
    return synapse_sum(rule, products, weights)


def synapse_sum(rule: LearningRule, products: Sequence[Any], weights: Any) -> np.ndarray:
    """Sum of the terms of a rule, from the products p q of each term at each of the synapses."""
    total = np.zeros(weights.shape, np.int64)
    for term, product in zip(rule.terms, products, strict=True):
        if term.dependence is Dependence.ABOVE:
            product = product * (weights - rule.low)
        elif term.dependence is Dependence.BELOW:
            product = product * (rule.high - weights)
        total += product
    return total


def change_weights(
    rule: LearningRule, weights: Any, sums: Any, time: int, rows: Any, columns: Any
) -> np.ndarray:
    """Weights after the step: ``clip(w + ((sum + r) >> G), low, high)``.

    Parameters
    ----------
    rule : LearningRule
        The rule.
    weights, sums : (rows, columns) int64 array
        Weights before the step, and the sums of the terms.
    time : int
        Number of the time step.
    rows, columns : (rows,) and (columns,) int array
        Indices of the neurons before and after the synapses.
    """
    rows, columns = np.asarray(rows)[:, None], np.asarray(columns)[None, :]
    return change_synapses(rule, weights, sums, time, rows, columns)


def change_synapses(
    rule: LearningRule, weights: Any, sums: Any, time: int, pre: Any, post: Any
) -> np.ndarray:
    """Do what :func:`change_weights` does; all arrays have, or broadcast to, one shape."""
    drawn = draw(rule.rounding, rule.seed, time, pre, post, rule.shift)
    return np.clip(weights + rounded(sums, drawn, rule.shift), rule.low, rule.high)


def change_eligibility(
    rule: LearningRule, eligibility: Any, sums: Any, time: int, rows: Any, columns: Any, width: int
) -> np.ndarray:
    """Eligibilities after the terms of the step, as :func:`change_weights` changes weights.

    ``width`` is that of a weight.
    """
    drawn = _draw(rule, time, rows, columns, rule.shift)
    return Signed(width).clip(eligibility + rounded(sums, drawn, rule.shift))


def decay_eligibility(kept: Eligibility, eligibility: Any, time: int) -> Any:
    """Eligibilities after the decay, if an epoch ends with this step."""
    return decay(eligibility, kept.decay) if (time + 1) % kept.epoch == 0 else eligibility


def reward_weights(
    rule: LearningRule, weights: Any, eligibility: Any, modulator: int, time: int
) -> Any:
    """Weights after a reward: all of them, (pre, post) int64 arrays."""
    if not modulator or rule.eligibility is None:
        return weights
    shift = rule.eligibility.reward_shift
    rows, columns = (np.arange(n) for n in weights.shape)
    drawn = _draw(rule, time, rows, columns, shift, 1)
    moved = rounded(modulator * eligibility, drawn, shift)
    return np.clip(weights + moved, rule.low, rule.high)


def backward(weights: Any, delta: Any, errors: Any, shift: int) -> np.ndarray:
    """Errors of the source after those through a projection were added.

    Parameters
    ----------
    weights : (pre, post) int64 array
        Those of the projection, or its feedback.
    delta : (post,) int64 array
        Of the target.
    errors : (pre,) int64 array
        What the source has been given so far.
    shift : int
        Bits to shift the sum right.
    """
    return ERROR.clip(errors + divide(weights @ delta, shift))


def _draw(rule: LearningRule, time: int, rows: Any, columns: Any, shift: int, salt: int = 0) -> Any:
    seed = (rule.seed + salt) % _SEEDS
    rows, columns = np.asarray(rows)[:, None], np.asarray(columns)[None, :]
    return draw(rule.rounding, seed, time, rows, columns, shift)
