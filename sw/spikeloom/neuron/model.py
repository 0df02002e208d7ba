"""All parameters that a neuron can have, in real numbers, checked together."""

from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from spikeloom_hw.neuron.fields import PER_NEURON
from spikeloom_hw.validate import check_choice

from .parameter import LEAKS, OUTPUTS, RESETS, SYNAPSES, as_parameter, check_between

__all__ = ["Parameters"]

_ONE_FOR_ALL = ("inhibition", "noise")
_LONGEST_REFRACTORY = 15
_LONGEST_SHIFT = 12
_LARGEST_SEED = (1 << 16) - 1


@dataclass(frozen=True, eq=False, kw_only=True)
class Parameters:
    """Parameters of neurons with any of the optional parts.

    In each step, x being the sum of the weights of the spikes received::

        i = current_decay * i + x            if there is a synapse, else i = x
        v = decay * v                        or as ``leak`` says
        v = v + i + bias                     with synapse "old", i from before this step
        fires = v > threshold + a
        v = v - threshold if it fires        or as ``reset`` says
        a = adaptation_decay * a + (adaptation_step if it fires)

    Design 0006 has the whole table. The parameters in :data:`PER_NEURON` may be (neurons,) arrays;
    for a population in channels also (channels,) arrays, the same for all pixels. The leak pulls
    the potential to 0: shift thresholds and resets by the leak potential of a model that has one.

    Parameters
    ----------
    decay : float or array
        ``leak="multiply"``: share of the potential that is left after a step, from 0 to 1
        (snnTorch calls it beta). ``"shift"``: the potential loses ``2**-decay`` of itself, decay
        being a whole number from 0 to 12. ``"linear"``: the potential comes nearer to 0 by decay.
    leak : str
        ``"multiply"``, ``"shift"`` or ``"linear"``; the latter two need no multiplier.
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
    minimum : float, array or None
        Floor of the potential after a step without a spike; None for no floor.
    refractory : int or array
        Steps after a spike, from 0 to 15, in which the neuron stays at the reset value.
    inclusive : bool
        Whether the neuron also fires when the potential equals the threshold.
    synapse : str
        ``"none"``: weights reach the potential at once. ``"new"``: they reach a current, and the
        potential receives the current after it was renewed in this step (snnTorch, Rockpool);
        ``"old"``: the current of the step before (NIR's reference).
    current_decay : float or array
        Share of the current that is left after a step, from 0 to 1.
    adaptation_decay : float or array
        Share of the adaptation of the threshold that is left after a step, from 0 to 1.
    adaptation_step : float or array
        What a spike adds to the adaptation; 0 for none.
    output : str
        What leaves a neuron: ``"spike"``, at most one in a step; ``"count"``, the number of times,
        up to 31, that it crosses the threshold in a step; ``"value"``, the potential after each
        step, to be read by the host; ``"silent"``, nothing.
    winner : bool
        Hard winner-take-all: of the neurons of the population that fire in a step, only the one
        furthest above its threshold sends its spike.
    inhibition : float
        Taken from the potential of all other neurons in the step after one has won.
    noise : float
        Amplitude: each step adds a number that is uniform between ``-noise`` and ``noise``.
        Quantised, it becomes the nearest power of two in units of the integer potential, and
        other numbers of the same kind are drawn.
    seed : int
        Chooses the sequence of the noise, from 0 to 65535.
    """

    decay: Any = 1.0
    leak: str = "multiply"
    threshold: Any = 1.0
    bias: Any = 0.0
    reset: str = "subtract"
    reset_value: Any = 0.0
    minimum: Any = None
    refractory: Any = 0
    inclusive: bool = False
    synapse: str = "none"
    current_decay: Any = 0.0
    adaptation_decay: Any = 0.0
    adaptation_step: Any = 0.0
    output: str = "spike"
    winner: bool = False
    inhibition: float = 0.0
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("Reset", self.reset, tuple(RESETS))
        check_choice("Leak", self.leak, tuple(LEAKS))
        check_choice("Synapse", self.synapse, tuple(SYNAPSES))
        check_choice("Output", self.output, tuple(OUTPUTS))
        for name in PER_NEURON:
            value = getattr(self, name)
            if name != "minimum" or value is not None:
                object.__setattr__(self, name, as_parameter(name, value))
        for name in _ONE_FOR_ALL:
            value = getattr(self, name)
            object.__setattr__(self, name, as_parameter(name, value))
            if np.ndim(value):
                raise TypeError(
                    f"{name.capitalize()} must be a number, the same for all neurons, not {value!r}"
                )
        self._check_ranges()
        self._check_parts()

    def _check_ranges(self) -> None:
        highest = {"multiply": 1, "shift": _LONGEST_SHIFT, "linear": np.inf}[self.leak]
        check_between("decay", self.decay, highest, whole=self.leak == "shift")
        for name in ("current_decay", "adaptation_decay"):
            check_between(name, getattr(self, name), 1)
        for name in ("adaptation_step", "inhibition", "noise"):
            check_between(name, getattr(self, name))
        check_between("refractory", self.refractory, _LONGEST_REFRACTORY, whole=True)
        if isinstance(self.seed, bool) or not isinstance(self.seed, int):
            raise TypeError(f"Seed must be an integer, not {self.seed!r}")
        check_between("seed", self.seed, _LARGEST_SEED)
        if self.minimum is not None and np.any(np.less(self.reset_value, self.minimum)):
            raise ValueError("Reset value must not lie below the minimum potential")
        if self.inclusive and np.any(np.isinf(self.threshold)):
            raise ValueError("Threshold must not be infinite in an inclusive neuron")

    def _check_parts(self) -> None:
        """Raise if a parameter is given that its part of the neuron would not use."""
        if self.synapse == "none" and np.any(self.current_decay):
            raise ValueError("Current decay needs a synapse: set synapse='new' or 'old'")
        if not np.any(self.adaptation_step) and np.any(self.adaptation_decay):
            raise ValueError("Adaptation decay needs an adaptation step that is not 0")
        if self.inhibition and not self.winner:
            raise ValueError("Inhibition is that of a winner: set winner=True")
        if self.output == "spike":
            return
        if self.output in ("value", "silent") and not np.all(np.isposinf(self.threshold)):
            raise ValueError(
                f"Threshold of a neuron of output {self.output!r} must be infinite, "
                f"since it never fires: use LI or Integrator"
            )
        if self.winner:
            raise ValueError(f"Output of a winner must be 'spike', not {self.output!r}")
        if self.output == "count" and self.reset != "subtract":
            raise ValueError(
                f"Reset of a neuron that counts must be 'subtract', not {self.reset!r}"
            )
        if self.output == "count" and np.any(np.less_equal(self.threshold, 0)):
            raise ValueError("Threshold of a neuron that counts must be greater than 0")
        if np.any(self.adaptation_step):
            raise ValueError(f"Output of a neuron that adapts must be 'spike', not {self.output!r}")

    @property
    def sizes(self) -> set[int]:
        """Lengths of the per-neuron arrays among the parameters; empty if there are none."""
        values = (getattr(self, parameter.name) for parameter in fields(self))
        return {value.size for value in values if isinstance(value, np.ndarray)}

    def spread(self, channels: int, pixels: int) -> Self:
        """Give every number of the (channels,) arrays to ``pixels`` neurons in a row."""
        settable = {parameter.name for parameter in fields(self) if parameter.init}
        arrays = {name: getattr(self, name) for name in PER_NEURON if name in settable}
        return replace(
            self,
            **{
                name: np.repeat(value, pixels)
                for name, value in arrays.items()
                if isinstance(value, np.ndarray) and value.size == channels
            },
        )
