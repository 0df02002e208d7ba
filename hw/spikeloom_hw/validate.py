"""Checks of arguments that several modules share."""

from typing import Any

import numpy as np

__all__ = ["check_choice", "check_integers"]


def check_integers(label: str, value: Any, low: int, high: int) -> None:
    """Raise unless ``value`` is an integer, or a one-dimensional array of them, in range.

    Raises
    ------
    TypeError
        If ``value`` is of another kind.
    ValueError
        If a number lies outside ``low`` to ``high``.
    """
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iu" or numbers.ndim > 1:
        raise TypeError(f"{label} must be an integer or a (neurons,) integer array, not {value!r}")
    if numbers.size and (numbers.min() < low or numbers.max() > high):
        worst = int(numbers.min() if numbers.min() < low else numbers.max())
        raise ValueError(f"{label} must lie between {low} and {high}, not {worst}")


def check_choice(label: str, value: Any, choices: tuple[Any, ...]) -> None:
    """Raise ValueError unless ``value`` is one of ``choices``."""
    if value not in choices:
        listed = ", ".join(map(str, choices))
        raise ValueError(f"{label} must be one of {listed}, not {value!r}")
