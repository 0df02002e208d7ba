"""Programs cut over the cores of several chips at random."""

from dataclasses import replace

import numpy as np

from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions

from .cutting import cut_program

__all__ = ["cut_over_chips"]


def cut_over_chips(program: Program, cores: int, parents: tuple[int, ...], seed: int) -> Program:
    """Spread a program for one core over chips, see :func:`~spikeloom_sim.cutting.cut_program`.

    The filters of the links let through what is wanted on the other side, and some sources more.

    Parameters
    ----------
    program : Program
        For a chip of one core, without learning.
    cores : int
        Cores of each chip.
    parents : tuple of int
        Parent of each chip but the root.
    seed : int
        Same arguments and seed, same cut.
    """
    cut = cut_program(program, cores * (1 + len(parents)), seed)
    config = replace(cut.config, cores=cores, parents=parents)
    known = regions(config)
    rng = np.random.default_rng(seed)

    def bits(name: str) -> np.ndarray:
        return unpack_rows(known[name].layout, cut.images[name])[""].astype(bool)

    wanted = [bits(f"filter@{g}" if g else "filter") for g in range(config.all_cores)]
    images = dict(cut.images)
    for c in range(1, config.chips):
        below = [k // cores in config.subtree(c) for k in range(config.all_cores)]
        inside = np.any([w for w, b in zip(wanted, below, strict=True) if b], axis=0)
        outside = np.any([w for w, b in zip(wanted, below, strict=True) if not b], axis=0)
        sets = {f"up@{c}": outside | bits("record"), f"down@{c}": inside}
        for name, named in sets.items():
            more = named | (rng.random(named.shape) < 0.1)
            images[name] = pack_rows(known[name].layout, more.astype(np.int64))
    return replace(cut, config=config, images=images)
