"""What the inputs of a network send, brought into one form and checked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["as_stimulus"]


def as_stimulus(
    sizes: Mapping[str, int], spikes: Any, largest: Mapping[str, int] | None = None
) -> dict[str, np.ndarray]:
    """Bring input spikes and values into one form: a (steps, batch, neurons) array for each input.

    Parameters
    ----------
    sizes : Mapping of str to int
        Number of neurons of each input population, by name.
    spikes : array or Mapping of str to array
        Spikes as (steps, batch, neurons) or (steps, neurons) arrays of bool, or of 0 and 1; the
        latter form is a batch of 1. A single array will do for a network with one input. A graded
        input takes whole numbers, 0 for no event.
    largest : Mapping of str to int or None
        Greatest magnitude of the values of the inputs; those at 1, or not named, have spikes.

    Returns
    -------
    dict of str to array
        Bool spikes, and int16 values of graded inputs, in the order of ``sizes``.

    Raises
    ------
    TypeError
        If something is no array of numbers.
    ValueError
        If an input is missing or unknown, a shape does not fit, or a number is out of range.
    """
    if not isinstance(spikes, Mapping):
        if len(sizes) != 1:
            raise TypeError(
                f"Spikes must be a dict from input to array, "
                f"since the network has the inputs {_listed(sizes)}"
            )
        spikes = {next(iter(sizes)): spikes}
    for name in spikes:
        if name not in sizes:
            raise ValueError(
                f"Spikes are given for {name!r}, but the inputs of the network are {_listed(sizes)}"
            )
    for name in sizes:
        if name not in spikes:
            raise ValueError(f"Spikes of input {name!r} are missing")
    bounds = {name: (largest or {}).get(name, 1) for name in sizes}
    stimulus = {
        name: _check(name, size, spikes[name], bounds[name]) for name, size in sizes.items()
    }
    first, *others = stimulus
    for name in others:
        expected, got = stimulus[first].shape[:2], stimulus[name].shape[:2]
        if got != expected:
            raise ValueError(
                f"Inputs must have the same steps and batch: {first!r} has {expected}, "
                f"{name!r} has {got}"
            )
    return stimulus


def _check(name: str, size: int, spikes: Any, largest: int) -> np.ndarray:
    array = np.asarray(spikes)
    label = f"{'Values' if largest > 1 else 'Spikes'} of input {name!r}"
    if array.dtype.kind not in "biuf":
        wanted = "whole numbers" if largest > 1 else "bool, or numbers 0 and 1"
        raise TypeError(f"{label} must be {wanted}, not {array.dtype}")
    if array.ndim not in (2, 3) or array.shape[-1] != size or 0 in array.shape:
        raise ValueError(
            f"{label} must be a (steps, batch, {size}) or (steps, {size}) array "
            f"with at least one step and one sample, not one of shape {array.shape}"
        )
    array = array if array.ndim == 3 else array[:, None, :]
    if largest > 1:
        return _as_values(label, array, largest)
    if array.dtype.kind == "b":
        return array
    wrong = array[(array != 0) & (array != 1)]
    if wrong.size:
        raise ValueError(f"{label} must be 0 or 1, not {wrong[0]}")
    return array != 0


def _as_values(label: str, array: np.ndarray, largest: int) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        fits = (array >= -largest) & (array <= largest) & (array == np.floor(array))
    if not fits.all():
        raise ValueError(
            f"{label} must be whole numbers from {-largest} to {largest}, not {array[~fits][0]}"
        )
    return array.astype(np.int16)


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(map(repr, sizes))
