"""How the host hears that a link has given up."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..event import INDEX_WIDTH, SOURCE_WIDTH, Kind
from ..link import word_layout

__all__ = ["Alarm"]


class Alarm(wiring.Component):
    """Pass words to the host; when a link has given up, say END once, then nothing more.

    Parameters
    ----------
    chips : int
        Chips of the tree.

    Members
    -------
    i : In(stream.Signature(word_layout()))
        Words of the fabric.
    o : Out(stream.Signature(word_layout()))
        Words for the host. The END has the number of the chip below the link as its source.
    lost : In(1)
        A link has given up.
    culprit : In(range(chips))
        Chip below that link.
    """

    i: stream.Interface
    o: stream.Interface
    lost: Signal
    culprit: Signal

    def __init__(self, chips: int) -> None:
        super().__init__({
            "i": In(stream.Signature(word_layout())),
            "o": Out(stream.Signature(word_layout())),
            "lost": In(1),
            "culprit": In(range(chips)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Put the END behind the last word."""
        m = Module()
        told, source = Signal(), Signal(SOURCE_WIDTH)
        m.d.comb += [
            source.eq(self.culprit),
            self.o.valid.eq(self.i.valid),
            self.o.payload.eq(self.i.payload),
            self.i.ready.eq(self.o.ready),
        ]
        with m.If(self.lost):
            m.d.comb += [
                self.i.ready.eq(1),
                self.o.valid.eq(~told),
                self.o.payload.word.eq(Cat(Const(0, INDEX_WIDTH), source, Const(Kind.END, 3))),
                self.o.payload.last.eq(1),
            ]
        m.d.sync += told.eq(self.lost & (told | self.o.ready))
        return m
