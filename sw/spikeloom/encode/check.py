"""Checks of the arguments that encoders share."""

from typing import Any

import numpy as np

__all__ = ["check_integer", "check_number", "check_values"]

LARGEST = 255
"""Greatest value of a sample."""


def check_values(values: Any) -> None:
    """Raise unless the samples are a (batch, n) uint8 array."""
    if not isinstance(values, np.ndarray):
        raise TypeError(f"Values must be a NumPy array, not {type(values).__name__}")
    if values.dtype != np.uint8:
        raise TypeError(f"Values must be uint8, not {values.dtype}")
    if values.ndim != 2:
        raise ValueError(f"Values must have the shape (batch, n), not {values.shape}")


def check_integer(label: str, value: Any, low: int, high: int | None = None) -> None:
    """Raise unless ``value`` is an integer from ``low`` to ``high``, or without an upper end."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise TypeError(f"{label} must be an integer, not {type(value).__name__}")
    if high is None and value < low:
        raise ValueError(f"{label} must be at least {low}, not {value}")
    if high is not None and not low <= value <= high:
        raise ValueError(f"{label} must lie in {low}..{high}, not {value}")


def check_number(label: str, value: Any) -> None:
    """Raise unless ``value`` is a positive finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise TypeError(f"{label} must be a number, not {type(value).__name__}")
    if not np.isfinite(value) or value <= 0:
        raise ValueError(f"{label} must be a positive number, not {value}")
