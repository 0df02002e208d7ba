"""Spike arrays to event words for the device, and its words back to spike arrays."""

from collections.abc import Mapping

import numpy as np

from spikeloom_hw.event import INDEX_WIDTH, Kind, pack, unpack
from spikeloom_hw.program import PlacedPopulation

from ..errors import LinkError

__all__ = ["StepDecoder", "encode_steps"]


def encode_steps(
    spikes: Mapping[str, np.ndarray], inputs: tuple[PlacedPopulation, ...]
) -> np.ndarray:
    """Event words of one sample: the spikes of each step, then its STEP.

    Parameters
    ----------
    spikes : Mapping of str to (steps, neurons) bool array
        Spikes of every input population.
    inputs : tuple of PlacedPopulation
        The input populations.

    Returns
    -------
    (words,) uint32 array
        In the order in which they are sent.
    """
    steps = len(next(iter(spikes.values())))
    when, words = [np.arange(steps)], [pack(Kind.STEP, 0, np.ones(steps, np.uint32))]
    for population in inputs:
        step, index = np.nonzero(spikes[population.name])
        when.insert(-1, step)
        words.insert(-1, pack(Kind.SPIKE, population.source, index))
    order = np.argsort(np.concatenate(when), kind="stable")
    return np.concatenate(words)[order].astype(np.uint32)


class StepDecoder:
    """Fill spike arrays from the words of a device, and check the account of every step.

    Parameters
    ----------
    populations : tuple of PlacedPopulation
        Populations whose spikes the device sends.
    steps : int
        Steps to be received.
    first : int
        Number of the first step on the device.

    Attributes
    ----------
    spikes : dict of str to (steps, neurons) bool array
        Spikes received so far.
    done : int
        Steps received whole.
    """

    def __init__(self, populations: tuple[PlacedPopulation, ...], steps: int, first: int) -> None:
        self.spikes = {p.name: np.zeros((steps, p.size), bool) for p in populations}
        self.done = 0
        self._steps = steps
        self._first = first
        self._by_source = {p.source: self.spikes[p.name] for p in populations}
        self._pending = np.zeros(0, np.uint32)

    def feed(self, words: np.ndarray) -> None:
        """Take the next words of the device.

        Raises
        ------
        LinkError
            If the account does not add up: a spike or a step was lost on the way, or came twice.
        """
        pending = np.concatenate([self._pending, words])
        kinds, sources, indices = unpack(pending)
        # The word behind a STEP is a count, which is too small to look like one.
        ends = np.flatnonzero(kinds == Kind.STEP.value)
        start = 0
        for end in ends:
            if end + 1 >= len(pending):
                break
            self._take(sources[start:end], indices[start:end], indices[end], pending[end + 1])
            start = end + 2
        self._pending = pending[start:]

    def _take(self, sources: np.ndarray, indices: np.ndarray, number: int, count: int) -> None:
        """Take one whole step."""
        expected = (self._first + self.done) % (1 << INDEX_WIDTH)
        if self.done == self._steps or number != expected:
            raise LinkError(
                f"The device reported step {number}, but step {expected} was due; "
                f"reset the device and run again"
            )
        if len(sources) != count:
            raise LinkError(
                f"The device sent {count} spikes in step {number}, but {len(sources)} arrived; "
                f"reset the device and run again"
            )
        for source in np.unique(sources):
            array = self._by_source.get(int(source))
            if array is None:
                raise LinkError(f"The device sent spikes of source {source}, which is not recorded")
            array[self.done, indices[sources == source]] = True
        self.done += 1
