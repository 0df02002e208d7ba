"""Spike arrays to event words for the device, and its words back to spike arrays."""

from collections.abc import Mapping

import numpy as np

from spikeloom_hw.event import INDEX_WIDTH, Kind, pack, pack_values, unpack, unpack_values
from spikeloom_hw.program import PlacedPopulation

from ..errors import LinkError

__all__ = ["StepDecoder", "encode_steps"]


def encode_steps(
    spikes: Mapping[str, np.ndarray], inputs: tuple[PlacedPopulation, ...]
) -> np.ndarray:
    """Event words of one sample: the events of each step, then its STEP.

    An event with a value takes two words; what is 0 is no event.

    Parameters
    ----------
    spikes : Mapping of str to (steps, neurons) array
        Spikes (bool) or signed values (int, 0 for no event) of every input population.
    inputs : tuple of PlacedPopulation
        The input populations.

    Returns
    -------
    (words,) uint32 array
        In the order in which they are sent.
    """
    steps = len(next(iter(spikes.values())))
    when, words = [], []
    for population in inputs:
        train = spikes[population.name]
        step, neuron = np.nonzero(train)
        kind = Kind.GRADED if population.largest > 1 else Kind.SPIKE
        events = pack(kind, population.source, population.to_index(neuron))
        if kind is Kind.GRADED:
            values = pack_values(train[step, neuron])
            step, events = np.repeat(step, 2), np.stack([events, values], axis=1).ravel()
        when.append(step)
        words.append(events)
    when.append(np.arange(steps))
    words.append(pack(Kind.STEP, 0, np.ones(steps, np.uint32)))
    order = np.argsort(np.concatenate(when), kind="stable")
    return np.concatenate(words)[order].astype(np.uint32)


class StepDecoder:
    """Fill arrays from the words of a device, and check the account of every step.

    Parameters
    ----------
    populations : tuple of PlacedPopulation
        Populations whose events the device sends.
    steps : int
        Steps to be received.
    first : int
        Number of the first step on the device.

    Attributes
    ----------
    spikes : dict of str to (steps, neurons) array
        Spikes received so far: bool, or uint8 from neurons that send counts.
    values : dict of str to (steps, neurons) int64 array
        Values received so far: potentials of integrators that send them, and graded inputs.
    done : int
        Steps received whole.
    """

    def __init__(self, populations: tuple[PlacedPopulation, ...], steps: int, first: int) -> None:
        sent = {p.name: np.zeros((steps, p.size), _dtype(p)) for p in populations}
        self.spikes = {name: array for name, array in sent.items() if array.dtype != np.int64}
        self.values = {name: array for name, array in sent.items() if array.dtype == np.int64}
        self.done = 0
        self._steps = steps
        self._first = first
        self._by_source = {p.source: (p, sent[p.name]) for p in populations}
        self._pending = np.zeros(0, np.uint32)

    def feed(self, words: np.ndarray) -> None:
        """Take the next words of the device.

        Raises
        ------
        LinkError
            If the account does not add up: an event, its value or a step was lost on the way, or
            came twice.
        """
        pending = np.concatenate([self._pending, words])
        kinds = unpack(pending)[0]
        # The word behind a STEP is a count, which is too small to look like one.
        ends = np.flatnonzero(kinds == Kind.STEP.value)
        start = 0
        for end in ends:
            if end + 1 >= len(pending):
                break
            number = int(unpack(pending[end])[2])
            self._take(pending[start:end], number, int(pending[end + 1]))
            start = end + 2
        self._pending = pending[start:]

    def _take(self, words: np.ndarray, number: int, count: int) -> None:
        """Take one whole step."""
        expected = (self._first + self.done) % (1 << INDEX_WIDTH)
        if self.done == self._steps or number != expected:
            raise LinkError(
                f"The device reported step {number}, but step {expected} was due; "
                f"reset the device and run again"
            )
        kinds, sources, indices = unpack(words)
        events = np.flatnonzero(kinds != Kind.VALUE.value)
        if len(events) != count:
            raise LinkError(
                f"The device sent {count} events in step {number}, but {len(events)} arrived; "
                f"reset the device and run again"
            )
        carriers = np.flatnonzero((kinds == Kind.GRADED.value) | (kinds == Kind.READOUT.value))
        values = np.flatnonzero(kinds == Kind.VALUE.value)
        if not np.array_equal(values, carriers + 1):
            raise LinkError(
                f"The device sent {len(carriers)} events with a value in step {number}, but not "
                f"every value arrived, or more did; reset the device and run again"
            )
        for source in np.unique(sources[events]):
            if int(source) not in self._by_source:
                raise LinkError(f"The device sent events of source {source}, which is not recorded")
            population, array = self._by_source[int(source)]
            chosen = events[sources[events] == source]
            neurons = population.to_neuron(indices[chosen])
            spikes = array.dtype == bool
            array[self.done, neurons] = True if spikes else unpack_values(words[chosen + 1])
        self.done += 1


def _dtype(population: PlacedPopulation) -> np.dtype:
    """Type of what a population sends; an input sends values if they can be more than 1."""
    graded = population.row is None and population.largest > 1
    return np.dtype(np.int64) if graded else population.output.dtype
