"""Gateware that disturbs a line: random numbers, and wires that are wrong at random."""

from typing import Any

from amaranth.hdl import Array, Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RATE_BITS", "NoisyWires", "Random"]

RATE_BITS = 24
"""A rate of faults is a number of this many bits: the probability as a binary fraction."""


class Random(wiring.Component):
    """A xorshift generator (Marsaglia 2003): new bits in every cycle.

    Parameters
    ----------
    salt : int
        Distinguishes generators that are given the same seed.

    Members
    -------
    start : In(1)
        Begin with ``seed``.
    seed : In(32)
        Where to begin.
    bits : Out(32)
        Random bits.
    """

    start: Signal
    seed: Signal
    bits: Signal

    def __init__(self, salt: int) -> None:
        self.salt = salt
        super().__init__({"start": In(1), "seed": In(32), "bits": Out(32)})

    def elaborate(self, platform: Any) -> Module:
        """Build the generator."""
        m = Module()
        state = Signal(32, init=1)
        first, second, third = Signal(32), Signal(32), Signal(32)
        m.d.comb += [
            self.bits.eq(state),
            first.eq(state ^ (state << 13)),
            second.eq(first ^ (first >> 17)),
            third.eq(second ^ (second << 5)),
        ]
        # It must not begin with zero, where it would stay.
        salted = self.seed ^ Const(self.salt * 0x9E3779B1 & 0xFFFFFFFF, 32)
        m.d.sync += state.eq(Mux(self.start, Mux(salted == 0, 1, salted), third))
        return m


class NoisyWires(wiring.Component):
    """Wires with a delay; now and then one of them is inverted for the time of a symbol.

    Parameters
    ----------
    wires : int
        Wires. The last one is inverted as often as all others together.
    symbol : int
        Cycles of a symbol.
    delay : int
        Cycles from one end to the other.
    salt : int
        Distinguishes lines that are given the same seed.

    Members
    -------
    i, o : In(wires), Out(wires)
        The two ends.
    start : In(1)
        Begin with ``seed``.
    seed : In(32)
        Seed of the faults.
    rate : In(24)
        Probability of a fault in a symbol, as a binary fraction.
    faults : Out(32)
        Faults since the start.
    """

    i: Signal
    o: Signal
    start: Signal
    seed: Signal
    rate: Signal
    faults: Signal

    def __init__(self, wires: int, symbol: int, delay: int, salt: int) -> None:
        self.wires = wires
        self.symbol = symbol
        self.delay = delay
        self.salt = salt
        super().__init__({
            "i": In(wires),
            "o": Out(wires),
            "start": In(1),
            "seed": In(32),
            "rate": In(RATE_BITS),
            "faults": Out(32),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the wires."""
        m = Module()
        m.submodules.random = random = Random(self.salt)
        m.d.comb += [random.start.eq(self.start), random.seed.eq(self.seed)]

        # The delay.
        late: Any = self.i
        for _ in range(self.delay):
            later = Signal(self.wires, init=1 if self.wires == 1 else 0)
            m.d.sync += later.eq(late)
            late = later

        # Draw once in a symbol.
        phase = Signal(range(self.symbol + 1))
        flip, faulty = Signal(self.wires), Signal()
        others = self.wires - 1
        choices = [Const(1 << k, self.wires) for k in range(others)] or [Const(1)]
        last = Const(1 << others, self.wires)
        chosen = Array(choices)[random.bits[RATE_BITS : RATE_BITS + 3]]
        m.d.comb += [
            faulty.eq((phase == 0) & (random.bits[:RATE_BITS] < self.rate)),
            self.o.eq(Cat(late) ^ flip),
        ]
        m.d.sync += phase.eq(Mux(phase == self.symbol - 1, 0, phase + 1))
        with m.If(phase == 0):
            m.d.sync += [
                flip.eq(Mux(faulty, Mux(random.bits[31], last, chosen), 0)),
                self.faults.eq(self.faults + faulty),
            ]
        with m.If(self.start):
            m.d.sync += self.faults.eq(0)
        return m
