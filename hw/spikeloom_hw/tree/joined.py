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

__all__ = ["Joined", "Link", "TwoWays", "Way", "side_signature"]

Way = Callable[[data.StructLayout], Any]
"""Makes what carries words one way: a component with the streams ``i`` and ``o``."""

Link = Callable[[data.StructLayout], Any]
"""Makes what joins two chips: a component with ``upper`` and ``lower``, each as by
:func:`side_signature`."""


def side_signature(word: data.Layout) -> wiring.Signature:
    """Side of a link that a chip sees: words ``i`` to send, words ``o`` received, ``error``, reset.

    ``error`` is as of :class:`~spikeloom_hw.tree.link_end.LinkEnd`; ``reset`` is of use to the end
    of the parent alone.
    """
    return wiring.Signature({
        "i": In(stream.Signature(word)),
        "o": Out(stream.Signature(word)),
        "error": Out(1),
        "reset": In(1),
    })


class TwoWays(wiring.Component):
    """A link that never fails: a way down and a way up.

    Parameters
    ----------
    word : Layout
        What crosses it.
    way : callable
        Makes each way.

    Members
    -------
    upper, lower : Out(side_signature(word))
        Sides of parent and child.
    """

    upper: Any
    lower: Any

    def __init__(self, word: data.StructLayout, way: Way = Skid) -> None:
        self.ways = [way(word) for _ in range(2)]
        side = side_signature(word)
        super().__init__({"upper": Out(side), "lower": Out(side)})

    def elaborate(self, platform: Any) -> Module:
        """Connect both ways."""
        m = Module()
        m.submodules.down, m.submodules.up = down, up = self.ways
        connect(m, flipped(self.upper.i), down.i)
        connect(m, down.o, flipped(self.lower.o))
        connect(m, flipped(self.lower.i), up.i)
        connect(m, up.o, flipped(self.upper.o))
        return m


class Joined(wiring.Component):
    """The root and all branches behind one byte stream.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    link : callable
        Makes each link, given the layout of a word.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes from the host.
    tx : Out(stream.Signature(unsigned(8)))
        Bytes to the host.
    """

    rx: stream.Interface
    tx: stream.Interface

    def __init__(self, config: ChipConfig, link: Link = TwoWays) -> None:
        if not config.parents:
            raise ValueError("One chip has no links; parents must name those of the other chips")
        self.config = config
        word = link_layout(config)
        self.links = [link(word) for _ in config.parents]
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Join each chip with its parent."""
        m = Module()
        chips: list[Any] = [Chip(self.config)]
        chips += [Branch(self.config, chip) for chip in range(1, self.config.chips)]
        for number, chip in enumerate(chips):
            m.submodules[f"chip{number}"] = chip
        connect(m, flipped(self.rx), chips[0].rx)
        connect(m, chips[0].tx, flipped(self.tx))
        for child, (parent, link) in enumerate(
            zip(self.config.parents, self.links, strict=True), 1
        ):
            m.submodules[f"link{child}"] = link
            above, below = chips[parent], chips[child]
            place = self.config.children(parent).index(child)
            connect(m, above.to_child[place], link.upper.i)
            connect(m, link.upper.o, above.from_child[place])
            connect(m, below.up, link.lower.i)
            connect(m, link.lower.o, below.down)
            m.d.comb += [
                above.link_errors[place].eq(link.upper.error),
                link.upper.reset.eq(above.link_reset),
                below.renewed.eq(link.lower.error),
            ]

        return m
