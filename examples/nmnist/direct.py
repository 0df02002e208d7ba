"""
The integers of the trained network, computed directly with NumPy and nothing of Spikeloom.

It is what the golden model is held against. Potentials have 18 bits, 4 of them fractional.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["run"]

HERE = Path(__file__).parent
FRACTIONAL_BITS = 4
LIMIT = 1 << 17

Integers = npt.NDArray[np.int64]
Spikes = npt.NDArray[np.bool_]


def convolved(spikes: Spikes, codes: Integers, stride: int, padding: int) -> Integers:
    """
    Sum the weights of the spikes that reach each neuron of a convolution.

    The products run in float32: all sums stay below 2**24, so they are exact.
    """
    edge = (padding, padding)
    padded = np.pad(spikes, ((0, 0), (0, 0), edge, edge)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(padded, codes.shape[2:], (2, 3))
    taken = windows[:, :, ::stride, ::stride]
    sums = np.tensordot(taken, codes.astype(np.float32), ([1, 4, 5], [1, 2, 3]))
    return sums.transpose(0, 3, 1, 2).astype(np.int64)


def fired(current: Integers, threshold: int) -> Spikes:
    """Integrate (n, steps, ...) sums without a leak; a spike takes the threshold off."""
    spikes = np.empty(current.shape, bool)
    v = np.zeros_like(current[:, 0])
    for t in range(current.shape[1]):
        v = np.clip(v + (current[:, t] << FRACTIONAL_BITS), -LIMIT, LIMIT - 1)
        spikes[:, t] = v > threshold
        v = v - threshold * spikes[:, t]
    return spikes


def run(spikes: Spikes) -> dict[str, Spikes]:
    """
    Run the network, in which a spike is seen by the next layer in the same step.

    Parameters
    ----------
    spikes : numpy.ndarray
        Events of dtype bool, shape (n, steps, polarity, y, x).

    Returns
    -------
    dict of str to numpy.ndarray
        Spikes of each layer, dtype bool, shape (n, steps, channel, y, x) or (n, steps, outputs).
    """
    with np.load(HERE / "trained.npz") as data:
        trained = dict(data)
    if np.any(trained["beta"] != 1):
        raise ValueError("The neurons of the trained network must not leak")
    result, shape = {}, spikes.shape[:2]
    for k, name in enumerate(("conv1", "conv2", "dense")):
        scale = np.abs(trained[name]).max().astype(np.float64) / 127
        codes = np.rint(trained[name] / scale).astype(np.int64)
        frames = spikes.reshape(-1, *spikes.shape[2:])
        if name == "dense":
            sums = frames.reshape(len(frames), -1) @ codes
        else:
            sums = convolved(frames, codes, trained["stride"][k], trained["padding"][k])
        threshold = int(np.rint(trained["threshold"][k] / scale * 2**FRACTIONAL_BITS))
        spikes = fired(sums.reshape(*shape, *sums.shape[1:]), threshold)
        result[name] = spikes
    return result
