"""A way from chip to chip over a chip link with noisy wires, for simulations of several chips."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.interchip import LinkPort, ParallelLine

from .link_noise import RATE_BITS, NoisyWires

__all__ = ["LinkedWay"]


class LinkedWay(wiring.Component):
    """Carry payloads over a chip link of its own, whose frames may be spoiled on the way.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.
    rate : float
        Probability of a fault in a byte's time, in each direction.
    seed : int
        Seed of the faults, below 2**32.

    Members
    -------
    i : In(stream.Signature(shape))
        Payloads in.
    o : Out(stream.Signature(shape))
        The same, in the same order.
    error : Out(1)
        The link has given up.
    """

    i: stream.Interface
    o: stream.Interface
    error: Signal

    def __init__(self, shape: ShapeLike, rate: float = 0.0, seed: int = 1) -> None:
        self.shape = shape
        self.rate = rate
        self.seed = seed
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "error": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Join two ends by wires."""
        m = Module()
        ends: list[Any] = [LinkPort(self.shape, ParallelLine()) for _ in range(2)]
        m.submodules.first, m.submodules.second = ends
        connect(m, flipped(self.i), ends[0].i)
        connect(m, ends[1].o, flipped(self.o))
        m.d.comb += self.error.eq(ends[0].error | ends[1].error)

        # The noise begins in the first cycle.
        begun = Signal()
        m.d.sync += begun.eq(1)
        for number, here in enumerate(ends):
            there = ends[1 - number]
            m.submodules[f"wires{number}"] = wires = NoisyWires(9, 1, 4, number)
            m.d.comb += [
                wires.start.eq(~begun),
                wires.seed.eq(Const(self.seed, 32)),
                wires.rate.eq(round(self.rate * 2**RATE_BITS)),
                wires.i.eq(Cat(here.data_out, here.strobe_out)),
                Cat(there.data_in, there.strobe_in).eq(wires.o),
            ]
        return m
