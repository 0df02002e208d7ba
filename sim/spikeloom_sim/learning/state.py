"""What a plastic projection keeps from step to step, besides weights and parameters."""

from typing import NamedTuple, Self

import numpy as np

from spikeloom_hw.learning import LearningRule

__all__ = ["LearningState"]


class LearningState(NamedTuple):
    """State of learning of one projection; what its rule has no use for is empty.

    Members
    -------
    pre_traces : (traces, pre) int64 array
        ``x1`` and ``x2``.
    post_traces : (traces, post) int64 array
        ``y1`` to ``y3``.
    eligibility : (pre, post) int64 array
        Changes that wait for a reward.
    threshold_trace, decay_trace : (post,) int64 array
        Traces with which thresholds and leaks learn.
    fired : (post,) bool array
        Whether the neurons sent a spike in the last step.
    potential : (post,) int64 array
        Their potentials after it.
    """

    pre_traces: np.ndarray
    post_traces: np.ndarray
    eligibility: np.ndarray
    threshold_trace: np.ndarray
    decay_trace: np.ndarray
    fired: np.ndarray
    potential: np.ndarray

    @classmethod
    def rest(cls, rule: LearningRule, shape: tuple[int, int]) -> Self:
        """State before the first step: all is 0."""
        pre, post = shape
        neurons = post if rule.neurons else 0
        return cls(
            np.zeros((len(rule.pre_traces), pre), np.int64),
            np.zeros((len(rule.post_traces), post), np.int64),
            np.zeros(shape if rule.eligibility else (0, 0), np.int64),
            np.zeros(neurons, np.int64),
            np.zeros(neurons, np.int64),
            np.zeros(neurons, bool),
            np.zeros(neurons, np.int64),
        )

    def cleared(self) -> Self:
        """State after a clear: all but the eligibility is 0."""
        return self._replace(**{
            name: np.zeros_like(array)
            for name, array in self._asdict().items()
            if name != "eligibility"
        })

    def copy(self) -> Self:
        """Copy of all arrays."""
        return type(self)(*(array.copy() for array in self))
