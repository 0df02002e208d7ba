"""Rate coding: the more spikes, the greater the value."""

import numpy as np
import numpy.typing as npt

from .check import check_integer, check_values

__all__ = ["GAIN_ONE", "STAGGER", "poisson", "rate"]

GAIN_ONE = 256
"""Gain at which a value of 255 spikes on nearly every step."""

STAGGER = 40503
"""65536 divided by the golden ratio."""


def rate(
    values: npt.NDArray[np.uint8], steps: int, *, gain: int = GAIN_ONE, stagger: int = STAGGER
) -> npt.NDArray[np.bool_]:
    """Encode values as regular spike trains of rate ``value * gain / 65536``.

    Each input owns a 16-bit accumulator to which every step adds ``a = value * gain``, and spikes
    whenever it overflows. Input ``i`` starts from ``p = i * stagger mod 65536``, so that equal
    values do not all spike on the same steps. In closed form it spikes at step ``t`` exactly if
    ``(p + (t + 1) * a) // 65536 > (p + t * a) // 65536``. Nothing is random.

    Parameters
    ----------
    values : (batch, n) uint8 array
        Samples.
    steps : int
        Time steps, at least 1.
    gain : int
        Scale of the rate, from 1 to 256; at 256 a value of 255 spikes on nearly every step.
    stagger : int
        Distance between the starts of neighbouring inputs, from 0 to 65535.

    Returns
    -------
    (steps, batch, n) bool array
        Spikes.

    Raises
    ------
    TypeError
        If the values are no uint8 array, or another argument is no integer.
    ValueError
        If the values are not two-dimensional, or another argument is out of range.
    """
    check_values(values)
    check_integer("Steps", steps, 1)
    check_integer("Gain", gain, 1, GAIN_ONE)
    check_integer("Stagger", stagger, 0, (1 << 16) - 1)
    batch, n = values.shape
    start = (np.arange(n, dtype=np.int64) * int(stagger) & 0xFFFF).astype(np.uint16)
    increment = values.astype(np.uint16) * np.uint16(gain)
    accumulator = np.broadcast_to(start, (batch, n)).copy()
    spikes = np.empty((int(steps), batch, n), dtype=np.bool_)
    for spike in spikes:
        accumulator += increment
        np.less(accumulator, increment, out=spike)
    return spikes


def poisson(
    values: npt.NDArray[np.uint8], steps: int, *, seed: int, gain: int = GAIN_ONE
) -> npt.NDArray[np.bool_]:
    """Encode values as random spike trains, of probability ``value * gain / 65536`` in each step.

    A Poisson process in steps, as in Diehl and Cook, "Unsupervised learning of digit recognition
    using spike-timing-dependent plasticity", 2015. The random numbers are those of NumPy's PCG64.

    Parameters
    ----------
    values : (batch, n) uint8 array
        Samples.
    steps : int
        Time steps, at least 1.
    seed : int
        Same seed, same spikes.
    gain : int
        Scale of the probability, from 1 to 256.

    Returns
    -------
    (steps, batch, n) bool array
        Spikes.
    """
    check_values(values)
    check_integer("Steps", steps, 1)
    check_integer("Seed", seed, 0)
    check_integer("Gain", gain, 1, GAIN_ONE)
    random = np.random.Generator(np.random.PCG64(seed))
    drawn = random.integers(0, 1 << 16, (int(steps), *values.shape), np.uint16)
    return drawn < values.astype(np.uint16) * np.uint16(gain)
