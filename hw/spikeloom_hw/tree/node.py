"""A chip of a tree with clock and reset as standard ports have them."""

from typing import Any

from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from ..config import ChipConfig
from ..interchip.parallel import ParallelLine
from ..interchip.pins import hand_on
from .link_end import Line
from .linked import LinkedChip

__all__ = ["Node"]


class Node(wiring.Component):
    """A chip of a tree whose root has the port of a bus.

    All that a chip below the root does comes over the link to its parent: events, time, and
    accesses of the host.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips, which has parents.
    chip : int
        Number of this one; 0 is the root.
    line : callable
        Makes the physical form of each end; all ends of a tree have the same.
    root : Component or None
        The :class:`~spikeloom_hw.wrap.accelerator.Accelerator` that the root is.

    Members
    -------
    aclk : In(1)
        Clock of all signals.
    aresetn : In(1)
        Reset of all but the memories: active low, synchronous.
    s_axi_awaddr, ..., m_axis_tready
        As of the accelerator, if this is the root.
    parent, child1, ... : Out(pins of the line)
        As of :class:`~spikeloom_hw.tree.linked.LinkedChip`.
    """

    aclk: Signal
    aresetn: Signal
    parent: Any

    def __init__(
        self,
        config: ChipConfig,
        chip: int,
        line: Line = ParallelLine,
        root: wiring.Component | None = None,
    ) -> None:
        if (chip == 0) != (root is not None):
            raise ValueError(f"Chip 0 is an accelerator, the others are none; this is chip {chip}")
        self.linked = LinkedChip(config, chip, line, root)
        self.window = self.linked.window
        self.pins: Any = self.linked.signature.members
        super().__init__({"aclk": In(1), "aresetn": In(1), **self.pins})

    def elaborate(self, platform: Any) -> Module:
        """Make the clock domain."""
        m = Module()
        domain: Any = ClockDomain("sync")
        m.domains += domain
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]
        m.submodules.linked = self.linked
        hand_on(m, self, self.linked, self.pins)
        return m
