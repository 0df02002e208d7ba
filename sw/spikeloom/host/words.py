"""Spike arrays to event words for the device, and its words back to spike arrays."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from spikeloom_hw.event import INDEX_WIDTH, Kind, pack, pack_values, unpack, unpack_values
from spikeloom_hw.program import PlacedPopulation

from ..errors import DeviceError, LinkError

__all__ = ["BlockDecoder", "StepBlock", "StepDecoder", "encode_steps"]


def encode_steps(
    spikes: Mapping[str, np.ndarray],
    inputs: tuple[PlacedPopulation, ...],
    taught: Sequence[tuple[np.ndarray, np.ndarray]] = (),
) -> np.ndarray:
    """Event words of one sample: the events of each step, then its STEP.

    An event with a value takes two words; what is 0 is no event.

    Parameters
    ----------
    spikes : Mapping of str to (steps, neurons) array
        Spikes (bool) or signed values (int, 0 for no event) of every input population.
    inputs : tuple of PlacedPopulation
        The input populations.
    taught : sequence of pairs of (count,) array
        Steps and event words of what else is sent, each with its value.

    Returns
    -------
    (words,) uint32 array
        In the order in which they are sent.
    """
    steps = len(next(iter(spikes.values())))
    when, words = [step for step, _ in taught], [sent for _, sent in taught]
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


@dataclass(frozen=True)
class StepBlock:
    """Whole steps, one after the other, as the device reported them.

    Parameters
    ----------
    steps : int
        How many.
    events : int
        Events in them.
    sent : dict of str to (steps, neurons) array
        What each population sent: spikes (bool), counts (uint8) or values (int64).
    """

    steps: int
    events: int
    sent: dict[str, np.ndarray]


class BlockDecoder:
    """Make steps from the words of a device, and check the account of every step.

    Parameters
    ----------
    populations : tuple of PlacedPopulation
        Populations whose events the device sends.
    first : int
        Number of the first step on the device.

    Attributes
    ----------
    done : int
        Steps received whole.
    """

    def __init__(self, populations: tuple[PlacedPopulation, ...], first: int) -> None:
        self.done = 0
        self._first = first
        self._populations = populations
        self._pending = np.zeros(0, np.uint32)

    def feed(self, words: np.ndarray) -> StepBlock:
        """Take the next words of the device, and give the steps that are whole now.

        Raises
        ------
        LinkError
            If the account does not add up: an event, its value or a step was lost on the way, or
            came twice.
        DeviceError
            If the device says that a link between its chips gave up.
        """
        failed = unpack(words)[0] == Kind.END.value
        if failed.any():
            chip = unpack(words[failed][0])[1]
            raise DeviceError(
                f"The link between chip {chip} and the one above it gave up, and the device "
                "stopped; check wires and power of the chips, then restart the device"
            )
        pending = np.concatenate([self._pending, words])
        # The word behind a STEP is a count, which is too small to look like one.
        ends = np.flatnonzero(unpack(pending[:-1])[0] == Kind.STEP.value)
        cut = int(ends[-1]) + 2 if len(ends) else 0
        self._pending = pending[cut:]
        block = self._decode(pending[:cut], ends)
        self.done += len(ends)
        return block

    def _decode(self, words: np.ndarray, ends: np.ndarray) -> StepBlock:
        """Decode whole steps, each of which has its STEP at one of ``ends``, then its count."""
        numbers = unpack(words[ends])[2]
        due = (self._first + self.done + np.arange(len(ends))) % (1 << INDEX_WIDTH)
        for number, expected in zip(numbers[numbers != due], due[numbers != due], strict=True):
            raise LinkError(
                f"The device reported step {number}, but step {expected} was due; "
                f"reset the device and run again"
            )
        inside = np.ones(len(words), bool)
        inside[ends] = inside[ends + 1] = False
        kinds, sources, indices = unpack(words)
        values = np.flatnonzero(inside & (kinds == Kind.VALUE.value))
        events = np.flatnonzero(inside & (kinds != Kind.VALUE.value))
        when = np.searchsorted(ends, events)
        _check_counts(numbers, words[ends + 1], np.bincount(when, minlength=len(ends)))
        carries = (kinds[events] == Kind.GRADED.value) | (kinds[events] == Kind.READOUT.value)
        if not np.array_equal(values, events[carries] + 1):
            lone = np.setxor1d(values, events[carries] + 1)[0]
            step = min(int(np.searchsorted(ends, lone)), len(ends) - 1)
            carriers = np.count_nonzero(carries & (when == step))
            raise LinkError(
                f"The device sent {carriers} events with a value in step {numbers[step]}, but not "
                f"every value arrived, or more did; reset the device and run again"
            )
        block = StepBlock(len(ends), len(events), {})
        known = np.zeros(len(events), bool)
        for population in self._populations:
            array = np.zeros((len(ends), population.size), _dtype(population))
            block.sent[population.name] = array
            chosen = sources[events] == population.source
            known |= chosen
            place = events[chosen]
            neurons = population.to_neuron(indices[place])
            spikes = array.dtype == bool
            array[when[chosen], neurons] = True if spikes else unpack_values(words[place + 1])
        for source in sources[events[~known]]:
            raise LinkError(f"The device sent events of source {source}, which is not recorded")
        return block


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
        self._sent = {p.name: np.zeros((steps, p.size), _dtype(p)) for p in populations}
        self.spikes = {n: array for n, array in self._sent.items() if array.dtype != np.int64}
        self.values = {n: array for n, array in self._sent.items() if array.dtype == np.int64}
        self.done = 0
        self._steps = steps
        self._first = first
        self._decoder = BlockDecoder(populations, first)

    def feed(self, words: np.ndarray) -> None:
        """Take the next words of the device.

        Raises
        ------
        LinkError
            If the account does not add up: an event, its value or a step was lost on the way, or
            came twice, or there are more steps than were due.
        DeviceError
            If the device says that a link between its chips gave up.
        """
        block = self._decoder.feed(words)
        if self.done + block.steps > self._steps:
            number = (self._first + self._steps) % (1 << INDEX_WIDTH)
            raise LinkError(
                f"The device reported step {number}, but none was due; "
                f"reset the device and run again"
            )
        for name, array in block.sent.items():
            self._sent[name][self.done : self.done + block.steps] = array
        self.done += block.steps


def _check_counts(numbers: np.ndarray, told: np.ndarray, arrived: np.ndarray) -> None:
    """Raise LinkError at the first step whose number of events is not the one told."""
    for k in np.flatnonzero(told != arrived):
        raise LinkError(
            f"The device sent {told[k]} events in step {numbers[k]}, but {arrived[k]} arrived; "
            f"reset the device and run again"
        )


def _dtype(population: PlacedPopulation) -> np.dtype:
    """Type of what a population sends; an input sends values if they can be more than 1."""
    graded = not population.slices and population.largest > 1
    return np.dtype(np.int64) if graded else population.output.dtype
