"""Neurons in real numbers."""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from spikeloom_hw.neuron import LIFState, Reset
from spikeloom_hw.validate import check_choice

__all__ = ["IF", "LIF", "RESETS"]

RESETS = {
    "subtract": Reset.SUBTRACT,
    "to value": Reset.TO_VALUE,
    "none": Reset.NONE,
    "subtract delayed": Reset.SUBTRACT_DELAYED,
}
"""What a spike can do to the potential, as users say it and as the hardware does."""

_LONGEST_REFRACTORY = 15
_PER_NEURON = ("threshold", "decay", "bias", "reset_value", "refractory")


@dataclass(frozen=True, eq=False, kw_only=True)
class LIF:
    """Leaky integrate-and-fire neurons, in real numbers.

    In each step the potential v decays, and the weights of the spikes received are added in full::

        v = decay * v + sum of weights + bias
        fires = v > threshold

    ``threshold``, ``decay``, ``bias``, ``reset_value`` and ``refractory`` may be a (neurons,)
    array. The leak pulls the potential to 0: shift thresholds and resets by the leak potential of
    a model that has one.

    Parameters
    ----------
    decay : float or array
        Share of the potential that is left after a step, from 0 to 1 (snnTorch calls it beta).
    threshold : float or array
        Potential above which the neuron fires; infinity for a neuron that never does.
    bias : float or array
        Added at every step.
    reset : str
        What a spike does: ``"subtract"`` takes the threshold from the potential, ``"to value"``
        sets it to the reset value, ``"none"`` leaves it, and ``"subtract delayed"`` takes the
        threshold one step later, after the decay, as snnTorch does by default.
    reset_value : float or array
        Potential after a spike (``"to value"``) and during the refractory period.
    minimum : float or None
        Floor of the potential after a step without a spike; None for no floor.
    refractory : int or array
        Steps after a spike, from 0 to 15, in which the neuron stays at the reset value.
    inclusive : bool
        Whether the neuron also fires when the potential equals the threshold.
    """

    decay: Any
    threshold: Any = 1.0
    bias: Any = 0.0
    reset: str = "subtract"
    reset_value: Any = 0.0
    minimum: float | None = None
    refractory: Any = 0
    inclusive: bool = False

    def __post_init__(self) -> None:
        check_choice("Reset", self.reset, tuple(RESETS))
        for name in _PER_NEURON:
            object.__setattr__(self, name, _as_parameter(name, getattr(self, name)))
        if self.minimum is not None:
            minimum = _as_parameter("minimum", self.minimum)
            if np.ndim(minimum):
                raise TypeError("Minimum must be a number or None, the same for all neurons")
            object.__setattr__(self, "minimum", minimum)
            if np.any(np.less(self.reset_value, minimum)):
                raise ValueError("Reset value must not lie below the minimum potential")
        if np.any(np.less(self.decay, 0)) or np.any(np.greater(self.decay, 1)):
            raise ValueError(f"Decay must lie between 0 and 1, not {self.decay!r}")
        refractory = np.asarray(self.refractory)
        whole = np.all(refractory == np.floor(refractory))
        if not whole or refractory.min() < 0 or refractory.max() > _LONGEST_REFRACTORY:
            raise ValueError(
                f"Refractory must be a whole number of steps from 0 to {_LONGEST_REFRACTORY}, "
                f"not {self.refractory!r}"
            )
        if self.inclusive and np.any(np.isinf(self.threshold)):
            raise ValueError("Threshold must not be infinite in an inclusive neuron")

    @classmethod
    def from_time_constant(
        cls, tau: Any, dt: float = 1.0, *, exact: bool = False, **parameters: Any
    ) -> "LIF":
        """Make a neuron from its membrane time constant.

        The weights of the spikes are still added in full. A model whose current is filtered by the
        membrane, ``tau dv/dt = -v + r * current``, receives ``r * (1 - decay)`` of each weight:
        multiply the weights by that.

        Parameters
        ----------
        tau : float or array
            Time constant, in the unit of ``dt``.
        dt : float
            Duration of a step.
        exact : bool
            Whether the decay is ``exp(-dt / tau)``, or its Euler form ``1 - dt / tau``.
        **parameters
            All other parameters of the neuron.
        """
        if np.any(np.less_equal(tau, 0)) or dt <= 0:
            raise ValueError(f"Time constant and step must be positive, not {tau!r} and {dt!r}")
        ratio = dt / np.asarray(tau, np.float64)
        if not exact and np.any(ratio > 1):
            raise ValueError(
                f"Time constant {tau!r} is shorter than a step of {dt!r}: "
                f"shorten the step, or set exact=True"
            )
        return cls(decay=np.exp(-ratio) if exact else 1 - ratio, **parameters)

    @property
    def sizes(self) -> set[int]:
        """Lengths of the per-neuron arrays among the parameters; empty if there are none."""
        values = (getattr(self, parameter.name) for parameter in fields(self))
        return {value.size for value in values if isinstance(value, np.ndarray)}

    def rest(self, shape: tuple[int, ...], dtype: Any = np.float64) -> LIFState:
        """State before the first step: potential 0, not refractory."""
        return LIFState(np.zeros(shape, dtype), np.zeros(shape, np.int8), np.zeros(shape, bool))

    def step(self, state: LIFState, current: Any) -> tuple[LIFState, np.ndarray]:
        """Advance neurons by one step in float64, in the order in which the hardware does.

        Parameters
        ----------
        state : LIFState
            Before the step, (..., neurons) arrays.
        current : array
            Sum of the weights of the spikes received, same shape.

        Returns
        -------
        tuple of LIFState and bool array
            State after the step, and which neurons fired.
        """
        charged = self.decay * state.potential + current + self.bias
        if self.reset == "subtract delayed":
            charged = np.where(state.fired, charged - self.threshold, charged)
        resting = state.refractory > 0
        charged = np.where(resting, self.reset_value, charged)
        fires = charged >= self.threshold if self.inclusive else charged > self.threshold
        fires &= ~resting

        left = charged if self.minimum is None else np.maximum(charged, self.minimum)
        after = charged
        if self.reset == "to value":
            after = np.broadcast_to(self.reset_value, charged.shape)
        elif self.reset == "subtract":
            after = charged - self.threshold
        waited = np.maximum(state.refractory - 1, 0)
        refractory = np.where(fires, self.refractory, waited).astype(np.int8)
        return LIFState(np.where(fires, after, left), refractory, fires), fires

    def advance(
        self,
        state: LIFState,
        currents: np.ndarray,
        spikes: np.ndarray,
        potentials: np.ndarray | None = None,
    ) -> LIFState:
        """Advance neurons by many steps, each as :meth:`step` says.

        Parameters
        ----------
        state : LIFState
            Before the first step.
        currents : (steps, ...) float64 array
            Sum of the weights received in each step.
        spikes : (steps, ...) bool array
            Is filled with which neurons fired.
        potentials : (steps, ...) array or None
            Is filled with the potentials after each step.
        """
        for index, current in enumerate(currents):
            state, spikes[index] = self.step(state, current)
            if potentials is not None:
                potentials[index] = state.potential
        return state


def IF(**parameters: Any) -> LIF:
    """Make integrate-and-fire neurons: :class:`LIF` that do not leak."""
    return LIF(decay=1.0, **parameters)


def _as_parameter(name: str, value: Any) -> Any:
    """Bring a parameter into one form: float, or (neurons,) read-only float64 array."""
    label = name.replace("_", " ").capitalize()
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
