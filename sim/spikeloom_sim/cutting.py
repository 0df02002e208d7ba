"""Programs cut over several cores at random, to hold a cluster of cores against one."""

from dataclasses import replace
from typing import Any

import numpy as np

from spikeloom_hw.neuron import Constant
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import FABRIC, regions

__all__ = ["cut_program"]

Columns = dict[str, Any]


def cut_program(program: Program, cores: int, seed: int) -> Program:
    """Spread the populations of a program for one core over several, cut at rows at random.

    Every core holds the whole network, and lets sources through that have projections, and some
    others; but it updates its slices alone. That is no way to save memory, but it shows what the
    fabric does, whatever the mapper does.

    Parameters
    ----------
    program : Program
        For a chip of one core, without learning.
    cores : int
        Cores of the chip; one of which may have nothing to do.
    seed : int
        Same program and seed, same cut.

    Returns
    -------
    Program
        The same network.
    """
    core = program.config.core
    config = replace(program.config, core=replace(core, bases=core.neuron_rows), cores=cores)
    known, before = regions(config), regions(program.config)
    tables = {
        name: unpack_rows(before[name].layout, program.images[name])
        for name in ("populations", "phases", "sources")
    }
    rng = np.random.default_rng(seed)
    pieces = _pieces(program, tables, cores, rng)
    images = {name: program.images[name] for name in FABRIC}
    for g in range(cores):
        suffix = f"@{g}" if g else ""
        own = {name: image for name, image in program.images.items() if name not in FABRIC}
        own |= {
            name: pack_rows(known[name].layout, columns)
            for name, columns in _owned(pieces[g], tables, config.core.phases).items()
        }
        bits = np.zeros((known["filter"].rows, min(32, core.sources)), np.int64)
        counts = tables["sources"]["count"]
        bits.reshape(-1)[: len(counts)] = (counts > 0) | (rng.random(len(counts)) < 0.5)
        own["filter"] = pack_rows(known["filter"].layout, bits)
        images |= {name + suffix: image for name, image in own.items()}
    return replace(program, config=config, images=images)


def _pieces(
    program: Program, tables: dict[str, Columns], cores: int, rng: np.random.Generator
) -> list[list[tuple[int, Columns]]]:
    """Descriptors of each core, with the phase of each."""
    pieces: list[list[tuple[int, Columns]]] = [[] for _ in range(cores)]
    phases, table = tables["phases"], tables["populations"]
    for phase, (first, count) in enumerate(zip(phases["first"], phases["count"], strict=True)):
        for number in range(first, first + count):
            whole = {name: column[number] for name, column in table.items()}
            owners = rng.permutation(cores)
            bounds = _bounds(program, whole, cores, rng)
            for g, begin, end in zip(owners, bounds[:-1], bounds[1:], strict=False):
                pieces[g].append((phase, _slice(program, whole, begin, end)))
    return pieces


def _bounds(program: Program, whole: Columns, cores: int, rng: np.random.Generator) -> list[int]:
    """First row of each slice, and the end."""
    core = program.config.core
    per_row = core.groups_per_row
    rows = int(whole["last_group"]) // per_row + 1
    place = core.fields["winner"]
    contested = place.value if isinstance(place, Constant) else whole["winner"]
    # Pixels of more than a row are kept whole.
    all_groups = (1 << (core.groups - 1).bit_length()) - 1
    pixel = 0 if whole["period"] == all_groups else int(whole["period"]) + 1
    step = max(1, pixel // per_row)
    inner = np.arange(step, rows, step)
    if contested or not len(inner) or rng.random() < 0.2:
        return [0, rows]
    cuts = rng.choice(inner, min(len(inner), int(rng.integers(1, cores))), replace=False)
    return [0, *sorted(int(cut) for cut in cuts), rows]


def _slice(program: Program, whole: Columns, begin: int, end: int) -> Columns:
    """Descriptor of the rows from ``begin`` to ``end`` of a population."""
    core = program.config.core
    first = begin * core.groups_per_row
    last = min(int(whole["last_group"]), end * core.groups_per_row - 1)
    changed: dict[str, Any] = {"row": whole["row"] + begin, "last_group": last - first}
    if whole["period"] >= whole["last_group"]:
        changed["full"] = min(max(0, int(whole["full"]) - first), core.groups)
    return {**whole, **changed, "base": begin}


def _owned(
    pieces: list[tuple[int, Columns]], tables: dict[str, Columns], phases: int
) -> dict[str, Columns]:
    """Tables of populations and phases of one core."""
    counts = np.bincount([phase for phase, _ in pieces], minlength=phases)
    names = [*tables["populations"], "base"]
    ordered = [columns for _, columns in sorted(pieces, key=lambda piece: piece[0])]
    descriptors = {
        name: np.array([columns[name] for columns in ordered], np.int64) for name in names
    }
    first = np.where(counts > 0, np.cumsum(counts) - counts, 0)
    return {"populations": descriptors, "phases": {"first": first, "count": counts}}
