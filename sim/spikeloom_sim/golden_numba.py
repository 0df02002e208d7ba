"""The golden model compiled with numba, equal bit for bit to the NumPy one."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numba
import numpy as np

from spikeloom_hw.neuron import LIFParameters, LIFState, Reset
from spikeloom_hw.number import DECAY_FRACTION, Signed

from .execution import Request, count_work
from .quantised import QuantisedNetwork
from .recording import Recording

__all__ = ["CompiledExecutor"]

# The compiled functions take the constants of other modules as arguments: numba keeps what it has
# compiled on disk for as long as this file, and no other, stays the same.


class _Populations(NamedTuple):
    """One entry for each population of neurons, in the order of the phases; flags are 0 or 1."""

    phase: np.ndarray
    start: np.ndarray
    end: np.ndarray
    to_value: np.ndarray
    subtract: np.ndarray
    delayed: np.ndarray
    inclusive: np.ndarray
    shift: np.ndarray
    minimum: np.ndarray
    low: np.ndarray
    high: np.ndarray


class _Neurons(NamedTuple):
    """One entry for each neuron: what may differ from neuron to neuron."""

    decay: np.ndarray
    threshold: np.ndarray
    bias: np.ndarray
    reset_value: np.ndarray
    refractory: np.ndarray


class _Links(NamedTuple):
    """One entry for each projection, those of one source together; weights row after row.

    ``first`` has one entry for each source: where its projections begin. ``late`` tells those
    whose target sees a spike in the next step only.
    """

    first: np.ndarray
    late: np.ndarray
    start: np.ndarray
    size: np.ndarray
    offset: np.ndarray
    weights: np.ndarray


class _Tables(NamedTuple):
    """The network: ``bounds`` has where each input begins, ``fraction`` the bits of a decay."""

    bounds: np.ndarray
    populations: _Populations
    neurons: _Neurons
    links: _Links
    fraction: int


class _Trains(NamedTuple):
    """(steps, batch, neurons) arrays of a run, inputs side by side, and so are populations."""

    inputs: np.ndarray
    spikes: np.ndarray
    potentials: np.ndarray


class CompiledExecutor:
    """Runs a network as :class:`spikeloom_sim.execution.Executor` does, spike by spike.

    Parameters
    ----------
    network : QuantisedNetwork
        The network to run.
    """

    def __init__(self, network: QuantisedNetwork) -> None:
        self._network = network
        self._edges = [(p.source, p.weights.shape[1]) for p in network.projections]
        order = sorted(network.neurons, key=lambda p: network.phases[p.name])
        self._names = [p.name for p in order]
        ends = np.cumsum([p.size for p in order])
        self._spans = {
            p.name: slice(int(end) - p.size, int(end)) for p, end in zip(order, ends, strict=True)
        }
        known = [p.neuron for p in order if p.neuron is not None]
        self._total = int(ends[-1])
        columns = (
            [network.phases[name] for name in self._names],
            ends - [p.size for p in order],
            ends,
            [n.reset is Reset.TO_VALUE for n in known],
            [n.reset is Reset.SUBTRACT for n in known],
            [n.reset is Reset.SUBTRACT_DELAYED for n in known],
            [n.inclusive for n in known],
            [n.shift for n in known],
            [n.minimum for n in known],
            [Signed(n.width).low for n in known],
            [Signed(n.width).high for n in known],
        )
        sizes = [p.size for p in order]
        self._tables = _Tables(
            np.cumsum([0, *(p.size for p in network.inputs)]),
            _Populations(*(np.array(column, np.int64) for column in columns)),
            _Neurons(*(_spread(known, sizes, name) for name in _Neurons._fields)),
            self._flatten([p.name for p in network.inputs] + self._names),
            DECAY_FRACTION,
        )

    def run(
        self,
        stimulus: dict[str, np.ndarray],
        request: Request,
        state: Mapping[str, LIFState] | None = None,
    ) -> tuple[Recording, dict[str, LIFState]]:
        """Run all steps of a stimulus from rest, or from ``state``.

        Returns
        -------
        tuple of Recording and dict of str to LIFState
            What was asked for, with int64 potentials, and the state after the last step.
        """
        steps, batch = next(iter(stimulus.values())).shape[:2]
        total = self._total
        trains = [np.ascontiguousarray(array).view(np.uint8) for array in stimulus.values()]
        inputs = trains[0] if len(trains) == 1 else np.concatenate(trains, axis=-1)
        spikes = np.empty((steps, batch, total), np.uint8)
        potentials = np.empty((steps, batch, total) if request.potentials else (0, 0, 0), np.int64)
        now = self._begin(batch, state)
        _run(self._tables, _Trains(inputs, spikes, potentials), tuple(now))

        fired = spikes.view(bool)
        kept = {
            name: stimulus[name] if name in stimulus else fired[..., self._spans[name]]
            for name in request.names
        }
        asked = [n for n in request.names if n in self._spans and request.potentials]
        found = {name: potentials[..., self._spans[name]] for name in asked}
        trains_by_name = stimulus | {name: fired[..., s] for name, s in self._spans.items()}
        counts = {name: int(np.count_nonzero(t)) for name, t in trains_by_name.items()}
        end = {
            name: LIFState(
                now.potential[:, span],
                now.refractory[:, span].astype(np.int8),
                now.fired[:, span] != 0,
            )
            for name, span in self._spans.items()
        }
        return Recording(kept, found, count_work(counts, self._edges)), end

    def _begin(self, batch: int, state: Mapping[str, LIFState] | None) -> LIFState:
        """Lay the state of all populations side by side, as (batch, neurons) int64 arrays."""
        shape = (batch, self._total)
        now = LIFState(*(np.zeros(shape, np.int64) for _ in LIFState._fields))
        if state is not None:
            for name, span in self._spans.items():
                for flat, array in zip(now, state[name], strict=True):
                    flat[:, span] = array
        return now

    def _flatten(self, sources: list[str]) -> _Links:
        links = [self._network.projections_from(name) for name in sources]
        ordered = [link for found in links for link in found]
        phases = self._network.phases
        starts = [self._spans[link.target].start for link in ordered]
        sizes = [link.weights.shape[1] for link in ordered]
        extents = [link.weights.size for link in ordered]
        narrow = all(link.weights.dtype == np.int16 for link in ordered)
        flat = [link.weights.ravel() for link in ordered] or [np.zeros(0, np.int16)]
        return _Links(
            np.cumsum([0, *(len(found) for found in links)]),
            np.array([phases.get(p.source, -1) >= phases[p.target] for p in ordered], bool),
            np.array(starts, np.int64),
            np.array(sizes, np.int64),
            np.cumsum([0, *extents])[:-1],
            np.concatenate(flat).astype(np.int16 if narrow else np.int32),
        )


def _spread(neurons: list[LIFParameters], sizes: list[int], name: str) -> np.ndarray:
    """Lay a parameter of all populations side by side, one int64 for each neuron."""
    values = [getattr(neuron, name) for neuron in neurons]
    return np.concatenate([
        np.broadcast_to(np.asarray(value, np.int64), size)
        for value, size in zip(values, sizes, strict=True)
    ])


@numba.njit(cache=True, nogil=True)
def _deliver(fires: Any, source: int, links: _Links, scratch: Any, late_only: bool) -> None:
    current, active = scratch

    # List the neurons that fire, without a branch that the processor could mispredict.
    count = 0
    for neuron in range(fires.size):
        active[count] = neuron
        count += fires[neuron] != 0

    # Add their rows, four at a time: the sums are then loaded and stored a quarter as often.
    for link in range(links.first[source], links.first[source + 1]):
        if late_only and not links.late[link]:
            continue
        size = links.size[link]
        sums = current[links.start[link] : links.start[link] + size]
        rows = links.weights[links.offset[link] : links.offset[link] + fires.size * size]
        whole = count - count % 4
        for k in range(0, whole, 4):
            a = rows[active[k] * size : active[k] * size + size]
            b = rows[active[k + 1] * size : active[k + 1] * size + size]
            c = rows[active[k + 2] * size : active[k + 2] * size + size]
            d = rows[active[k + 3] * size : active[k + 3] * size + size]
            for post in range(size):
                sums[post] += (np.int32(a[post]) + b[post]) + (np.int32(c[post]) + d[post])
        for k in range(whole, count):
            row = rows[active[k] * size : active[k] * size + size]
            for post in range(size):
                sums[post] += row[post]


@numba.njit(cache=True, nogil=True)
def _update(index: int, tables: _Tables, current: Any, now: Any, fires: Any) -> None:
    """Compute what LIFParameters.step does, for one population of one sample."""
    populations, neurons, fraction = tables.populations, tables.neurons, tables.fraction
    span = slice(populations.start[index], populations.end[index])
    decay, threshold, bias = neurons.decay[span], neurons.threshold[span], neurons.bias[span]
    reset_value, period = neurons.reset_value[span], neurons.refractory[span]
    current, fires = current[span], fires[span]
    potential, refractory, fired = now[0][span], now[1][span], now[2][span]
    to_value, subtract = populations.to_value[index], populations.subtract[index]
    delayed, inclusive = populations.delayed[index], populations.inclusive[index]
    shift, minimum = populations.shift[index], populations.minimum[index]
    low, high = populations.low[index], populations.high[index]
    below = (1 << fraction) - 1

    for j in range(potential.size):
        product = potential[j] * decay[j]
        charged = (product + ((product >> 63) & below)) >> fraction
        owed = threshold[j] if delayed and fired[j] else 0
        charged += (np.int64(current[j]) << shift) + bias[j] - owed
        charged = min(max(charged, low), high)
        above = charged - threshold[j]
        fire = (above + inclusive > 0) & (refractory[j] == 0)
        charged = reset_value[j] if refractory[j] > 0 else charged
        after = charged
        if to_value:
            after = reset_value[j]
        elif subtract:
            after = min(max(above, low), high)
        potential[j] = after if fire else max(charged, minimum)
        refractory[j] = period[j] if fire else max(refractory[j] - 1, 0)
        fired[j] = fire
        fires[j] = fire
        current[j] = 0


@numba.njit(cache=True, nogil=True)
def _run(tables: _Tables, trains: _Trains, now: Any) -> None:
    bounds, populations, links = tables.bounds, tables.populations, tables.links
    sources, count = len(bounds) - 1, len(populations.phase)
    steps, batch, total = trains.spikes.shape
    active = np.empty(max(trains.inputs.shape[2], total), np.int32)
    for sample in range(batch):
        state = (now[0][sample], now[1][sample], now[2][sample])
        current = np.zeros(total, np.int32)
        scratch = (current, active)
        for index in range(count):
            span = slice(populations.start[index], populations.end[index])
            _deliver(state[2][span], sources + index, links, scratch, True)
        for step in range(steps):
            for index in range(sources):
                train = trains.inputs[step, sample, bounds[index] : bounds[index + 1]]
                _deliver(train, index, links, scratch, False)
            fires = trains.spikes[step, sample]
            first = 0
            while first < count:
                last = first
                while last < count and populations.phase[last] == populations.phase[first]:
                    _update(last, tables, current, state, fires)
                    last += 1
                for index in range(first, last):
                    span = slice(populations.start[index], populations.end[index])
                    _deliver(fires[span], sources + index, links, scratch, False)
                first = last
            if trains.potentials.size:
                trains.potentials[step, sample] = state[0]
