"""Temporal coding: when a spike comes tells the value."""

import numpy as np
import numpy.typing as npt

from spikeloom_hw.validate import check_choice

from .check import LARGEST, check_integer, check_values

__all__ = ["burst", "latency", "phase"]

PERIOD = 8
"""Steps in which :func:`phase` sends all bits of a value."""


def latency(
    values: npt.NDArray[np.uint8], steps: int, *, curve: str = "linear", least: int = 1
) -> npt.NDArray[np.bool_]:
    """Encode each value as the time of a single spike: the greater, the earlier.

    A value of 255 spikes in the first step, a value of ``least`` in the last; lower ones do not
    spike. In between the time falls in proportion to the value (Thorpe, Delorme and Van Rullen,
    "Spike-based strategies for rapid processing", 2001, on the first spikes of a volley), or to
    its logarithm, so that scaling all values moves all spikes by the same time (Hopfield, "Pattern
    recognition computation using action potential timing for stimulus representation", 1995).

    Parameters
    ----------
    values : (batch, n) uint8 array
        Samples.
    steps : int
        Time steps, at least 1.
    curve : str
        ``"linear"`` or ``"logarithmic"``.
    least : int
        Least value that spikes, from 1 to 254.

    Returns
    -------
    (steps, batch, n) bool array
        Spikes.
    """
    check_values(values)
    check_integer("Steps", steps, 1)
    check_integer("Least", least, 1, LARGEST - 1)
    check_choice("Curve", curve, ("linear", "logarithmic"))
    levels = np.arange(LARGEST + 1, dtype=np.float64)
    if curve == "logarithmic":
        levels = np.log(np.maximum(levels, 1))
    share = (levels[-1] - levels) / (levels[-1] - levels[least])
    times = np.rint(share * (int(steps) - 1)).astype(np.int64)
    times[:least] = -1
    return times[values] == np.arange(int(steps))[:, None, None]


def phase(values: npt.NDArray[np.uint8], steps: int) -> npt.NDArray[np.bool_]:
    """Encode the bits of each value, the highest first, over and over in periods of 8 steps.

    A spike in step t stands for ``2**-(1 + t mod 8)`` (Kim et al., "Deep neural networks with
    weighted spikes", 2018). To send these weights as well, multiply: with an input of values,
    ``spikes * (128 >> np.arange(steps) % 8)[:, None, None]`` sums to the value in each period.

    Parameters
    ----------
    values : (batch, n) uint8 array
        Samples.
    steps : int
        Time steps, at least 1.

    Returns
    -------
    (steps, batch, n) bool array
        Spikes.
    """
    check_values(values)
    check_integer("Steps", steps, 1)
    bit = PERIOD - 1 - np.arange(int(steps)) % PERIOD
    return (values >> bit[:, None, None] & 1).astype(np.bool_)


def burst(
    values: npt.NDArray[np.uint8],
    steps: int,
    *,
    most: int = 5,
    shortest: int = 2,
    longest: int | None = None,
) -> npt.NDArray[np.bool_]:
    """Encode each value as one burst: the greater, the more spikes, and the closer together.

    With p = value / 255, a burst has ``ceil(most * p)`` spikes, and from one to the next there are
    ``ceil(longest - (longest - shortest) * p)`` steps (Guo et al., "Neural coding in spiking
    neural networks: a comparative study for robust neuromorphic systems", 2021). The first comes
    in the first step; what falls behind the last step is lost.

    Parameters
    ----------
    values : (batch, n) uint8 array
        Samples.
    steps : int
        Time steps, at least 1.
    most : int
        Spikes of the value 255.
    shortest : int
        Steps between two spikes of the value 255.
    longest : int or None
        Steps between two spikes of the least values; None means as many as let all bursts end in
        time, ``(steps - 1) // (most - 1)``, but at least ``shortest``.

    Returns
    -------
    (steps, batch, n) bool array
        Spikes.
    """
    check_values(values)
    check_integer("Steps", steps, 1)
    check_integer("Most", most, 1)
    check_integer("Shortest", shortest, 1)
    if longest is None:
        longest = max(shortest, (int(steps) - 1) // max(most - 1, 1))
    check_integer("Longest", longest, shortest)
    levels = np.arange(LARGEST + 1)
    count = (-(-most * levels // LARGEST))[values]
    interval = (-((longest - shortest) * levels // LARGEST) + longest)[values]
    time = np.arange(int(steps))[:, None, None]
    return (time % interval == 0) & (time // interval < count)
