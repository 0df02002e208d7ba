"""Projections from every neuron to every neuron."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from spikeloom_hw.learning import LearningRule

from .base import Deliver, Projection, Synapses, magnitude

__all__ = ["Dense"]

_PIECE = 1 << 20
"""Most synapses that are given at once."""


@dataclass(frozen=True, eq=False)
class Dense(Projection):
    """Every neuron of one population reaches every neuron of another: (pre, post) weights.

    Parameters
    ----------
    rule : LearningRule or None
        How the weights learn, in integers; of real weights a :class:`spikeloom.learning.Rule`.
    """

    rule: Any = field(default=None, kw_only=True)

    FORM: ClassVar[tuple[str, ...]] = ("pre", "post")

    @property
    def shape(self) -> tuple[int, int]:
        """Presynaptic and postsynaptic neurons."""
        pre, post = self.weights.shape
        return pre, post

    @property
    def longest_delay(self) -> int:
        """Delay of all synapses."""
        return self.delay

    @property
    def operations(self) -> np.ndarray:
        """Synapses of each presynaptic neuron, those of weight 0 included: (pre,) int64 array."""
        pre, post = self.shape
        return np.full(pre, post, np.int64)

    def magnitudes(self) -> np.ndarray:
        """Sum of the magnitudes of the weights into each neuron: (post,) array.

        Of integer weights that learn it is the greatest that they may come to.
        """
        if isinstance(self.rule, LearningRule):
            pre, post = self.shape
            return np.full(post, pre * self.rule.largest_weight, np.int64)
        return magnitude(self.weights).sum(axis=0)

    def synapses(self) -> Iterator[Synapses]:
        """Give all synapses in pieces: (n,) arrays of pre, post, weight and whole delay."""
        pre, post = self.shape
        rows = max(1, _PIECE // max(1, post))
        for first in range(0, pre, rows):
            weights = self.weights[first : first + rows]
            source, target = np.indices(weights.shape).reshape(2, -1)
            yield source + first, target, weights.ravel(), np.full(target.size, self.delay)

    def delivery(self, dtype: Any) -> Deliver:
        """Prepare for the delivery of events, see :meth:`Projection.delivery`."""
        matrix = self.weights.astype(dtype)

        def deliver(events: np.ndarray, into: np.ndarray) -> None:
            steps, batch, pre = events.shape
            product = events.reshape(-1, pre) @ matrix
            into[self.delay : self.delay + steps] += product.reshape(steps, batch, -1)

        return deliver
