"""What the links between chips carry in a time step, and how long that takes."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from amaranth.hdl import Shape

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.interchip import LinkParameters
from spikeloom_hw.interchip.frame import word_bytes
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import Program
from spikeloom_hw.tree.words import link_layout

from .mapping.filters import subtree, tree_filters

__all__ = ["LinkCosts", "Passing", "depths", "passing"]

# Measured on the design: docs/guide/chips.md.
_TURN = 14
_ENDS = 4
_AROUND = 2
"""Bytes around a frame: one for its stuffing, and its end."""


@dataclass(frozen=True)
class LinkCosts:
    """Cycles that a link between two chips takes.

    Parameters
    ----------
    turn : float
        Cycles by which a STEP and the END that answers it take longer than on one chip.
    word : float
        Cycles of a word among many.
    begin : float
        What the words of a window take beyond that, as they do not fill their frames.
    """

    turn: float
    word: float
    begin: float

    @classmethod
    def of(cls, config: ChipConfig, byte_cycles: int = 1, delay: int = 0) -> "LinkCosts":
        """Costs of the links of a tree over wires.

        Parameters
        ----------
        config : ChipConfig
            Structure of the chips.
        byte_cycles : int
            Cycles of a byte: 1 on a parallel line of 8, 40 on a serial one.
        delay : int
            Cycles that the wires take one way.
        """
        sizes = LinkParameters.fit(Shape.cast(link_layout(config)).width, byte_cycles)
        single = replace(sizes, batch=1).frame_bytes + _AROUND
        # An acknowledgement goes first; on a slow line, the answer waits for it.
        wait = max(0, (single - word_bytes(sizes.width) + 1) * byte_cycles - _TURN)
        return cls(
            turn=_TURN + 2 * (single * byte_cycles + wait + _ENDS + delay),
            word=(sizes.frame_bytes + _AROUND) / sizes.batch * byte_cycles,
            begin=_ENDS,
        )

    @classmethod
    def joined(cls) -> "LinkCosts":
        """Costs of the registers that ``Device.simulate`` has in the place of links."""
        return cls(turn=_TURN, word=1.0, begin=0.0)

    def cycles(self, words: float) -> float:
        """Cycles of the words of a window."""
        return self.word * words + self.begin * min(1.0, words)


@dataclass(frozen=True)
class Passing:
    """Words of events between a chip and its parent in an average step, by population.

    Parameters
    ----------
    chip, parent : int
        The two.
    up, down : dict of str to float
        From the chip to its parent, and the other way.
    """

    chip: int
    parent: int
    up: dict[str, float]
    down: dict[str, float]


def passing(program: Program, fired: Mapping[str, np.ndarray]) -> list[Passing]:
    """Tell what goes over each link in a step with so many events of each neuron.

    Parameters
    ----------
    program : Program
        Program of the network.
    fired : Mapping of str to (neurons,) array
        Events of each neuron, as of :func:`~spikeloom.estimate.events_of`; potentials of read-outs
        go up besides.
    """
    config, filters, found = program.config, tree_filters(program), []
    for chip, parent in enumerate(config.parents, 1):
        chips = subtree(config.parents, chip)
        ways: dict[str, dict[str, float]] = {"up": {}, "down": {}}
        for population in program.populations:
            name, events = population.name, fired[population.name]
            if population.output is Output.VALUE and population in program.recorded:
                events = np.ones(population.size)
            inside = [p for p in population.slices if p.core // config.cores in chips]
            rows = [population.members(piece, config.core.lanes) for piece in inside]
            own = sum(float(events[members].sum()) for members in rows)
            for way, count in (("up", own), ("down", float(events.sum()) - own)):
                if filters[f"{way}@{chip}"].ravel()[population.source]:
                    ways[way][name] = count
        found.append(Passing(chip, parent, **ways))
    return found


def depths(config: ChipConfig) -> list[int]:
    """Links between each chip and the root."""
    found = [0]
    for parent in config.parents:
        found.append(found[parent] + 1)
    return found
