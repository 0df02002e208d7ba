"""Sparse projections: words in which lane l has only synapses to neurons of lane l."""

from dataclasses import replace
from math import ceil
from typing import NamedTuple

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Sparse

from .part import Part

__all__ = ["Slots", "give_spare", "map_sparse", "slots_of"]

_SLOT = ("weight", "row", "delay", "used")


class Slots(NamedTuple):
    """Where the synapses of a projection are, in the order of its arrays.

    Members
    -------
    pre : (synapses,) int64 array
        Index of the presynaptic neuron.
    word, lane : (synapses,) int64 array
        Word, counted from the first of the presynaptic neuron, and lane in it.
    block : (synapses,) int64 array
        Row of the postsynaptic neuron, counted from the first of the population.
    """

    pre: np.ndarray
    word: np.ndarray
    lane: np.ndarray
    block: np.ndarray


def slots_of(
    projection: Sparse, source: PlacedPopulation, target: PlacedPopulation, lanes: int
) -> Slots:
    """Give each synapse a slot: those of a neuron in a lane lie in the order of their targets.

    The slots within the words of a neuron depend on its own synapses alone, not on their order.
    """
    pre = source.to_index(projection.pre)
    block, lane = np.divmod(target.to_index(projection.post), lanes)
    delays = np.zeros(len(pre), np.int64) if projection.delays is None else projection.delays
    order = np.lexsort((delays, block, lane, pre))

    # How many synapses of the same neuron in the same lane come before each.
    group = (pre * lanes + lane)[order]
    begins = np.flatnonzero(np.diff(group, prepend=-1))
    length = np.diff(begins, append=len(group))
    word = np.zeros(len(group), np.int64)
    word[order] = np.arange(len(group)) - np.repeat(begins, length)
    return Slots(pre, word, lane, block)


def map_sparse(
    projection: Sparse, source: PlacedPopulation, target: PlacedPopulation, lanes: int
) -> Part:
    """Map a sparse projection into its target, or the part of one into a slice of that.

    The synapses of a presynaptic neuron fill words from its first; the lane with the most of
    them decides how many words it has. A lane without a synapse adds 0 to a row of the target.
    """
    pre, word, lane, block = slots_of(projection, source, target, lanes)
    words = np.zeros(source.span, np.int64)
    np.maximum.at(words, pre, word + 1)
    first = np.cumsum(words) - words
    rows = int(words.sum())
    home = target.slices[0].row
    columns = _empty(rows, lanes, home)
    at = (first[pre] + word, lane)
    columns["weight"][at] = projection.weights
    columns["row"][at] = home + block
    columns["used"][at] = 1
    if projection.delays is not None:
        columns["delay"][at] = projection.delays
    size = np.bincount(pre, minlength=source.span)
    pointers = {"first": first, "words": words, "size": size}
    spare = ceil(rows * projection.spare)
    return Part(
        Walk.SPARSE, rows, blocks=1, pointers=pointers, synapses=columns, spare=spare, home=home
    )


def give_spare(parts: list[Part], most: int | None) -> list[Part]:
    """Give sparse projections the words that they want to have free.

    Parameters
    ----------
    parts : list of Part
        All projections.
    most : int or None
        Words that there are, which all share alike if they are too few; None for any number.
    """
    sparse = [part for part in parts if part.kind is Walk.SPARSE]
    wanted = sum(part.spare for part in sparse)
    free = wanted if most is None else max(0, most - sum(part.rows for part in sparse))
    given = []
    for part in parts:
        more = part.spare * min(free, wanted) // max(1, wanted)
        given.append(_lengthened(part, more) if more else part)
    return given


def _lengthened(part: Part, more: int) -> Part:
    lanes = part.synapses["weight"].shape[1]
    empty = _empty(more, lanes, part.home)
    columns = {name: np.concatenate([c, empty[name]]) for name, c in part.synapses.items()}
    return replace(part, rows=part.rows + more, synapses=columns)


def _empty(rows: int, lanes: int, home: int) -> dict[str, np.ndarray]:
    """Words without a synapse."""
    columns = {name: np.zeros((rows, lanes), np.int64) for name in _SLOT}
    columns["row"][:] = home
    return columns
