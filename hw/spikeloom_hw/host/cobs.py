"""Consistent overhead byte stuffing in gateware: frames without zeros, and a zero after each."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .ring import Ring

__all__ = ["Decoder", "Encoder", "decoded_layout", "framed_layout"]


def decoded_layout() -> data.StructLayout:
    """Describe one byte of a frame, or its ``end``, which is ``bad`` if the frame was cut."""
    return data.StructLayout({"byte": 8, "end": 1, "bad": 1})


def framed_layout() -> data.StructLayout:
    """Describe one byte of a frame that is to be sent."""
    return data.StructLayout({"byte": 8, "last": 1})


class Decoder(wiring.Component):
    """Take the stuffing out of frames of up to 253 bytes; a byte every cycle, without delay.

    Longer frames come out wrong, but as no fewer than 254 bytes. Any zero byte brings the decoder
    back to the start of a frame, and zeros between frames are ignored.

    Members
    -------
    i : In(stream.Signature(unsigned(8)))
        Bytes of the link.
    o : Out(stream.Signature(decoded_layout()))
        Bytes of the frames, and an end after each.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(unsigned(8))),
            "o": Out(stream.Signature(decoded_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the decoder."""
        m = Module()
        started = Signal()
        remaining = Signal(8)
        delimits = Signal()
        block_ends = Signal()
        m.d.comb += [delimits.eq(self.i.payload == 0), block_ends.eq(remaining == 0)]

        # Only the first length of a frame says nothing: the later ones stand for a zero.
        m.d.comb += [
            self.o.valid.eq(self.i.valid & started),
            self.o.payload.byte.eq(Mux(block_ends, 0, self.i.payload)),
            self.o.payload.end.eq(delimits),
            self.o.payload.bad.eq(~block_ends),
            self.i.ready.eq(self.o.ready | ~started),
        ]

        # Count the block down.
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += started.eq(~delimits)
            with m.If(delimits):
                m.d.sync += remaining.eq(0)
            with m.Else():
                m.d.sync += remaining.eq(Mux(block_ends, self.i.payload, remaining) - 1)

        return m


class Encoder(wiring.Component):
    """Stuff frames of up to 253 bytes in place, and send them while the next ones are written.

    A zero byte is not stored: its place takes the distance to the next one as soon as that is
    known. A frame of n bytes takes n + 2 cycles to write and n + 2 to send.

    Members
    -------
    i : In(stream.Signature(framed_layout()))
        Bytes of the frames.
    o : Out(stream.Signature(unsigned(8)))
        Bytes of the link.
    idle : Out(1)
        No whole frame waits to be sent.
    """

    DEPTH = 512

    i: stream.Interface
    o: stream.Interface
    idle: Signal

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(framed_layout())),
            "o": Out(stream.Signature(unsigned(8))),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the encoder."""
        m = Module()
        m.submodules.ring = ring = Ring(self.DEPTH)
        connect(m, ring.o, flipped(self.o))
        m.d.sync += self.idle.eq(ring.position == ring.committed)

        # The place to write next, and the place that waits for a distance.
        place = Signal(range(self.DEPTH), init=1)
        code = Signal(range(self.DEPTH))
        distance = Signal(8)
        m.d.comb += [distance.eq(place - code), ring.address.eq(place)]

        # Room is told a cycle late, in which the place moves by two at most.
        room = Signal()
        gap = Signal(range(self.DEPTH))
        m.d.comb += gap.eq(ring.position - place)
        m.d.sync += room.eq(gap[2:].any())

        # A register keeps the source's logic apart from that of the memory.
        byte, last, held = Signal(8), Signal(), Signal()
        stores, zero = Signal(), Signal()
        m.d.comb += [self.i.ready.eq(~held | stores), zero.eq(byte == 0)]
        with m.If(self.i.ready):
            m.d.sync += [
                held.eq(self.i.valid),
                byte.eq(self.i.payload.byte),
                last.eq(self.i.payload.last),
            ]

        with m.FSM():
            # Store a byte, or turn a zero into the next place for a distance.
            with m.State("STORE"):
                m.d.comb += [
                    stores.eq(held & room),
                    ring.write.eq(stores),
                    ring.data.eq(Mux(zero, distance, byte)),
                ]
                with m.If(zero):
                    m.d.comb += ring.address.eq(code)
                with m.If(stores):
                    m.d.sync += [place.eq(place + 1), code.eq(Mux(zero, place, code))]
                    with m.If(last):
                        m.next = "PATCH"
            # Fill in the last distance.
            with m.State("PATCH"):
                m.d.comb += [ring.write.eq(1), ring.address.eq(code), ring.data.eq(distance)]
                m.next = "DELIMIT"
            # Close the frame, and keep the first place of the next one.
            with m.State("DELIMIT"):
                m.d.comb += [ring.write.eq(1), ring.data.eq(0)]
                with m.If(room):
                    m.d.sync += [
                        ring.committed.eq(place + 1),
                        code.eq(place + 1),
                        place.eq(place + 2),
                    ]
                    m.next = "STORE"

        return m
