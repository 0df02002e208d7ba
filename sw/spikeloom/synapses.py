"""Synapses one by one, as users write them."""

from typing import Any

import numpy as np

__all__ = ["as_synapses"]


def as_synapses(
    label: str, size: tuple[int, int], weights: Any, ends: Any, delay: Any
) -> dict[str, Any]:
    """Bring synapses into the arguments of :class:`~spikeloom_sim.projection.Sparse`.

    Parameters
    ----------
    label : str
        The projection, for messages.
    size : tuple of int
        Presynaptic and postsynaptic neurons there are.
    weights : (synapses,) array, (pre, post) array or sparse matrix of SciPy
        Weights; in a matrix 0 means no synapse.
    ends : pair of (synapses,) int arrays or None
        Presynaptic and postsynaptic neurons, if ``weights`` is no matrix.
    delay : int or array
        Delay of all synapses, or an array of the shape of ``weights``.

    Returns
    -------
    dict
        ``weights``, ``pre``, ``post``, ``delays`` and ``delay``.
    """
    if hasattr(weights, "tocoo"):
        matrix = weights.tocoo()
        _check_matrix(label, matrix.shape, size)
        if ends is not None or np.ndim(delay):
            raise TypeError(
                f"Projection {label} has its ends in a sparse matrix; "
                f"for a delay of each synapse give weights and ends as arrays"
            )
        ends, weights = (matrix.row, matrix.col), matrix.data
    weights = np.asarray(weights)
    if weights.dtype.kind not in "iuf":
        raise TypeError(f"Weights of projection {label} must be real numbers, not {weights.dtype}")
    delays = _as_delays(label, weights, delay)
    if weights.ndim == 2 and ends is None:
        _check_matrix(label, weights.shape, size)
        ends = np.nonzero(weights)
        weights, delays = weights[ends], delays if delays is None else delays[ends]
    elif weights.ndim != 1 or ends is None:
        raise TypeError(
            f"Weights of projection {label} must be a (pre, post) matrix, "
            f"or a (synapses,) array with ends=(pre, post)"
        )
    if not weights.size:
        raise ValueError(f"Projection {label} must have a synapse, it has none")
    pre, post = ends
    return {
        "weights": weights.astype(np.float64),
        "pre": np.asarray(pre),
        "post": np.asarray(post),
        "delays": delays,
        "delay": 0 if np.ndim(delay) else delay,
    }


def _as_delays(label: str, weights: np.ndarray, delay: Any) -> np.ndarray | None:
    if not np.ndim(delay):
        return None
    delays = np.asarray(delay)
    if delays.shape != weights.shape:
        raise ValueError(
            f"Delays of projection {label} must be an integer, or an array of the shape "
            f"{weights.shape} of its weights, not {delays.shape}"
        )
    return delays


def _check_matrix(label: str, got: tuple[int, ...], expected: tuple[int, int]) -> None:
    if got != expected:
        raise ValueError(
            f"Weights of projection {label} must have the shape {expected}, (pre, post), not {got}"
        )
