"""A whole accelerator with standard ports, for a system of one's own."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, Signal, unsigned
from amaranth.lib import stream
from amaranth.lib.wiring import In, Out, connect

from ..config import ChipConfig
from ..fabric import Fabric
from ..skid import Skid
from ..system import System
from ..tree.root import hang_on_root
from ..tree.words import link_layout
from ..window import Window
from .gate import Gate
from .port import Wrapped

__all__ = ["Accelerator"]


class Accelerator(Wrapped):
    """Fabric and registers of a chip, without the host link.

    The streams carry event words as on the host link, 32 bits each. Out come recorded events and,
    at the end of each time step, STEP and the number of events in it, which ends the packet.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    port : "axi" or "wishbone"
        Kind of the register port.

    Members
    -------
    aclk, aresetn, ..., m_axis_tready
        See :class:`~spikeloom_hw.wrap.port.Wrapped`.
    to_child, from_child, link_errors, link_reset
        As of :class:`~spikeloom_hw.chip.Chip`; of the root of a tree alone.
    """

    to_child: Any
    from_child: Any
    link_errors: Signal
    link_reset: Signal

    def __init__(self, config: ChipConfig, port: str = "axi") -> None:
        self.config, self.children = config, config.children(0)
        members: dict[str, Any] = {}
        if below := len(self.children):
            word = stream.Signature(link_layout(config))
            members["to_child"] = Out(word).array(below)
            members["from_child"] = In(word).array(below)
            members |= {"link_errors": In(below), "link_reset": Out(1)}
        super().__init__(Window(config), port, 32, members)

    def elaborate(self, platform: Any) -> Module:
        """Put registers and streams before the fabric."""
        m = Module()
        self.add_clock(m)
        m.submodules.system = system = System(self.config)
        fabric, given_up, lost = Fabric(self.config), Signal(), Signal()
        m.submodules.fabric = ResetInserter(given_up)(fabric)
        m.d.comb += [given_up.eq(system.reset | lost), fabric.clear.eq(system.clear)]
        connect(m, system.access, fabric.access)
        for name in ("idle", "stepping", "word", "done", "recorded", "bad_word", "steps"):
            m.d.comb += getattr(system, name).eq(getattr(fabric, name))
        m.d.comb += system.activity.eq(fabric.activity)
        responder = self.add_registers(m, system, fabric.access.known)
        words: Any = fabric.o_words
        if self.children:
            words = hang_on_root(m, self, system, fabric, lost)

        # Words wait while the host has the memories. A reset of the fabric drops those on the way
        # in; what the stream out offers must stay.
        received, gate = Skid(unsigned(32)), Gate(unsigned(32))
        m.submodules.received = ResetInserter(system.reset)(received)
        m.submodules.gate = ResetInserter(system.reset)(gate)
        self.add_input(m, received.i)
        connect(m, received.o, gate.i)
        connect(m, gate.o, fabric.i_words)
        m.d.comb += [gate.hold.eq(responder.hold), responder.held.eq(gate.held | lost)]
        self.add_output(m, words, words.payload.word, words.payload.last)

        return m
