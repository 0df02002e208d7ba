"""From records of bytes to the header and the payload words of a frame."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..link import word_layout

__all__ = ["Unpacker", "header_layout"]


def header_layout() -> data.StructLayout:
    """Describe what came: a frame with a payload of ``length`` bytes, or something unreadable."""
    return data.StructLayout({"unreadable": 1, "type": 8, "sequence": 8, "length": 8})


class Unpacker(wiring.Component):
    """Give each record's header, then its payload as little-endian words.

    Four cycles for the header and four for a word. Bytes behind the last whole word come as a last
    word of which some part is undefined.

    Members
    -------
    i : In(stream.Signature(unsigned(8)))
        Records of the receiver.
    headers : Out(stream.Signature(header_layout()))
        One for each record.
    words : Out(stream.Signature(word_layout()))
        Payload of the record whose header was taken.
    """

    i: stream.Interface
    headers: stream.Interface
    words: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(unsigned(8))),
            "headers": Out(stream.Signature(header_layout())),
            "words": Out(stream.Signature(word_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the unpacker."""
        m = Module()
        header = Signal(header_layout())
        m.d.comb += self.headers.payload.eq(header)

        # Gather four bytes to a word; the length counts down the bytes that are left. The first
        # byte of a word waits beside the word before it.
        first, word = Signal(8), Signal(32)
        place = Signal(2)
        full, last = Signal(), Signal()
        ends = header.length == 1
        m.d.comb += [
            self.words.valid.eq(full),
            self.words.payload.word.eq(word),
            self.words.payload.last.eq(last),
        ]
        with m.If(self.words.ready):
            m.d.sync += full.eq(0)

        with m.FSM():
            # Length 0 stands for something unreadable.
            with m.State("LENGTH"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += [
                    header.unreadable.eq(self.i.payload == 0),
                    header.length.eq(self.i.payload - 2),
                    place.eq(0),
                ]
                with m.If(self.i.valid & (self.i.payload == 0)):
                    m.next = "HEADER"
                with m.Elif(self.i.valid):
                    m.next = "TYPE"
            with m.State("TYPE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += header.type.eq(self.i.payload)
                with m.If(self.i.valid):
                    m.next = "SEQUENCE"
            with m.State("SEQUENCE"):
                m.d.comb += self.i.ready.eq(1)
                m.d.sync += header.sequence.eq(self.i.payload)
                with m.If(self.i.valid):
                    m.next = "HEADER"
            with m.State("HEADER"):
                m.d.comb += self.headers.valid.eq(1)
                with m.If(self.headers.ready):
                    m.next = "LENGTH"
                    with m.If(~header.unreadable & (header.length != 0)):
                        m.next = "WORDS"
            # Every fourth byte, and the last one, completes a word.
            with m.State("WORDS"):
                m.d.comb += self.i.ready.eq(~full | ((place == 0) & ~ends))
                with m.If(self.i.valid & self.i.ready):
                    m.d.sync += [
                        full.eq((full & ~self.words.ready) | (place == 3) | ends),
                        last.eq(Mux(place == 0, last | ends, ends)),
                        place.eq(place + 1),
                        header.length.eq(header.length - 1),
                    ]
                    with m.Switch(place):
                        with m.Case(0):
                            m.d.sync += first.eq(self.i.payload)
                        with m.Case(1):
                            m.d.sync += word[:16].eq(Cat(first, self.i.payload))
                        with m.Case(2):
                            m.d.sync += word[16:24].eq(self.i.payload)
                        with m.Case(3):
                            m.d.sync += word[24:].eq(self.i.payload)
                    with m.If(ends):
                        m.next = "LENGTH"

        return m
