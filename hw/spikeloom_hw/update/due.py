"""Which rows of neurons may change in an update: those that are dirty or not quiet."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from .row_bits import RowBits

__all__ = ["DueRows", "due_layout"]

_WORD = 32


def due_layout(config: CoreConfig) -> data.StructLayout:
    """Up to 32 neighbouring rows of neurons: which are due, and the number of their word."""
    row_bits = (config.neuron_rows - 1).bit_length()
    place_bits = min((_WORD - 1).bit_length(), row_bits)
    return data.StructLayout({"rows": 1 << place_bits, "word": row_bits - place_bits})


class DueRows(wiring.Component):
    """Keep a quiet bit of each row and a dirty bit of each row and slot, and give what they say.

    A word of rows is read a cycle, the first one cycle after ``start``; it is out one cycle
    later. Nothing is known about the bits at first, so all rows must be given, ``whole``, until
    each was ``done`` with every slot.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    start : In(1)
        Read the words of a population.
    row : In(range(neuron_rows))
        Its first row; holds still until all are read, as do ``last_group`` and ``slot``.
    last_group : In(range(groups))
        Its number of groups, less one.
    slot : In(range(delay_slots))
        Accumulators that the update takes.
    whole : In(1)
        All rows of the population are due; holds still as well.
    o : Out(stream.Signature(due_layout(config)))
        Words of rows in ascending order.
    busy : Out(1)
        More words come.
    touched : In(1)
        A row of accumulators gets input; not while a row is ``done``.
    touched_row : In(range(accumulator_rows))
        Which one: the slot above the row.
    done : In(1)
        A row was processed with ``slot``, so it is no longer dirty.
    done_row : In(range(neuron_rows))
        Which one.
    quiet : In(1)
        One cycle after ``done``: whether that row would reproduce itself.
    """

    start: Signal
    row: Signal
    last_group: Signal
    slot: Signal
    whole: Signal
    o: stream.Interface
    busy: Signal
    touched: Signal
    touched_row: Signal
    done: Signal
    done_row: Signal
    quiet: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.row_bits = (config.neuron_rows - 1).bit_length()
        row = range(config.neuron_rows)
        super().__init__({
            "start": In(1),
            "row": In(row),
            "last_group": In(range(config.groups)),
            "slot": In(range(config.delay_slots)),
            "whole": In(1),
            "o": Out(stream.Signature(due_layout(config))),
            "busy": Out(1),
            "touched": In(1),
            "touched_row": In(range(config.accumulator_rows)),
            "done": In(1),
            "done_row": In(row),
            "quiet": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both memories of bits, and the reader of their words."""
        m = Module()
        word: Any = self.o.payload
        width = len(word.rows)
        place_bits = (width - 1).bit_length()
        quiet, dirty = self._bits(m, width)

        # Words are read ahead, as long as they are taken.
        slice_bits = (self.config.groups_per_row - 1).bit_length()
        first, last, reading = Signal.like(self.row), Signal.like(self.row), Signal()
        following, current = Signal.like(word.word), Signal.like(word.word)
        read = Signal()
        m.d.comb += [
            read.eq(reading & (~self.o.valid | self.o.ready)),
            self.busy.eq(reading | self.o.valid),
            quiet.read.eq(read),
            quiet.word.eq(following),
            dirty.read.eq(read),
            dirty.word.eq(Cat(following, self.slot)),
        ]
        with m.If(self.start):
            m.d.sync += [
                first.eq(self.row),
                last.eq(self.row + (self.last_group >> slice_bits)),
                following.eq(self.row >> place_bits),
                reading.eq(1),
            ]
        with m.If(read):
            m.d.sync += [
                current.eq(following),
                following.eq(following + 1),
                reading.eq(following != last >> place_bits),
                self.o.valid.eq(1),
            ]
        with m.Elif(self.o.ready):
            m.d.sync += self.o.valid.eq(0)

        # Only rows of the population are due.
        low, high = Signal(place_bits), Signal(place_bits)
        m.d.comb += [
            word.word.eq(current),
            low.eq(Mux(current == first >> place_bits, first, 0)),
            high.eq(Mux(current == last >> place_bits, last, width - 1)),
        ]
        for k in range(width):
            due = self.whole | dirty.bits[k] | ~quiet.bits[k]
            begun = low <= k if k < width - 1 else Const(1)
            ended = high < k if k else Const(0, 1)
            m.d.comb += word.rows[k].eq(due & begun & ~ended)

        return m

    def _bits(self, m: Module, width: int) -> tuple[RowBits, RowBits]:
        """Build both memories: by input a row becomes dirty, by being processed clean."""
        quiet = RowBits(1 << self.row_bits, width)
        dirty = RowBits(self.config.accumulator_rows, width)
        m.submodules.quiet, m.submodules.dirty = quiet, dirty
        m.d.comb += [
            quiet.put.eq(self.done),
            quiet.place.eq(self.done_row),
            quiet.value.eq(self.quiet),
            dirty.put.eq(self.done | self.touched),
            dirty.place.eq(self.touched_row),
        ]
        m.d.sync += dirty.value.eq(~self.done)
        with m.If(self.done):
            m.d.comb += dirty.place.eq(Cat(self.done_row, self.slot))
        return quiet, dirty
