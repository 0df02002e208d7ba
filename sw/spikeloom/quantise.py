"""From real numbers to the integers that the hardware computes with."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.neuron import LIFParameters
from spikeloom_hw.number import DECAY_ONE, Signed
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation, QuantisedProjection

from .errors import QuantisationError
from .network import LIF, Network, Population
from .neuron import RESETS

__all__ = ["quantise"]

MOST_FRACTIONAL_BITS = 6
"""Most fractional bits of the potential that are chosen without being asked for."""

HEADROOM_BITS = 2
"""Bits that the potential keeps above thresholds, if fractional bits are chosen for the user."""


@dataclass(frozen=True)
class _Format:
    """Widths that were asked for."""

    weight_width: int
    accumulator_width: int
    potential: Signed
    fractional_bits: int | None

    @property
    def largest_weight(self) -> int:
        """Largest magnitude of a weight; the format is used symmetrically."""
        return (1 << (self.weight_width - 1)) - 1


def quantise(
    network: Network,
    *,
    weight_width: int = 8,
    accumulator_width: int = 18,
    potential_width: int = 18,
    fractional_bits: int | None = None,
) -> QuantisedNetwork:
    """Turn a network in real numbers into one in integers.

    All projections into a population share one scale, the real weight that the integer 1 stands
    for: the largest magnitude of their weights over ``2**(weight_width - 1) - 1``. Weights,
    thresholds, biases and reset values are divided by it and rounded to the nearest integer; all
    but the weights are also multiplied by ``2**fractional_bits``. Decays are rounded to multiples
    of 1/4096.

    Parameters
    ----------
    network : Network
        The network to quantise.
    weight_width : int
        Bits of a weight, at least 2: with 2 bits weights are -1, 0 or 1 times the scale. A weight
        of one bit could only be 0 or -1.
    accumulator_width : int
        Bits of an accumulator.
    potential_width : int
        Bits of a membrane potential.
    fractional_bits : int or None
        Bits of the potential that stand for fractions of a weight, from 0 to 7. None chooses, for
        each population, the most up to 6 with which thresholds, biases and reset values stay
        within ``2**(potential_width - 3)``.

    Raises
    ------
    QuantisationError
        If a threshold, bias or reset value does not fit the potential, or the weights into a
        neuron sum to more than its accumulator holds.
    """
    if not isinstance(network, Network):
        raise TypeError(f"Network must be a Network, not {network!r}")
    chosen = _Format(weight_width, accumulator_width, Signed(potential_width), fractional_bits)
    _check_widths(chosen)
    scales = {name: _scale(network, name, chosen) for name in network.populations}
    populations = [
        QuantisedPopulation(
            population.name,
            population.size,
            population.neuron and _neuron(population, population.neuron, scales, chosen),
            scales[population.name],
        )
        for population in network.populations.values()
    ]
    projections = [
        QuantisedProjection(
            projection.source,
            projection.target,
            np.rint(projection.weights / scales[projection.target]).astype(np.int32),
        )
        for projection in network.projections
    ]
    try:
        return QuantisedNetwork(
            tuple(populations), tuple(projections), weight_width, accumulator_width
        )
    except ValueError as error:
        raise QuantisationError(str(error)) from error


def _check_widths(chosen: _Format) -> None:
    if not isinstance(chosen.weight_width, int):
        raise TypeError(f"Weight width must be an integer, not {chosen.weight_width!r}")
    if chosen.weight_width < 2:
        raise ValueError(
            f"Weight width must be at least 2, a sign and a magnitude, not {chosen.weight_width}"
        )
    bits = chosen.fractional_bits
    if bits is not None and (not isinstance(bits, int) or not 0 <= bits <= 7):
        raise ValueError(f"Fractional bits must be None or lie between 0 and 7, not {bits!r}")


def _scale(network: Network, name: str, chosen: _Format) -> float:
    """Tell the real weight that the integer 1 stands for in the projections into ``name``.

    Without any weight that is not 0, the largest threshold, bias or reset value takes its place.
    """
    into = [p.weights for p in network.projections if p.target == name]
    largest = max((float(np.abs(weights).max()) for weights in into), default=0.0)
    neuron = network.populations[name].neuron
    if not largest and neuron is not None:
        largest = max(_magnitude(value) for value in _potentials(neuron).values())
    return largest / chosen.largest_weight if largest else 1.0


def _potentials(neuron: LIF) -> dict[str, Any]:
    """Parameters that are potentials, and so have to fit its format."""
    return {
        "threshold": neuron.threshold,
        "bias": neuron.bias,
        "reset value": neuron.reset_value,
    }


def _magnitude(value: Any) -> float:
    """Largest finite magnitude."""
    numbers = np.abs(np.atleast_1d(value))
    return float(numbers[np.isfinite(numbers)].max(initial=0.0))


def _neuron(
    population: Population, neuron: LIF, scales: dict[str, float], chosen: _Format
) -> LIFParameters:
    quantum = scales[population.name]
    number = chosen.potential
    largest = max(_magnitude(value) for value in _potentials(neuron).values()) / quantum
    bits = chosen.fractional_bits
    if bits is None:
        comfortable = 1 << max(0, number.width - 1 - HEADROOM_BITS)
        bits = MOST_FRACTIONAL_BITS
        while bits and largest * (1 << bits) > comfortable:
            bits -= 1
    quantum /= 1 << bits
    for label, value in _potentials(neuron).items():
        _check_fits(population.name, label, value, quantum, chosen)

    def to_integer(value: Any) -> Any:
        numbers = np.rint(np.asarray(value) / quantum)
        return _plain(number.clip(numbers))

    return LIFParameters(
        threshold=to_integer(neuron.threshold),
        decay=_plain(np.rint(np.asarray(neuron.decay) * DECAY_ONE)),
        bias=to_integer(neuron.bias),
        reset=RESETS[neuron.reset],
        reset_value=to_integer(neuron.reset_value),
        minimum=None if neuron.minimum is None else to_integer(neuron.minimum),
        refractory=_plain(neuron.refractory),
        inclusive=neuron.inclusive,
        shift=bits,
        width=number.width,
    )


def _check_fits(name: str, label: str, value: Any, quantum: float, chosen: _Format) -> None:
    """Raise unless a parameter fits the potential; an infinite threshold becomes the greatest."""
    largest = _magnitude(value)
    wanted = round(largest / quantum)
    if wanted > chosen.potential.high:
        raise QuantisationError(
            f"Population {name!r} has a {label} of magnitude {largest:g}, which is {wanted} in "
            f"steps of {quantum:g} and does not fit in {chosen.potential.width} bits: "
            f"use a wider potential, weights of fewer bits, or fewer fractional bits"
        )


def _plain(numbers: Any) -> Any:
    """Bring whole numbers into the form of integer parameters: int, or int64 array."""
    array = np.asarray(numbers).astype(np.int64)
    return array if array.ndim else int(array)
