"""The place of a neuron in its population: channel, line and column."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .event import INDEX_WIDTH
from .layout import PIXEL_WIDTH, RECIPROCAL_WIDTH

__all__ = ["PixelSplit"]


class PixelSplit(wiring.Component):
    """Split an index into channel, line and column: one a cycle, ``LATENCY`` cycles later.

    The pixel times the reciprocal of the width is the line, or one line too little, which the
    column tells. So it is for every pixel below 2**14 and every width from 1 to 2**14.

    Members
    -------
    index : In(INDEX_WIDTH)
        ``pixel << channel_bits | channel``.
    channel_bits : In(range(INDEX_WIDTH))
        Bits of the channel.
    width : In(range(1, 2**PIXEL_WIDTH + 1))
        Pixels in a line.
    reciprocal : In(RECIPROCAL_WIDTH)
        ``min(2**18 // width, 2**18 - 1)``.
    channel : Out(INDEX_WIDTH)
        Channel.
    line, column : Out(PIXEL_WIDTH)
        Quotient and remainder of the pixel by the width.
    """

    index: Signal
    channel_bits: Signal
    width: Signal
    reciprocal: Signal
    channel: Signal
    line: Signal
    column: Signal

    LATENCY = 5

    def __init__(self) -> None:
        super().__init__({
            "index": In(INDEX_WIDTH),
            "channel_bits": In(range(INDEX_WIDTH)),
            "width": In(range(1, (1 << PIXEL_WIDTH) + 1)),
            "reciprocal": In(RECIPROCAL_WIDTH),
            "channel": Out(INDEX_WIDTH),
            "line": Out(PIXEL_WIDTH),
            "column": Out(PIXEL_WIDTH),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()

        def later(value: Value, cycles: int = 1) -> Value:
            for _ in range(cycles):
                register = Signal.like(value)
                m.d.sync += register.eq(value)
                value = register
            return value

        # The index is cut in two.
        index, bits = self.index, self.channel_bits
        width, reciprocal = later(self.width), later(self.reciprocal)
        pixel, channel = Signal(PIXEL_WIDTH), Signal(INDEX_WIDTH)
        mask = Cat(bits > k for k in range(INDEX_WIDTH))
        m.d.sync += [pixel.eq(index >> bits), channel.eq(index & mask)]

        # Two products: the line, or one too little, and the pixels before it.
        quotient, before = Signal(PIXEL_WIDTH), Signal(PIXEL_WIDTH)
        line = later(quotient)
        m.d.sync += [
            quotient.eq(pixel * reciprocal >> RECIPROCAL_WIDTH),
            before.eq(quotient * later(width)),
        ]

        # What is left of the pixel tells whether the line is one more.
        column, over = Signal(PIXEL_WIDTH), Signal()
        width = later(width, 3)
        m.d.comb += over.eq(column >= width)
        m.d.sync += [
            column.eq(later(pixel, 2) - before),
            self.line.eq(later(line) + over),
            self.column.eq(column - Mux(over, width, 0)),
            self.channel.eq(later(channel, 3)),
        ]
        return m
