"""The timer of the chip link."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Patience"]


class Patience(wiring.Component):
    """Tick when for some time there was no progress, and count the ticks.

    Parameters
    ----------
    timeout : int
        Cycles from one tick to the next.
    retries : int
        Ticks after which it is over.

    Members
    -------
    clear : In(1)
        There was progress: time starts anew, and no tick was.
    restart : In(1)
        Time starts anew.
    counts : In(1)
        Ticks are counted.
    tick : Out(1)
        The time has passed.
    over : Out(1)
        So many ticks have passed.
    """

    clear: Signal
    restart: Signal
    counts: Signal
    tick: Signal
    over: Signal

    def __init__(self, timeout: int, retries: int) -> None:
        self.timeout = timeout
        self.retries = retries
        super().__init__({
            "clear": In(1),
            "restart": In(1),
            "counts": In(1),
            "tick": Out(1),
            "over": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the timer."""
        m = Module()
        elapsed = Signal(range(self.timeout))
        ticks = Signal(range(self.retries + 1))
        m.d.sync += [
            self.tick.eq(elapsed == self.timeout - 1),
            elapsed.eq(elapsed + 1),
        ]
        with m.If((elapsed == self.timeout - 1) | self.restart | self.clear):
            m.d.sync += elapsed.eq(0)
        m.d.comb += self.over.eq(ticks == self.retries)
        with m.If(self.clear | ~self.counts):
            m.d.sync += ticks.eq(0)
        with m.Elif(self.tick & ~self.over):
            m.d.sync += ticks.eq(ticks + 1)

        return m
