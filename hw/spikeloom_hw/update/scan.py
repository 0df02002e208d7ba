"""Which groups an update processes: those of the rows that are due, one a cycle."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from ..config import CoreConfig
from .due import due_layout
from .sweep import sweep_members

__all__ = ["Scan"]


class Scan(wiring.Component):
    """Give the groups of the rows of a population that are due.

    A group comes two cycles after the word with its row, or one cycle after the group before it;
    so there is no gap between groups, if there is none between the words and each names a row.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(due_layout(config)))
        Words of rows that are due.
    start, row, last_group, issue, group, busy
        As :class:`~.sweep.Sweep` has them.
    """

    i: stream.Interface
    start: Signal
    row: Signal
    last_group: Signal
    issue: Signal
    group: Signal
    busy: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({"i": In(stream.Signature(due_layout(config))), **sweep_members(config)})

    def elaborate(self, platform: Any) -> Module:
        """Build the row finder, and the counter of groups in a row."""
        m = Module()
        due: Any = self.i.payload
        width = len(due.rows)
        place_bits = (width - 1).bit_length()
        slice_bits = (self.config.groups_per_row - 1).bit_length()

        # The lowest of the rows that are left of a word is the next.
        pending, word = Signal(width), Signal.like(due.word)
        lowest, rest = Signal(width), Signal(width)
        place, take = Signal(place_bits), Signal()
        m.d.comb += [
            lowest.eq(pending & (~pending + 1)),
            rest.eq(pending & ~lowest),
            self.i.ready.eq(Mux(take, rest == 0, pending == 0)),
        ]
        for bit in range(place_bits):
            named = [lowest[k] for k in range(width) if k >> bit & 1]
            m.d.comb += place[bit].eq(Cat(*named).any())
        with m.If(self.i.valid & self.i.ready):
            m.d.sync += [pending.eq(due.rows), word.eq(due.word)]
        with m.Elif(take):
            m.d.sync += pending.eq(rest)

        # Its groups follow one another, up to the last of the population.
        row, part = Signal.like(self.row), Signal(slice_bits)
        end, ends = Signal.like(self.group), Signal()
        m.d.comb += [
            self.group.eq(Cat(part, row)),
            ends.eq((part == self.config.groups_per_row - 1) | (self.group == end)),
            take.eq((pending != 0) & (~self.issue | ends)),
            self.busy.eq((pending != 0) | self.issue),
        ]
        m.d.sync += part.eq(part + 1)
        with m.If(self.start):
            m.d.sync += end.eq((self.row << slice_bits) + self.last_group)
        with m.If(take):
            m.d.sync += [row.eq(Cat(place, word)), part.eq(0), self.issue.eq(1)]
        with m.Elif(ends):
            m.d.sync += self.issue.eq(0)

        return m
