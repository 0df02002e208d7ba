"""From an assignment of pieces to the rows of slices."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from spikeloom_hw.program import PlacedPopulation, PlacedSlice

from .cutting import grain

__all__ = ["cut"]


def cut(
    populations: Mapping[str, PlacedPopulation],
    pieces: Mapping[str, Sequence[tuple[int, int]]],
    lanes: int,
    *,
    whole: bool = False,
) -> dict[str, PlacedPopulation]:
    """Give populations their slices; on each core they lie in the order of the populations.

    Parameters
    ----------
    populations : Mapping of str to PlacedPopulation
        All populations by name, which have no place yet.
    pieces : Mapping of str to sequence of pairs of int
        Core and number of pieces of each slice, for each population of neurons.
    lanes : int
        Neurons in a row.
    whole : bool
        Whether every population has one slice, so that the numbers of pieces do not matter.
    """
    row: dict[int, int] = {}
    found: dict[str, PlacedPopulation] = {}
    for name, population in populations.items():
        slices: list[PlacedSlice] = []
        step, total, base = grain(population, lanes), -(-population.span // lanes), 0
        # Behind the last channel of a pixel there may be rows without neurons.
        gap = population.stride // lanes - -(-population.channels // lanes)
        for core, count in pieces.get(name, ()):
            rows = total if whole else min(count * step - max(0, gap), total - base)
            slices.append(PlacedSlice(core, row.get(core, 0), base, rows))
            row[core] = row.get(core, 0) + rows
            base += count * step
        found[name] = replace(population, slices=tuple(slices))
    return found
