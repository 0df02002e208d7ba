"""Takes the frames of the chip link apart."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import exact_log2

from ..host.cobs import decoded_layout
from .frame import CHECK_BYTES, HEADER_BYTES, checksum_processor, word_bytes

__all__ = ["Receiver"]


class Receiver(wiring.Component):
    """Give the header and the words of each frame, then whether they were good; never waits.

    Parameters
    ----------
    width : int
        Bits of a word.

    Members
    -------
    i : In(stream.Signature(decoded_layout()))
        Bytes of the frames, and their ends.
    header : Out(32)
        Header of the frame.
    open : Out(1)
        Two bytes of the header are there; no word comes in this cycle.
    write : Out(1)
        ``word`` is the next word of the frame.
    word : Out(width)
        The word.
    close : Out(1)
        The frame ends.
    good : Out(1)
        It was whole, and its checksum is right.
    worded : Out(1)
        It had words.
    """

    i: stream.Interface
    header: Signal
    open: Signal
    write: Signal
    word: Signal
    close: Signal
    good: Signal
    worded: Signal

    def __init__(self, width: int) -> None:
        self.width = width
        super().__init__({
            "i": In(stream.Signature(decoded_layout())),
            "header": Out(8 * HEADER_BYTES),
            "open": Out(1),
            "write": Out(1),
            "word": Out(width),
            "close": Out(1),
            "good": Out(1),
            "worded": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the receiver."""
        m = Module()
        m.submodules.crc = crc = checksum_processor()
        size = word_bytes(self.width)

        # The last bytes are the checksum, and only the end tells which are the last: so a byte
        # counts when as many have come behind it. Where the frame is: bytes that are still to come
        # until then, bytes of the header so far, and bytes of a word that are still to come.
        token: Any = self.i.payload
        fresh, comes = Signal(init=1), Signal()
        late = Signal(8 * CHECK_BYTES)
        early = Signal(range(CHECK_BYTES + 1), init=CHECK_BYTES)
        heading = Signal(range(HEADER_BYTES + 1))
        left = Signal(range(size), init=size - 1)
        m.d.comb += [
            self.i.ready.eq(1),
            comes.eq(self.i.valid & ~token.end),
            crc.start.eq(comes & fresh),
            crc.valid.eq(comes),
            crc.data.eq(token.byte),
            self.close.eq(self.i.valid & token.end),
        ]

        # Sort the bytes.
        shift = Signal(8 * max(size - 1, 1))
        whole = Signal(8 * size)
        byte = late[:8]
        m.d.comb += [whole.eq(Cat(shift, byte) if size > 1 else byte), self.word.eq(whole)]
        with m.If(comes):
            m.d.sync += [fresh.eq(0), late.eq(Cat(late[8:], token.byte))]
            with m.If(early != 0):
                m.d.sync += early.eq(early - 1)
            with m.Elif(heading != HEADER_BYTES):
                place = heading[: exact_log2(HEADER_BYTES)]
                m.d.sync += [heading.eq(heading + 1), self.header.word_select(place, 8).eq(byte)]
            with m.Else():
                m.d.comb += self.write.eq(left == 0)
                m.d.sync += [
                    shift.eq(whole[8:]),
                    left.eq(Mux(left == 0, size - 1, left - 1)),
                    self.worded.eq(1),
                ]
        m.d.sync += self.open.eq(comes & (early == 0) & (heading == 2))

        # At the end, the checksum of all bytes is known.
        m.d.comb += self.good.eq(
            ~token.bad & crc.match_detected & (heading == HEADER_BYTES) & (left == size - 1)
        )
        with m.If(self.close):
            m.d.sync += [
                fresh.eq(1),
                early.eq(CHECK_BYTES),
                heading.eq(0),
                left.eq(size - 1),
                self.worded.eq(0),
            ]

        return m
