"""The serial form of the chip link: two wires, bytes with start and stop bits."""

from math import ceil
from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..host.cobs import Decoder, Encoder, decoded_layout, framed_layout
from ..host.uart import UART

__all__ = ["SerialLine"]

_REST = 32  # bits; most frames are composed in fewer


class SerialLine(wiring.Component):
    """Frames over a UART, with a zero byte after each; 10 bit times a byte.

    The ends need no common clock, only the same bit time to two parts in a hundred. Behind a rest
    of 32 bits a frame has a zero byte in front, too: what faults made of the rest ends there.

    Parameters
    ----------
    divisor : int or float
        Clock cycles in a bit, from 4.
    retries : int
        Timeouts without progress after which the link gives up.

    Attributes
    ----------
    byte_cycles : int
        Cycles that a byte takes.

    Members
    -------
    tx : In(stream.Signature(framed_layout()))
        Bytes to send. A frame is taken when the one before has almost left.
    rx : Out(stream.Signature(decoded_layout()))
        Bytes received, which must be taken at once.
    tx_pin : Out(1)
        Wire to the other end.
    rx_pin : In(1)
        Wire from the other end, of any phase.
    """

    tx: stream.Interface
    rx: stream.Interface
    tx_pin: Signal
    rx_pin: Signal

    def __init__(self, divisor: float = 4, retries: int = 16) -> None:
        self.uart = UART(divisor)
        self.retries = retries
        self.byte_cycles = ceil(10 * divisor)
        super().__init__({
            "tx": In(stream.Signature(framed_layout())),
            "rx": Out(stream.Signature(decoded_layout())),
            "tx_pin": Out(1),
            "rx_pin": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both directions."""
        m = Module()
        m.submodules.uart = uart = self.uart
        m.submodules.encoder = encoder = Encoder()
        m.submodules.decoder = decoder = Decoder()
        connect(m, uart.rx, decoder.i)
        connect(m, decoder.o, flipped(self.rx))
        m.d.comb += [uart.rx_pin.eq(self.rx_pin), self.tx_pin.eq(uart.tx_pin)]

        # A rest may have bytes that nobody sent; a zero keeps them apart from the frame.
        rest = Signal(range(_REST + 1), init=_REST)
        apart = rest == _REST
        m.d.comb += [
            uart.tx.valid.eq(encoder.o.valid),
            uart.tx.payload.eq(Mux(apart, 0, encoder.o.payload)),
            encoder.o.ready.eq(uart.tx.ready & ~apart),
        ]
        with m.If(uart.tx.ready):
            m.d.sync += rest.eq(Mux(encoder.o.valid, 0, Mux(apart, _REST, rest + 1)))

        # A frame is composed when the one before leaves, so that it tells the latest news.
        inside, closing, opens, sent = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            opens.eq(inside | (encoder.idle & ~closing)),
            encoder.i.payload.eq(self.tx.payload),
            encoder.i.valid.eq(self.tx.valid & opens),
            self.tx.ready.eq(encoder.i.ready & opens),
            sent.eq(self.tx.valid & self.tx.ready),
        ]
        with m.If(~encoder.idle):
            m.d.sync += closing.eq(0)
        with m.If(sent):
            m.d.sync += [inside.eq(~self.tx.payload.last), closing.eq(self.tx.payload.last)]

        return m
