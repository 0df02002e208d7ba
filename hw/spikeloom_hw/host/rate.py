"""Rate of a serial line: measured from the line, and counted down to ticks."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["BitTimer", "RateMeter"]

FALLS = 5


class BitTimer(wiring.Component):
    """Ticks at a period with a fraction: tick ``n`` comes the whole part of ``n`` periods on.

    Parameters
    ----------
    width : int
        Bits of the period.
    fraction : int
        How many of them are below one cycle.

    Members
    -------
    period : In(unsigned(width))
        Clock cycles between ticks, at least 2.
    hold : In(1)
        High to stand still; the first period begins with the first cycle that it is low.
    tick : Out(1)
        High in the last cycle of each period.
    """

    period: Signal
    hold: Signal
    tick: Signal

    def __init__(self, width: int, fraction: int) -> None:
        self.width = width
        self.fraction = fraction
        super().__init__({
            "period": In(unsigned(width)),
            "hold": In(1),
            "tick": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Count whole cycles, and one more as often as the fractions make one."""
        m = Module()
        counter = Signal(self.width - self.fraction, init=1)
        owed = Signal(self.fraction)
        reached, late = Signal(), Signal()
        total = Signal(self.fraction + 1)
        m.d.comb += [
            reached.eq(counter == self.period[self.fraction :]),
            total.eq(owed + self.period[: self.fraction]),
            self.tick.eq(late | (reached & ~total[-1])),
        ]
        m.d.sync += [counter.eq(counter + 1), late.eq(reached & total[-1])]
        with m.If(self.tick):
            m.d.sync += [counter.eq(1), owed.eq(total)]
        with m.If(self.hold):
            m.d.sync += [counter.eq(1), owed.eq(0), late.eq(0)]
        return m


class RateMeter(wiring.Component):
    """Watches a serial line for a break, and measures the byte 0x55 that follows it.

    Parameters
    ----------
    width : int
        A break lasts two to the power of this many clock cycles; eight bits last less.
    period : int
        Period after reset.

    Members
    -------
    line : In(1)
        Level of the line.
    falls : Out(1)
        High in the first cycle in which the line is low.
    measuring : Out(1)
        High from a break until the period was measured.
    period : Out(unsigned(width))
        Clock cycles in eight bits.
    """

    line: Signal
    falls: Signal
    measuring: Signal
    period: Signal

    def __init__(self, width: int, period: int) -> None:
        self.width = width
        self._initial = period
        super().__init__({
            "line": In(1),
            "falls": Out(1),
            "measuring": Out(1),
            "period": Out(unsigned(width)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Count the cycles of a low line, and those from the first falling edge to the fifth."""
        m = Module()
        before = Signal(init=1)
        m.d.sync += before.eq(self.line)
        m.d.comb += self.falls.eq(before & ~self.line)

        period = Signal(self.width, init=self._initial)
        m.d.comb += self.period.eq(period)
        count = Signal(self.width + 1)
        seen = Signal(range(FALLS))
        m.d.sync += count.eq(count + 1)
        with m.If(self.line & (seen == 0)):
            m.d.sync += count.eq(0)

        # Whatever takes too long is a break, or was no measurement: begin again.
        with m.If(count[-1]):
            m.d.sync += [self.measuring.eq(1), seen.eq(0)]
        with m.Elif(self.measuring & self.falls):
            m.d.sync += seen.eq(seen + 1)
            with m.If(seen == FALLS - 1):
                m.d.sync += [period.eq(count), self.measuring.eq(0), seen.eq(0)]
        return m
