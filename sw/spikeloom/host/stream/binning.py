"""Events with times to spikes in steps, as far ahead as they are asked for."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from spikeloom_hw.program import PlacedPopulation

from .report import StreamReport

__all__ = ["Binner", "Binning"]


@dataclass(frozen=True)
class Binning:
    """How events become spikes of time steps.

    Step k holds the events from ``k * dt`` up to, but without, ``(k + 1) * dt``.

    Parameters
    ----------
    dt : int
        Microseconds of a step.
    population : str or None
        Input that events of pixels go to; None for the only one that has a shape.
    pool : int
        Pixels of the camera, in each direction, that are one of the input.
    crop : tuple of int or None
        Column and line of the camera where the input begins: events outside the input are left
        out, and counted. With None they are an error.
    steps : int or None
        Steps of the stream; None for as many as the source has. A source that is shorter is
        followed by silence, one that is longer is read no further.
    """

    dt: int
    population: str | None = None
    pool: int = 1
    crop: tuple[int, int] | None = None
    steps: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("dt", self.dt), ("pool", self.pool), ("steps", self.steps)):
            if value is None and name == "steps":
                continue
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"Binning {name} must be a whole number, not {value!r}")
            if value < 1:
                raise ValueError(f"Binning {name} must be at least 1, not {value}")


class _Resolved(NamedTuple):
    """Events in order of time: step, index of the input, neuron and value of each."""

    step: np.ndarray
    source: np.ndarray
    neuron: np.ndarray
    value: np.ndarray


class Binner:
    """Makes the input arrays of the next steps out of a source of events.

    Parameters
    ----------
    source : iterable of structured array
        Chunks of events with ascending times: fields ``t`` (microseconds from the beginning), and
        either ``x``, ``y`` and ``p`` (pixel and polarity), or ``neuron``, where there are several
        inputs ``population`` (index of the input in the program), and for graded inputs ``value``.
    inputs : tuple of PlacedPopulation
        Inputs of the program.
    binning : Binning
        How events become spikes.
    report : StreamReport
        Account to keep.
    """

    def __init__(
        self,
        source: Iterable[np.ndarray],
        inputs: tuple[PlacedPopulation, ...],
        binning: Binning,
        report: StreamReport,
    ) -> None:
        self._source = iter(source)
        self._inputs = inputs
        self._binning = binning
        self._report = report
        self._retina = _find_retina(inputs, binning.population)
        self._waiting: deque[_Resolved] = deque()
        self._last = 0
        self._next = 0
        self._known = 0
        self._ended = False

    @property
    def ended(self) -> bool:
        """Whether all steps were taken."""
        return self._ended and self._next == self._known

    def take(self, limit: int) -> dict[str, np.ndarray]:
        """Give the next steps, reading no more of the source than they need.

        Parameters
        ----------
        limit : int
            Most steps to give; fewer at the end of the source.

        Returns
        -------
        dict of str to (steps, neurons) array
            Spikes (bool) or values (int64) of every input.
        """
        while self._known - self._next < limit and not self._ended:
            self._read()
        count = min(limit, self._known - self._next)
        stop = self._next + count
        parts = []
        while self._waiting and len(self._waiting[0].step) and self._waiting[0].step[0] < stop:
            events = self._waiting.popleft()
            cut = int(np.searchsorted(events.step, stop))
            parts.append(_Resolved(*(column[:cut] for column in events)))
            if cut < len(events.step):
                self._waiting.appendleft(_Resolved(*(column[cut:] for column in events)))
        arrays = {
            population.name: self._fill(k, population, count, parts)
            for k, population in enumerate(self._inputs)
        }
        self._next = stop
        return arrays

    def _fill(
        self, number: int, population: PlacedPopulation, count: int, parts: list[_Resolved]
    ) -> np.ndarray:
        """Bin the events of one input, and count those that fell together."""
        graded = population.largest > 1
        array = np.zeros((count, population.size), np.int64 if graded else bool)
        events = 0
        for part in parts:
            chosen = part.source == number
            place = part.step[chosen] - self._next, part.neuron[chosen]
            events += len(place[0])
            if graded:
                np.add.at(array, place, part.value[chosen])
            else:
                array[place] = True
        if graded:
            largest = population.largest
            self._report.clipped += int(np.count_nonzero(np.abs(array) > largest))
            array = array.clip(-largest, largest)
        self._report.merged += events - int(np.count_nonzero(array))
        return array

    def _read(self) -> None:
        """Take one chunk of the source, and so learn which steps are whole."""
        steps, dt = self._binning.steps, self._binning.dt
        chunk = next(self._source, None)
        if chunk is None:
            self._ended = True
            self._known = steps or (self._last // dt + 1 if self._report.events_read else 0)
            return
        self._report.events_read += len(chunk)
        events = self._resolve(chunk)
        if len(chunk):
            self._known = max(self._known, self._last // dt)
        if steps is not None and self._known >= steps:
            self._ended, self._known = True, steps
            cut = int(np.searchsorted(events.step, steps))
            self._report.beyond += len(events.step) - cut
            events = _Resolved(*(column[:cut] for column in events))
        if len(events.step):
            self._waiting.append(events)
        self._report.most_waiting = max(self._report.most_waiting, self._report.unsent)

    def _resolve(self, chunk: np.ndarray) -> _Resolved:
        """Check a chunk, and find step, input, neuron and value of its events."""
        names = chunk.dtype.names or ()
        pixels = {"t", "x", "y", "p"} <= set(names)
        if not pixels and not {"t", "neuron"} <= set(names):
            raise TypeError(
                "Events must be structured arrays with the fields t, x, y and p, or t and neuron, "
                f"not arrays of {chunk.dtype}"
            )
        times = chunk["t"].astype(np.int64)
        before = np.concatenate([[self._last], times[:-1]])
        for k in np.flatnonzero(times < before)[:1]:
            raise ValueError(
                f"Events must come in order of time: one of {times[k]} us came after one of "
                f"{before[k]} us; sort them, or read the file with a window"
            )
        self._last = int(times[-1]) if len(times) else self._last
        step = times // self._binning.dt
        return self._resolve_pixels(chunk, step) if pixels else self._resolve_neurons(chunk, step)

    def _resolve_neurons(self, chunk: np.ndarray, step: np.ndarray) -> _Resolved:
        names = chunk.dtype.names or ()
        zeros = np.zeros(len(chunk), np.int64)
        if len(self._inputs) > 1 and "population" not in names:
            known = ", ".join(repr(p.name) for p in self._inputs)
            raise ValueError(f"Events must have the field population, as the inputs are {known}")
        source = chunk["population"].astype(np.int64) if "population" in names else zeros
        neuron = chunk["neuron"].astype(np.int64)
        value = chunk["value"].astype(np.int64) if "value" in names else zeros + 1
        for k in np.flatnonzero((source < 0) | (source >= len(self._inputs)))[:1]:
            raise ValueError(
                f"An event is of population {source[k]}, but there are {len(self._inputs)} inputs"
            )
        sizes = np.array([p.size for p in self._inputs])
        for k in np.flatnonzero((neuron < 0) | (neuron >= sizes[source]))[:1]:
            population = self._inputs[source[k]]
            raise ValueError(
                f"An event is of neuron {neuron[k]} of input {population.name!r}, which has "
                f"{population.size}"
            )
        return _Resolved(step, source, neuron, value)

    def _resolve_pixels(self, chunk: np.ndarray, step: np.ndarray) -> _Resolved:
        if self._retina is None:
            shaped = ", ".join(repr(p.name) for p in self._inputs if p.shape) or "none"
            raise ValueError(
                "Events of pixels need an input with the shape (channels, height, width); say "
                f"which with Binning(population=...): those with a shape are {shaped}"
            )
        number, population = self._retina
        channels, height, width = population.shape or (1, 1, population.size)
        left, top = self._binning.crop or (0, 0)
        pool = self._binning.pool
        x = (chunk["x"].astype(np.int64) - left) // pool
        y = (chunk["y"].astype(np.int64) - top) // pool
        channel = chunk["p"].astype(np.int64) if channels > 1 else np.zeros(len(chunk), np.int64)
        for k in np.flatnonzero((channel < 0) | (channel >= channels))[:1]:
            raise ValueError(
                f"An event has the polarity {channel[k]}, but input {population.name!r} has "
                f"{channels} channels"
            )
        inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
        if self._binning.crop is None:
            for k in np.flatnonzero(~inside)[:1]:
                raise ValueError(
                    f"An event is at column {chunk['x'][k]}, line {chunk['y'][k]}, but input "
                    f"{population.name!r} has {width} x {height} pixels; crop or pool the events, "
                    f"as with Binning(crop=(0, 0)) or Binning(pool=4)"
                )
        self._report.cropped += len(chunk) - int(np.count_nonzero(inside))
        neuron = ((channel * height + y) * width + x)[inside]
        count = len(neuron)
        return _Resolved(step[inside], np.full(count, number), neuron, np.ones(count, np.int64))


def _find_retina(
    inputs: tuple[PlacedPopulation, ...], name: str | None
) -> tuple[int, PlacedPopulation] | None:
    """Find the input that events of pixels go to: its index, and itself."""
    shaped = [(k, p) for k, p in enumerate(inputs) if p.shape]
    if name is None:
        return shaped[0] if len(shaped) == 1 else None
    for k, population in shaped:
        if population.name == name:
            return k, population
    known = ", ".join(repr(p.name) for _, p in shaped) or "none"
    raise ValueError(f"There is no input {name!r} with a shape; those with one are {known}")
