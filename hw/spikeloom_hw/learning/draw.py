"""The random words that round changes of weights: without state, alike on every mapping."""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..neuron.noise import WORD_WIDTH, hashed, mixed_word
from .lane_shift import MOST_SHIFT

__all__ = ["COLUMNS", "DRAW_STAGES", "Draw", "drawn_for", "lane_word", "word_of"]

DRAW_STAGES = 3
"""Cycles from an index to its random word."""

_SEED_WIDTH = 16


COLUMNS = tuple(mixed_word(mixed_word(1 << bit)) for bit in range(WORD_WIDTH))
"""What each bit of the number of a postsynaptic neuron adds, modulo 2, to the random word."""


def lane_word(index: Any) -> np.ndarray:
    """Part of the random word that comes from the postsynaptic neuron, linear over GF(2).

    Parameters
    ----------
    index : int or integer array
        Number of the neuron in its population.

    Returns
    -------
    int64 array
        Words of 32 bits, of the shape of ``index``.
    """
    index = np.asarray(index, np.int64)
    word = np.zeros(index.shape, np.int64)
    for bit, column in enumerate(COLUMNS):
        word ^= (index >> bit & 1) * column
    return word


def word_of(index: Value) -> Value:
    """Do in gateware what :func:`lane_word` does."""
    rows = []
    for place in range(WORD_WIDTH):
        taken = [index[bit] for bit in range(len(index)) if COLUMNS[bit] >> place & 1]
        rows.append(Cat(taken).xor() if taken else Const(0))
    return Cat(rows)


def drawn_for(lane: int, plain: Value, flipped: Value) -> Value:
    """Rounding offset of a lane, from the outputs of :class:`Draw`: it costs no logic."""
    word = int(lane_word(lane))
    return Cat(flipped[k] if word >> k & 1 else plain[k] for k in range(len(plain)))


class Draw(wiring.Component):
    """Rounding offsets of a block of neighbouring postsynaptic neurons, a block a cycle.

    Parameters
    ----------
    lanes : int
        Neurons of a block, a power of two.
    block_bits : int
        Bits of the number of a block.
    base_bits : int
        Bits of the number of the first block of a slice in its population; 0 if nothing is cut.

    Members
    -------
    mixed : In(32)
        Word of the time step, exclusive or the index of the presynaptic neuron.
    block : In(block_bits)
        Number of the block in its slice.
    base : In(base_bits)
        Number of the first block of the slice.
    seed : In(16)
        Of the rule. This and the next two hold still.
    shift : In(range(25))
        Bits that rounding takes away.
    stochastic : In(1)
        Whether it rounds at random; if not, to the nearest.
    plain, flipped : Out(24)
        Offsets of lanes whose part of the word is 0, and 1, in each bit; three cycles later.
    """

    mixed: Signal
    block: Signal
    base: Signal
    seed: Signal
    shift: Signal
    stochastic: Signal
    plain: Signal
    flipped: Signal

    def __init__(self, lanes: int, block_bits: int, base_bits: int = 0) -> None:
        self.low_bits = (lanes - 1).bit_length()
        super().__init__({
            "mixed": In(WORD_WIDTH),
            "block": In(block_bits),
            "base": In(base_bits),
            "seed": In(_SEED_WIDTH),
            "shift": In(range(MOST_SHIFT + 1)),
            "stochastic": In(1),
            "plain": Out(MOST_SHIFT),
            "flipped": Out(MOST_SHIFT),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build two rounds a cycle, then keep the bits that are wanted."""
        m = Module()
        half, whole = Signal(WORD_WIDTH), Signal(MOST_SHIFT)
        first = hashed(m, self.mixed)
        m.d.sync += [
            half.eq(hashed(m, first ^ Cat(self.seed, self.seed))),
            whole.eq(hashed(m, hashed(m, half))),
        ]

        # The block adds its part, and if it is of a slice, its number is found first.
        parts = [Signal(MOST_SHIFT, name=f"part_{k}") for k in range(2)]
        number: Value = self.block
        m.d.sync += parts[1].eq(parts[0])
        if len(self.base):
            number = Signal(max(len(self.base), len(self.block)) + 1)
            m.d.sync += number.eq(self.block + self.base)
            m.d.comb += parts[0].eq(word_of(Cat(Const(0, self.low_bits), number)))
        else:
            m.d.sync += parts[0].eq(word_of(Cat(Const(0, self.low_bits), number)))

        # What rounding takes away is drawn, or a half.
        wanted, nearest = Signal(MOST_SHIFT), Signal(MOST_SHIFT)
        ones = Signal(MOST_SHIFT)
        m.d.comb += ones.eq(self._ones())
        m.d.sync += [
            wanted.eq(Mux(self.stochastic, ones, 0)),
            nearest.eq(Mux(self.stochastic, 0, ones ^ ones >> 1)),
            self.plain.eq((whole ^ parts[1]) & wanted | nearest),
            self.flipped.eq(~(whole ^ parts[1]) & wanted | nearest),
        ]

        return m

    def _ones(self) -> Value:
        """Give ones where rounding takes bits away."""
        return (1 << self.shift) - 1
