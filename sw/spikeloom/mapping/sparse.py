"""Sparse projections: words in which lane l has only synapses to neurons of lane l."""

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Sparse

from .part import Part

__all__ = ["map_sparse"]


def map_sparse(
    projection: Sparse, source: PlacedPopulation, target: PlacedPopulation, lanes: int
) -> Part:
    """Map a sparse projection into its target, or the part of one into a slice of that.

    The synapses of a presynaptic neuron fill words from its first; the lane with the most of
    them decides how many words it has. A lane without a synapse adds 0 to a row of the target.
    """
    pre = source.to_index(projection.pre)
    block, lane = np.divmod(target.to_index(projection.post), lanes)
    order = np.lexsort((block, lane, pre))
    pre, block, lane = pre[order], block[order], lane[order]

    # How many synapses of the same neuron in the same lane come before each.
    group = pre * lanes + lane
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    length = np.diff(begins, append=len(group))
    word = np.arange(len(group)) - np.repeat(begins, length)

    words = np.zeros(source.span, np.int64)
    np.maximum.at(words, pre, word + 1)
    first = np.cumsum(words) - words
    rows = int(words.sum())
    home = target.slices[0].row
    columns = {
        "weight": np.zeros((rows, lanes), np.int64),
        "row": np.full((rows, lanes), home, np.int64),
        "delay": np.zeros((rows, lanes), np.int64),
    }
    at = (first[pre] + word, lane)
    columns["weight"][at] = projection.weights[order]
    columns["row"][at] = home + block
    if projection.delays is not None:
        columns["delay"][at] = projection.delays[order]
    size = np.bincount(pre, minlength=source.span)
    pointers = {"first": first, "words": words, "size": size}
    return Part(Walk.SPARSE, rows, blocks=1, pointers=pointers, synapses=columns)
