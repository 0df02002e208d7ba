"""Learning of thresholds and leaks; equations of STOP (arXiv 2411.11082)."""

from typing import Any

import numpy as np

from spikeloom_hw.learning import LearningRule, NeuronLearning
from spikeloom_hw.number import decay

from .postsynaptic import ERROR
from .rounding import draw, rounded

__all__ = [
    "THRESHOLD_ONE",
    "decay_trace",
    "learned_decays",
    "learned_thresholds",
    "threshold_trace",
]

THRESHOLD_ONE = 256
"""What stands for 1 in the trace of a threshold."""


def threshold_trace(trace: Any, fired: Any, decays: Any) -> Any:
    """Advance the trace of the threshold: equation 26, times 256.

    Parameters
    ----------
    trace : (neurons,) int64 array
        After the step before.
    fired : (neurons,) bool array
        Whether the neurons sent a spike in the step before.
    decays : int or (neurons,) int64 array
        Their decays.
    """
    return ERROR.clip(decay(trace - np.where(fired, THRESHOLD_ONE, 0), decays))


def decay_trace(trace: Any, potential: Any, decays: Any, shift: int) -> Any:
    """Advance the trace of the leak: equation 30, of potentials after the step before."""
    return ERROR.clip(decay(trace, decays) + (potential >> shift))


def learned_thresholds(
    rule: LearningRule, part: NeuronLearning, thresholds: Any, delta: Any, trace: Any, time: int
) -> Any:
    """Thresholds from the next step on: equation 24."""
    return _learned(
        rule,
        thresholds,
        delta * (trace - THRESHOLD_ONE),
        (part.threshold_shift or 0, 0, time),
        part.thresholds,
    )


def learned_decays(
    rule: LearningRule, part: NeuronLearning, decays: Any, delta: Any, trace: Any, time: int
) -> Any:
    """Decays from the next step on: equation 27, for each neuron its own."""
    return _learned(rule, decays, delta * trace, (part.decay_shift or 0, 1, time), part.decays)


def _learned(
    rule: LearningRule,
    values: Any,
    sums: Any,
    how: tuple[int, int, int],
    bounds: tuple[int, int],
) -> Any:
    shift, place, time = how
    drawn = draw(rule.rounding, rule.seed, time, np.arange(len(sums)), place, shift)
    return np.clip(values + rounded(sums, drawn, shift), *bounds)
