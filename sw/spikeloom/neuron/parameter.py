"""Parameters of neurons: brought into one form, and checked one by one."""

from typing import Any

import numpy as np

from spikeloom_hw.neuron import Leak, Output, Reset, Synapse

__all__ = [
    "LEAKS",
    "OUTPUTS",
    "RESETS",
    "SYNAPSES",
    "as_parameter",
    "check_between",
    "to_decay",
]

RESETS = {
    "subtract": Reset.SUBTRACT,
    "to value": Reset.TO_VALUE,
    "none": Reset.NONE,
    "subtract delayed": Reset.SUBTRACT_DELAYED,
}
"""What a spike can do to the potential, as users say it and as the hardware does."""

LEAKS = {"multiply": Leak.MULTIPLY, "shift": Leak.SHIFT, "linear": Leak.LINEAR}
"""How the potential can decay."""

SYNAPSES = {"none": Synapse.NONE, "new": Synapse.NEW, "old": Synapse.OLD}
"""Whether the input passes through a current, and which current the membrane sees."""

OUTPUTS = {
    "spike": Output.SPIKE,
    "count": Output.COUNT,
    "value": Output.VALUE,
    "silent": Output.SILENT,
}
"""What can leave a neuron."""


def as_parameter(name: str, value: Any) -> Any:
    """Bring a parameter into one form: float, or (neurons,) read-only float64 array.

    Raises
    ------
    TypeError
        If it is no number and no array of numbers.
    ValueError
        If it is not finite; only a threshold may be infinite.
    """
    label = _describe(name)
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iuf" or numbers.ndim > 1 or not numbers.size:
        raise TypeError(f"{label} must be a number or a (neurons,) array of numbers, not {value!r}")
    endless = np.isposinf(numbers) if name == "threshold" else np.zeros(numbers.shape, bool)
    if not np.all(np.isfinite(numbers) | endless):
        raise ValueError(f"{label} must be finite, not {value!r}")
    if not numbers.ndim:
        return float(numbers)
    numbers = numbers.astype(np.float64)
    numbers.setflags(write=False)
    return numbers


def check_between(name: str, value: Any, high: float = np.inf, *, whole: bool = False) -> None:
    """Raise ValueError unless every number lies between 0 and ``high``, and is whole if need be."""
    numbers = np.asarray(value)
    fits = np.all(numbers >= 0) and np.all(numbers <= high)
    if fits and not (whole and np.any(numbers != np.floor(numbers))):
        return
    label = _describe(name)
    if np.isinf(high):
        raise ValueError(f"{label} must not be negative, not {value!r}")
    if whole:
        raise ValueError(f"{label} must be a whole number from 0 to {high:g}, not {value!r}")
    raise ValueError(f"{label} must lie between 0 and {high:g}, not {value!r}")


def to_decay(tau: Any, dt: float = 1.0, *, exact: bool = False) -> Any:
    """Turn a time constant into the share that is left after a step.

    Parameters
    ----------
    tau : float or array
        Time constant, in the unit of ``dt``.
    dt : float
        Duration of a step.
    exact : bool
        Whether the decay is ``exp(-dt / tau)``, or its Euler form ``1 - dt / tau``.

    Returns
    -------
    float or array
        Decay, from 0 to 1.
    """
    if np.any(np.less_equal(tau, 0)) or dt <= 0:
        raise ValueError(f"Time constant and step must be positive, not {tau!r} and {dt!r}")
    ratio = dt / np.asarray(tau, np.float64)
    if not exact and np.any(ratio > 1):
        raise ValueError(
            f"Time constant {tau!r} is shorter than a step of {dt!r}: "
            f"shorten the step, or set exact=True"
        )
    return np.exp(-ratio) if exact else 1 - ratio


def _describe(name: str) -> str:
    """Begin a sentence with the name of a parameter."""
    return name.replace("_", " ").capitalize()
