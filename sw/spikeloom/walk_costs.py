"""What the events of each neuron cost the walkers: cycles and synaptic operations."""

from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPart, PlacedPopulation, PlacedProjection, Program
from spikeloom_hw.registers import on_core, regions

__all__ = ["WalkCost", "walk_costs"]


@dataclass(frozen=True, eq=False)
class WalkCost:
    """Cost of an event of each neuron of a source.

    Parameters
    ----------
    cycles : (neurons,) float array
        Cycles of the lanes: ``ceil(post / L)`` of a dense projection, taps of the line x taps of
        the column x blocks of channels of a convolution, words of a sparse one. An event takes
        at least a cycle for each of its projections; one without any takes one as well, unless a
        filter keeps it out.
    operations : (neurons,) float array
        Synaptic operations.
    walks : bool
        Whether the source has a projection.
    """

    cycles: np.ndarray
    operations: np.ndarray
    walks: bool


def walk_costs(program: Program, core: int = 0) -> dict[str, WalkCost]:
    """Cost that the events of each population have on a core, from the tables that it reads.

    Those that the filter of the core keeps out have none.
    """
    known = regions(program.config)
    names = ("projections", "channels", "lines", "columns", "pointers")
    tables = {
        name: unpack_rows(known[on_core(name, core)].layout, program.images[on_core(name, core)])
        for name in names
        if on_core(name, core) in program.images
    }
    filtered = on_core("filter", core) in known
    costs = {}
    for population in program.populations:
        joined = [
            (projection, part)
            for projection in program.projections
            if projection.source == population.name
            for part in projection.parts
            if part.core == core
        ]
        cycles, operations = np.zeros((2, population.size))
        for projection, part in joined:
            cycle, operation = _job(population, tables, projection, part)
            cycles, operations = cycles + cycle, operations + operation
        # A job without a request is looked up while the one before it is walked.
        cycles = np.maximum(cycles, len(joined) or int(not filtered))
        costs[population.name] = WalkCost(cycles, operations, bool(joined))
    return costs


def _job(
    source: PlacedPopulation,
    tables: dict[str, dict[str, np.ndarray]],
    projection: PlacedProjection,
    part: PlacedPart,
) -> tuple[np.ndarray, np.ndarray]:
    """Cycles and synaptic operations of an event of each neuron through one projection."""
    entry = {name: int(column[part.number]) for name, column in tables["projections"].items()}
    if projection.kind is Walk.SPARSE:
        spots = part.pointer + source.to_index(np.arange(source.size))
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
