"""A link between two chips whose wires are wrong at random, for simulations of several chips."""

from typing import Any

from amaranth.hdl import Cat, Module, Shape, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.interchip import LinkParameters, ParallelLine, SerialLine
from spikeloom_hw.tree.joined import side_signature
from spikeloom_hw.tree.link_end import LinkEnd

from .link_noise import RATE_BITS, NoisyWires

__all__ = ["NoisyLink", "link_sizes"]

_DELAY = 4  # cycles from one end to the other


def link_sizes(word: data.Layout, divisor: int) -> LinkParameters:
    """Sizes of a :class:`NoisyLink`."""
    return LinkParameters.fit(Shape.cast(word).width, 10 * divisor or 1)


class NoisyLink(wiring.Component):
    """Both ends of a chip link, and the wires between them.

    Parameters
    ----------
    word : Layout
        What crosses the link.
    divisor : int
        Cycles in a bit of a serial line; 0 for a parallel one.

    Members
    -------
    upper, lower : Out(side_signature(word))
        Sides of parent and child.
    start : In(1)
        Begin with ``seed``.
    seed : In(32)
        Seed of the faults.
    rate : In(24)
        Probability of a fault in a byte of a parallel line or a bit of a serial one, in each
        direction, as a binary fraction.
    faults, resent, words : Out(32)
        Faults, times that words were sent again, and words that came, since the start.
    """

    upper: Any
    lower: Any
    start: Signal
    seed: Signal
    rate: Signal
    faults: Signal
    resent: Signal
    words: Signal

    def __init__(self, word: data.Layout, divisor: int = 0) -> None:
        self.divisor = divisor
        line = (lambda: SerialLine(divisor)) if divisor else ParallelLine
        sizes = link_sizes(word, divisor)
        self.ends: list[Any] = [
            LinkEnd(word, line, upper=upper, parameters=sizes) for upper in (True, False)
        ]
        side = side_signature(word)
        super().__init__({
            "upper": Out(side),
            "lower": Out(side),
            "start": In(1),
            "seed": In(32),
            "rate": In(RATE_BITS),
            "faults": Out(32),
            "resent": Out(32),
            "words": Out(32),
        })

    def elaborate(self, platform: Any) -> Module:
        """Join two ends by wires."""
        m = Module()
        m.submodules.above, m.submodules.below = self.ends
        faults: Any = 0
        came: Any = 0
        for number, (end, side) in enumerate(zip(self.ends, (self.upper, self.lower), strict=True)):
            connect(m, flipped(side.i), end.i)
            connect(m, end.o, flipped(side.o))
            m.d.comb += [side.error.eq(end.error), end.reset.eq(side.reset)]
            wires = NoisyWires(1 if self.divisor else 9, self.divisor or 1, _DELAY, 3 + number)
            m.submodules[f"wires{number}"] = wires
            there = self.ends[1 - number]
            if self.divisor:
                m.d.comb += [wires.i.eq(end.tx_pin), there.rx_pin.eq(wires.o)]
            else:
                m.d.comb += [
                    wires.i.eq(Cat(end.data_out, end.strobe_out)),
                    Cat(there.data_in, there.strobe_in).eq(wires.o),
                ]
            m.d.comb += [
                wires.start.eq(self.start),
                wires.seed.eq(self.seed),
                wires.rate.eq(self.rate),
            ]
            faults = faults + wires.faults
            came = came + (side.o.valid & side.o.ready)
        m.d.comb += self.faults.eq(faults)
        again = self.ends[0].resent + self.ends[1].resent
        m.d.sync += [self.resent.eq(self.resent + again), self.words.eq(self.words + came)]
        with m.If(self.start):
            m.d.sync += [self.resent.eq(0), self.words.eq(0)]
        return m
