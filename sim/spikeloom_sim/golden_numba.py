"""The golden model compiled with numba, equal bit for bit to the NumPy one."""

import numpy as np

from spikeloom_hw.neuron import Leak, NeuronParameters, NeuronState, Output, Reset, Synapse
from spikeloom_hw.number import DECAY_FRACTION, Signed

from .golden_kernels import Links, Neurons, Populations, Tables, Trains, run_all
from .layer import lateness
from .projection import Dense
from .quantised import QuantisedNetwork
from .recording import Recording
from .run_state import RunState
from .work import Request, Work, costs

__all__ = ["CompiledExecutor"]


class CompiledExecutor:
    """Runs a network as :class:`spikeloom_sim.execution.Executor` does, spike by spike.

    Parameters
    ----------
    network : QuantisedNetwork
        The network to run: dense projections without delays, plain integrate-and-fire neurons.

    Raises
    ------
    ValueError
        If the network has something else.
    """

    def __init__(self, network: QuantisedNetwork) -> None:
        _check_plain(network)
        self._network = network
        self._costs = costs([p.name for p in network.populations], network.projections)
        self._late = lateness(network.projections, network.phases)
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
        self._tables = Tables(
            np.cumsum([0, *(p.size for p in network.inputs)]),
            Populations(*(np.array(column, np.int64) for column in columns)),
            Neurons(*(_spread(known, sizes, name) for name in Neurons._fields)),
            self._flatten([p.name for p in network.inputs] + self._names),
            DECAY_FRACTION,
        )

    def run(
        self, stimulus: dict[str, np.ndarray], request: Request, state: RunState | None = None
    ) -> tuple[Recording, RunState]:
        """Run all steps of a stimulus from rest, or from ``state``.

        Returns
        -------
        tuple of Recording and RunState
            What was asked for, with int64 potentials, and the state after the last step.
        """
        steps, batch = next(iter(stimulus.values())).shape[:2]
        total = self._total
        trains = [np.ascontiguousarray(array).view(np.uint8) for array in stimulus.values()]
        inputs = trains[0] if len(trains) == 1 else np.concatenate(trains, axis=-1)
        spikes = np.empty((steps, batch, total), np.uint8)
        potentials = np.empty((steps, batch, total) if request.potentials else (0, 0, 0), np.int64)
        now, pending = self._begin(batch, state)
        run_all(self._tables, Trains(inputs, spikes, potentials, pending), now)

        fired = spikes.view(bool)
        sent = stimulus | {name: fired[..., span] for name, span in self._spans.items()}
        work = Work(self._costs)
        work.add(sent)
        asked = [n for n in request.names if n in self._spans and request.potentials]
        found = {name: potentials[..., self._spans[name]] for name in asked}
        recording = Recording({name: sent[name] for name in request.names}, found, work.counters)
        time = steps + (state.time if state else 0)
        return recording, self._end(now, pending, time)

    def _begin(
        self, batch: int, state: RunState | None
    ) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Lay the state of all populations side by side, as (batch, neurons) arrays."""
        shape = (batch, self._total)
        now = tuple(np.zeros(shape, np.int64) for _ in range(3))
        pending = np.zeros(shape, np.int32)
        if state is not None:
            for name, span in self._spans.items():
                given = state[name]
                for flat, array in zip(
                    now, (given.potential, given.refractory, given.fired), strict=True
                ):
                    flat[:, span] = array
                pending[:, span] = state.pending[name].sum(axis=0)
        return now, pending

    def _end(self, now: tuple[np.ndarray, ...], pending: np.ndarray, time: int) -> RunState:
        potential, refractory, fired = now[0], now[1].astype(np.int8), now[2] != 0
        nothing, nobody = np.zeros_like(potential), np.zeros_like(fired)
        whole = NeuronState(potential, refractory, fired, nothing, nothing, nobody)
        neurons = {
            name: NeuronState(*(flat[:, span] for flat in whole))
            for name, span in self._spans.items()
        }
        waiting = {
            name: pending[None, :, self._spans[name]][:late].astype(np.int64)
            for name, late in self._late.items()
        }
        return RunState(neurons, waiting, time)

    def _flatten(self, sources: list[str]) -> Links:
        links = [self._network.projections_from(name) for name in sources]
        ordered = [link for found in links for link in found]
        starts = [self._spans[link.target].start for link in ordered]
        sizes = [link.weights.shape[1] for link in ordered]
        extents = [link.weights.size for link in ordered]
        narrow = all(link.weights.dtype == np.int16 for link in ordered)
        flat = [link.weights.ravel() for link in ordered] or [np.zeros(0, np.int16)]
        return Links(
            np.cumsum([0, *(len(found) for found in links)]),
            np.array(starts, np.int64),
            np.array(sizes, np.int64),
            np.cumsum([0, *extents])[:-1],
            np.concatenate(flat).astype(np.int16 if narrow else np.int32),
        )


def _check_plain(network: QuantisedNetwork) -> None:
    """Raise unless the engine has all that the network needs."""
    found = [
        (not isinstance(p, Dense), f"projection {p} is not dense") for p in network.projections
    ]
    found += [(p.longest_delay > 0, f"projection {p} has a delay") for p in network.projections]
    found += [(p.largest > 1, f"input {p.name!r} is graded") for p in network.inputs]
    pairs = [(p.neuron, f"population {p.name!r} has") for p in network.neurons]
    for neuron, label in pairs:
        if neuron is None:
            continue
        found += [
            (neuron.leak != Leak.MULTIPLY, f"{label} a leak of another form"),
            (neuron.synapse != Synapse.NONE, f"{label} a synaptic current"),
            (np.any(neuron.adaptation_step), f"{label} an adaptation"),
            (neuron.output != Output.SPIKE, f"{label} the output {neuron.output.name}"),
            (neuron.winner, f"{label} a winner"),
            (neuron.noise, f"{label} noise"),
        ]
    for there, what in found:
        if there:
            raise ValueError(
                f"Engine 'numba' runs plain dense networks, but {what}; use the engine 'numpy'"
            )


def _spread(neurons: list[NeuronParameters], sizes: list[int], name: str) -> np.ndarray:
    """Lay a parameter of all populations side by side, one int64 for each neuron."""
    values = [getattr(neuron, name) for neuron in neurons]
    return np.concatenate([
        np.broadcast_to(np.asarray(value, np.int64), size)
        for value, size in zip(values, sizes, strict=True)
    ])
