"""Asynchronous serial line: eight data bits, no parity, one stop bit."""

from math import isfinite
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

__all__ = ["UART"]

FRACTION = 16
BITS = 10


class UART(wiring.Component):
    """Serial line between pins and byte streams.

    Bits are timed to a sixteenth of a cycle, and sampled once, in their middle. A byte without a
    stop bit is dropped.

    Parameters
    ----------
    divisor : int or float
        Clock cycles in a bit, from 4 to 65535: clock frequency over baud rate.

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

    def __init__(self, divisor: float = 8) -> None:
        if isinstance(divisor, bool) or not isinstance(divisor, int | float):
            raise TypeError(f"Divisor must be a number, not {divisor!r}")
        if not isfinite(divisor) or not 4 <= divisor <= 65535:
            raise ValueError(
                f"Divisor must lie between 4 and 65535 cycles in a bit, not {divisor}: "
                "choose another baud rate"
            )
        self.divisor = divisor
        self._period = round(divisor * FRACTION)
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
        self._build_sender(m)
        self._build_receiver(m)
        return m

    def _build_sender(self, m: Module) -> None:
        # Shift out a start bit, the data and a stop bit.
        shift = Signal(BITS, init=1)
        bits = Signal(range(BITS + 1))
        timer = Signal(range(self._period + FRACTION))
        bit_ends = timer < FRACTION
        m.d.comb += self.tx.ready.eq(bits == 0)
        line = Signal(init=1)
        m.d.sync += line.eq(shift[0])
        m.d.comb += self.tx_pin.eq(line)
        with m.If(bits == 0):
            m.d.sync += timer.eq(self._period - FRACTION)
            with m.If(self.tx.valid):
                m.d.sync += [shift.eq(Cat(0, self.tx.payload, 1)), bits.eq(BITS)]
        with m.Elif(bit_ends):
            m.d.sync += [
                timer.eq(timer + self._period - FRACTION),
                shift.eq(Cat(shift[1:], 1)),
                bits.eq(bits - 1),
            ]
        with m.Else():
            m.d.sync += timer.eq(timer - FRACTION)

    def _build_receiver(self, m: Module) -> None:
        line = Signal(init=1)
        m.submodules.synchroniser = FFSynchronizer(self.rx_pin, line, init=1)

        # From the edge of the start bit to its middle is half a bit, and then a bit each.
        shift = Signal(BITS)
        bits = Signal(range(BITS + 1))
        timer = Signal(range(self._period + FRACTION))
        armed = Signal()
        sampled = Signal()
        complete = Signal()
        m.d.comb += sampled.eq((bits != 0) & (timer < FRACTION))
        m.d.sync += complete.eq(sampled & (bits == 1) & line)
        with m.If(bits == 0):
            m.d.sync += [armed.eq(line), timer.eq(self._period // 2 - FRACTION)]
            with m.If(armed & ~line):
                m.d.sync += bits.eq(BITS)
        with m.Elif(sampled):
            false_start = (bits == BITS) & line
            m.d.sync += [
                timer.eq(timer + self._period - FRACTION),
                shift.eq(Cat(shift[1:], line)),
                bits.eq(Mux(false_start, 0, bits - 1)),
            ]
        with m.Else():
            m.d.sync += timer.eq(timer - FRACTION)

        # Hand the byte over; a byte that was not taken stays, and the new one is lost.
        with m.If(self.rx.ready):
            m.d.sync += self.rx.valid.eq(0)
        with m.If(complete & (~self.rx.valid | self.rx.ready)):
            m.d.sync += [self.rx.valid.eq(1), self.rx.payload.eq(shift[1:9])]
        m.d.comb += self.overflow.eq(complete & self.rx.valid & ~self.rx.ready)
