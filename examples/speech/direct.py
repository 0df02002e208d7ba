"""
The integers of the trained network, computed directly with NumPy and nothing of Spikeloom.

It is what the golden model is held against. Potentials have 18 bits, 4 of them fractional.
"""

from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["run"]

HERE = Path(__file__).parent
UNIT = 1 << 4
LIMIT = 1 << 17

Integers = npt.NDArray[np.int64]
Spikes = npt.NDArray[np.bool_]


def decayed(values: Integers, decay: float) -> Integers:
    """Multiply by a decay in units of 1/4096, rounding toward zero."""
    return np.sign(values) * (np.abs(values) * round(decay * 4096) >> 12)


def saturated(values: Integers) -> Integers:
    """Clip values to the range of a potential."""
    return np.clip(values, -LIMIT, LIMIT - 1)


def run(spikes: Spikes) -> tuple[Spikes, Integers]:
    """
    Run the network.

    In each step the hidden neurons receive the input spikes of this step and their own of the
    step before; the integrators receive the hidden spikes of this step.

    Parameters
    ----------
    spikes : numpy.ndarray
        Input spikes of dtype bool, shape (n, steps, 120).

    Returns
    -------
    hidden : numpy.ndarray
        Spikes of dtype bool, shape (n, steps, 128).
    potential : numpy.ndarray
        Of the integrators after each step, int64, shape (n, steps, 10).
    """
    with np.load(HERE / "trained.npz") as trained:
        weights = [trained[name].astype(np.float64) for name in ("input", "recurrent", "output")]
        beta, rho, decay, high, jump = (
            float(trained[name]) for name in ("beta", "rho", "decay", "threshold", "jump")
        )
    scales = [max(np.abs(w).max() for w in weights[:2]) / 127, np.abs(weights[2]).max() / 127]
    into, back, out = (
        np.rint(w / scale).astype(np.int64) * UNIT
        for w, scale in zip(weights, (scales[0], scales[0], scales[1]), strict=True)
    )
    threshold, step = (int(np.rint(value / scales[0] * UNIT)) for value in (high, jump))
    hidden, potential = [], []
    v = a = np.zeros((len(spikes), len(back)), np.int64)
    read = np.zeros((len(spikes), out.shape[1]), np.int64)
    fired = np.zeros(v.shape, bool)
    for t in range(spikes.shape[1]):
        s = saturated(decayed(v, beta) + spikes[:, t] @ into + fired @ back)
        above = s - (threshold + a)
        fired = above > 0
        v = np.where(fired, above, s)
        a = np.minimum(decayed(a, rho) + step * fired, LIMIT - 1)
        read = saturated(decayed(read, decay) + fired @ out)
        hidden.append(fired)
        potential.append(read)
    return np.stack(hidden, axis=1), np.stack(potential, axis=1)
