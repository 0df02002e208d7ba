"""What a device knows of time, and who won last: read as numbers and names, and written."""

from collections.abc import Iterator, Mapping

import numpy as np

from spikeloom_hw.neuron import NeuronState
from spikeloom_hw.neuron.noise import FIRST_WORD, WORD_WIDTH, word_at
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import on_core, regions

from .memories import Memories
from .rule_table import rule_columns

__all__ = ["read_age", "read_winners", "write_age", "write_time", "write_winners"]

_AGES = 1 << WORD_WIDTH
_TO_AGE = pow(FIRST_WORD, -1, _AGES)


def read_age(memories: Memories) -> int:
    """Read how many steps are done since the weights were loaded, modulo 2**32; 0 of no engine."""
    if not memories.has("clock"):
        return 0
    word = int(memories.read_rows("clock", 0, 1)["word"][0])
    return (word * _TO_AGE - 1) % _AGES


def write_age(memories: Memories, program: Program, age: int) -> None:
    """Write how many steps are done since the weights were loaded, and so how far epochs are."""
    if not memories.has("clock"):
        return
    for core in range(program.config.all_cores):
        memories.write_columns(on_core("clock", core), {"word": np.array([word_at(age)])})
        if memories.has("epochs") and program.plastic:
            steps = age % np.maximum(rule_columns(program, core)["epoch"], 1)
            memories.write_columns(on_core("epochs", core), {"steps": steps})


def write_time(memories: Memories, program: Program, time: int) -> None:
    """Write how many steps are done since the last clear: the noise and the delays see it."""
    if memories.has("time"):
        slot = time % program.config.core.delay_slots
        columns = {"word": np.array([word_at(time)]), "slot": np.array([slot])}
        for core in range(program.config.all_cores):
            memories.write_columns(on_core("time", core), columns)


def read_winners(memories: Memories, program: Program) -> dict[str, int]:
    """Read which neuron won in the last step, for each population in which one did."""
    if not memories.has("winners"):
        return {}
    width, winners = program.config.core.update_lanes, {}
    for core, described in _described(program):
        rows = memories.read_rows(on_core("winners", core), 0, len(described))
        index = rows["group"] * width + rows["lane"]
        winners |= {
            population.name: int(population.to_neuron(index[row]))
            for row, population in described
            if rows["some"][row]
        }
    return winners


def write_winners(memories: Memories, program: Program, states: Mapping[str, NeuronState]) -> None:
    """Write who won: of a population in which any neuron is inhibited, the one that is not."""
    if not memories.has("winners"):
        return
    width = program.config.core.update_lanes
    for core, described in _described(program):
        columns = {n: np.zeros(len(described), np.int64) for n in ("some", "group", "lane")}
        for row, population in described:
            inhibited = states[population.name].inhibited[0]
            if inhibited.any():
                winner = population.to_index(np.flatnonzero(~inhibited))
                columns["some"][row] = 1
                columns["group"][row], columns["lane"][row] = winner[0] // width, winner[0] % width
        memories.write_columns(on_core("winners", core), columns)


def _described(program: Program) -> Iterator[tuple[int, list[tuple[int, PlacedPopulation]]]]:
    """Give the populations of each core with their rows in its table of populations.

    A population in which the winner takes all is whole.
    """
    for core in range(program.config.all_cores):
        name = on_core("populations", core)
        if name in program.images:
            table = unpack_rows(regions(program.config)[name].layout, program.images[name])
            sources = table["source"].tolist()
            yield core, [(row, program.populations[source]) for row, source in enumerate(sources)]
