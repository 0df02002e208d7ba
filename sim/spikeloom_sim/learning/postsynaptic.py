"""What a postsynaptic neuron knows of its errors, its threshold and its calcium."""

from typing import Any

import numpy as np

from spikeloom_hw.learning import Errors, Sdsp, Surrogate
from spikeloom_hw.number import Signed

__all__ = ["ERROR", "SURROGATE_ONE", "divide", "error_delta", "sdsp_sign", "surrogate"]

ERROR = Signed(16)
"""Format of errors, and of the traces of parameters."""

SURROGATE_ONE = 255
"""Surrogate at the threshold."""


def surrogate(errors: Errors, distance: Any) -> Any:
    """Stand-in for the derivative of the spike: from 0 to 255.

    Parameters
    ----------
    errors : Errors
        Kind and width.
    distance : int64 array
        Potential, less the threshold if the neuron has not fired.
    """
    far = np.abs(distance) >> errors.width
    if errors.surrogate is Surrogate.BOX:
        return np.where(far < SURROGATE_ONE + 1, SURROGATE_ONE, 0)
    if errors.surrogate is Surrogate.TRIANGLE:
        return np.maximum(SURROGATE_ONE - far, 0)
    if errors.surrogate is Surrogate.EXPONENTIAL:
        whole = np.minimum(far >> 8, 62)
        return np.minimum(SURROGATE_ONE, (256 - ((far & 255) >> 1)) >> whole)
    return np.full_like(far, SURROGATE_ONE)


def error_delta(errors: Errors, given: Any, spikes: Any, distance: Any, modulator: int) -> Any:
    """Errors times surrogates, less what a spike is worth if there is a teacher.

    Parameters
    ----------
    errors : Errors
        Surrogate, and what a spike is worth.
    given : int64 array
        Sum of the errors that the neurons were given in the step.
    spikes : bool array
        Whether the neurons sent a spike.
    distance : int64 array
        See :func:`surrogate`.
    modulator : int
        A spike counts only if it is not 0.

    Returns
    -------
    int64 array
        Deltas of 16 signed bits.
    """
    worth = np.where(spikes, errors.spike_value if modulator else 0, 0)
    product = surrogate(errors, distance) * ERROR.clip(given - worth)
    return divide(product, 8)


def sdsp_sign(sdsp: Sdsp, potential: Any, calcium: Any) -> Any:
    """Whether a presynaptic spike raises a weight (1), lowers it (-1) or leaves it (0).

    Brader, Senn and Fusi (2007). ``calcium`` is the operand of the trace ``y1``.
    """
    up = (potential >= sdsp.potential) & (calcium >= sdsp.up_low) & (calcium < sdsp.up_high)
    down = (potential < sdsp.potential) & (calcium >= sdsp.down_low) & (calcium < sdsp.down_high)
    return up.astype(np.int64) - down


def divide(numbers: Any, shift: int) -> Any:
    """Divide by ``2**shift``, rounding toward zero."""
    return (numbers + ((numbers >> 63) & ((1 << shift) - 1))) >> shift
