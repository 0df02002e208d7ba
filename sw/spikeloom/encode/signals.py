"""Coding of real signals: by their changes, and by fields that share out their range."""

from typing import Any

import numpy as np
import numpy.typing as npt

from .check import LARGEST, check_integer, check_number

__all__ = ["delta", "graded", "population"]


def delta(signal: Any, threshold: float) -> npt.NDArray[np.bool_]:
    """Encode a signal as spikes for its rises and falls (step-forward coding).

    A baseline starts at the first value. Whenever the signal lies more than the threshold above
    it, input ``i`` spikes and the baseline rises by the threshold; whenever it lies more than that
    below, input ``n + i`` spikes and the baseline falls (Petro, Kasabov and Kiss, "Selection and
    optimization of temporal spike encoding methods for spiking neural networks", 2020). Nothing
    is sent in the first step.

    Parameters
    ----------
    signal : (steps, batch, n) or (steps, n) array
        Real numbers.
    threshold : float
        Greatest change that is not sent, greater than 0.

    Returns
    -------
    (steps, batch, 2 * n) or (steps, 2 * n) bool array
        Spikes: rises, then falls.
    """
    samples = _as_signal(signal)
    check_number("Threshold", threshold)
    rises, falls = np.zeros(samples.shape, np.bool_), np.zeros(samples.shape, np.bool_)
    baseline = samples[0].copy()
    for sample, rise, fall in zip(samples, rises, falls, strict=True):
        np.greater(sample, baseline + threshold, out=rise)
        np.less(sample, baseline - threshold, out=fall)
        baseline += threshold * (rise.astype(np.int8) - fall)
    return np.concatenate([rises, falls], axis=-1)


def population(
    values: Any, fields: int, *, low: float = 0.0, high: float = 1.0, beta: float = 1.5
) -> npt.NDArray[np.uint8]:
    """Encode each real value as the responses of Gaussian fields that share out its range.

    Field k of m has its centre at ``low + (2 * k - 1) / 2 * (high - low) / (m - 2)``, k from 0,
    and the width ``(high - low) / (m - 2) / beta`` (Bohte, Kok and La Poutre,
    "Error-backpropagation in temporally encoded networks of spiking neurons", 2002). Give the
    responses to :func:`.latency`, as they did, or to :func:`.rate` or :func:`.poisson`.

    Parameters
    ----------
    values : (batch, n) array
        Real numbers.
    fields : int
        Fields for each value, at least 3.
    low, high : float
        Range of the values.
    beta : float
        The greater, the narrower the fields.

    Returns
    -------
    (batch, n * fields) uint8 array
        Responses, 255 at the centre of a field; the fields of a value are neighbours.
    """
    samples = _as_real("Values", values)
    if samples.ndim != 2:
        raise ValueError(f"Values must have the shape (batch, n), not {samples.shape}")
    check_integer("Fields", fields, 3)
    check_number("Range from low to high", high - low)
    check_number("Beta", beta)
    spacing = (high - low) / (fields - 2)
    centres = low + (2 * np.arange(fields) - 1) / 2 * spacing
    distances = (samples[..., None] - centres) / (spacing / beta)
    responses = np.rint(LARGEST * np.exp(-(distances**2) / 2)).astype(np.uint8)
    return responses.reshape(len(samples), -1)


def graded(signal: Any, *, range: float = 1.0, largest: int = 127) -> npt.NDArray[np.int64]:
    """Round real numbers to the integers that an input of values takes in hardware.

    Parameters
    ----------
    signal : array
        Real numbers; those beyond the range are clipped.
    range : float
        Magnitude that becomes ``largest``.
    largest : int
        Greatest integer, from 1 to 32767.

    Returns
    -------
    int64 array
        ``rint(signal * largest / range)``, same shape.
    """
    samples = _as_real("Signal", signal)
    check_number("Range", range)
    check_integer("Largest", largest, 1, (1 << 15) - 1)
    return np.clip(np.rint(samples * (largest / range)), -largest, largest).astype(np.int64)


def _as_signal(signal: Any) -> np.ndarray:
    samples = _as_real("Signal", signal)
    if samples.ndim not in (2, 3) or not len(samples):
        raise ValueError(
            f"Signal must have the shape (steps, batch, n) or (steps, n), not {samples.shape}"
        )
    return samples


def _as_real(label: str, numbers: Any) -> np.ndarray:
    array = np.asarray(numbers)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{label} must be real numbers, not {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"{label} must be finite")
    return array
