"""One core with standard ports, for an event network of one's own."""

from typing import Any

from amaranth.hdl import Module, ResetInserter, Shape, Signal
from amaranth.lib.wiring import connect

from ..bus import broadcast
from ..config import ChipConfig
from ..core import Core
from ..event import Kind, Operation, definite, event_layout
from ..registers import FABRIC
from ..settle import settle
from ..skid import Skid
from ..system import System
from ..window import Window
from .gate import Gate
from .port import Wrapped

__all__ = ["SingleCore"]


class SingleCore(Wrapped):
    """A core that takes the events of a network, and gives those of its neurons.

    The streams carry events as on the bus of a chip: the word of 32 bits and, if the core has
    events with values, the value above it; a whole number of bytes. The network brings every core
    all events in one order, its own among them. At a STEP the core sends its events, then END,
    with which the packet ends; to DONE it answers nothing. Kinds of events that a core does not
    take pass by.

    There is no schedule and no recorder. The register STEPS counts DONE; CLEAR in CONTROL does
    nothing, as a STEP with the operation CLEAR does it.

    Parameters
    ----------
    config : ChipConfig
        Structure of a chip with this core.
    port : "axi" or "wishbone"
        Kind of the register port.

    Raises
    ------
    ValueError
        If the chip has several cores.

    Members
    -------
    aclk, aresetn, ..., m_axis_tready
        See :class:`~spikeloom_hw.wrap.port.Wrapped`.
    """

    def __init__(self, config: ChipConfig, port: str = "axi") -> None:
        if config.all_cores != 1:
            raise ValueError(
                f"A single core needs the configuration of a chip with 1 core, "
                f"not with {config.all_cores}"
            )
        self.config = config
        self.event = event_layout(config.core.value_width)
        width = -(-Shape.cast(self.event).width // 8) * 8
        super().__init__(Window(config, without=FABRIC), port, width)

    def elaborate(self, platform: Any) -> Module:
        """Put registers and streams before the core."""
        m = Module()
        self.add_clock(m)
        m.submodules.system = system = System(self.config)
        core = Core(self.config)
        m.submodules.core = ResetInserter(system.reset)(core)
        connect(m, system.access, core.access)
        responder = self.add_registers(m, system, core.access.known)

        # Events wait while the host has the memories.
        received, gate = Skid(self.event), Gate(self.event)
        m.submodules.received = ResetInserter(system.reset)(received)
        m.submodules.gate = ResetInserter(system.reset)(gate)
        self.add_input(m, received.i)
        connect(m, received.o, gate.i)
        m.d.comb += [gate.hold.eq(responder.hold), responder.held.eq(gate.held)]

        # Each event goes to what takes its kind.
        event: Any = gate.o.payload
        spike, step = event.kind == Kind.SPIKE, event.kind == Kind.STEP
        taken = spike | step
        if self.config.core.payload_width:
            taken = taken | (event.kind == Kind.GRADED)
        sinks: list[tuple[Any, Any]] = [(core.i, taken)]
        if self.config.core.learning:
            teaches = (event.kind == Kind.REWARD) | (event.kind == Kind.ERROR)
            sinks.append((core.teach, teaches))
        broadcast(m, gate.o, sinks)

        sent: Any = core.o.payload
        self.add_output(m, core.o, definite(sent), sent.kind == Kind.END)

        self._watch(m, system, core, gate, step & (event.source == Operation.DONE))
        return m

    def _watch(self, m: Module, system: System, core: Core, gate: Gate, done: Any) -> None:
        """Tell the system block what happens; all has to be still for some cycles to be idle."""
        steps, passed = Signal(32), Signal()
        m.d.comb += [
            passed.eq(gate.o.valid & gate.o.ready),
            system.steps.eq(steps),
            system.word.eq(passed),
            system.done.eq(passed & done),
            system.recorded.eq(core.activity.spike),
            system.activity.eq(core.activity),
        ]
        with m.If(system.reset):
            m.d.sync += steps.eq(0)
        with m.Elif(passed & done):
            m.d.sync += steps.eq(steps + 1)
        idle = Signal()
        m.d.comb += system.idle.eq(idle)
        settle(m, idle, ~core.activity.idle | gate.o.valid)
