"""Filters of the fabric: which sources go where."""

from collections.abc import Sequence

import numpy as np

from spikeloom_hw.program import Program

__all__ = ["bit_rows", "subtree", "tree_filters"]


def bit_rows(bits: Sequence[bool]) -> np.ndarray:
    """Rows of 32 bits of a memory with a bit for each source, an even number of them."""
    flags = np.array(bits, np.int64)
    return np.pad(flags, (0, -len(flags) % 64)).reshape(-1, 32)


def tree_filters(program: Program) -> dict[str, np.ndarray]:
    """Tell what goes up from each chip to its parent, and down to it.

    Up goes a source of which some neurons are in the subtree of the chip and that a core outside
    listens to, or the host, which is outside of all but the root. Down goes a source that a core
    in the subtree listens to and of which some neurons, or the host that drives it, are outside.

    Parameters
    ----------
    program : Program
        A program; those of one chip have no such filters.

    Returns
    -------
    dict of str to (rows, 32) int array
        Bits of the memories ``up@c`` and ``down@c`` of every chip c but the root.
    """
    config = program.config
    recorded = set(program.recorded)
    found: dict[str, np.ndarray] = {}
    for chip in range(1, config.chips):
        inside = {
            core
            for below in subtree(config.parents, chip)
            for core in range(below * config.cores, (below + 1) * config.cores)
        }
        up, down = [], []
        for population in program.populations:
            homes = {piece.core for piece in population.slices}
            ears = {
                part.core
                for projection in program.projections
                if projection.source == population.name
                for part in projection.parts
            }
            up.append(bool(homes & inside) and (population in recorded or bool(ears - inside)))
            down.append(bool(ears & inside) and (not homes or bool(homes - inside)))
        found |= {f"up@{chip}": bit_rows(up), f"down@{chip}": bit_rows(down)}
    return found


def subtree(parents: Sequence[int], chip: int) -> set[int]:
    """Chip and all that hang on it; parents come before their children."""
    found = {chip}
    for child, parent in enumerate(parents, 1):
        if parent in found:
            found.add(child)
    return found
