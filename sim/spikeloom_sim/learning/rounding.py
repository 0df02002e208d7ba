"""How changes are rounded: to the nearest, or at random without state."""

from typing import Any

import numpy as np

from spikeloom_hw.learning import Rounding
from spikeloom_hw.neuron.noise import hash_of, word_at

__all__ = ["column", "draw", "rounded"]

_WORD = (1 << 32) - 1


def draw(rounding: Rounding, seed: int, time: Any, rows: Any, columns: Any, shift: int) -> Any:
    """Draw what is added before the lowest ``shift`` bits are cut off.

    Parameters
    ----------
    rounding : Rounding
        To the nearest, or at random.
    seed : int
        Of the rule, 16 bits.
    time : int or int64 array
        Number of the time step.
    rows, columns : int or integer array
        Indices before and after the synapse; the three broadcast.
    shift : int
        Bits that are cut off.

    Returns
    -------
    int or int64 array
        From 0 to ``2**shift - 1``; one number for all synapses if ``rounding`` is ``NEAREST``.
    """
    if rounding is Rounding.NEAREST:
        return 1 << shift >> 1
    words = hash_of(seed, word_at(np.asarray(time, np.int64)), rows) ^ column(columns)
    return words & ((1 << shift) - 1)


def rounded(sums: Any, drawn: Any, shift: int) -> Any:
    """Divide by ``2**shift``, rounded as ``drawn`` says."""
    return (sums + drawn) >> shift


def column(index: Any) -> np.ndarray:
    """Words of 32 bits of columns, linear over GF(2): two rounds of mixing of each bit.

    Parameters
    ----------
    index : int or integer array
        Postsynaptic neurons, below 2**32.
    """
    index = np.asarray(index, np.int64)
    words = np.zeros(index.shape, np.int64)
    for bit in range(int(index.max(initial=0)).bit_length()):
        words ^= (index >> bit & 1) * _mixed(_mixed(1 << bit))
    return words


def _mixed(word: int) -> int:
    word = word * 9 & _WORD
    return (word ^ word << 7 ^ word >> 25 ^ word << 17 ^ word >> 15) & _WORD
