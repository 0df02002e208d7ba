"""From the bytes of the link to records of whole frames."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .check import checksum_processor
from .cobs import Decoder
from .frame import MAXIMUM_FRAME, WINDOW, check_window
from .ring import Ring

__all__ = ["Receiver"]


class Receiver(wiring.Component):
    """Keep frames until they are complete and their checksum is right; drop the others.

    A byte every cycle. When its memory is full the link has to wait. A record is a length and as
    many bytes: type, sequence number and payload of a frame. Length 0 tells that something
    unreadable came.

    Parameters
    ----------
    window : int
        Bytes of memory.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes of the link.
    o : Out(stream.Signature(unsigned(8)))
        Records.
    """

    rx: stream.Interface
    o: stream.Interface

    def __init__(self, window: int = WINDOW) -> None:
        check_window(window)
        self.window = window
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "o": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the receiver."""
        m = Module()
        m.submodules.decoder = decoder = Decoder()
        m.submodules.crc = crc = checksum_processor()
        m.submodules.ring = ring = Ring(self.window)
        connect(m, flipped(self.rx), decoder.i)
        connect(m, ring.o, flipped(self.o))

        # The first place of a record is kept for its length. Room is told a cycle late.
        token = decoder.o.payload
        place = Signal(range(self.window), init=1)
        gap = Signal(range(self.window))
        m.d.comb += gap.eq(ring.position - place)
        m.d.sync += decoder.o.ready.eq(gap[2:].any())

        # Store the bytes of a frame, as far as a frame may reach.
        takes = Signal()
        length = Signal(8)
        too_long = Signal()
        full = Signal()
        m.d.comb += [
            takes.eq(decoder.o.valid & decoder.o.ready),
            full.eq(length == MAXIMUM_FRAME),
            crc.data.eq(token.byte),
            crc.valid.eq(takes & ~token.end),
        ]
        with m.If(takes & ~token.end):
            m.d.sync += too_long.eq(too_long | full)
            with m.If(~full):
                m.d.comb += [ring.write.eq(1), ring.address.eq(place), ring.data.eq(token.byte)]
                m.d.sync += [place.eq(place + 1), length.eq(length + 1)]

        # At its end commit the frame without its checksum, or roll back to an empty record.
        good = Signal()
        whole = Signal()
        m.d.comb += [
            whole.eq(~token.bad & ~too_long & length[2:].any()),
            good.eq(whole & crc.match_detected),
        ]
        with m.If(takes & token.end):
            end = Signal.like(place)
            m.d.comb += [
                crc.start.eq(1),
                end.eq(Mux(good, place - 2, ring.committed + 1)),
                ring.write.eq(1),
                ring.address.eq(ring.committed),
                ring.data.eq(Mux(good, length - 2, 0)),
            ]
            m.d.sync += [
                ring.committed.eq(end),
                place.eq(end + 1),
                length.eq(0),
                too_long.eq(0),
            ]

        return m
