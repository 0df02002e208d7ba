"""Marks of the spikes of a step: which presynaptic neurons of plastic projections fired."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Marks"]


class Marks(wiring.Component):
    """A bit for each neuron, set one by one, and read and zeroed row by row.

    Parameters
    ----------
    rows : int
        Rows.
    width : int
        Neurons of a row, a power of two.

    Members
    -------
    put : In(1)
        Set the bit of a neuron; not within two cycles before ``read``.
    neuron : In(range(rows * width))
        Which one.
    read : In(1)
        Read a row, which is then zeroed.
    row : In(range(rows))
        Which row.
    bits : Out(width)
        The row read last, one cycle later.
    clear, cleared : In
        Zero a row, whatever it holds.
    """

    put: Signal
    neuron: Signal
    read: Signal
    row: Signal
    bits: Signal
    clear: Signal
    cleared: Signal

    def __init__(self, rows: int, width: int) -> None:
        self.rows = rows
        self.width = width
        super().__init__({
            "put": In(1),
            "neuron": In(range(rows * width)),
            "read": In(1),
            "row": In(range(rows)),
            "bits": Out(width),
            "clear": In(1),
            "cleared": In(range(rows)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the memory; a bit is set by reading, changing and writing its row."""
        m = Module()
        place_bits = (self.width - 1).bit_length()
        m.submodules.memory = memory = Memory(shape=unsigned(self.width), depth=self.rows, init=[])
        old, new = memory.read_port(), memory.write_port()
        row = Signal.like(self.row)
        m.d.comb += [
            row.eq(Mux(self.put, self.neuron >> place_bits, self.row)),
            old.en.eq(self.put | self.read),
            old.addr.eq(row),
            self.bits.eq(old.data),
        ]

        # The row that was changed the cycle before is not in the memory yet.
        put, read, follows, place = Signal(), Signal(), Signal(), Signal(place_bits)
        before, written, changed = (Signal(self.width, name=n) for n in ("a", "b", "c"))
        last = Signal.like(self.row)
        m.d.sync += [
            put.eq(self.put),
            read.eq(self.read),
            place.eq(self.neuron),
            last.eq(row),
            follows.eq(put & (last == row)),
            written.eq(changed),
        ]
        m.d.comb += [
            before.eq(Mux(follows, written, old.data)),
            changed.eq(before | (1 << place)),
            new.en.eq(put | read | self.clear),
            new.addr.eq(Mux(self.clear, self.cleared, last)),
            new.data.eq(Mux(put & ~self.clear, changed, 0)),
        ]
        return m
