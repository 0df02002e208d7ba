"""The integer parameters of a population of neurons."""

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any

import numpy as np

from ..number import DECAY_FRACTION, DECAY_ONE, Signed
from ..validate import check_integers
from .arithmetic import Arithmetic, NeuronState
from .fields import (
    MOST_NOISE,
    MOST_SPIKES,
    REFRACTORY_WIDTH,
    SEED_WIDTH,
    SHIFT_WIDTH,
    Leak,
    Output,
    Reset,
    Synapse,
)

__all__ = ["NeuronParameters"]

_KINDS = {"reset": Reset, "leak": Leak, "synapse": Synapse, "output": Output}
_SCALARS = ("shift", "inhibition", "noise", "seed")


@dataclass(frozen=True, eq=False)
class NeuronParameters:
    """Integer parameters of a population of neurons.

    The potential is stored relative to the leak potential, so that the leak pulls it to 0. What
    is an "int or array" may be a (neurons,) int array. With ``decay`` at ``DECAY_ONE`` the neuron
    is a plain integrate-and-fire neuron; without a threshold that matters, as with
    :attr:`Output.VALUE` and :attr:`Output.SILENT`, an integrator.

    Parameters
    ----------
    threshold : int or array
        Potential above which the neuron fires (at or above, if ``inclusive``).
    decay : int or array
        What ``leak`` says: the share of the potential that is left after a step, from 0 to
        ``DECAY_ONE`` = 4096; for SHIFT from 0 to 12; for LINEAR what is taken, not negative.
    bias : int or array
        Added at every step.
    reset : Reset
        What a spike does to the potential.
    reset_value : int or array
        Potential after a spike (``TO_VALUE``) and during the refractory period.
    minimum : int or array or None
        Floor of the potential after a step without a spike; None means the format's least.
    refractory : int or array
        Steps after a spike, from 0 to 15, in which the neuron stays at ``reset_value``. Its
        current and its adaptation go on.
    inclusive : bool
        Whether the neuron also fires when the potential equals the threshold.
    shift : int
        Fractional bits of the potential, from 0 to 7: input counts ``2**shift``.
    leak : Leak
        How the potential decays.
    synapse : Synapse
        Whether the input passes through a current, and which one charges the membrane.
    current_decay : int or array
        Share of the current that is left after a step, from 0 to 4096.
    adaptation_decay : int or array
        Share of the adaptation that is left after a step, from 0 to 4096.
    adaptation_step : int or array
        What a spike adds to the adaptation, and so to the threshold from the next step on.
    output : Output
        What leaves the neuron.
    winner : bool
        Whether, of the neurons that fire in a step, only the one furthest above its threshold
        sends its spike (ties: the lowest index).
    inhibition : int
        What is taken, in the step after one with a winner, from all but the winner.
    noise : int
        Bits of the signed uniform noise that is added at every step, from 0 (none) to 16.
    seed : int
        Of the noise, from 0 to 65535.
    width : int
        Bits of the potential and of the current; the adaptation has one less.
    """

    threshold: Any
    decay: Any = DECAY_ONE
    bias: Any = 0
    reset: Reset = Reset.TO_VALUE
    reset_value: Any = 0
    minimum: Any = None
    refractory: Any = 0
    inclusive: bool = False
    shift: int = 0
    leak: Leak = Leak.MULTIPLY
    synapse: Synapse = Synapse.NONE
    current_decay: Any = 0
    adaptation_decay: Any = 0
    adaptation_step: Any = 0
    output: Output = Output.SPIKE
    winner: bool = False
    inhibition: int = 0
    noise: int = 0
    seed: int = 0
    width: int = 18

    def __post_init__(self) -> None:
        number = Signed(self.width)
        for name, kind in _KINDS.items():
            value = getattr(self, name)
            if not isinstance(value, kind):
                article = "an" if kind is Output else "a"
                raise TypeError(f"{_label(name)} must be {article} {kind.__name__}, not {value!r}")
        for name in ("inclusive", "winner"):
            value = getattr(self, name)
            if not isinstance(value, bool | np.bool_):
                raise TypeError(f"{_label(name)} must be True or False, not {value!r}")
        if self.minimum is None:
            object.__setattr__(self, "minimum", number.low)
        for name, (low, high) in self._bounds().items():
            value = getattr(self, name)
            check_integers(_label(name), value, low, high)
            if np.ndim(value) and name in _SCALARS:
                raise TypeError(f"{_label(name)} must be one integer for the whole population")
            if np.ndim(value):
                kept = np.array(value, np.int64)
                kept.setflags(write=False)
                object.__setattr__(self, name, kept)
        self._check_together()

    def _bounds(self) -> dict[str, tuple[int, int]]:
        number = Signed(self.width)
        anywhere, share = (number.low, number.high), (0, DECAY_ONE)
        decays = {Leak.MULTIPLY: DECAY_ONE, Leak.SHIFT: DECAY_FRACTION, Leak.LINEAR: number.high}
        return {
            "threshold": anywhere,
            "decay": (0, decays[self.leak]),
            "bias": anywhere,
            "reset_value": anywhere,
            "minimum": anywhere,
            "refractory": (0, (1 << REFRACTORY_WIDTH) - 1),
            "shift": (0, (1 << SHIFT_WIDTH) - 1),
            "current_decay": share,
            "adaptation_decay": share,
            "adaptation_step": (0, number.high),
            "inhibition": (0, number.high),
            "noise": (0, MOST_NOISE),
            "seed": (0, (1 << SEED_WIDTH) - 1),
        }

    def _check_together(self) -> None:
        """Refuse what single parameters may be, but not together."""
        if np.any(np.asarray(self.reset_value) < self.minimum):
            raise ValueError("Reset value must not lie below the minimum potential")
        if self.winner and self.output is not Output.SPIKE:
            raise ValueError(f"A winner sends spikes: output must be SPIKE, not {self.output.name}")
        if self.inhibition and not self.winner:
            raise ValueError("Inhibition comes from a winner: set winner, or inhibition to 0")
        if self.output is not Output.COUNT:
            return
        if self.reset is not Reset.SUBTRACT:
            raise ValueError(
                f"Output COUNT takes the threshold per spike: reset must be SUBTRACT, "
                f"not {self.reset.name}"
            )
        least = int(np.min(self.threshold))
        if least < 1:
            raise ValueError(f"Output COUNT needs a threshold of at least 1, not {least}")
        if np.any(self.adaptation_step):
            raise ValueError("Output COUNT goes without adaptation: set adaptation step to 0")

    @property
    def sizes(self) -> set[int]:
        """Lengths of the per-neuron arrays among the parameters; empty if there are none."""
        values = (getattr(self, field.name) for field in fields(self))
        return {value.size for value in values if isinstance(value, np.ndarray)}

    @property
    def largest(self) -> int:
        """Greatest magnitude of what a neuron sends to its synapses in a step."""
        return {Output.SPIKE: 1, Output.COUNT: MOST_SPIKES}.get(self.output, 0)

    @property
    def sent_dtype(self) -> Any:
        """Kind of the arrays of what is sent: bool, uint8 for COUNT, int64 for VALUE."""
        return self.output.dtype

    def rest(self, shape: tuple[int, ...], dtype: Any = np.int64) -> NeuronState:
        """State after a clear: all is 0."""
        numbers = (np.zeros(shape, dtype) for _ in range(3))
        potential, current, adaptation = numbers
        refractory, fired, inhibited = (np.zeros(shape, t) for t in (np.int8, bool, bool))
        return NeuronState(potential, refractory, fired, current, adaptation, inhibited)

    def step(
        self, state: NeuronState, current: Any, time: int = 0
    ) -> tuple[NeuronState, np.ndarray]:
        """Advance neurons by one step.

        :class:`spikeloom_hw.neuron.lane.NeuronLane` computes the same, bit for bit. The order of
        the stages is that of the table in docs/design/0006.

        Parameters
        ----------
        state : NeuronState
            Before the step. Its potentials are int64, or float64 that hold integers.
        current : array
            Sum of the weights of the spikes received, same shape and dtype as the potentials.
        time : int
            Number of the step since the last clear, on which the noise depends.

        Returns
        -------
        tuple of NeuronState and array
            State after the step, and what the neurons sent, as :meth:`advance` says.
        """
        sent = np.zeros((1, *state.potential.shape), self.sent_dtype)
        state = self.advance(state, np.asarray(current)[None], sent, time=time)
        return state, sent[0]

    def advance(
        self,
        state: NeuronState,
        currents: np.ndarray,
        sent: np.ndarray,
        potentials: np.ndarray | None = None,
        time: int = 0,
    ) -> NeuronState:
        """Advance neurons by many steps, each as :meth:`step` says.

        Parameters
        ----------
        state : NeuronState
            Before the first step.
        currents : (steps, ..., neurons) array
            Sum of the weights received in each step, of the dtype of the potentials.
        sent : (steps, ..., neurons) array of ``sent_dtype``
            Is filled with what left the neurons: whether they sent a spike; for COUNT how many;
            for VALUE their potentials. SILENT gives False.
        potentials : (steps, ..., neurons) array or None
            Is filled with the potentials after each step.
        time : int
            Number of the first step since the last clear.

        Returns
        -------
        NeuronState
            After the last step.
        """
        floats = state.potential.dtype == np.float64
        arithmetic = self._as_floats if floats else self._as_integers
        return arithmetic.advance(state, currents, sent, potentials, time)

    @cached_property
    def _as_integers(self) -> Arithmetic:
        return Arithmetic(self, np.dtype(np.int64))

    @cached_property
    def _as_floats(self) -> Arithmetic:
        return Arithmetic(self, np.dtype(np.float64))


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
