"""Neurons in the integers that the hardware computes with."""

from dataclasses import dataclass
from math import log2
from typing import Any

import numpy as np

from spikeloom_hw.neuron import NeuronParameters
from spikeloom_hw.number import DECAY_ONE, Signed

from .errors import QuantisationError
from .neuron import LEAKS, OUTPUTS, RESETS, SYNAPSES, Neuron

__all__ = ["Format", "magnitude", "potentials", "to_integers"]

MOST_FRACTIONAL_BITS = 6
"""Most fractional bits of the potential that are chosen without being asked for."""

HEADROOM_BITS = 2
"""Bits that the potential keeps above thresholds, if fractional bits are chosen for the user."""


@dataclass(frozen=True)
class Format:
    """Widths that were asked for.

    Parameters
    ----------
    weight_width, accumulator_width : int
        Bits of a weight and of an accumulator.
    potential : Signed
        Format of the potential.
    fractional_bits : int or None
        Bits of the potential that stand for fractions of a weight; None to choose.
    """

    weight_width: int
    accumulator_width: int
    potential: Signed
    fractional_bits: int | None

    def __post_init__(self) -> None:
        if not isinstance(self.weight_width, int):
            raise TypeError(f"Weight width must be an integer, not {self.weight_width!r}")
        if self.weight_width < 2:
            raise ValueError(
                f"Weight width must be at least 2, a sign and a magnitude, not {self.weight_width}"
            )
        bits = self.fractional_bits
        if bits is not None and (not isinstance(bits, int) or not 0 <= bits <= 7):
            raise ValueError(f"Fractional bits must be None or lie between 0 and 7, not {bits!r}")

    @property
    def largest_weight(self) -> int:
        """Largest magnitude of a weight; the format is used symmetrically."""
        return (1 << (self.weight_width - 1)) - 1


def potentials(neuron: Neuron) -> dict[str, Any]:
    """Parameters that are potentials, and so have to fit its format."""
    found = {
        "threshold": neuron.threshold,
        "bias": neuron.bias,
        "reset value": neuron.reset_value,
        "adaptation step": neuron.adaptation_step,
        "inhibition": neuron.inhibition,
        "noise": neuron.noise,
    }
    if neuron.leak == "linear":
        found["decay"] = neuron.decay
    return found


def magnitude(value: Any) -> float:
    """Largest finite magnitude."""
    numbers = np.abs(np.atleast_1d(value))
    return float(numbers[np.isfinite(numbers)].max(initial=0.0))


def to_integers(name: str, neuron: Neuron, scale: float, chosen: Format) -> NeuronParameters:
    """Bring the neurons of a population into integers.

    Parameters
    ----------
    name : str
        Name of the population, for messages.
    neuron : Neuron
        Its neurons.
    scale : float
        Real weight that the integer weight 1 stands for.
    chosen : Format
        Widths.

    Raises
    ------
    QuantisationError
        If a parameter does not fit the potential.
    """
    bits = _fractional_bits(neuron, scale, chosen)
    quantum = scale / (1 << bits)
    for label, value in potentials(neuron).items():
        _check_fits(name, label, value, quantum, chosen)

    def integer(value: Any) -> Any:
        return _plain(chosen.potential.clip(np.rint(np.asarray(value) / quantum)))

    def share(value: Any) -> Any:
        return _plain(np.rint(np.asarray(value) * DECAY_ONE))

    decay = {"multiply": share, "shift": _plain, "linear": integer}[neuron.leak]
    try:
        return NeuronParameters(
            threshold=integer(neuron.threshold),
            decay=decay(neuron.decay),
            bias=integer(neuron.bias),
            reset=RESETS[neuron.reset],
            reset_value=integer(neuron.reset_value),
            minimum=None if neuron.minimum is None else integer(neuron.minimum),
            refractory=_plain(neuron.refractory),
            inclusive=neuron.inclusive,
            shift=bits,
            width=chosen.potential.width,
            leak=LEAKS[neuron.leak],
            synapse=SYNAPSES[neuron.synapse],
            current_decay=share(neuron.current_decay),
            adaptation_decay=share(neuron.adaptation_decay),
            adaptation_step=integer(neuron.adaptation_step),
            output=OUTPUTS[neuron.output],
            winner=neuron.winner,
            inhibition=integer(neuron.inhibition),
            noise=_noise_bits(name, neuron, quantum),
            seed=neuron.seed,
        )
    except ValueError as error:
        raise QuantisationError(f"Population {name!r} does not fit: {error}") from error


def _fractional_bits(neuron: Neuron, scale: float, chosen: Format) -> int:
    if chosen.fractional_bits is not None:
        return chosen.fractional_bits
    largest = max(magnitude(value) for value in potentials(neuron).values()) / scale
    comfortable = 1 << max(0, chosen.potential.width - 1 - HEADROOM_BITS)
    bits = MOST_FRACTIONAL_BITS
    while bits and largest * (1 << bits) > comfortable:
        bits -= 1
    return bits


def _noise_bits(name: str, neuron: Neuron, quantum: float) -> int:
    """Bits of a signed number whose magnitude comes nearest to the amplitude of the noise."""
    if not neuron.noise:
        return 0
    bits = round(log2(neuron.noise / quantum)) + 1
    if bits < 1:
        raise QuantisationError(
            f"Population {name!r} has noise of amplitude {neuron.noise:g}, less than a step of the "
            f"potential, {quantum:g}: use more fractional bits, or no noise"
        )
    return bits


def _check_fits(name: str, label: str, value: Any, quantum: float, chosen: Format) -> None:
    """Raise unless a parameter fits the potential; an infinite threshold becomes the greatest."""
    largest = magnitude(value)
    wanted = round(largest / quantum)
    if wanted > chosen.potential.high:
        article = "an" if label[0] in "aeiou" else "a"
        raise QuantisationError(
            f"Population {name!r} has {article} {label} of magnitude {largest:g}, "
            f"which is {wanted} in steps of {quantum:g} and does not fit in "
            f"{chosen.potential.width} bits: use a wider potential, weights of fewer bits, "
            f"or fewer fractional bits"
        )


def _plain(numbers: Any) -> Any:
    """Bring whole numbers into the form of integer parameters: int, or int64 array."""
    array = np.asarray(numbers).astype(np.int64)
    return array if array.ndim else int(array)
