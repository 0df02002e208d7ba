"""Asynchronous serial line: eight data bits, no parity, one stop bit; it measures its rate."""

from math import isfinite
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from .rate import BitTimer, RateMeter

__all__ = ["UART", "break_cycles_at"]

BREAK_SECONDS = 300e-6
# A break of as many bits of the rate after reset is one of 300 microseconds at 3 Mbaud.
BREAK_BITS = 900
MEASURED_BITS = 8
LEAST_DIVISOR = 4


def break_cycles_at(frequency: float) -> int:
    """Clock cycles of a break: 300 microseconds at ``frequency`` Hz."""
    return round(frequency * BREAK_SECONDS)


class UART(wiring.Component):
    """Serial line between pins and byte streams.

    The rate is measured: when the line was low for as long as a break, the byte that follows must
    be 0x55, and an eighth of the time from its first falling edge to its fifth is the bit time from
    then on, to an eighth of a cycle. In between neither direction moves.

    A level that lasts a single cycle is not seen. Bits are sampled once, in their middle. A byte
    without a stop bit is dropped.

    Parameters
    ----------
    divisor : int or float
        Clock cycles in a bit after reset, from 4: clock frequency over baud rate. Measured ones may
        be as short as 6 cycles.
    break_cycles : int or None
        Clock cycles of a break, from 16 bits of the rate after reset: a line that is low for as
        long is certainly taken for one, and a line that is low for less than half of that is not.
        By default 900 bits of the rate after reset, which is right for 3 Mbaud.

    Members
    -------
    rx_pin : In(1)
        Line from the host, of any phase.
    tx_pin : Out(1)
        Line to the host.
    rx : Out(stream.Signature(unsigned(8)))
        Bytes received.
    tx : In(stream.Signature(unsigned(8)))
        Bytes to send.
    overflow : Out(1)
        High for a cycle when a byte was lost because ``rx`` did not take the one before.
    """

    rx_pin: Signal
    tx_pin: Signal
    rx: stream.Interface
    tx: stream.Interface
    overflow: Signal

    def __init__(self, divisor: float = 8, break_cycles: int | None = None) -> None:
        if isinstance(divisor, bool) or not isinstance(divisor, int | float):
            raise TypeError(f"Divisor must be a number, not {divisor!r}")
        if not isfinite(divisor) or not LEAST_DIVISOR <= divisor <= 65535:
            raise ValueError(
                f"Divisor must lie between {LEAST_DIVISOR} and 65535 cycles in a bit, "
                f"not {divisor}: choose another baud rate"
            )
        if break_cycles is None:
            break_cycles = round(BREAK_BITS * divisor)
        if isinstance(break_cycles, bool) or not isinstance(break_cycles, int):
            raise TypeError(f"Break must be a whole number of cycles, not {break_cycles!r}")
        if break_cycles < 2 * MEASURED_BITS * divisor:
            raise ValueError(
                f"Break must be at least {2 * MEASURED_BITS} bits of {divisor} cycles, "
                f"not {break_cycles} cycles: choose a higher baud rate"
            )
        self.divisor = divisor
        self.break_cycles = break_cycles
        super().__init__({
            "rx_pin": In(1),
            "tx_pin": Out(1),
            "rx": Out(stream.Signature(unsigned(8))),
            "tx": In(stream.Signature(unsigned(8))),
            "overflow": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the line."""
        m = Module()

        # Take the level that two of three cycles have.
        samples = Signal(3, init=7)
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx_pin, samples[0], init=1)
        m.d.sync += samples[1:].eq(samples)
        m.d.sync += line.eq(
            (samples[0] & samples[1]) | (samples[0] & samples[2]) | (samples[1] & samples[2])
        )

        # Measure the rate.
        width = self.break_cycles.bit_length() - 1
        m.submodules.meter = meter = RateMeter(width, round(self.divisor * MEASURED_BITS))
        m.d.comb += meter.line.eq(line)

        self._build_sender(m, meter)
        self._build_receiver(m, meter)
        return m

    def _build_sender(self, m: Module, meter: RateMeter) -> None:
        # Ticks have no phase to keep: a byte begins with the tick that finds it.
        m.submodules.sender = timer = BitTimer(meter.width, fraction=3)
        m.d.comb += [timer.period.eq(meter.period), timer.hold.eq(meter.measuring)]

        # Above the stop bit there are zeros only, and a line at rest is a stop bit.
        shift = Signal(10, init=1)
        empty = Signal()
        m.d.comb += [
            empty.eq(shift[1:] == 0),
            self.tx.ready.eq(timer.tick & empty),
            self.tx_pin.eq(shift[0]),
        ]
        with m.If(timer.tick & (~empty | self.tx.valid)):
            m.d.sync += shift.eq(Mux(empty, Cat(0, self.tx.payload, 1), shift[1:]))

    def _build_receiver(self, m: Module, meter: RateMeter) -> None:
        # Every other tick of half a bit is the middle of a bit.
        m.submodules.receiver = timer = BitTimer(meter.width, fraction=4)
        busy, middle, sampled = Signal(), Signal(), Signal()
        m.d.comb += [
            timer.period.eq(meter.period),
            timer.hold.eq(~busy),
            sampled.eq(timer.tick & middle),
        ]
        with m.If(~busy):
            m.d.sync += middle.eq(1)
        with m.Elif(timer.tick):
            m.d.sync += middle.eq(~middle)

        # The start bit is the first zero: when it falls out, the eight bits are in.
        shift = Signal(9)
        first = Signal()
        complete = Signal()
        m.d.comb += complete.eq(sampled & ~shift[0] & meter.line)
        with m.If(~busy):
            m.d.sync += [shift.eq(~0), first.eq(1), busy.eq(meter.falls)]
        with m.Elif(sampled):
            m.d.sync += [shift.eq(Cat(shift[1:], meter.line)), first.eq(0)]
            with m.If((first & meter.line) | ~shift[0]):
                m.d.sync += busy.eq(0)
        with m.If(meter.measuring):
            m.d.sync += busy.eq(0)

        # Hand the byte over; a byte that was not taken stays, and the new one is lost.
        with m.If(self.rx.ready):
            m.d.sync += self.rx.valid.eq(0)
        with m.If(complete & (~self.rx.valid | self.rx.ready)):
            m.d.sync += [self.rx.valid.eq(1), self.rx.payload.eq(shift[1:9])]
        m.d.comb += self.overflow.eq(complete & self.rx.valid & ~self.rx.ready)
