"""From real numbers to the integers that the hardware computes with."""

from dataclasses import replace

import numpy as np

from spikeloom_hw.number import Signed
from spikeloom_sim.projection import Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .errors import QuantisationError
from .integers import Format, magnitude, potentials, to_integers
from .learning.integers import integer_rule
from .learning.report import setting_of
from .learning.rule import Rule
from .network import Network

__all__ = ["quantise"]


def quantise(
    network: Network,
    *,
    weight_width: int = 8,
    accumulator_width: int = 18,
    potential_width: int = 18,
    fractional_bits: int | None = None,
) -> QuantisedNetwork:
    """Turn a network in real numbers into one in integers, of the same timing.

    All projections into a population share one scale, the real weight that the integer 1 stands
    for: the largest magnitude of their weights over ``2**(weight_width - 1) - 1``, where a weight
    of an input of values counts times the value that 1 stands for there. Weights, thresholds and
    all else that is added to a potential are divided by the scale and rounded to the nearest
    integer; all but the weights are also multiplied by ``2**fractional_bits``. Decays are rounded
    to multiples of 1/4096. Noise becomes a signed number of as many bits as come nearest to its
    amplitude. Where a projection learns, the ends of the range of its weights count as weights;
    what its rule becomes says :func:`spikeloom.learning.describe`.

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
        each population, the most up to 6 with which thresholds and all else that is added to a
        potential stay within ``2**(potential_width - 3)``.

    Raises
    ------
    QuantisationError
        If a threshold, or something else that is added to a potential, does not fit it, or the
        weights into a neuron sum to more than its accumulator holds.
    """
    if not isinstance(network, Network):
        raise TypeError(f"Network must be a Network, not {network!r}")
    chosen = Format(weight_width, accumulator_width, Signed(potential_width), fractional_bits)
    scales = {name: _scale(network, name, chosen) for name in network.populations}
    populations = [
        QuantisedPopulation(
            p.name,
            p.size,
            p.neuron and to_integers(p.name, p.neuron, scales[p.name], chosen),
            scales[p.name],
            p.shape,
            p.largest,
        )
        for p in network.populations.values()
    ]
    integers = {p.name: p for p in populations}
    projections = [
        _learning(_in_integers(network, p, scales[p.target]), integers[p.target], weight_width)
        for p in network.projections
    ]
    try:
        return QuantisedNetwork(
            tuple(populations),
            tuple(projections),
            weight_width,
            accumulator_width,
            network.timing,
        )
    except ValueError as error:
        raise QuantisationError(str(error)) from error


def _scale(network: Network, name: str, chosen: Format) -> float:
    """Tell the real weight that the integer 1 stands for in the projections into ``name``.

    Without any weight that is not 0, the largest threshold, bias or the like takes its place. For
    an input it is the real number that the value 1 stands for.
    """
    population = network.populations[name]
    if population.neuron is None:
        return population.unit
    into = [p for p in network.projections if p.target == name]
    largest = max((_largest(network, p) for p in into), default=0.0)
    if not largest:
        largest = max(magnitude(value) for value in potentials(population.neuron).values())
    return largest / chosen.largest_weight if largest else 1.0


def _in_integers(network: Network, projection: Projection, scale: float) -> Projection:
    weights = np.rint(_weights(network, projection) / scale)
    return replace(projection, weights=weights.astype(np.int32))


def _learning(projection: Projection, target: QuantisedPopulation, weight_width: int) -> Projection:
    """Bring the rule of a projection into integers too, if it has one."""
    if not isinstance(projection, Dense | Sparse) or not isinstance(projection.rule, Rule):
        return projection
    setting = setting_of(str(projection), target, weight_width)
    rule, _ = integer_rule(projection.rule, setting)
    weights = np.clip(projection.weights, rule.low, rule.high)
    return replace(projection, weights=weights, rule=rule)


def _largest(network: Network, projection: Projection) -> float:
    """Greatest magnitude of a weight, as it is or may be learned."""
    largest = magnitude(_weights(network, projection))
    if isinstance(projection, Dense | Sparse) and isinstance(projection.rule, Rule):
        return max(largest, projection.rule.largest_weight)
    return largest


def _weights(network: Network, projection: Projection) -> np.ndarray:
    """Real weights of events whose value is 1."""
    return projection.weights * network.populations[projection.source].unit
