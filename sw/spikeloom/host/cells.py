"""Where the numbers of populations and projections lie in the memories of a device."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from spikeloom_hw.learning.layout import built
from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program

from .memories import Memories, Progress, Transfer
from .rule_table import rule_columns

__all__ = [
    "Cells",
    "accumulator_cells",
    "group_cells",
    "read_cells",
    "trace_cells",
    "weight_cells",
    "write_cells",
]

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells of neighbouring rows of a memory, in the order of an array.

    Parameters
    ----------
    memory : str
        Name of the memory.
    first, count : int
        Its rows.
    lanes : int
        Elements of a row.
    row, lane : int array
        Row, counted from ``first``, and element of each number; they broadcast.
    """

    memory: str
    first: int
    count: int
    lanes: int
    row: np.ndarray
    lane: np.ndarray

    def gather(self, columns: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Take the arrays out of columns of rows that were read."""
        return {name: column[self.row, self.lane] for name, column in columns.items()}

    def scatter(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Put arrays into columns of rows, which are 0 elsewhere."""
        columns = {}
        for name, array in arrays.items():
            columns[name] = np.zeros((self.count, self.lanes), np.int64)
            columns[name][self.row, self.lane] = array
        return columns


def read_cells(
    memories: Memories, wanted: Mapping[Key, Cells], progress: Progress | None = None
) -> dict[Key, dict[str, np.ndarray]]:
    """Read cells: of each its arrays, by member of the layout, "" if it is an array of integers.

    ``progress`` is called with the words that have come, and the words in all.
    """
    total = memories.words((cells.memory, cells.count) for cells in wanted.values())
    moved = Transfer(total, progress).moved
    return {
        key: cells.gather(memories.read_rows(cells.memory, cells.first, cells.count, moved))
        for key, cells in wanted.items()
    }


def write_cells(
    memories: Memories,
    contents: Sequence[tuple[Cells, Mapping[str, np.ndarray]]],
    progress: Progress | None = None,
) -> None:
    """Write cells; the rest of their rows becomes 0, and so do members that are not given."""
    total = memories.words((cells.memory, cells.count) for cells, _ in contents)
    moved = Transfer(total, progress).moved
    for cells, arrays in contents:
        memories.write_columns(cells.memory, cells.scatter(arrays), cells.first, moved)


def group_cells(program: Program, population: PlacedPopulation, memory: str) -> Cells:
    """Cells of the neurons of a population in a memory of update groups."""
    core = program.config.core
    first = (population.row or 0) * core.groups_per_row
    return _neuron_cells(memory, first, core.update_lanes, population)


def accumulator_cells(program: Program, population: PlacedPopulation, slot: int) -> Cells:
    """Cells of the accumulators of a population that the update takes in ``slot``."""
    core = program.config.core
    first = slot * (core.accumulator_rows // core.delay_slots) + (population.row or 0)
    return _neuron_cells("accumulators", first, core.lanes, population)


def weight_cells(program: Program, projection: PlacedProjection, memory: str = "weights") -> Cells:
    """Cells of the synapses of a projection that is not sparse, in a memory of weights."""
    lanes = program.config.core.lanes
    ends = program.population(projection.source), program.population(projection.target)
    row, lane = projection.locate(*ends, lanes)
    return Cells(memory, projection.weight_row, projection.rows, lanes, row, lane)


def trace_cells(program: Program, projection: PlacedProjection, side: str) -> Cells:
    """Cells of the traces of a projection that learns, ``side`` being "pre" or "post"."""
    core = program.config.core
    source = side == "pre"
    population = program.population(projection.source if source else projection.target)
    lanes = built(core).pre_lanes if source else core.update_lanes
    rules = rule_columns(program)
    first = int(rules[f"{side}_row"][projection.entry or 0])
    return _neuron_cells(side, first, lanes, population)


def _neuron_cells(memory: str, first: int, lanes: int, population: PlacedPopulation) -> Cells:
    place = population.to_index(np.arange(population.size))
    count = int(place.max()) // lanes + 1
    return Cells(memory, first, count, lanes, place // lanes, place % lanes)
