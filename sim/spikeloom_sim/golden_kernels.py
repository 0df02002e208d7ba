"""The loops of the compiled golden model: what a network does in a step, on flat arrays."""

from typing import Any, NamedTuple

import numba
import numpy as np

__all__ = ["Links", "Neurons", "Populations", "Tables", "Trains", "run_all"]

# The compiled functions take the constants of other modules as arguments: numba keeps what it has
# compiled on disk for as long as this file, and no other, stays the same.


class Populations(NamedTuple):
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


class Neurons(NamedTuple):
    """One entry for each neuron: what may differ from neuron to neuron."""

    decay: np.ndarray
    threshold: np.ndarray
    bias: np.ndarray
    reset_value: np.ndarray
    refractory: np.ndarray


class Links(NamedTuple):
    """One entry for each projection, those of one source together; weights row after row.

    ``first`` has one entry for each source: where its projections begin.
    """

    first: np.ndarray
    start: np.ndarray
    size: np.ndarray
    offset: np.ndarray
    weights: np.ndarray


class Tables(NamedTuple):
    """The network: ``bounds`` has where each input begins, ``fraction`` the bits of a decay."""

    bounds: np.ndarray
    populations: Populations
    neurons: Neurons
    links: Links
    fraction: int


class Trains(NamedTuple):
    """(steps, batch, neurons) arrays of a run, inputs side by side, and so are populations.

    ``pending`` is what the first step finds, and what the last one leaves: (batch, neurons).
    """

    inputs: np.ndarray
    spikes: np.ndarray
    potentials: np.ndarray
    pending: np.ndarray


@numba.njit(cache=True, nogil=True)
def _deliver(fires: Any, source: int, links: Links, scratch: Any) -> None:
    current, active = scratch

    # List the neurons that fire, without a branch that the processor could mispredict.
    count = 0
    for neuron in range(fires.size):
        active[count] = neuron
        count += fires[neuron] != 0

    # Add their rows, four at a time: the sums are then loaded and stored a quarter as often.
    for link in range(links.first[source], links.first[source + 1]):
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
def _update(index: int, tables: Tables, current: Any, now: Any, fires: Any) -> None:
    """Compute what NeuronParameters.step does, for one population of one sample."""
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
def run_all(tables: Tables, trains: Trains, now: Any) -> None:
    """Run all samples; ``now`` is potential, refractory and fired, (batch, neurons) arrays."""
    bounds, populations, links = tables.bounds, tables.populations, tables.links
    sources, count = len(bounds) - 1, len(populations.phase)
    steps, batch, total = trains.spikes.shape
    active = np.empty(max(trains.inputs.shape[2], total), np.int32)
    for sample in range(batch):
        state = (now[0][sample], now[1][sample], now[2][sample])
        current = trains.pending[sample]
        scratch = (current, active)
        for step in range(steps):
            for index in range(sources):
                train = trains.inputs[step, sample, bounds[index] : bounds[index + 1]]
                _deliver(train, index, links, scratch)
            fires = trains.spikes[step, sample]
            first = 0
            while first < count:
                last = first
                while last < count and populations.phase[last] == populations.phase[first]:
                    _update(last, tables, current, state, fires)
                    last += 1
                for index in range(first, last):
                    span = slice(populations.start[index], populations.end[index])
                    _deliver(fires[span], sources + index, links, scratch)
                first = last
            if trains.potentials.size:
                trains.potentials[step, sample] = state[0]
