"""What the events of each neuron cost the walkers: cycles and synaptic operations."""

from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions

__all__ = ["WalkCost", "walk_costs"]


@dataclass(frozen=True, eq=False)
class WalkCost:
    """Cost of an event of each neuron of a source.

    Parameters
    ----------
    cycles : (neurons,) float array
        Cycles of the lanes: ``ceil(post / L)`` of a dense projection, taps of the line x taps of
        the column x blocks of channels of a convolution, words of a sparse one. An event takes
        at least a cycle for each of its projections, and one if it has none.
    operations : (neurons,) float array
        Synaptic operations.
    walks : bool
        Whether the source has a projection.
    """

    cycles: np.ndarray
    operations: np.ndarray
    walks: bool


def walk_costs(program: Program) -> dict[str, WalkCost]:
    """Cost of the events of each population, from the tables that the hardware reads."""
    known = regions(program.config)
    tables = {
        name: unpack_rows(known[name].layout, image)
        for name, image in program.images.items()
        if name in ("projections", "channels", "lines", "columns", "pointers")
    }
    costs = {}
    for population in program.populations:
        numbers = [k for k, p in enumerate(program.projections) if p.source == population.name]
        cycles, operations = np.zeros((2, population.size))
        for number in numbers:
            cycle, operation = _job(program, tables, number)
            cycles, operations = cycles + cycle, operations + operation
        # A job without a request is looked up while the one before it is walked.
        cycles = np.maximum(cycles, len(numbers) or 1)
        costs[population.name] = WalkCost(cycles, operations, bool(numbers))
    return costs


def _job(
    program: Program, tables: dict[str, dict[str, np.ndarray]], number: int
) -> tuple[np.ndarray, np.ndarray]:
    """Cycles and synaptic operations of an event of each neuron through one projection."""
    projection = program.projections[number]
    source = program.population(projection.source)
    entry = {name: int(column[number]) for name, column in tables["projections"].items()}
    if projection.kind is Walk.SPARSE:
        spots = projection.pointer + source.to_index(np.arange(source.size))
        return tables["pointers"]["words"][spots], tables["pointers"]["size"][spots]
    if projection.kind is Walk.DENSE:
        every = np.ones(source.size)
        return every * entry["blocks"], every * entry["size"]
    shape = source.shape or (source.size, 1, 1)
    blocks, lines, columns = (
        tables[axis]["count"][entry[axis] : entry[axis] + length]
        for axis, length in zip(("channels", "lines", "columns"), shape, strict=True)
    )
    taps = np.broadcast_to(np.outer(lines, columns), shape)
    return (taps * blocks[:, None, None]).ravel(), taps.ravel() * entry["size"]
