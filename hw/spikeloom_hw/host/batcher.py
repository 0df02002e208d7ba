"""Decides which event words travel to the host in one frame."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..link import word_layout
from .frame import MAXIMUM_WORDS

__all__ = ["Batcher"]


class Batcher(wiring.Component):
    """Keep a frame of event words open for as long as that delays nobody.

    A frame ends when it is full. It also ends once no word waits and the link has nothing else to
    send: behind a word that is ``last``, for the sake of others, or after 64 cycles. A source that
    is reset between two words harms neither of them.

    Members
    -------
    i : In(stream.Signature(word_layout()))
        Event words.
    idle : In(1)
        The link has nothing to send.
    urgent : In(1)
        Another frame waits.
    opens : In(1)
        The next word is the first of a frame.
    o : Out(stream.Signature(unsigned(32)))
        Words of the frame.
    closes : Out(1)
        The frame ends behind the words that were taken.
    """

    PATIENCE = 64

    i: stream.Interface
    idle: Signal
    urgent: Signal
    opens: Signal
    o: stream.Interface
    closes: Signal

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(word_layout())),
            "idle": In(1),
            "urgent": In(1),
            "opens": In(1),
            "o": Out(stream.Signature(unsigned(32))),
            "closes": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the batcher."""
        m = Module()

        # Hold a word, so that its source need not keep it while its bytes are sent.
        held, ended = Signal(), Signal()
        given = Signal()
        m.d.comb += [
            given.eq(self.o.valid & self.o.ready),
            self.i.ready.eq(~held | given),
        ]
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [
                held.eq(1),
                self.o.payload.eq(self.i.payload.word),
                ended.eq(self.i.payload.last),
            ]
        with m.Elif(given):
            m.d.sync += held.eq(0)

        # Count the words of the frame.
        count = Signal(range(MAXIMUM_WORDS + 1))
        full = Signal()
        m.d.comb += [full.eq(count == MAXIMUM_WORDS), self.o.valid.eq(held & ~full)]
        with m.If(self.opens):
            m.d.sync += count.eq(0)
        with m.Elif(given):
            m.d.sync += count.eq(count + 1)

        # Wait for more words only while nobody else does.
        waited = Signal(range(self.PATIENCE + 1))
        silent, late = Signal(), Signal()
        m.d.comb += [silent.eq(~held & ~self.i.valid), late.eq(waited == self.PATIENCE)]
        with m.If(~silent):
            m.d.sync += waited.eq(0)
        with m.Elif(~late):
            m.d.sync += waited.eq(waited + 1)
        due = ended | self.urgent | late
        m.d.comb += self.closes.eq(full | (silent & self.idle & due))

        return m
