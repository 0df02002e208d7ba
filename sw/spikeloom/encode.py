"""
Deterministic encoders from integer samples to spike trains.

Rate coding is accumulate-and-fire: each input owns a 16-bit accumulator to which every step
adds ``a = value * gain``, and spikes whenever it overflows. Input ``i`` starts from
``p = i * stagger mod 65536``, so that equal values do not all spike on the same steps. In
closed form it spikes at step ``t`` exactly if
``(p + (t + 1) * a) // 65536 > (p + t * a) // 65536``.
"""

import numpy as np
import numpy.typing as npt

GAIN_ONE = 256
STAGGER = 40503


def _check_integer(name: str, value: object) -> None:
    """
    Refuse anything but an integer.

    Parameters
    ----------
    name : str
        What the value is, as the sentence should begin.
    value : object
        The value to check.

    Raises
    ------
    TypeError
        If the value is a bool or no integer.
    """
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise TypeError(f"{name} must be an integer, not {type(value).__name__}")


def _check_rate(values: npt.NDArray[np.uint8], steps: int, gain: int, stagger: int) -> None:
    """
    Refuse the arguments that `rate` cannot encode.

    Parameters
    ----------
    values, steps, gain, stagger
        The arguments of `rate`.

    Raises
    ------
    TypeError
        If an argument has the wrong type.
    ValueError
        If an argument has the wrong shape or is out of range.
    """
    if not isinstance(values, np.ndarray):
        raise TypeError(f"Values must be a NumPy array, not {type(values).__name__}")
    if values.dtype != np.uint8:
        raise TypeError(f"Values must be uint8, not {values.dtype}")
    if values.ndim != 2:
        raise ValueError(f"Values must have the shape (batch, n), not {values.shape}")
    for name, value in (("Steps", steps), ("Gain", gain), ("Stagger", stagger)):
        _check_integer(name, value)
    if steps < 1:
        raise ValueError(f"Steps must be at least 1, not {steps}")
    if not 1 <= gain <= GAIN_ONE:
        raise ValueError(f"Gain must lie in 1..{GAIN_ONE}, not {gain}")
    if not 0 <= stagger < 1 << 16:
        raise ValueError(f"Stagger must lie in 0..65535, not {stagger}")


def rate(
    values: npt.NDArray[np.uint8], steps: int, *, gain: int = GAIN_ONE, stagger: int = STAGGER
) -> npt.NDArray[np.bool_]:
    """
    Encode integer values as regular spike trains of rate ``value * gain / 65536``.

    Parameters
    ----------
    values : numpy.ndarray
        Samples of dtype uint8, shape (batch, n).
    steps : int
        Number of time steps, at least 1.
    gain : int, optional
        Scale of the rate, 1..256; at 256 a value of 255 spikes on nearly every step.
    stagger : int, optional
        Distance between the starts of neighbouring inputs, 0..65535; the default is 65536
        divided by the golden ratio.

    Returns
    -------
    numpy.ndarray
        Spikes of dtype bool, shape (steps, batch, n).

    Raises
    ------
    TypeError
        If the values are no uint8 array, or another argument is no integer.
    ValueError
        If the values are not two-dimensional, or another argument is out of range.
    """
    _check_rate(values, steps, gain, stagger)
    batch, n = values.shape
    start = (np.arange(n, dtype=np.int64) * int(stagger) & 0xFFFF).astype(np.uint16)
    increment = values.astype(np.uint16) * np.uint16(gain)
    accumulator = np.broadcast_to(start, (batch, n)).copy()
    spikes = np.empty((int(steps), batch, n), dtype=np.bool_)
    for spike in spikes:
        accumulator += increment
        np.less(accumulator, increment, out=spike)
    return spikes
