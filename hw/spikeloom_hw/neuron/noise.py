"""Noise without state: a hash of the population's seed, the time step and the neuron's index."""

from typing import Any

import numpy as np
from amaranth.hdl import Cat, Module, Mux, Signal, Value

from .fields import MOST_NOISE, SEED_WIDTH
from .stages import Stages

__all__ = [
    "FIRST_WORD",
    "NOISE_STAGES",
    "WORD_WIDTH",
    "hash_of",
    "hashed",
    "mixed_word",
    "next_word",
    "noise",
    "noise_of",
    "word_at",
]

WORD_WIDTH = 32
"""Bits of the word of a time step."""

FIRST_WORD = 0x9E3779B9
"""Word of the first time step after a clear: 2**32 over the golden ratio, rounded to odd."""

NOISE_STAGES = 2
"""Cycles after which the gateware gives the noise of a neuron."""

_MASK = (1 << WORD_WIDTH) - 1


def next_word(word: Any) -> Any:
    """Word of the time step after that of ``word``: an integer, an array, or a Value.

    The words are a Weyl sequence, as in SplitMix (Steele, Lea and Flood, 2014): each of the 2**32
    comes once, and :func:`word_at` gives any of them at once. All mixing is left to the hash.
    """
    return (word + FIRST_WORD) & _MASK


def word_at(time: Any) -> Any:
    """Word of the time step ``time``, an integer or an integer array counted from the clear."""
    return (time + 1) * FIRST_WORD & _MASK


def noise(seed: int, words: Any, index: Any, bits: int) -> np.ndarray:
    """Noise of neurons, uniform among the signed numbers of ``bits`` bits: some of their hash.

    Parameters
    ----------
    seed : int
        Of the population, 16 bits.
    words : int or integer array
        Words of the time steps.
    index : int or integer array
        Indices of the neurons in their population, which broadcast with ``words``.
    bits : int
        From 0, for no noise, to 16.

    Returns
    -------
    int64 array
        Of the shape of ``words`` and ``index`` together.
    """
    mixed = hash_of(seed, words, index)
    if not bits:
        return np.zeros(mixed.shape, np.int64)
    low = mixed >> MOST_NOISE & ((1 << (bits - 1)) - 1)
    return low - (mixed >> (WORD_WIDTH - 1) << (bits - 1))


def hash_of(seed: int, words: Any, index: Any) -> np.ndarray:
    """Hash of time steps and indices, from which noise and the rounding of learning are drawn.

    The block ``word ^ index`` passes four rounds of addition, rotation and exclusive or, each of
    them a bijection; the seed comes in after the first. The shifts were chosen among 400 so that
    the sums and differences of neighbours, successive steps and seeds pass for uniform.

    Parameters
    ----------
    seed : int
        16 bits.
    words : int or integer array
        Words of the time steps.
    index : int or integer array
        Indices that broadcast with ``words``.

    Returns
    -------
    int64 array
        Words of 32 bits.
    """
    block = np.asarray(words, np.int64) ^ np.asarray(index, np.int64)
    return np.asarray(
        mixed_word(mixed_word(mixed_word(mixed_word(block) ^ (seed << SEED_WIDTH | seed))))
    )


def noise_of(stages: Stages, word: Value, index: Value) -> Value:
    """Give the noise of the neuron in stage ``NOISE_STAGES``, as :func:`noise` does.

    Parameters
    ----------
    stages : Stages
        The pipeline of the lane.
    word, index : Value
        Of the neuron in stage 0.
    """

    # Two rounds fit a cycle.
    def mixed(word: Value) -> Value:
        total = stages.now(_multiplied(word)[:WORD_WIDTH])
        return stages.now(_stirred(total)[:WORD_WIDTH])

    seed, bits = stages.field("seed", 0), stages.field("noise", NOISE_STAGES - 1)
    half = stages.later(mixed(mixed(stages.now(word ^ index)) ^ Cat(seed, seed)))
    drawn = mixed(mixed(half))[MOST_NOISE:]

    # The sign takes the place of the bits that are not wanted.
    sign = stages.now(drawn[-1] & (bits != 0))
    low = [Mux(bits > i + 1, drawn[i], sign) for i in range(MOST_NOISE - 1)]
    return stages.later(Cat(*low, sign).as_signed(), NOISE_STAGES - 1)


def hashed(m: Module, word: Any) -> Signal:
    """Do one round of the hash in gateware."""
    before, total = Signal(WORD_WIDTH, name="before"), Signal(WORD_WIDTH, name="total")
    after = Signal(WORD_WIDTH, name="after")
    m.d.comb += [
        before.eq(word),
        total.eq(_multiplied(before)),
        after.eq(_stirred(total)),
    ]
    return after


def mixed_word(word: Any) -> Any:
    """Do one round of the hash on integers; a bijection of 32 bits."""
    return _stirred(_multiplied(word))


def _multiplied(word: Any) -> Any:
    return (word + (word << 3)) & _MASK


def _stirred(word: Any) -> Any:
    """Add to each bit, modulo 2, those 7 and 17 to the right, in a circle."""
    return (word ^ word << 7 ^ word >> 25 ^ word << 17 ^ word >> 15) & _MASK
