"""The execution model on NumPy arrays, whatever the arithmetic of the neurons is."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from spikeloom_hw.neuron import NeuronState

from .layer import Group, Layer, Neuron, gather, lateness, prepare
from .learning import Learner
from .phases import group
from .projection import Projection
from .recording import Recording
from .run_state import RunState
from .work import Request, Work, costs

__all__ = ["Executor", "Layer", "Neuron"]

BLOCK_SPIKES = 1 << 20
"""Most spikes of one population that are turned into numbers at once."""

BLOCK_NEURONS = 1 << 15
"""Most neurons, over all samples, that advance at once: their state should stay in the cache."""


class _Block(NamedTuple):
    """Some steps of some samples.

    ``sent`` and ``potentials`` are (steps, batch, neurons) arrays, and so are ``currents``, with
    those of further steps behind them. ``numbers`` holds events in the dtype of the products.
    """

    steps: int
    time: int
    sent: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]
    currents: dict[str, np.ndarray]
    state: dict[str, NeuronState]
    numbers: dict[str, np.ndarray]


class Executor:
    """Runs populations step by step as the execution model says, many samples at once.

    Populations on no loop run one after the other, each over many steps: the input of all these
    steps is then one matrix product. Only groups of populations that reach one another take turns
    within the step. Memory stays bounded, since steps and samples are taken in blocks.

    Parameters
    ----------
    layers : sequence of Layer
        All populations, in order of declaration.
    projections : sequence of Projection
        What joins them.
    phases : Mapping of str to int
        Phase of each population that is no input.
    dtype : dtype
        Float32 or float64, in which the products of events and weights are summed.
    learner : Learner or None
        What changes weights and neurons after each step of a single sample.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        projections: Sequence[Projection],
        phases: Mapping[str, int],
        dtype: Any = np.float64,
        learner: Learner | None = None,
    ) -> None:
        self._layers = {layer.name: layer for layer in layers}
        self._sizes = {layer.name: layer.size for layer in layers}
        self._neurons = {layer.name: layer.neuron for layer in layers if layer.neuron is not None}
        self._dtype, self._learner = dtype, learner
        self._late = lateness(projections, phases)
        self._costs = costs([p.name for p in layers if p.delivers], projections)
        links = [
            prepare(p, phases, dtype, learner and learner.delivery(p))
            for p in projections
            if self._layers[p.source].delivers
        ]
        edges = [(link.source, link.target) for link in links]
        self._groups = [gather(names, phases, links) for names in group(list(self._neurons), edges)]

    def run(
        self, stimulus: dict[str, np.ndarray], request: Request, state: RunState | None = None
    ) -> tuple[Recording, RunState]:
        """Run all steps of a stimulus from rest, or from ``state``.

        Returns
        -------
        tuple of Recording and RunState
            What was asked for, with potentials and values as float64, and the state after the
            last step, with float64 for what is no small integer.
        """
        steps, batch = next(iter(stimulus.values())).shape[:2]
        kept = {
            name: stimulus[name] if name in stimulus else self._empty(name, steps, batch)
            for name in request.names
        }
        names = [n for n in request.names if n in self._neurons and request.potentials]
        potentials = {name: np.empty((steps, batch, self._sizes[name])) for name in names}
        widest = max(self._sizes[name] for name in self._neurons)
        at_once = max(1, min(batch, BLOCK_NEURONS // widest))
        span = max(1, BLOCK_SPIKES // (at_once * max(self._sizes.values())))
        span = 1 if self._learner else span

        work = Work(self._costs)
        ends: list[RunState] = []
        for samples in _slices(batch, at_once):
            now = self._begin(samples, state)
            currents = self._buffers(now, min(span, steps))
            for times in _slices(steps, span):
                where = (times, samples)
                view = {name: array[where] for name, array in (stimulus | kept).items()}
                block = _Block(
                    times.stop - times.start,
                    now.time + times.start,
                    view,
                    {name: array[where] for name, array in potentials.items()},
                    currents,
                    now.neurons,
                    {},
                )
                self._run_block(block)
                if self._learner:
                    self._neurons |= self._learner.step(block.sent, block.state)
                self._shift(block)
                work.add(block.sent)
            pending = {name: currents[name][:late].copy() for name, late in self._late.items()}
            ends.append(RunState(now.neurons, pending, now.time + steps))
        recording = Recording({}, potentials, work.counters)
        for name, array in kept.items():
            valued = array.dtype.kind in "if"
            (recording.values if valued else recording.spikes)[name] = array
        return recording, _join(ends)

    def _empty(self, name: str, steps: int, batch: int) -> np.ndarray:
        layer = self._layers[name]
        return np.zeros((steps, batch, layer.size), layer.dtype)

    def _begin(self, samples: slice, state: RunState | None) -> RunState:
        """State of some samples, in arrays of the dtypes that the neurons use."""
        count = samples.stop - samples.start
        rest = {
            name: neuron.rest((count, self._sizes[name]), np.float64)
            for name, neuron in self._neurons.items()
        }
        if state is None:
            pending = {
                name: np.zeros((late, count, self._sizes[name]), self._dtype)
                for name, late in self._late.items()
            }
            return RunState(rest, pending)
        given = {
            name: NeuronState(
                *(
                    array[samples].astype(zero.dtype)
                    for array, zero in zip(state[name], zeros, strict=True)
                )
            )
            for name, zeros in rest.items()
        }
        pending = {name: array[:, samples] for name, array in state.pending.items()}
        return RunState(given, pending, state.time)

    def _buffers(self, now: RunState, steps: int) -> dict[str, np.ndarray]:
        """Make room for the currents of the steps of a block and of those they reach."""
        buffers = {}
        for name, pending in now.pending.items():
            buffers[name] = np.zeros((steps + len(pending), *pending.shape[1:]), self._dtype)
            buffers[name][: len(pending)] = pending
        return buffers

    def _shift(self, block: _Block) -> None:
        """Move what the steps of the block have left for later ones to the beginning."""
        for name, late in self._late.items():
            currents = block.currents[name]
            currents[:late] = currents[block.steps : block.steps + late].copy()
            currents[late:] = 0

    def _run_block(self, block: _Block) -> None:
        for member in self._groups:
            names = [name for names in member.phases for name in names]
            for name in names:
                if name not in block.sent:
                    batch = block.currents[name].shape[1]
                    block.sent[name] = self._empty(name, block.steps, batch)
            for link in member.outer:
                if link.source not in block.numbers:
                    block.numbers[link.source] = block.sent[link.source].astype(self._dtype)
                link.deliver(block.numbers[link.source], block.currents[link.target][link.back :])
            if any(member.inner.values()):
                for index in range(block.steps):
                    self._take_turns(member, index, block)
            else:
                self._advance(names[0], slice(0, block.steps), block)

    def _take_turns(self, member: Group, index: int, block: _Block) -> None:
        """Run one step of populations that reach one another, phase by phase.

        All populations of a phase take what is there for them before any of them delivers.
        """
        step = slice(index, index + 1)
        for names in member.phases:
            for name in names:
                self._advance(name, step, block)
            for name in names:
                if member.inner[name]:
                    events = block.sent[name][step].astype(self._dtype)
                    for link in member.inner[name]:
                        link.deliver(events, block.currents[link.target][index + link.back :])

    def _advance(self, name: str, steps: slice, block: _Block) -> None:
        """Run one population over some steps of the block."""
        potentials = block.potentials.get(name)
        block.state[name] = self._neurons[name].advance(
            block.state[name],
            block.currents[name][steps].astype(np.float64),
            block.sent[name][steps],
            potentials if potentials is None else potentials[steps],
            block.time + steps.start,
        )


def _slices(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def _join(parts: list[RunState]) -> RunState:
    if len(parts) == 1:
        return parts[0]
    neurons = {
        name: NeuronState(
            *(np.concatenate(arrays) for arrays in zip(*(p[name] for p in parts), strict=True))
        )
        for name in parts[0]
    }
    pending = {
        name: np.concatenate([part.pending[name] for part in parts], axis=1)
        for name in parts[0].pending
    }
    return RunState(neurons, pending, parts[0].time)
