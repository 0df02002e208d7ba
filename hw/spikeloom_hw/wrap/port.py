"""Ports as a processor's bus and its streams have them, and what connects them inside."""

from typing import Any

from amaranth.hdl import Cat, ClockDomain, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.data import StructLayout
from amaranth.lib.wiring import In, Out, connect

from ..skid import Skid
from ..system import System
from ..validate import check_choice
from ..window import Window
from .axi_lite import AxiLite, axi_lite_members
from .responder import Responder
from .wishbone import Wishbone, wishbone_members

__all__ = ["PORTS", "Wrapped"]

PORTS = {
    "axi": ("s_axi_", axi_lite_members, AxiLite),
    "wishbone": ("wb_", wishbone_members, Wishbone),
}
"""Kinds of register ports: how the signals begin, the signals, the slave."""


class Wrapped(wiring.Component):
    """What has a clock, a reset, a register port and two AXI4-Streams of events.

    Parameters
    ----------
    window : Window
        Byte addresses of the register port.
    port : str
        Its kind: ``"axi"`` for AXI4-Lite, ``"wishbone"`` for Wishbone B4.
    width : int
        Bits of the data of the streams.
    members : dict of str to Member or None
        Members beside these; with some, it is a part of a :class:`~spikeloom_hw.tree.node.Node`,
        which has clock and reset in its place.

    Members
    -------
    aclk : In(1)
        Clock of all signals.
    aresetn : In(1)
        Reset of all but the memories: active low, synchronous.
    s_axi_awaddr, ..., s_axi_rready
        Register port of the kind ``"axi"``, see :func:`~spikeloom_hw.wrap.axi_lite`.
    wb_cyc_i, ..., wb_err_o
        Register port of the kind ``"wishbone"``.
    s_axis_tdata, s_axis_tvalid, s_axis_tready
        Events in.
    m_axis_tdata, m_axis_tlast, m_axis_tvalid, m_axis_tready
        Events out.
    """

    aclk: Signal
    aresetn: Signal
    s_axis_tdata: Signal
    s_axis_tvalid: Signal
    s_axis_tready: Signal
    m_axis_tdata: Signal
    m_axis_tlast: Signal
    m_axis_tvalid: Signal
    m_axis_tready: Signal

    def __init__(
        self, window: Window, port: str, width: int, members: dict[str, Any] | None = None
    ) -> None:
        check_choice("Port", port, tuple(PORTS))
        self.window = window
        begin, bus, self._slave = PORTS[port]
        self._names = {f"{begin}{name}": name for name in bus(window.bits)}
        self._inner = bool(members)
        clock = {} if members else {"aclk": In(1), "aresetn": In(1)}
        super().__init__({
            **clock,
            **{f"{begin}{name}": member for name, member in bus(window.bits).items()},
            "s_axis_tdata": In(width),
            "s_axis_tvalid": In(1),
            "s_axis_tready": Out(1),
            "m_axis_tdata": Out(width),
            "m_axis_tlast": Out(1),
            "m_axis_tvalid": Out(1),
            "m_axis_tready": In(1),
            **(members or {}),
        })

    def add_clock(self, m: Module) -> None:
        """Make the clock domain of all that is inside, unless what is around it does."""
        if self._inner:
            return
        domain: Any = ClockDomain("sync")
        m.domains += domain
        m.d.comb += [domain.clk.eq(self.aclk), domain.rst.eq(~self.aresetn)]

    def add_registers(self, m: Module, system: System, known: Value) -> Responder:
        """Put the register port before a system block.

        Parameters
        ----------
        m : Module
            Module to build in.
        system : System
            The system block.
        known : Value
            Whether the address that the system block accesses exists.

        Returns
        -------
        Responder
            It keeps events out by ``hold`` and ``held``, which remain to be connected.
        """
        m.submodules.slave = slave = self._slave(self.window.bits)
        m.submodules.responder = responder = Responder(self.window)
        for name, inner in self._names.items():
            ours, its = getattr(self, name), getattr(slave, inner)
            inward = slave.signature.members[inner].flow is In
            m.d.comb += its.eq(ours) if inward else ours.eq(its)
        connect(m, slave.accesses, responder.i)
        connect(m, responder.o, slave.outcomes)
        connect(m, responder.requests, system.requests)
        connect(m, system.responses, responder.responses)
        strobe = system.access.read | system.access.write
        failed = strobe & ~known

        # A link that has given up takes all that is for the chips behind it, and answers 0.
        if system.children:
            away = Cat(port.valid for port in (*system.remote, *system.answers)).any()
            failed = failed | (system.lost & away)
        m.d.comb += responder.unknown.eq(failed)
        return responder

    def add_input(self, m: Module, i: stream.Interface) -> None:
        """Connect the stream of events in; bits above a payload are not looked at."""
        payload: Any = i.payload
        m.d.comb += [
            Value.cast(payload).eq(self.s_axis_tdata),
            i.valid.eq(self.s_axis_tvalid),
            self.s_axis_tready.eq(i.ready),
        ]

    def add_output(self, m: Module, o: stream.Interface, data: Value, last: Value) -> None:
        """Connect the stream of events out, through registers that only ``aresetn`` resets.

        Parameters
        ----------
        m : Module
            Module to build in.
        o : stream
            Its valid and ready.
        data, last : Value
            What is sent of its payload, and whether a packet ends there.
        """
        layout = StructLayout({"data": len(self.m_axis_tdata), "last": 1})
        m.submodules.sent = sent = Skid(layout)
        given: Any = sent.i.payload
        offered: Any = sent.o.payload
        m.d.comb += [
            given.data.eq(data),
            given.last.eq(last),
            sent.i.valid.eq(o.valid),
            o.ready.eq(sent.i.ready),
            self.m_axis_tdata.eq(offered.data),
            self.m_axis_tlast.eq(offered.last),
            self.m_axis_tvalid.eq(sent.o.valid),
            sent.o.ready.eq(self.m_axis_tready),
        ]
