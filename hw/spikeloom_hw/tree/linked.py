"""A chip of a tree with the pins of its links, as it stands alone."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import Out, connect

from ..chip import Chip
from ..config import ChipConfig
from ..interchip.parallel import ParallelLine
from ..interchip.pins import hand_on
from .branch import Branch
from .link_end import Line, LinkEnd
from .words import link_layout

__all__ = ["LinkedChip"]

_LINKS = ("to_child", "from_child", "link_errors", "link_reset")


class LinkedChip(wiring.Component):
    """The root or a branch with an end of a chip link for each chip that it is joined with.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    chip : int
        Number of this one; 0 is the root.
    line : callable
        Makes the physical form of each end; all ends of a tree have the same.
    root : Component or None
        What the root is: an :class:`~spikeloom_hw.wrap.accelerator.Accelerator`, say; by default
        a :class:`~spikeloom_hw.chip.Chip`.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes from the host; of the root alone, as the next is. Another ``root`` has its own members
        in the place of both.
    tx : Out(stream.Signature(unsigned(8)))
        Bytes to the host.
    parent : Out(pins of the line)
        Pins to the parent; of every chip but the root.
    child1, child2, ... : Out(pins of the line)
        Pins to each child, by its number.
    """

    rx: stream.Interface
    tx: stream.Interface
    parent: Any

    def __init__(
        self,
        config: ChipConfig,
        chip: int = 0,
        line: Line = ParallelLine,
        root: wiring.Component | None = None,
    ) -> None:
        if not config.parents:
            raise ValueError("One chip has no links; parents must name those of the other chips")
        if not 0 <= chip < config.chips:
            raise ValueError(f"Chip must be 0 to {config.chips - 1}, not {chip!r}")
        self.config, self.chip = config, chip
        word = link_layout(config)
        names = ["parent"] if chip else []
        names += [f"child{child}" for child in config.children(chip)]
        self.ends = {name: LinkEnd(word, line, upper=name != "parent") for name in names}
        self.inner: Any = Branch(config, chip) if chip else root or Chip(config)
        self.window = getattr(self.inner, "window", None)
        given: Any = {} if chip else self.inner.signature.members
        self.own = {name: given[name] for name in given if name not in _LINKS}
        members = dict(self.own)
        for name, end in self.ends.items():
            members[name] = Out(wiring.Signature(end.pins))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Put the ends of the links around the chip."""
        m = Module()
        m.submodules.chip = chip = self.inner
        hand_on(m, self, chip, self.own)
        for name, end in self.ends.items():
            m.submodules[name] = end
            hand_on(m, getattr(self, name), end, end.pins)
        if self.chip:
            parent = self.ends["parent"]
            connect(m, parent.o, chip.down)
            connect(m, chip.up, parent.i)
            m.d.comb += chip.renewed.eq(parent.error)
        for k, child in enumerate(self.config.children(self.chip)):
            end = self.ends[f"child{child}"]
            connect(m, chip.to_child[k], end.i)
            connect(m, end.o, chip.from_child[k])
            m.d.comb += [
                chip.link_errors[k].eq(end.error),
                end.reset.eq(chip.link_reset),
            ]
        return m
