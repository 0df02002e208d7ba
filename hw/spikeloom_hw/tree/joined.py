"""All chips of a tree in one design, as a simulation or a large device has them."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..chip import Chip
from ..config import ChipConfig
from ..skid import Skid
from .branch import Branch
from .words import link_layout

__all__ = ["Joined", "Way"]

Way = Callable[[data.StructLayout], Any]
"""Makes what carries words one way: a component with the streams ``i`` and ``o``."""


class Joined(wiring.Component):
    """The root and all branches behind one byte stream.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    way : callable
        Makes each way of each link, given the layout of a word.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes from the host.
    tx : Out(stream.Signature(unsigned(8)))
        Bytes to the host.
    """

    rx: stream.Interface
    tx: stream.Interface

    def __init__(self, config: ChipConfig, way: Way = Skid) -> None:
        if not config.parents:
            raise ValueError("One chip has no links; parents must name those of the other chips")
        self.config, self.way = config, way
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Join each chip with its parent."""
        m = Module()
        word = link_layout(self.config)
        chips: list[Any] = [Chip(self.config)]
        chips += [Branch(self.config, chip) for chip in range(1, self.config.chips)]
        for number, chip in enumerate(chips):
            m.submodules[f"chip{number}"] = chip
        connect(m, flipped(self.rx), chips[0].rx)
        connect(m, chips[0].tx, flipped(self.tx))
        for child, parent in enumerate(self.config.parents, 1):
            place = self.config.children(parent).index(child)
            m.submodules[f"down{child}"] = down = self.way(word)
            m.submodules[f"up{child}"] = up = self.way(word)
            connect(m, chips[parent].to_child[place], down.i)
            connect(m, down.o, chips[child].down)
            connect(m, chips[child].up, up.i)
            connect(m, up.o, chips[parent].from_child[place])

        return m
