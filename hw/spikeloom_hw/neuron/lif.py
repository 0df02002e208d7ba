"""The leaky integrate-and-fire neuron: its parameters, its arithmetic and its pipeline lane."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from amaranth.hdl import Const, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..number import DECAY_ONE, Signed, decay, decayed
from ..validate import check_integers
from .fields import REFRACTORY_WIDTH, SHIFT_WIDTH, Constant, Fields, Per, Reset

__all__ = ["LIF", "LIFParameters", "LIFState"]


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
            check_integers(name.replace("_", " ").capitalize(), getattr(self, name), low, high)
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
        """Advance neurons by one step; :class:`LIF` computes the same, bit for bit.

        The order of operations is section 3.5 of the architecture: decay, add, saturate once,
        hold while refractory, compare, reset.

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
        names = ("threshold", "bias", "reset_value", "minimum")
        arrays = [np.asarray(getattr(parameters, name), dtype) for name in names]
        return cls(*arrays, np.asarray(1 << parameters.shift, dtype), Signed(parameters.width))


class LIF(wiring.Component):
    """One lane of the update: a new neuron every cycle, its next state four cycles later.

    The lane never stalls. Fields kept per population must hold still from the first neuron of the
    population until its last has left.

    Parameters
    ----------
    places : Fields
        Where the parameters are kept; only those kept per neuron travel with the neuron.
    current_width : int
        Bits of the accumulator.

    Members
    -------
    current : In(signed(current_width))
        Accumulated synaptic input.
    state : In(places.state)
        State before the step.
    fields : In(places.layout)
        Parameters of the neuron.
    next_state : Out(places.state)
        State after the step.
    fires : Out(1)
        Whether the neuron fired.
    """

    LATENCY = 4

    current: Signal
    state: Any
    fields: Any
    next_state: Any
    fires: Signal

    def __init__(self, places: Fields, current_width: int) -> None:
        self.places = places
        self.current_width = current_width
        super().__init__({
            "current": In(signed(current_width)),
            "state": In(places.state),
            "fields": In(places.layout),
            "next_state": Out(places.state),
            "fires": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the lane."""
        m = Module()
        number = Signed(self.places.width)
        has_refractory = "refractory" in self.places.state.members
        has_fired = "fired" in self.places.state.members
        state, field = self.state, self._fields_by_stage(m)

        # Stage 1: multiply by the decay factor, and scale the input.
        product = Signal(signed(number.width + len(self.fields.decay)))
        drive = Signal(signed(self.current_width + (1 << SHIFT_WIDTH) - 1))
        m.d.sync += drive.eq(self.current << field("shift", 0))
        if self.places.leaks:
            m.d.sync += product.eq(state.potential * field("decay", 0))
        else:
            m.d.sync += product.eq(state.potential)

        # Stage 2: round the leaked potential, and sum all that is added to it.
        leaked = Signal(number.shape)
        charge = Signal(signed(max(len(drive), number.width) + 2))
        m.d.sync += leaked.eq(decayed(product) if self.places.leaks else product)
        owed = Signal(number.shape)
        if has_fired:
            delayed = field("reset", 1) == Reset.SUBTRACT_DELAYED
            owes = _delayed(m, state.fired, 1) & delayed
            m.d.comb += owed.eq(Mux(owes, field("threshold", 1), 0))
        m.d.sync += charge.eq(drive + field("bias", 1) - owed)

        # Stage 3: saturate once, after the exact sum.
        charged = Signal(number.shape)
        m.d.sync += charged.eq(number.saturate(leaked + charge))

        # Stage 4: compare and reset.
        above = Signal(signed(number.width + 1))
        resting = Signal()
        fires = Signal()
        m.d.comb += above.eq(charged - field("threshold", 3))
        m.d.comb += fires.eq(~resting & ((above > 0) | ((above == 0) & field("inclusive", 3))))
        floor, reset_value = field("minimum", 3), field("reset_value", 3)
        left = Signal(number.shape)
        with m.If(resting):
            m.d.comb += left.eq(reset_value)
        with m.Elif(~fires):
            m.d.comb += left.eq(Mux(charged < floor, floor, charged))
        with m.Else(), m.Switch(field("reset", 3)):
            with m.Case(Reset.TO_VALUE):
                m.d.comb += left.eq(reset_value)
            with m.Case(Reset.SUBTRACT):
                m.d.comb += left.eq(number.saturate(above))
            with m.Default():
                m.d.comb += left.eq(charged)
        m.d.sync += [self.next_state.potential.eq(left), self.fires.eq(fires)]

        # Count down the refractory period, which a spike sets.
        if has_refractory:
            wait = _delayed(m, state.refractory, 3)
            m.d.comb += resting.eq(wait != 0)
            waited = Mux(resting, wait - 1, 0)
            m.d.sync += self.next_state.refractory.eq(Mux(fires, field("refractory", 3), waited))
        if has_fired:
            m.d.sync += self.next_state.fired.eq(fires)

        return m

    def _fields_by_stage(self, m: Module) -> Any:
        """Give a field as the neuron in stage ``stage`` sees it."""
        kept_with_neuron = self.places.kept(Per.NEURON)

        def field(name: str, stage: int) -> Value:
            place = self.places[name]
            if isinstance(place, Constant):
                return Const(place.value, self.places.shape(name))
            value = getattr(self.fields, name)
            return _delayed(m, value, stage) if name in kept_with_neuron else value

        return field


def _delayed(m: Module, value: Value, stages: int) -> Value:
    """Delay ``value`` by ``stages`` cycles."""
    for _ in range(stages):
        later = Signal(value.shape(), name="later")
        m.d.sync += later.eq(value)
        value = later
    return value


def _always(value: Any, expected: int) -> bool:
    return bool(np.all(np.asarray(value) == expected))
