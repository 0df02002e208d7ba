"""Composes the frames of the chip link."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..host.cobs import framed_layout
from .frame import CHECK_BYTES, HEADER_BYTES, checksum_processor, word_bytes

__all__ = ["Sender"]


class Sender(wiring.Component):
    """Send a frame: a header, as many words as there are, a checksum; a byte every cycle.

    A frame of n words takes 9 cycles more than the bytes of its words, and has no pause in it.

    Parameters
    ----------
    width : int
        Bits of a word.
    batch : int
        Most words in a frame.

    Members
    -------
    wanted : In(1)
        A frame is to be sent.
    header : In(32)
        Its header.
    begin : Out(1)
        The header is taken in this cycle, and the frame begins.
    some : In(1)
        The frame can have a further word.
    single : In(1)
        The frame may have one word only.
    word : In(width)
        The word.
    take : Out(1)
        The word is taken.
    o : Out(stream.Signature(framed_layout()))
        Bytes of the frames.
    """

    wanted: Signal
    header: Signal
    begin: Signal
    some: Signal
    single: Signal
    word: Signal
    take: Signal
    o: stream.Interface

    def __init__(self, width: int, batch: int) -> None:
        self.width = width
        self.batch = batch
        super().__init__({
            "wanted": In(1),
            "header": In(8 * HEADER_BYTES),
            "begin": Out(1),
            "some": In(1),
            "single": In(1),
            "word": In(width),
            "take": Out(1),
            "o": Out(stream.Signature(framed_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the sender."""
        m = Module()
        m.submodules.crc = crc = checksum_processor()
        size = word_bytes(self.width)
        shift = Signal(8 * max(HEADER_BYTES, size))
        left = Signal(range(max(HEADER_BYTES, CHECK_BYTES, size)))
        count = Signal(range(self.batch + 1))
        closes, sent = Signal(), Signal()
        m.d.comb += [
            closes.eq(~self.some | (count == self.batch) | (self.single & (count != 0))),
            sent.eq(self.o.valid & self.o.ready),
            self.o.payload.byte.eq(shift[:8]),
            crc.data.eq(shift[:8]),
        ]
        with m.If(sent):
            m.d.sync += [shift.eq(shift[8:]), left.eq(left - 1)]

        with m.FSM():
            # Wait for something to send.
            with m.State("REST"):
                m.d.comb += [self.begin.eq(self.wanted), crc.start.eq(1)]
                m.d.sync += [shift.eq(self.header), left.eq(HEADER_BYTES - 1), count.eq(0)]
                with m.If(self.wanted):
                    m.next = "BODY"
            # Behind the header or a word follows the next word, as long as there is one.
            with m.State("BODY"):
                m.d.comb += [self.o.valid.eq(1), crc.valid.eq(sent)]
                with m.If(sent & (left == 0)):
                    m.d.comb += self.take.eq(~closes)
                    m.d.sync += [
                        shift.eq(Cat(self.word)),
                        count.eq(count + 1),
                        left.eq(Mux(closes, CHECK_BYTES, size) - 1),
                    ]
                    with m.If(closes):
                        m.next = "CHECK"
            # The checksum is complete a cycle after the last word.
            with m.State("CHECK"):
                m.d.comb += [
                    self.o.valid.eq(1),
                    self.o.payload.byte.eq(crc.crc.word_select(~left[:2], 8)),
                    self.o.payload.last.eq(left == 0),
                ]
                with m.If(sent & (left == 0)):
                    m.next = "REST"

        return m
