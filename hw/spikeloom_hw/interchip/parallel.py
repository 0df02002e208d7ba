"""The parallel forms of the chip link: data lines and a strobe, with or without their clock."""

from typing import Any

from amaranth.hdl import ClockDomain, ClockSignal, DomainRenamer, Module, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import AsyncFIFOBuffered
from amaranth.lib.wiring import In, Out, connect, flipped

from ..host.cobs import decoded_layout, framed_layout
from .beats import BeatReceiver, BeatSender, check_lines

__all__ = ["ClockedLine", "ParallelLine"]


class ParallelLine(wiring.Component):
    """A byte every 8 / ``lines`` cycles, between ends that have the same clock.

    All outputs come out of registers, and all inputs go into registers. The delay from one end to
    the other is less than a cycle, or whole cycles.

    Parameters
    ----------
    lines : int
        Data lines: 1, 2, 4 or 8.
    retries : int
        Timeouts without progress after which the link gives up.

    Attributes
    ----------
    byte_cycles : int
        Cycles that a byte takes.

    Members
    -------
    tx : In(stream.Signature(framed_layout()))
        Bytes to send; a pause inside a frame would end it.
    rx : Out(stream.Signature(decoded_layout()))
        Bytes received, which must be taken at once.
    strobe_out, data_out : Out(1), Out(lines)
        Pins to the other end.
    strobe_in, data_in : In(1), In(lines)
        Pins from the other end.
    """

    tx: stream.Interface
    rx: stream.Interface
    strobe_out: Signal
    data_out: Signal
    strobe_in: Signal
    data_in: Signal

    def __init__(self, lines: int = 8, retries: int = 16) -> None:
        check_lines(lines)
        self.lines = lines
        self.retries = retries
        self.byte_cycles = 8 // lines
        super().__init__({
            "tx": In(stream.Signature(framed_layout())),
            "rx": Out(stream.Signature(decoded_layout())),
            "strobe_out": Out(1),
            "data_out": Out(lines),
            "strobe_in": In(1),
            "data_in": In(lines),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both directions."""
        m = Module()
        m.submodules.sender = sender = BeatSender(self.lines)
        m.submodules.receiver = receiver = BeatReceiver(self.lines)
        connect(m, flipped(self.tx), sender.i)
        connect(m, receiver.o, flipped(self.rx))
        m.d.comb += [
            self.strobe_out.eq(sender.strobe),
            self.data_out.eq(sender.data),
            receiver.strobe.eq(self.strobe_in),
            receiver.data.eq(self.data_in),
        ]
        return m


class ClockedLine(wiring.Component):
    """A byte every 8 / ``lines`` cycles, between ends with clocks of their own.

    Each end sends its clock along (source-synchronous). Lines change at its rising edge and are
    taken at its falling one, then cross to the clock of the receiver. That must take bytes as fast
    as they come: on eight lines it may be slower by 1 part in 256, on four by 4 parts in 10. What
    comes too fast is lost, as by a fault of the line.

    Parameters
    ----------
    lines : int
        Data lines: 1, 2, 4 or 8.
    retries : int
        Timeouts without progress after which the link gives up.

    Attributes
    ----------
    byte_cycles : int
        Cycles that a byte takes.

    Members
    -------
    tx : In(stream.Signature(framed_layout()))
        Bytes to send; a pause inside a frame would end it.
    rx : Out(stream.Signature(decoded_layout()))
        Bytes received, which must be taken at once.
    clock_out, strobe_out, data_out : Out(1), Out(1), Out(lines)
        Pins to the other end.
    clock_in, strobe_in, data_in : In(1), In(1), In(lines)
        Pins from the other end.
    """

    DEPTH = 16

    tx: stream.Interface
    rx: stream.Interface
    clock_out: Signal
    strobe_out: Signal
    data_out: Signal
    clock_in: Signal
    strobe_in: Signal
    data_in: Signal

    def __init__(self, lines: int = 8, retries: int = 16) -> None:
        check_lines(lines)
        self.lines = lines
        self.retries = retries
        self.byte_cycles = 8 // lines
        super().__init__({
            "tx": In(stream.Signature(framed_layout())),
            "rx": Out(stream.Signature(decoded_layout())),
            "clock_out": Out(1),
            "strobe_out": Out(1),
            "data_out": Out(lines),
            "clock_in": In(1),
            "strobe_in": In(1),
            "data_in": In(lines),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both directions, and the way from one clock to the other."""
        m = Module()

        # A second cycle of pause lets a slightly slower receiver keep up.
        m.submodules.sender = sender = BeatSender(self.lines, pause=2)
        connect(m, flipped(self.tx), sender.i)
        m.d.comb += [
            self.clock_out.eq(ClockSignal()),
            self.strobe_out.eq(sender.strobe),
            self.data_out.eq(sender.data),
        ]

        # The clock of the other end is there only while that runs, so nothing is reset by it.
        m.domains.line = ClockDomain("line", clk_edge="neg", reset_less=True, local=True)
        receiver = BeatReceiver(self.lines)
        m.submodules.receiver = DomainRenamer("line")(receiver)
        m.d.comb += [
            ClockSignal("line").eq(self.clock_in),
            receiver.strobe.eq(self.strobe_in),
            receiver.data.eq(self.data_in),
        ]

        width = Shape.cast(decoded_layout()).width
        crossing: Any = AsyncFIFOBuffered(
            width=width, depth=self.DEPTH, r_domain="sync", w_domain="line"
        )
        m.submodules.crossing = crossing
        m.d.comb += [
            crossing.w_data.eq(receiver.o.payload),
            crossing.w_en.eq(receiver.o.valid),
            receiver.o.ready.eq(1),
            self.rx.payload.eq(crossing.r_data),
            self.rx.valid.eq(crossing.r_rdy),
            crossing.r_en.eq(1),
        ]
        return m
