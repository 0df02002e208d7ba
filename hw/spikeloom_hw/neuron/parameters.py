"""The leaky integrate-and-fire neuron in integers: its parameters and its arithmetic."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from ..number import DECAY_ONE, Signed, decay
from ..validate import check_integers
from .fields import REFRACTORY_WIDTH, SHIFT_WIDTH, Reset

__all__ = ["LIFParameters", "LIFState"]


class LIFState(NamedTuple):
    """State of leaky integrate-and-fire neurons, (..., neurons) arrays of equal shape."""

    potential: np.ndarray
    refractory: np.ndarray
    fired: np.ndarray


@dataclass(frozen=True, eq=False)
class LIFParameters:
    """Integer parameters of a population of leaky integrate-and-fire neurons.

    The potential is stored relative to the leak potential, so that the leak pulls it to 0.
    ``decay``, ``threshold``, ``bias``, ``reset_value`` and ``refractory`` may be a (neurons,) int
    array. With ``decay`` at ``DECAY_ONE`` the neuron is a plain integrate-and-fire neuron.

    Parameters
    ----------
    threshold : int or array
        Potential above which the neuron fires (at or above, if ``inclusive``).
    decay : int or array
        Share of the potential that is left after a step, from 0 to ``DECAY_ONE`` = 4096.
    bias : int or array
        Added at every step.
    reset : Reset
        What a spike does to the potential.
    reset_value : int or array
        Potential after a spike (``TO_VALUE``) and during the refractory period.
    minimum : int or None
        Floor of the potential after a step without a spike; None means the format's least.
    refractory : int or array
        Steps after a spike, from 0 to 15, in which the neuron stays at ``reset_value``.
    inclusive : bool
        Whether the neuron also fires when the potential equals the threshold.
    shift : int
        Fractional bits of the potential, from 0 to 7: input counts ``2**shift``.
    width : int
        Bits of the potential.
    """

    threshold: Any
    decay: Any = DECAY_ONE
    bias: Any = 0
    reset: Reset = Reset.TO_VALUE
    reset_value: Any = 0
    minimum: int | None = None
    refractory: Any = 0
    inclusive: bool = False
    shift: int = 0
    width: int = 18

    def __post_init__(self) -> None:
        number = Signed(self.width)
        if self.minimum is None:
            object.__setattr__(self, "minimum", number.low)
        bounds = {
            "threshold": (number.low, number.high),
            "decay": (0, DECAY_ONE),
            "bias": (number.low, number.high),
            "reset_value": (number.low, number.high),
            "minimum": (number.low, number.high),
            "refractory": (0, (1 << REFRACTORY_WIDTH) - 1),
            "shift": (0, (1 << SHIFT_WIDTH) - 1),
        }
        for name, (low, high) in bounds.items():
            value = getattr(self, name)
            check_integers(name.replace("_", " ").capitalize(), value, low, high)
            if np.ndim(value):
                kept = np.array(value, np.int64)
                kept.setflags(write=False)
                object.__setattr__(self, name, kept)
        if not isinstance(self.reset, Reset):
            raise TypeError(f"Reset must be a Reset, not {self.reset!r}")
        if np.any(np.asarray(self.reset_value) < self.minimum):
            raise ValueError("Reset value must not lie below the minimum potential")

    @property
    def sizes(self) -> set[int]:
        """Lengths of the per-neuron arrays among the parameters; empty if there are none."""
        values = (getattr(self, field.name) for field in fields(self))
        return {value.size for value in values if isinstance(value, np.ndarray)}

    def rest(self, shape: tuple[int, ...], dtype: Any = np.int64) -> LIFState:
        """State after a reset: potential 0, not refractory."""
        return LIFState(np.zeros(shape, dtype), np.zeros(shape, np.int8), np.zeros(shape, bool))

    def step(self, state: LIFState, current: Any) -> tuple[LIFState, np.ndarray]:
        """Advance neurons by one step.

        :class:`spikeloom_hw.neuron.lif.LIF` computes the same, bit for bit. The order is
        that of section 3.5 of the architecture: decay, add, saturate once, hold while refractory,
        compare, reset.

        Parameters
        ----------
        state : LIFState
            Before the step. Its potentials are int64, or float64 that hold integers.
        current : array
            Sum of the weights of the spikes received, same shape and dtype as the potentials.

        Returns
        -------
        tuple of LIFState and bool array
            State after the step, and which neurons fired.
        """
        spikes = np.empty((1, *state.potential.shape), bool)
        state = self.advance(state, np.asarray(current)[None], spikes)
        return state, spikes[0]

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
        currents : (steps, ...) array
            Sum of the weights received in each step, of the dtype of the potentials.
        spikes : (steps, ...) bool array
            Is filled with which neurons fired.
        potentials : (steps, ...) array or None
            Is filled with the potentials after each step.

        Returns
        -------
        LIFState
            After the last step.
        """
        dtype = state.potential.dtype
        numbers = self._as_floats if dtype == np.float64 else self._as_integers
        above = np.greater_equal if self.inclusive else np.greater
        potential, refractory, fires = state
        drives = currents * numbers.gain if self.shift else currents
        drives = drives + numbers.bias if self._biased else drives

        for index, (drive, fired) in enumerate(zip(drives, spikes, strict=True)):
            # Decay and charge; every sum below stays under 2**53.
            charged = decay(potential, self.decay) if self._leaks else potential
            charged = charged + drive
            if self.reset is Reset.SUBTRACT_DELAYED:
                charged -= fires * numbers.threshold
            charged = numbers.format.clip(charged)

            # Fire, unless the neuron is refractory.
            fires = above(charged, numbers.threshold, out=fired)
            if self._rests:
                resting = refractory > 0
                charged = np.where(resting, numbers.reset_value, charged)
                fires &= ~resting
                waited = np.maximum(refractory - 1, 0)
                refractory = np.where(fires, self.refractory, waited).astype(np.int8)

            potential = self._after_reset(charged, fires, numbers)
            if potentials is not None:
                potentials[index] = potential
        return LIFState(potential, refractory, fires.copy())

    def _after_reset(
        self, charged: np.ndarray, fires: np.ndarray, numbers: "_Numbers"
    ) -> np.ndarray:
        left = np.maximum(charged, numbers.minimum) if self._floored else charged
        if self.reset is Reset.TO_VALUE:
            return np.where(fires, numbers.reset_value, left)
        if self.reset is Reset.SUBTRACT and not self._floored and self._lowers:
            return charged - fires.astype(charged.dtype) * numbers.threshold
        if self.reset is Reset.SUBTRACT:
            return np.where(fires, numbers.format.clip(charged - numbers.threshold), left)
        return np.where(fires, charged, left) if self._floored else left

    @cached_property
    def _as_integers(self) -> "_Numbers":
        return _Numbers.of(self, np.dtype(np.int64))

    @cached_property
    def _as_floats(self) -> "_Numbers":
        return _Numbers.of(self, np.dtype(np.float64))

    @cached_property
    def _leaks(self) -> bool:
        return not _always(self.decay, DECAY_ONE)

    @cached_property
    def _biased(self) -> bool:
        return not _always(self.bias, 0)

    @cached_property
    def _rests(self) -> bool:
        return not _always(self.refractory, 0)

    @cached_property
    def _floored(self) -> bool:
        return self.minimum != Signed(self.width).low

    @cached_property
    def _lowers(self) -> bool:
        return bool(np.all(np.asarray(self.threshold) >= 0))


class _Numbers(NamedTuple):
    """Parameters as arrays of one dtype, which NumPy is faster on than on Python integers."""

    threshold: np.ndarray
    bias: np.ndarray
    reset_value: np.ndarray
    minimum: np.ndarray
    gain: np.ndarray
    format: Signed

    @classmethod
    def of(cls, parameters: LIFParameters, dtype: np.dtype) -> "_Numbers":
        return cls(
            np.asarray(parameters.threshold, dtype),
            np.asarray(parameters.bias, dtype),
            np.asarray(parameters.reset_value, dtype),
            np.asarray(parameters.minimum, dtype),
            np.asarray(1 << parameters.shift, dtype),
            Signed(parameters.width),
        )


def _always(value: Any, expected: int) -> bool:
    return bool(np.all(np.asarray(value) == expected))
