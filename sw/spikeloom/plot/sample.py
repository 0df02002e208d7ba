"""One sample of a recording."""

from collections.abc import Mapping

import numpy as np

__all__ = ["select_sample"]


def select_sample(arrays: Mapping[str, np.ndarray], sample: int) -> dict[str, np.ndarray]:
    """Take one sample of (steps, batch, neurons) arrays: (steps, neurons) arrays.

    Raises
    ------
    ValueError
        If there is no such sample.
    """
    for array in arrays.values():
        if not 0 <= sample < array.shape[1]:
            raise ValueError(f"Sample must lie between 0 and {array.shape[1] - 1}, not {sample}")
    return {name: array[:, sample] for name, array in arrays.items()}
