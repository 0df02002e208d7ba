"""The rules that a device learns by, changed while it keeps what it has learned."""

import numpy as np

from spikeloom_hw.program import Program

from .memories import Memories
from .readback import read_weights
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
    old, new = rule_columns(now), rule_columns(other)
    ways = [n for n in ("back", "back_row") if n in old]
    same = all(np.array_equal(old[name], new[name]) for name in ways)
    if not same or not np.array_equal(_fixed_weights(now), _fixed_weights(other)):
        raise ValueError(
            "The rules send errors back by another way than those on the device: load the "
            "program instead"
        )


def check_ranges(memories: Memories, now: Program, other: Program) -> None:
    """Raise if a projection has learned a weight beyond the range of its new rule.

    Weights are read only where the range becomes narrower.
    """
    old, new = rule_columns(now), rule_columns(other)
    for entry, placed in enumerate(now.plastic):
        low, high = int(new["low"][entry]), int(new["high"][entry])
        if low <= old["low"][entry] and high >= old["high"][entry]:
            continue
        weights = read_weights(memories, now, placed)
        least, greatest = int(weights.min(initial=low)), int(weights.max(initial=high))
        if least < low or greatest > high:
            raise ValueError(
                f"The projection from {placed.source!r} to {placed.target!r} has learned the "
                f"weight {least if least < low else greatest}, its new rule goes from {low} to "
                f"{high}: use a wider range"
            )


def write_rules(memories: Memories, program: Program) -> None:
    """Write the rules of a program, and which projections learn."""
    for name in ("rules", "projections"):
        memories.write_rows(name, program.images[name])


def _fixed_weights(program: Program) -> np.ndarray:
    """Rows of weights that nothing learns, those that carry errors backwards among them."""
    image = program.images["weights"]
    fixed = np.ones(len(image), bool)
    for placed in program.plastic:
        fixed[placed.weight_row : placed.weight_row + placed.rows] = False
    return image[fixed]
