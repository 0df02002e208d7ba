"""Rules of plastic projections as the flat arrays of the compiled golden model."""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikeloom_hw.learning import (
    Dependence,
    LearningRule,
    Rounding,
    Seen,
    Surrogate,
    Trace,
    TraceKind,
)
from spikeloom_hw.learning.rule import MOST_TERMS
from spikeloom_hw.number import Signed

from .kernel_tables import Rules
from .plastic import Plastic
from .rounding import column
from .traces import TRACE_WIDTH

__all__ = ["MOST_TRACES", "Place", "tabulate"]

MOST_TRACES = (2, 3)
"""Most traces of the source and of the target."""

_NO_TERM = (0, 0, 0, 0, 0, 0, 0)


class Place(NamedTuple):
    """Where a projection is: first neurons of source and target, and first weight."""

    source: int
    target: int
    offset: int


def tabulate(plastic: Sequence[Plastic], places: Sequence[Place], weights: int) -> Rules:
    """Lay out the rules of projections, in the order in which they learn.

    Parameters
    ----------
    plastic : sequence of Plastic
        The projections.
    places : sequence of Place
        Where each is.
    weights : int
        Number of all weights.
    """
    rules = [p.rule for p in plastic]
    shapes = [p.projection.shape for p in plastic]
    most = max(max(shape) for shape in shapes)
    feedback, carriers, end = [], [np.zeros(0, np.int32)], 0
    for rule in rules:
        own = rule.back is None or rule.back.feedback is None
        feedback.append(-1 if own else end)
        if rule.back is not None and rule.back.feedback is not None:
            carriers.append(rule.back.feedback.ravel().astype(np.int32))
            end += carriers[-1].size
    rows = [
        {**place._asdict(), "pre": shape[0], "post": shape[1], "feedback": at, **_numbers(p)}
        for p, place, shape, at in zip(plastic, places, shapes, feedback, strict=True)
    ]
    count, pre, post = len(rules), *MOST_TRACES
    eligible = any(rule.eligibility for rule in rules)
    arrays = {
        "pre_traces": _stack(_traces(rule.pre_traces, pre) for rule in rules),
        "post_traces": _stack(_traces(rule.post_traces, post) for rule in rules),
        "terms": _stack(_terms(rule) for rule in rules),
        "sdsp": _stack(_sdsp(rule) for rule in rules),
        "bounds": _stack(_bounds(rule) for rule in rules),
        "x": np.zeros((count, pre, most), np.int64),
        "y": np.zeros((count, post, most), np.int64),
        "before": np.zeros((count, 4, most), np.int64),
        "waiting": np.zeros(weights if eligible else 0, np.int32),
        "carriers": np.concatenate(carriers),
        "columns": column(np.arange(max(most, 2))).astype(np.uint32).view(np.int32),
    }
    flat = {name: np.array([row[name] for row in rows], np.int64) for name in rows[0]}
    return Rules(**flat, **arrays)


def _numbers(plastic: Plastic) -> dict[str, int]:
    """Give what a rule says in single numbers."""
    rule = plastic.rule
    number = Signed(plastic.width)
    errors, kept, part = rule.errors, rule.eligibility, rule.neurons
    kind = errors.surrogate if errors else Surrogate.NONE
    return {
        "terms_used": len(rule.terms),
        "enabled": rule.enabled,
        "gate": rule.gate,
        "random": rule.rounding is Rounding.STOCHASTIC,
        "seed": rule.seed,
        "drop": TRACE_WIDTH - rule.operand_width,
        "shift": rule.shift,
        "low": rule.low,
        "high": rule.high,
        "change_low": number.low if kept else rule.low,
        "change_high": number.high if kept else rule.high,
        "taught": errors is not None,
        "box": kind is Surrogate.BOX,
        "triangle": kind is Surrogate.TRIANGLE,
        "exponential": kind is Surrogate.EXPONENTIAL,
        "width": errors.width if errors else 0,
        "spike_value": errors.spike_value if errors else 0,
        "back_shift": rule.back.shift if rule.back else -1,
        "learns_parameters": part is not None,
        "threshold_shift": _or_none(part and part.threshold_shift),
        "decay_shift": _or_none(part and part.decay_shift),
        "leak_shift": part.leak_shift if part else 0,
        "eligible": kept is not None,
        "reward_shift": kept.reward_shift if kept else 0,
        "waiting_decay": kept.decay if kept else 0,
        "epoch": kept.epoch if kept else 1,
    }


def _or_none(shift: int | None) -> int:
    return -1 if shift is None else shift


def _stack(rows: Iterable[Any]) -> np.ndarray:
    return np.array(list(rows), np.int64)


def _traces(traces: Sequence[Trace], most: int) -> list[tuple[int, ...]]:
    rows = [
        (t.decay, t.increment, int(t.kind is TraceKind.NEAREST), int(t.seen is Seen.AFTER))
        for t in traces
    ]
    return rows + [(-1, 0, 0, 0)] * (most - len(rows))


def _terms(rule: LearningRule) -> list[tuple[int, ...]]:
    """Terms as rows; a term that is not there has the coefficient 0."""
    codes = {Dependence.ONE: 0, Dependence.ABOVE: 1, Dependence.BELOW: 2}
    rows = [
        (
            term.coefficient,
            int(term.pre),
            int(term.post),
            int(term.on_pre),
            int(term.on_post),
            codes[term.dependence],
            int(term.modulated),
        )
        for term in rule.terms
    ]
    return rows + [_NO_TERM] * (MOST_TERMS - len(rows))


def _sdsp(rule: LearningRule) -> tuple[int, ...]:
    s = rule.sdsp
    return (s.potential, s.up_low, s.up_high, s.down_low, s.down_high) if s else (0,) * 5


def _bounds(rule: LearningRule) -> tuple[int, ...]:
    return (*rule.neurons.thresholds, *rule.neurons.decays) if rule.neurons else (0,) * 4
