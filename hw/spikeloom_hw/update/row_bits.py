"""A bit for each row: words that are scanned, and bits that are set one by one."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["RowBits"]


class RowBits(wiring.Component):
    """Memory of ``count`` bits in words of ``width``.

    A bit is written every cycle, by reading, changing and writing its word; a word that was
    changed the cycle before is taken from the pipe, as the memory does not hold it yet. What is
    written is seen by a scan two cycles after ``put``. The contents are not initialised.

    Parameters
    ----------
    count : int
        Bits, a multiple of ``width``.
    width : int
        Bits of a word, a power of two.

    Members
    -------
    put : In(1)
        Write a bit.
    place : In(range(count))
        Which bit.
    value : In(1)
        The bit, one cycle after ``put``.
    read : In(1)
        Read a word.
    word : In(range(count // width))
        Which word.
    bits : Out(width)
        Word read last, one cycle after ``read``.
    """

    put: Signal
    place: Signal
    value: Signal
    read: Signal
    word: Signal
    bits: Signal

    def __init__(self, count: int, width: int) -> None:
        self.count = count
        self.width = width
        super().__init__({
            "put": In(1),
            "place": In(range(count)),
            "value": In(1),
            "read": In(1),
            "word": In(range(count // width)),
            "bits": Out(width),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the memory and the pipe."""
        m = Module()
        width, position_bits = self.width, (self.width - 1).bit_length()
        depth = max(2, self.count // width)
        m.submodules.memory = memory = Memory(shape=unsigned(width), depth=depth, init=[])
        scan, old, new = memory.read_port(), memory.read_port(), memory.write_port()
        m.d.comb += [
            scan.en.eq(self.read),
            scan.addr.eq(self.word),
            self.bits.eq(scan.data),
        ]

        # The word of the bit is read; the request ahead may be changing it just now.
        word = self.place[position_bits:]
        follows, position = Signal(), Signal(position_bits)
        m.d.comb += [old.en.eq(self.put), old.addr.eq(word)]
        m.d.sync += [
            new.en.eq(self.put),
            new.addr.eq(word),
            position.eq(self.place[:position_bits]),
            follows.eq(new.en & (new.addr == word)),
        ]

        # The bit takes its place, and the word is written.
        before, written, chosen = Signal(width), Signal(width), Signal(width)
        m.d.comb += [
            before.eq(Mux(follows, written, old.data)),
            chosen.eq(1 << position),
            new.data.eq(Mux(self.value, before | chosen, before & ~chosen)),
        ]
        m.d.sync += written.eq(new.data)

        return m
