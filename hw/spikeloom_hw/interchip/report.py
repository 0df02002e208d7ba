"""Decides when the other end of a chip link must be told what has come."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .frame import COUNT_WIDTH

__all__ = ["Report"]


class Report(wiring.Component):
    """Owe a frame for words, polls and faults, and for new room of half a window.

    Parameters
    ----------
    window : int
        Words for which there is room at most.

    Members
    -------
    begin : In(1)
        A frame begins, which tells all.
    asks : In(1)
        The other end needs an answer.
    worded : In(1)
        Words came in their order.
    fault : In(1)
        Words were lost or changed.
    limit : In(COUNT_WIDTH)
        Number of the first word for which there is no room.
    owed : Out(1)
        A frame must be sent, even without words.
    again : Out(1)
        It must ask the other end to go back.
    """

    begin: Signal
    asks: Signal
    worded: Signal
    fault: Signal
    limit: Signal
    owed: Signal
    again: Signal

    def __init__(self, window: int) -> None:
        self.window = window
        super().__init__({
            "begin": In(1),
            "asks": In(1),
            "worded": In(1),
            "fault": In(1),
            "limit": In(COUNT_WIDTH),
            "owed": Out(1),
            "again": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build it."""
        m = Module()
        told, room = Signal(COUNT_WIDTH), Signal(COUNT_WIDTH)
        m.d.comb += room.eq(self.limit - told)

        # What happens in the cycle in which a frame begins is not in it.
        with m.If(self.begin):
            m.d.sync += [self.owed.eq(0), self.again.eq(0), told.eq(self.limit)]
        with m.If(self.asks | ((room >= self.window // 2) & ~self.begin)):
            m.d.sync += self.owed.eq(1)

        # The other end is asked to go back once, until words come in order again: more than once
        # is too much, as its words are still on their way. If that was lost, its timer expires.
        asked = Signal()
        with m.If(self.begin & self.again):
            m.d.sync += asked.eq(1)
        with m.If(self.worded):
            m.d.sync += asked.eq(0)
        with m.If(self.fault & ~asked):
            m.d.sync += [self.owed.eq(1), self.again.eq(1)]

        return m
