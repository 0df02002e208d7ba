"""A whole accelerator with standard ports, for a system of one's own."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, unsigned
from amaranth.lib.wiring import connect

from ..config import ChipConfig
from ..fabric import Fabric
from ..skid import Skid
from ..system import System
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
    """

    def __init__(self, config: ChipConfig, port: str = "axi") -> None:
        self.config = config
        super().__init__(Window(config), port, 32)

    def elaborate(self, platform: Any) -> Module:
        """Put registers and streams before the fabric."""
        m = Module()
        self.add_clock(m)
        m.submodules.system = system = System(self.config)
        fabric = Fabric(self.config)
        m.submodules.fabric = ResetInserter(system.reset)(fabric)
        connect(m, system.access, fabric.access)
        responder = self.add_registers(m, system, fabric.access.known)
        m.d.comb += fabric.clear.eq(system.clear)
        for name in ("idle", "stepping", "word", "done", "recorded", "bad_word", "steps"):
            m.d.comb += getattr(system, name).eq(getattr(fabric, name))
        m.d.comb += system.activity.eq(fabric.activity)

        # Words wait while the host has the memories. A reset of the fabric drops those on the way
        # in; what the stream out offers must stay.
        received, gate = Skid(unsigned(32)), Gate(unsigned(32))
        m.submodules.received = ResetInserter(system.reset)(received)
        m.submodules.gate = ResetInserter(system.reset)(gate)
        self.add_input(m, received.i)
        connect(m, received.o, gate.i)
        connect(m, gate.o, fabric.i_words)
        m.d.comb += [gate.hold.eq(responder.hold), responder.held.eq(gate.held)]
        word: Any = fabric.o_words.payload
        self.add_output(m, fabric.o_words, word.word, word.last)

        return m
