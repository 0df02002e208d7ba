"""What a run is taught: modulator, errors, and what of the learning is to be recorded."""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypedDict

import numpy as np

from spikeloom_hw.learning.parts import COEFFICIENT

from .postsynaptic import ERROR

__all__ = ["Lesson", "Sample", "Teaching", "as_lesson"]


class Sample(NamedTuple):
    """A sample from which a network learns.

    Members
    -------
    spikes : array or Mapping of str to array
        Spikes of the inputs, as :meth:`spikeloom_sim.golden.Golden.run` takes them, of one sample.
    modulator : (steps,) int array or None
        See :class:`Teaching`.
    errors : Mapping of str to (steps, neurons) int array, or None
        See :class:`Teaching`.
    """

    spikes: Any
    modulator: Any = None
    errors: Mapping[str, Any] | None = None


class Teaching(TypedDict, total=False):
    """What a run of a network that learns may be given.

    Members
    -------
    modulator : (steps,) int array or None
        A number from -128 to 127 for each step: a reward, or that there is a teacher. None for 0.
    errors : Mapping of str to (steps, neurons) int array, or None
        Errors of 16 signed bits of populations, by name; None for 0.
    learning : bool
        Whether anything learns; if not, weights and traces stand still.
    weights_every : int or None
        Steps from one recorded snapshot of the weights to the next; None records none.
    traces : bool
        Whether the traces after each step are recorded.
    """

    modulator: Any
    errors: Mapping[str, Any] | None
    learning: bool
    weights_every: int | None
    traces: bool


class Lesson(NamedTuple):
    """A :class:`Teaching`, checked and complete: int64 arrays."""

    modulator: np.ndarray
    errors: dict[str, np.ndarray]
    learning: bool
    weights_every: int | None
    traces: bool


def as_lesson(teaching: Teaching, steps: int, sizes: Mapping[str, int]) -> Lesson:
    """Check what a run is taught, and bring it into one form.

    Parameters
    ----------
    teaching : Teaching
        As the user gave it.
    steps : int
        Steps of the run.
    sizes : Mapping of str to int
        Neurons of each population that learns from errors.

    Raises
    ------
    TypeError, ValueError
        If something is of the wrong kind, shape or range, or meant for nobody.
    """
    modulator = teaching.get("modulator")
    errors = teaching.get("errors") or {}
    if not isinstance(errors, Mapping):
        raise TypeError(f"Errors must be a dict from population to array, not {errors!r}")
    for name in errors:
        if name not in sizes:
            known = ", ".join(map(repr, sizes)) or "none"
            raise ValueError(
                f"Errors are given for {name!r}, but the populations that learn from errors "
                f"are {known}"
            )
    every = teaching.get("weights_every")
    if every is not None and (isinstance(every, bool) or not isinstance(every, int)):
        raise TypeError(f"Steps between snapshots must be an integer, not {every!r}")
    if every is not None and every < 1:
        raise ValueError(f"Steps between snapshots must be at least 1, not {every}")
    learning, traces = bool(teaching.get("learning", True)), bool(teaching.get("traces", False))
    if not learning and (every or traces):
        raise ValueError("A run without learning has no weights and traces to record")
    return Lesson(
        np.zeros(steps, np.int64)
        if modulator is None
        else _as_integers("Modulator", modulator, (steps,), COEFFICIENT),
        {
            name: _as_integers(
                f"Errors of {name!r}", array, (steps, sizes[name]), (ERROR.low, ERROR.high)
            )
            for name, array in errors.items()
        },
        learning,
        every,
        traces,
    )


def _as_integers(
    label: str, given: Any, shape: tuple[int, ...], bounds: tuple[int, int]
) -> np.ndarray:
    array, (low, high) = np.asarray(given), bounds
    form = f"({', '.join(map(str, shape))}{',' if len(shape) == 1 else ''})"
    if array.dtype.kind not in "iu":
        raise TypeError(f"{label} must be a {form} array of integers, not {array.dtype}")
    if array.shape != shape:
        raise ValueError(f"{label} must have the shape {form}, not {array.shape}")
    wrong = array[(array < low) | (array > high)]
    if wrong.size:
        raise ValueError(f"{label} must lie between {low} and {high}, not {wrong.flat[0]}")
    return array.astype(np.int64)
