"""Loihi's fixed-point neurons, as Brian2-Loihi and Lava compute them.

In each step, with ``rtz`` rounding toward zero: the current ``u = rtz(u * (4096 - decay_u) / 4096)
+ 64 * w`` for the weights w of the spikes that arrive, then the voltage ``v = rtz(v * (4096 -
decay_v) / 4096) + u + bias``; a neuron fires if v is above 64 times the threshold, and starts
again from 0 (Davies et al., "Loihi", IEEE Micro 38(1), 2018; Michaelis et al., "Brian2Loihi",
Frontiers in Neuroinformatics 16, 2022).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.neuron import NeuronParameters, Synapse
from spikeloom_hw.number import DECAY_ONE
from spikeloom_hw.validate import check_integers
from spikeloom_sim.golden import Golden
from spikeloom_sim.run_state import RunState

from .loihi_weights import brian2_weights, lava_weights

__all__ = [
    "ALIGNMENT",
    "WIDTH",
    "Compartment",
    "brian2_weights",
    "delayed",
    "lava_weights",
    "periods",
    "reset_state",
]

ALIGNMENT = 6
"""Bits by which thresholds and weights are shifted up to meet voltages and currents."""

WIDTH = 24
"""Bits of voltages and currents on the chip."""

_THRESHOLD = (1 << 17) - 1
_BIAS = 1 << 12
_EXPONENT = 15


@dataclass(frozen=True, eq=False)
class Compartment:
    """Parameters of Loihi neurons; each an integer, or a (neurons,) int array.

    Parameters
    ----------
    threshold : int or array
        Mantissa of the threshold, from 0 to 131071: fires above ``threshold * 64``.
    decay_v, decay_u : int or array
        Share of the voltage and of the current, in 1/4096, that a step takes; from 0 to 4096.
    bias_mantissa : int or array
        From -4096 to 4095.
    bias_exponent : int or array
        The bias added to the voltage in every step is ``bias_mantissa * 2**bias_exponent``,
        rounded down.
    refractory : int or array
        Steps after a spike, from 0 to 15, in which the voltage stays 0. The current goes on.
    """

    threshold: Any
    decay_v: Any = 0
    decay_u: Any = DECAY_ONE
    bias_mantissa: Any = 0
    bias_exponent: Any = 0
    refractory: Any = 0

    def __post_init__(self) -> None:
        check_integers("Threshold", self.threshold, 0, _THRESHOLD)
        check_integers("Decay of the voltage", self.decay_v, 0, DECAY_ONE)
        check_integers("Decay of the current", self.decay_u, 0, DECAY_ONE)
        check_integers("Mantissa of the bias", self.bias_mantissa, -_BIAS, _BIAS - 1)
        check_integers("Exponent of the bias", self.bias_exponent, -_EXPONENT, _EXPONENT)

    @classmethod
    def from_brian2(
        cls, threshold_v_mant: Any = 100, decay_v: Any = 0, decay_I: Any = 4096, refractory: Any = 1
    ) -> "Compartment":
        """Take the parameters of Brian2-Loihi's ``LoihiNeuronGroup`` under their names.

        Its refractory period of 1, the least there is, lets a neuron fire in every step.
        """
        check_integers("Refractory period", refractory, 1, 16)
        return cls(threshold_v_mant, decay_v, decay_I, refractory=np.subtract(refractory, 1))

    @classmethod
    def from_lava(
        cls, vth: Any = 10, du: Any = 0, dv: Any = 0, bias_mant: Any = 0, bias_exp: Any = 0
    ) -> "Compartment":
        """Take the parameters of Lava's ``LIF`` and ``LIFReset`` under their names.

        Lava's fixed-point models take one more than ``du`` from the current, and just ``dv`` from
        the voltage: ``du=0`` still leaks, ``du=4095`` forgets the current.
        """
        check_integers("Decay 'du'", du, 0, DECAY_ONE - 1)
        check_integers("Decay 'dv'", dv, 0, DECAY_ONE - 1)
        return cls(vth, dv, np.add(du, 1), bias_mant, bias_exp)

    @property
    def bias(self) -> Any:
        """What every step adds to the voltage: int or (neurons,) array."""
        mantissa, exponent = np.asarray(self.bias_mantissa), np.asarray(self.bias_exponent)
        return (mantissa << np.maximum(exponent, 0)) >> np.maximum(-exponent, 0)

    def neuron(self, *, width: int = WIDTH, shift: int = ALIGNMENT) -> NeuronParameters:
        """Make the neurons.

        Voltages end at the greatest and least number of ``width`` bits, the least being the
        negative of the greatest, as on the chip. So do currents, whereas those of the chip wrap.

        Parameters
        ----------
        width : int
            Bits of the voltage and of the current. 24 is what the chip has; fewer cost less, and
            compute the same as long as no number needs more.
        shift : int
            Bits by which the weights are shifted up: 6, or 7 for weights that were halved, as can
            be those of mixed sign.
        """
        return NeuronParameters(
            threshold=np.left_shift(self.threshold, ALIGNMENT),
            decay=np.subtract(DECAY_ONE, self.decay_v),
            bias=self.bias,
            minimum=1 - (1 << (width - 1)),
            refractory=self.refractory,
            shift=shift,
            synapse=Synapse.NEW,
            current_decay=np.subtract(DECAY_ONE, self.decay_u),
            width=width,
        )


def delayed(spikes: Any, steps: int = 1) -> np.ndarray:
    """Let input spikes come later; those that would come after the end are lost.

    A spike that enters Lava's ``Dense`` in one step reaches the neurons in the next. Between
    populations that is so with ``timing="pipelined"``; for inputs it is a projection with
    ``delay=1``, or this.

    Parameters
    ----------
    spikes : (steps, ...) array
        Input.
    steps : int
        How much later.
    """
    array = np.asarray(spikes)
    later = np.zeros_like(array)
    later[steps:] = array[: max(0, len(array) - steps)]
    return later


def periods(steps: int, interval: int, offset: int = 0) -> list[slice]:
    """Split a run where Lava's ``LIFReset`` sets currents and voltages to 0.

    It does so before every step t, counted from 1, with ``t % interval == offset % interval``.

    Returns
    -------
    list of slice
        Steps from one reset to the next, counted from 0.
    """
    check_integers("Interval", interval, 1, 1 << 31)
    first = (offset - 1) % interval
    starts = sorted({0, *range(first, steps, interval)})
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], steps], strict=True)]


def reset_state(golden: Golden) -> RunState:
    """State after a run with all neurons at rest, but with the spikes that are on their way.

    That is what Lava's ``LIFReset`` leaves; a reset of the device drops these spikes too.
    """
    state = golden.state
    if state is None:
        raise ValueError("The golden model has not run yet, so that there is no state to reset")
    rest = {
        p.name: p.neuron.rest(state[p.name].potential.shape)
        for p in golden.quantised.neurons
        if p.neuron
    }
    return RunState(rest, state.pending, state.time)
