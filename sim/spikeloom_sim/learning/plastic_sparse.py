"""One sparse projection that learns, step by step."""

import numpy as np

from ..projection import Deliver, Sparse
from .changes import change_synapses, synapse_sum
from .plastic import Plastic, Step

__all__ = ["SparsePlastic"]


class SparsePlastic(Plastic):
    """A sparse projection with a rule: what a dense one does, at the synapses that are there.

    Parameters
    ----------
    projection : Sparse
        Projection with a rule, and the weights at the start.
    width : int
        Bits of a weight.
    """

    projection: Sparse

    def delivery(self) -> Deliver:
        """Prepare for the delivery of events, through the weights of the time."""
        ((pre, post, _, delays),) = self.projection.synapses()

        def deliver(events: np.ndarray, into: np.ndarray) -> None:
            for index, sent in enumerate(events[:, 0]):
                active = np.flatnonzero(sent[pre])
                place = (index + delays[active], post[active])
                np.add.at(into[:, 0], place, self.weights[active])

        return deliver

    def _row_pass(self, step: Step, before: list[np.ndarray], after: list[np.ndarray]) -> None:
        """Change the weights of the synapses where any term may differ from 0."""
        pre, post = self.projection.pre, self.projection.post
        products = [p[pre] * q[post] for p, q in zip(before, after, strict=True)]
        where = np.flatnonzero(np.any(products, axis=0))
        rule, weights = self.rule, self.weights[where]
        sums = synapse_sum(rule, [product[where] for product in products], weights)
        place = (step.time, pre[where], post[where])
        self.weights[where] = change_synapses(rule, weights, sums, *place)
