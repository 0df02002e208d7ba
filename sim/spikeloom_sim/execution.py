"""The execution model on NumPy arrays, whatever the arithmetic of the neurons is."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from spikeloom_hw.neuron import LIFState

from .phases import assign_phases, group
from .recording import Recording

__all__ = ["Executor", "Link", "Neuron", "Request", "check_record", "count_work"]

BLOCK_SPIKES = 1 << 20
"""Most spikes of one population that are turned into numbers at once."""

BLOCK_NEURONS = 1 << 15
"""Most neurons, over all samples, that advance at once: their state should stay in the cache."""


class Neuron(Protocol):
    """Arithmetic of one population."""

    def rest(self, shape: tuple[int, ...], dtype: Any = ...) -> LIFState:
        """State before the first step."""
        ...

    def step(self, state: LIFState, current: Any) -> tuple[LIFState, np.ndarray]:
        """Advance by one step: state after it, and which neurons fired."""
        ...

    def advance(
        self,
        state: LIFState,
        currents: np.ndarray,
        spikes: np.ndarray,
        potentials: np.ndarray | None = None,
    ) -> LIFState:
        """Advance by many steps, filling (steps, ...) spikes and potentials: state after them."""
        ...


class Link(NamedTuple):
    """Projection with its (pre, post) weights as float32 or float64."""

    source: str
    target: str
    matrix: np.ndarray


class Request(NamedTuple):
    """What a run is to record."""

    names: tuple[str, ...]
    potentials: bool = False


class _Group(NamedTuple):
    """Populations that reach one another, in their phases, and the links that join them."""

    phases: list[list[str]]
    outer: dict[str, list[Link]]
    inner: dict[str, list[Link]]


class _Block(NamedTuple):
    """Some steps of some samples: (steps, batch, neurons) spikes, potentials, and the state."""

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray]
    state: dict[str, LIFState]


class Executor:
    """Runs populations step by step as the execution model says, many samples at once.

    Populations on no loop run one after the other, each over many steps: the input of all these
    steps is then one matrix product. Only groups of populations that reach one another take turns
    within the step. Memory stays bounded, since steps and samples are taken in blocks.

    Parameters
    ----------
    sizes : Mapping of str to int
        Number of neurons of every population, inputs included.
    neurons : Mapping of str to Neuron
        Arithmetic of the populations that are no inputs, in order of declaration.
    links : sequence of Link
        The projections.
    """

    def __init__(
        self, sizes: Mapping[str, int], neurons: Mapping[str, Neuron], links: Sequence[Link]
    ) -> None:
        self._sizes = dict(sizes)
        self._neurons = dict(neurons)
        self._links = list(links)
        edges = [(link.source, link.target) for link in links]
        phases = assign_phases(list(neurons), edges)
        self._groups = [self._group(names, phases) for names in group(list(neurons), edges)]

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
            What was asked for, with float64 potentials, and the state after the last step.
        """
        steps, batch = next(iter(stimulus.values())).shape[:2]
        kept = {
            name: stimulus[name] if name in stimulus else self._empty(name, steps, batch, bool)
            for name in request.names
        }
        names = [n for n in request.names if n in self._neurons and request.potentials]
        potentials = {name: self._empty(name, steps, batch, np.float64) for name in names}
        widest = max(self._sizes[name] for name in self._neurons)
        at_once = max(1, min(batch, BLOCK_NEURONS // widest))
        span = max(1, BLOCK_SPIKES // (at_once * max(self._sizes.values())))

        fired = dict.fromkeys(self._sizes, 0)
        ends: list[dict[str, LIFState]] = []
        for samples in _slices(batch, at_once):
            now = self._begin(samples, state)
            for times in _slices(steps, span):
                where = (times, samples)
                view = {name: array[where] for name, array in (stimulus | kept).items()}
                block = _Block(view, {n: array[where] for n, array in potentials.items()}, now)
                self._run_block(block)
                for name, spikes in block.spikes.items():
                    fired[name] += int(np.count_nonzero(spikes))
            ends.append(now)
        edges = [(link.source, self._sizes[link.target]) for link in self._links]
        end = {name: _join([part[name] for part in ends]) for name in self._neurons}
        return Recording(kept, potentials, count_work(fired, edges)), end

    def _empty(self, name: str, steps: int, batch: int, dtype: Any) -> np.ndarray:
        return np.empty((steps, batch, self._sizes[name]), dtype)

    def _begin(self, samples: slice, state: Mapping[str, LIFState] | None) -> dict[str, LIFState]:
        count = samples.stop - samples.start
        if state is None:
            return {
                name: neuron.rest((count, self._sizes[name]), np.float64)
                for name, neuron in self._neurons.items()
            }
        return {
            name: LIFState(
                state[name].potential[samples].astype(np.float64),
                state[name].refractory[samples],
                state[name].fired[samples],
            )
            for name in self._neurons
        }

    def _run_block(self, block: _Block) -> None:
        numbers: dict[str, np.ndarray] = {}
        steps, batch = next(iter(block.spikes.values())).shape[:2]
        for member in self._groups:
            currents: dict[str, np.ndarray] = {}
            for name, links in member.outer.items():
                if name not in block.spikes:
                    block.spikes[name] = self._empty(name, steps, batch, bool)
                for link in links:
                    if link.source not in numbers:
                        spikes = block.spikes[link.source].reshape(steps * batch, -1)
                        numbers[link.source] = spikes.astype(link.matrix.dtype)
                products = [numbers[link.source] @ link.matrix for link in links]
                shape = (steps, batch, self._sizes[name])
                currents[name] = _sum(products, shape)
            if any(member.inner.values()):
                self._take_turns(member, currents, block)
            else:
                self._advance(member.phases[0][0], currents, block)

    def _advance(self, name: str, currents: dict[str, np.ndarray], block: _Block) -> None:
        """Run one population on no loop over all steps of the block."""
        block.state[name] = self._neurons[name].advance(
            block.state[name], currents[name], block.spikes[name], block.potentials.get(name)
        )

    def _take_turns(self, member: _Group, currents: dict[str, np.ndarray], block: _Block) -> None:
        """Run populations that reach one another: all of one phase, then all of the next.

        A source of an earlier phase has fired in this step already, any other in the step before;
        in both cases ``latest`` holds the spikes to deliver.
        """
        dtype = next(link.matrix.dtype for links in member.inner.values() for link in links)
        latest = {name: block.state[name].fired.astype(dtype) for name in currents}
        for index in range(len(next(iter(currents.values())))):
            for names in member.phases:
                for name in names:
                    for link in member.inner[name]:
                        currents[name][index] += latest[link.source] @ link.matrix
                for name in names:
                    step, state = self._neurons[name].step, block.state[name]
                    block.state[name], fires = step(state, currents[name][index])
                    block.spikes[name][index] = fires
                    latest[name] = fires.astype(dtype)
                    if name in block.potentials:
                        block.potentials[name][index] = block.state[name].potential

    def _group(self, names: list[str], phases: Mapping[str, int]) -> _Group:
        into = {name: [link for link in self._links if link.target == name] for name in names}
        levels = sorted({phases[name] for name in names})
        return _Group(
            [[name for name in names if phases[name] == level] for level in levels],
            {name: [s for s in links if s.source not in names] for name, links in into.items()},
            {name: [s for s in links if s.source in names] for name, links in into.items()},
        )


def count_work(fired: Mapping[str, int], edges: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Count events and synaptic operations.

    Parameters
    ----------
    fired : Mapping of str to int
        Spikes of each population, inputs included.
    edges : iterable of (source, size of the target)
        The projections.
    """
    operations = sum(fired[source] * size for source, size in edges)
    return {"events": sum(fired.values()), "synaptic_operations": operations}


def check_record(known: Sequence[str], default: Sequence[str], record: Any) -> tuple[str, ...]:
    """Tell which populations to record, in order of declaration.

    Parameters
    ----------
    known : sequence of str
        All populations.
    default : sequence of str
        Those recorded if ``record`` is None.
    record : iterable of str or None
        Names that the user asked for.
    """
    if record is None:
        return tuple(default)
    if isinstance(record, str) or not isinstance(record, Iterable):
        raise TypeError(f"Record must be a list of names of populations, not {record!r}")
    wanted = list(record)
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"Record names {name!r}, but the populations are {', '.join(map(repr, known))}"
            )
    return tuple(name for name in known if name in wanted)


def _sum(products: list[np.ndarray], shape: tuple[int, ...]) -> np.ndarray:
    if not products:
        return np.zeros(shape)
    total = products[0].astype(np.float64)
    for product in products[1:]:
        total += product
    return total.reshape(shape)


def _slices(length: int, size: int) -> Iterator[slice]:
    for start in range(0, length, size):
        yield slice(start, min(start + size, length))


def _join(parts: list[LIFState]) -> LIFState:
    if len(parts) == 1:
        return parts[0]
    return LIFState(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))
