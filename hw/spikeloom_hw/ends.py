"""The answers to a step: one END from each of those that were asked."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Ends"]


class Ends(wiring.Component):
    """Count the ENDs of a step, and tell of the last.

    Parameters
    ----------
    answers : int
        ENDs that answer a step: of cores, and of chips below this one.

    Members
    -------
    end : In(1)
        An END is taken from the bus.
    awaits_one : Out(1)
        The next END is the last.
    last : Out(1)
        An END is taken, and it is the last.
    """

    end: Signal
    awaits_one: Signal
    last: Signal

    def __init__(self, answers: int) -> None:
        self.answers = answers
        super().__init__({"end": In(1), "awaits_one": Out(1), "last": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """Build the counter."""
        m = Module()
        count = Signal(range(self.answers))
        m.d.comb += [
            self.awaits_one.eq(count == self.answers - 1),
            self.last.eq(self.end & self.awaits_one),
        ]
        with m.If(self.end):
            m.d.sync += count.eq(Mux(self.last, 0, count + 1))
        return m
