"""The rules that a device learns by, changed while it keeps what it has learned."""

from dataclasses import replace

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core

from .memories import Memories
from .readback import read_parts
from .rule_table import rule_columns

__all__ = ["check_ranges", "check_rules", "write_rules"]


def check_rules(now: Program, other: Program) -> None:
    """Raise unless a program differs from the one on the device in nothing but rules.

    Raises
    ------
    TypeError, ValueError
        If it is no program, of another network or for other hardware, or sends errors back
        through other weights.
    """
    if not isinstance(other, Program):
        raise TypeError(f"Rules are given by a Program, not by {other!r}")
    if not now.plastic:
        raise ValueError("The program on the device has no projection that learns")
    if other.network != now.network:
        raise ValueError(
            f"The rules are for network {other.network or 'unknown'}, the program on the device "
            f"is of {now.network or 'unknown'}: load the program instead"
        )
    if other.config.hash != now.config.hash:
        raise ValueError(
            f"The rules are for hardware {other.config.hash:016x}, the device is "
            f"{now.config.hash:016x}: compile the network for the config of its program"
        )
    if _places(now) != _places(other):
        raise ValueError(
            "The network is placed on other cores than that on the device: load the program instead"
        )
    if any(not _same_ways(now, other, core) for core in range(now.config.all_cores)):
        raise ValueError(
            "The rules send errors back by another way than those on the device: load the "
            "program instead"
        )


def check_ranges(memories: Memories, now: Program, other: Program) -> None:
    """Raise if a projection has learned a weight beyond the range of its new rule.

    Weights are read only where the range becomes narrower.
    """
    for placed in now.plastic:
        part = placed.parts[0]
        old, new = rule_columns(now, part.core), rule_columns(other, part.core)
        entry = part.entry or 0
        low, high = int(new["low"][entry]), int(new["high"][entry])
        if low <= old["low"][entry] and high >= old["high"][entry]:
            continue
        parts = read_parts(memories, placed)
        if placed.kind is Walk.SPARSE:
            weights = now.synapses_of(placed, parts)["weight"]
        else:
            weights = now.weights_of(placed, parts)
        least, greatest = int(weights.min(initial=low)), int(weights.max(initial=high))
        if least < low or greatest > high:
            raise ValueError(
                f"The projection from {placed.source!r} to {placed.target!r} has learned the "
                f"weight {least if least < low else greatest}, its new rule goes from {low} to "
                f"{high}: use a wider range"
            )


def write_rules(memories: Memories, program: Program) -> None:
    """Write the rules of a program, and which projections learn."""
    for core in range(program.config.all_cores):
        for name in (on_core("rules", core), on_core("projections", core)):
            if name in program.images:
                memories.write_rows(name, program.images[name])


def _places(program: Program) -> list[tuple[object, ...]]:
    """Where all is, but for words of sparse projections, which entries find by pointers."""
    return [
        *(population.slices for population in program.populations),
        *(
            tuple(replace(part, weight_row=0, rows=0) for part in projection.parts)
            if projection.kind is Walk.SPARSE
            else projection.parts
            for projection in program.projections
        ),
    ]


def _same_ways(now: Program, other: Program, core: int) -> bool:
    """Whether errors go back in the same way on a core."""
    old, new = rule_columns(now, core), rule_columns(other, core)
    ways = [n for n in ("back", "back_row") if n in old]
    same = all(np.array_equal(old[name], new[name]) for name in ways)
    return same and np.array_equal(_fixed_weights(now, core), _fixed_weights(other, core))


def _fixed_weights(program: Program, core: int) -> np.ndarray:
    """Rows of weights that nothing learns, those that carry errors backwards among them."""
    image = program.images[on_core("weights", core)]
    fixed = np.ones(len(image), bool)
    for placed in program.plastic:
        if placed.kind is Walk.SPARSE:
            continue
        for part in placed.parts:
            if part.core == core:
                fixed[part.weight_row : part.weight_row + part.rows] = False
    return image[fixed]
