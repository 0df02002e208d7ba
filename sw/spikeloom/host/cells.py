"""Where the numbers of populations and projections lie in the memories of a device."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from spikeloom_hw.learning.layout import built
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program
from spikeloom_hw.registers import on_core, regions
from spikeloom_sim.projection import Sparse

from .memories import Memories, Progress, Transfer
from .rule_table import rule_columns

__all__ = [
    "Cells",
    "Run",
    "accumulator_cells",
    "group_cells",
    "read_cells",
    "synapse_cells",
    "trace_cells",
    "weight_cells",
    "write_cells",
]

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, eq=False)
class Run:
    """Cells of neighbouring rows of a memory.

    Parameters
    ----------
    memory : str
        Name of the memory.
    first, count : int
        Its rows.
    row, lane : int array
        Row, counted from ``first``, and element of each number; they broadcast.
    where : tuple of slice or int array
        Which part of the whole array these numbers are.
    """

    memory: str
    first: int
    count: int
    row: np.ndarray
    lane: np.ndarray
    where: tuple[slice | np.ndarray, ...]


@dataclass(frozen=True, eq=False)
class Cells:
    """Cells that hold an array, on one core or on several; some may be there more than once.

    Parameters
    ----------
    shape : tuple of int
        Shape of the array.
    lanes : int
        Elements of a row.
    runs : tuple of Run
        Where its parts are.
    """

    shape: tuple[int, ...]
    lanes: int
    runs: tuple[Run, ...]

    def gather(self, columns: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """Put arrays together from columns of the rows of each run."""
        found: dict[str, np.ndarray] = {}
        for run, read in zip(self.runs, columns, strict=True):
            for name, column in read.items():
                into = found.setdefault(name, np.zeros(self.shape, column.dtype))
                into[run.where] = column[run.row, run.lane]
        return found

    def scatter(self, run: Run, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Put arrays into columns of the rows of a run, which are 0 elsewhere."""
        columns = {}
        for name, array in arrays.items():
            columns[name] = np.zeros((run.count, self.lanes), np.int64)
            columns[name][run.row, run.lane] = array[run.where]
        return columns


def read_cells(
    memories: Memories, wanted: Mapping[Key, Cells], progress: Progress | None = None
) -> dict[Key, dict[str, np.ndarray]]:
    """Read cells: of each its arrays, by member of the layout, "" if it is an array of integers.

    ``progress`` is called with the words that have come, and the words in all.
    """
    runs = [run for cells in wanted.values() for run in cells.runs]
    total = memories.words((run.memory, run.count) for run in runs)
    moved = Transfer(total, progress).moved
    return {
        key: cells.gather([
            memories.read_rows(run.memory, run.first, run.count, moved) for run in cells.runs
        ])
        for key, cells in wanted.items()
    }


def write_cells(
    memories: Memories,
    contents: Sequence[tuple[Cells, Mapping[str, np.ndarray]]],
    progress: Progress | None = None,
) -> None:
    """Write cells; the rest of their rows becomes 0, and so do members that are not given."""
    runs = [(cells, run, arrays) for cells, arrays in contents for run in cells.runs]
    total = memories.words((run.memory, run.count) for _, run, _ in runs)
    moved = Transfer(total, progress).moved
    for cells, run, arrays in runs:
        memories.write_columns(run.memory, cells.scatter(run, arrays), run.first, moved)


def group_cells(program: Program, population: PlacedPopulation, memory: str) -> Cells:
    """Cells of the neurons of a population in a memory of update groups."""
    core = program.config.core
    firsts = [piece.row * core.groups_per_row for piece in population.slices]
    return _neuron_cells(program, population, memory, (core.update_lanes, firsts))


def accumulator_cells(program: Program, population: PlacedPopulation, slot: int) -> Cells:
    """Cells of the accumulators of a population that the update takes in ``slot``."""
    core = program.config.core
    begin = slot * (core.accumulator_rows // core.delay_slots)
    firsts = [begin + piece.row for piece in population.slices]
    return _neuron_cells(program, population, "accumulators", (core.lanes, firsts))


def weight_cells(program: Program, projection: PlacedProjection, memory: str = "weights") -> Cells:
    """Cells of the synapses of a dense projection, in a memory of weights."""
    lanes = program.config.core.lanes
    source, target = (program.population(n) for n in (projection.source, projection.target))
    runs = []
    for piece, part in zip(target.slices, projection.parts, strict=True):
        row, lane = projection.locate(source, target.view(piece, lanes), lanes)
        where = slice(None), target.members(piece, lanes)
        name = on_core(memory, part.core)
        runs.append(Run(name, part.weight_row, part.rows, row, lane, where))
    return Cells(projection.shape, lanes, tuple(runs))


def synapse_cells(program: Program, placed: PlacedProjection, projection: Sparse) -> Cells:
    """Cells of the synapses of a sparse projection, in the order of those of the network."""
    memories = [on_core(placed.memory, part.core) for part in placed.parts]
    parts = []
    for memory, part in zip(memories, placed.parts, strict=True):
        rows = program.images[memory][part.weight_row : part.weight_row + part.rows]
        parts.append(unpack_rows(regions(program.config)[memory].layout, rows))
    found = program.synapses_of(placed, parts)
    delays = np.zeros_like(projection.pre) if projection.delays is None else projection.delays
    here = np.lexsort((found["delay"], found["post"], found["pre"]))
    there = np.lexsort((delays, projection.post, projection.pre))
    runs = []
    for number, (memory, part) in enumerate(zip(memories, placed.parts, strict=True)):
        mine = found["part"][here] == number
        row, lane = found["row"][here][mine], found["lane"][here][mine]
        runs.append(Run(memory, part.weight_row, part.rows, row, lane, (there[mine],)))
    return Cells(placed.shape, program.config.core.lanes, tuple(runs))


def trace_cells(program: Program, projection: PlacedProjection, side: str) -> Cells:
    """Cells of the traces of a projection that learns, ``side`` being "pre" or "post".

    Those of the presynaptic neurons are on each core that has a part of the projection.
    """
    core = program.config.core
    source, target = (program.population(n) for n in (projection.source, projection.target))
    firsts = [
        int(rule_columns(program, part.core)[f"{side}_row"][part.entry or 0])
        for part in projection.parts
    ]
    if side == "post":
        return _neuron_cells(program, target, side, (core.update_lanes, firsts))
    lanes, place = built(core).pre_lanes, source.to_index(np.arange(source.size))
    count = int(place.max()) // lanes + 1
    runs = tuple(
        Run(on_core(side, part.core), first, count, place // lanes, place % lanes, (slice(None),))
        for part, first in zip(projection.parts, firsts, strict=True)
    )
    return Cells((source.size,), lanes, runs)


def _neuron_cells(
    program: Program, population: PlacedPopulation, memory: str, rows: tuple[int, list[int]]
) -> Cells:
    """Cells of the slices of a population, whose rows of so many neurons begin at places."""
    lanes, firsts = rows
    runs = []
    for piece, first in zip(population.slices, firsts, strict=True):
        members = population.members(piece, program.config.core.lanes)
        view = population.view(piece, program.config.core.lanes)
        place = view.to_index(np.arange(view.size))
        count = int(place.max()) // lanes + 1
        name = on_core(memory, piece.core)
        runs.append(Run(name, first, count, place // lanes, place % lanes, (members,)))
    return Cells((population.size,), lanes, tuple(runs))
