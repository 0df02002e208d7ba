"""Spike trains for the inputs of a network, brought into one form and checked."""

from collections.abc import Mapping
from typing import Any

import numpy as np

__all__ = ["as_stimulus"]


def as_stimulus(sizes: Mapping[str, int], spikes: Any) -> dict[str, np.ndarray]:
    """Bring input spikes into one form: a (steps, batch, neurons) bool array for each input.

    Parameters
    ----------
    sizes : Mapping of str to int
        Number of neurons of each input population, by name.
    spikes : array or Mapping of str to array
        Spikes as (steps, batch, neurons) or (steps, neurons) arrays of bool, or of 0 and 1; the
        latter form is a batch of 1. A single array will do for a network with one input.

    Raises
    ------
    TypeError
        If something is no array of numbers.
    ValueError
        If an input is missing or unknown, a shape does not fit, or a number is not 0 or 1.
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
    stimulus = {name: _check(name, size, spikes[name]) for name, size in sizes.items()}
    first, *others = stimulus
    for name in others:
        expected, got = stimulus[first].shape[:2], stimulus[name].shape[:2]
        if got != expected:
            raise ValueError(
                f"Inputs must have the same steps and batch: {first!r} has {expected}, "
                f"{name!r} has {got}"
            )
    return stimulus


def _check(name: str, size: int, spikes: Any) -> np.ndarray:
    array = np.asarray(spikes)
    if array.dtype.kind not in "biuf":
        raise TypeError(
            f"Spikes of input {name!r} must be bool, or numbers 0 and 1, not {array.dtype}"
        )
    if array.ndim not in (2, 3) or array.shape[-1] != size or 0 in array.shape:
        raise ValueError(
            f"Spikes of input {name!r} must be a (steps, batch, {size}) or (steps, {size}) array "
            f"with at least one step and one sample, not one of shape {array.shape}"
        )
    if array.dtype.kind != "b":
        wrong = array[(array != 0) & (array != 1)]
        if wrong.size:
            raise ValueError(f"Spikes of input {name!r} must be 0 or 1, not {wrong[0]}")
        array = array != 0
    return array if array.ndim == 3 else array[:, None, :]


def _listed(sizes: Mapping[str, int]) -> str:
    return ", ".join(map(repr, sizes))
