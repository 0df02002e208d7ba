"""The state of a device as the golden model keeps it, read and written."""

from collections.abc import Iterator, Mapping

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.neuron import NeuronState
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_sim.learning import LearningState
from spikeloom_sim.run_state import RunState

from .cells import Cells, accumulator_cells, group_cells, trace_cells, weight_cells
from .learned import Arrays, Key

__all__ = [
    "check_fits",
    "neuron_states",
    "pending_input",
    "state_cells",
    "state_contents",
]

Content = tuple[Cells, Mapping[str, np.ndarray]]


def check_fits(program: Program, state: RunState) -> None:
    """Raise unless a device with a program can be brought into a state.

    Raises
    ------
    TypeError, ValueError
        If it is no state, or one of another network or of several samples.
    """
    if not isinstance(state, RunState):
        raise TypeError(f"State must be a RunState, as a run leaves it, not {state!r}")
    if state.network != program.network:
        raise ValueError(
            f"The state is of network {state.network or 'unknown'}, the program on the device of "
            f"{program.network or 'unknown'}: load the program of the network that was saved with "
            f"the state"
        )
    batch = len(next(iter(state.values())).potential)
    if batch != 1:
        raise ValueError(
            f"A device runs one sample at a time, the state is that of {batch}: run one"
        )


def state_cells(program: Program, late: Mapping[str, int], time: int) -> dict[Key, Cells]:
    """Tell where states of neurons are, and the input on its way to them.

    Parameters
    ----------
    program : Program
        Program in the device.
    late : Mapping of str to int
        At how many coming updates spikes may arrive, for each population of neurons.
    time : int
        Steps since the state was cleared.
    """
    slots = program.config.core.delay_slots
    found: dict[Key, Cells] = {}
    for population in program.neurons:
        found["state", population.name] = group_cells(program, population, "state")
        for k in range(late[population.name]):
            cells = accumulator_cells(program, population, (time + k) % slots)
            found[f"pending {k}", population.name] = cells
    return found


def neuron_states(
    program: Program, arrays: Arrays, winners: Mapping[str, int]
) -> dict[str, NeuronState]:
    """Make states of neurons from what was read; what the hardware has no use for is 0.

    Parameters
    ----------
    program : Program
        Program in the device.
    arrays : Mapping
        What :func:`state_cells` asks for.
    winners : Mapping of str to int
        Winner of the last step, for each population that had one.
    """
    states = {}
    for population in program.neurons:
        read, nothing = arrays["state", population.name], np.zeros(population.size, np.int64)
        kept = {name: read.get(name, nothing)[None] for name in NeuronState._fields}
        if population.name in winners:
            kept["inhibited"] = np.arange(population.size)[None] != winners[population.name]
        kept["refractory"] = kept["refractory"].astype(np.int8)
        for name in ("fired", "inhibited"):
            kept[name] = kept[name] != 0
        states[population.name] = NeuronState(**kept)
    return states


def pending_input(
    program: Program, arrays: Arrays, late: Mapping[str, int]
) -> dict[str, np.ndarray]:
    """Make the input on its way, (updates, 1, neurons) arrays, from what was read."""
    pending = {}
    for population in program.neurons:
        updates = [arrays[f"pending {k}", population.name] for k in range(late[population.name])]
        pending[population.name] = np.array([read[""] for read in updates], np.int64).reshape(
            len(updates), 1, population.size
        )
    return pending


def state_contents(program: Program, state: RunState) -> list[Content]:
    """Tell what to write where to bring a device that was cleared into a state."""
    core = program.config.core
    contents: list[Content] = []
    for population in program.neurons:
        kept = state[population.name]._asdict()
        arrays = {name: kept[name][0] for name in core.fields.state.members}
        contents.append((group_cells(program, population, "state"), arrays))
        for k, array in enumerate(state.pending[population.name]):
            cells = accumulator_cells(program, population, (state.time + k) % core.delay_slots)
            contents.append((cells, {"": array[0]}))
    return [*contents, *_learning_contents(program, state.learning)]


def _learning_contents(program: Program, states: Mapping[str, LearningState]) -> Iterator[Content]:
    """Give traces and eligibilities; a clear has left the eligibilities as they were."""
    known = regions(program.config)
    kept = list(states.values()) or [None] * len(program.plastic)
    for placed, state in zip(program.plastic, kept, strict=True):
        if state is not None:
            for side, arrays in (("pre", _named("x", state.pre_traces)), ("post", _after(state))):
                if arrays:
                    yield trace_cells(program, placed, side), arrays
        if "eligibility" in known and placed.kind is not Walk.SPARSE:
            waits = state is not None and state.eligibility.size
            values = state.eligibility if state is not None and waits else np.zeros(placed.shape)
            yield weight_cells(program, placed, "eligibility"), {"": values}


def _after(state: LearningState) -> dict[str, np.ndarray]:
    """What is kept of the postsynaptic neurons, by member of the layout."""
    arrays = _named("y", state.post_traces)
    if state.fired.size:
        names = ("threshold_trace", "decay_trace", "fired", "potential")
        arrays |= {name: getattr(state, name) for name in names}
    return arrays


def _named(letter: str, traces: np.ndarray) -> dict[str, np.ndarray]:
    return {f"{letter}{n}": trace for n, trace in enumerate(traces, 1)}
