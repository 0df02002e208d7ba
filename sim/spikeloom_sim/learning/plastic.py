"""One projection that learns, step by step."""

from typing import Any, NamedTuple

import numpy as np

from spikeloom_hw.learning import LearningRule

from ..projection import Deliver, Dense, Sparse
from .changes import (
    backward,
    change_eligibility,
    change_weights,
    decay_eligibility,
    post_factor,
    pre_factor,
    reward_weights,
    term_sum,
)
from .parameters import decay_trace, learned_decays, learned_thresholds, threshold_trace
from .postsynaptic import error_delta, sdsp_sign
from .state import LearningState
from .traces import advance, operand

__all__ = ["Neurons", "Plastic", "Step"]


class Neurons(NamedTuple):
    """Target of a projection after the update of a step, in int64."""

    spikes: np.ndarray
    potential: np.ndarray
    bar: np.ndarray
    thresholds: np.ndarray
    decays: np.ndarray


class Step(NamedTuple):
    """What a step brings to all projections: its number, modulator, and errors by population."""

    time: int
    modulator: int
    errors: dict[str, np.ndarray]


class Plastic:
    """A projection with a rule, its weights and its state.

    Parameters
    ----------
    projection : Dense or Sparse
        Projection with a rule, and the weights at the start.
    width : int
        Bits of a weight.
    """

    def __init__(self, projection: Dense | Sparse, width: int) -> None:
        self.projection = projection
        self.rule: LearningRule = projection.rule
        self.weights = projection.weights.astype(np.int64)
        self.state = LearningState.rest(self.rule, projection.shape)
        self.width = width

    def delivery(self) -> Deliver:
        """Prepare for the delivery of events, through the weights of the time."""
        delay = self.projection.delay

        def deliver(events: np.ndarray, into: np.ndarray) -> None:
            for index, sent in enumerate(events[:, 0]):
                into[delay + index, 0] += self.weights[sent != 0].sum(axis=0)

        return deliver

    def learn(self, step: Step, source: np.ndarray, target: Neurons) -> dict[str, np.ndarray]:
        """Learn from one step: traces, errors back, parameters of the target, weights.

        Parameters
        ----------
        step : Step
            The step; errors of the source are added to.
        source : (pre,) bool array
            Whether the source's neurons sent a spike.
        target : Neurons
            The target.

        Returns
        -------
        dict of str to (post,) int64 array
            New ``threshold`` and ``decay`` of the target, where they learn.
        """
        rule = self.rule
        delta = None
        if rule.errors:
            distance = target.potential - np.where(target.spikes, 0, target.bar)
            given = step.errors[self.projection.target]
            delta = error_delta(rule.errors, given, target.spikes, distance, step.modulator)
        if rule.back:
            name, carry = self.projection.source, rule.back.feedback
            carry = self.weights if carry is None else carry.astype(np.int64)
            step.errors[name] = backward(carry, delta, step.errors[name], rule.back.shift)
        learned = self._learn_parameters(step, target, delta)
        after = self._post_pass(target, delta)
        before = self._pre_pass(source, step.modulator)
        if step.modulator or not rule.gate:
            self._row_pass(step, before, after)
        if rule.eligibility:
            waiting = decay_eligibility(rule.eligibility, self.state.eligibility, step.time)
            self.state = self.state._replace(eligibility=waiting)
            self.weights = reward_weights(rule, self.weights, waiting, step.modulator, step.time)
        return learned

    def _learn_parameters(self, step: Step, target: Neurons, delta: Any) -> dict[str, np.ndarray]:
        rule, state = self.rule, self.state
        part = rule.neurons
        if part is None:
            return {}
        bars = threshold_trace(state.threshold_trace, state.fired, target.decays)
        leaks = decay_trace(state.decay_trace, state.potential, target.decays, part.leak_shift)
        self.state = state._replace(
            threshold_trace=bars,
            decay_trace=leaks,
            fired=target.spikes,
            potential=target.potential,
        )
        learned = {}
        if rule.gate and not step.modulator:
            return learned
        if part.threshold_shift is not None:
            learned["threshold"] = learned_thresholds(
                rule, part, target.thresholds, delta, bars, step.time
            )
        if part.decay_shift is not None:
            learned["decay"] = learned_decays(rule, part, target.decays, delta, leaks, step.time)
        return learned

    def _post_pass(self, target: Neurons, delta: Any) -> list[np.ndarray]:
        """Advance the postsynaptic traces, and give the factor q of each term."""
        rule = self.rule
        kept, seen = _advance(rule.post_traces, self.state.post_traces, target.spikes, rule)
        self.state = self.state._replace(post_traces=kept)
        sdsp = sdsp_sign(rule.sdsp, target.potential, seen[0]) if rule.sdsp else None
        return [post_factor(term, target.spikes, seen, delta, sdsp) for term in rule.terms]

    def _pre_pass(self, spikes: np.ndarray, modulator: int) -> list[np.ndarray]:
        """Advance the presynaptic traces, and give the factor p of each term."""
        rule = self.rule
        kept, seen = _advance(rule.pre_traces, self.state.pre_traces, spikes, rule)
        self.state = self.state._replace(pre_traces=kept)
        return [pre_factor(term, spikes, seen, modulator) for term in rule.terms]

    def _row_pass(self, step: Step, before: list[np.ndarray], after: list[np.ndarray]) -> None:
        """Change weights or eligibilities where any term may differ from 0.

        A sum of 0 changes nothing, so the rest need not be visited.
        """
        live = [k for k in range(len(before)) if before[k].any() and after[k].any()]
        if not live:
            return
        rows = np.flatnonzero(np.any([before[k] for k in live], axis=0))
        columns = np.flatnonzero(np.any([after[k] for k in live], axis=0))
        where = np.ix_(rows, columns)
        rule, weights = self.rule, self.weights[where]
        sums = term_sum(rule, [p[rows] for p in before], [q[columns] for q in after], weights)
        place = (step.time, rows, columns)
        if rule.eligibility is None:
            self.weights[where] = change_weights(rule, weights, sums, *place)
        else:
            kept = self.state.eligibility
            kept[where] = change_eligibility(rule, kept[where], sums, *place, self.width)


def _advance(
    traces: tuple[Any, ...], values: np.ndarray, spikes: np.ndarray, rule: LearningRule
) -> tuple[np.ndarray, list[np.ndarray]]:
    """Advance all traces of one side; give what is kept, and what terms see."""
    kept, seen = np.empty_like(values), []
    for index, (trace, value) in enumerate(zip(traces, values, strict=True)):
        advanced = advance(trace, value, spikes)
        kept[index] = advanced.after
        seen.append(operand(trace, advanced, rule.operand_width))
    return kept, seen
