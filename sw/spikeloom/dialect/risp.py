"""RISP, the integrate-and-fire networks with delays of TENNLab's framework.

A RISP neuron fires at its threshold or above and starts again from 0. Between steps it keeps its
charge, or forgets it (``leak_mode``); charge below ``min_potential`` is lifted to that. A spike
sent in step t over an edge of delay d arrives in step t + d. All of this is exact here, as long as
the numbers are multiples of a power of two (Plank et al., "The Case for RISP", 2022).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.neuron import NeuronParameters
from spikeloom_hw.number import DECAY_ONE
from spikeloom_sim.projection import Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .tennlab import Description, Edge, Event, describe

__all__ = ["LONGEST_DELAY", "RispNetwork", "read"]

LONGEST_DELAY = 64
"""Greatest delay of an edge, in steps."""

_FINEST = 10
_WEIGHT_WIDTHS = (8, 16, 24)
_WIDTH, _WIDEST = 18, 32


@dataclass(frozen=True, eq=False)
class RispNetwork:
    """A RISP network in integers.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The populations ``"inputs"`` and ``"nodes"``, which hold the nodes in the order of
        :attr:`inputs` and :attr:`nodes`.
    description : Description
        What was read.
    scale : int
        Integer charge that the charge 1 of RISP became.
    """

    quantised: QuantisedNetwork
    description: Description
    scale: int

    @property
    def nodes(self) -> tuple[int, ...]:
        """Number of the node that each neuron is."""
        return tuple(node.id for node in self.description.nodes)

    @property
    def inputs(self) -> tuple[int, ...]:
        """Number of the node that each input drives."""
        return self.description.inputs

    @property
    def outputs(self) -> tuple[int, ...]:
        """Numbers of the nodes that RISP reads."""
        return self.description.outputs

    def stimulus(self, events: Iterable[Any], duration: int) -> np.ndarray:
        """Turn input events into input spikes.

        Parameters
        ----------
        events : iterable of (node, time, value)
            Number of the node, step of the run, and value from 0 to 1.
        duration : int
            Time that RISP would run; with ``run_time_inclusive`` that is one step more.

        Returns
        -------
        (steps, inputs) array
            Bool spikes, or int16 values if the network was read as ``graded``.

        Raises
        ------
        ValueError
            If an event cannot enter; the message names it.
        """
        steps = duration + bool(self.description.parameters["run_time_inclusive"])
        given = [Event(int(node), int(time), float(value)) for node, time, value in events]
        population = self.quantised.population("inputs")
        values = np.zeros((steps, len(self.inputs)), np.int16)
        for event, charge in self.description.charges(given).items():
            node, time = event
            if not 0 <= time < steps:
                raise ValueError(
                    f"Input to node {node} at step {time} lies outside the run of {steps} steps; "
                    f"give it to the run that it falls into"
                )
            whole = _whole(f"Charge of the input to node {node} at step {time}", charge, self.scale)
            values[time, self.inputs.index(node)] = self._value(whole, event)
        return values if population.largest > 1 else values.astype(bool)

    def _value(self, charge: int, event: tuple[int, int]) -> int:
        """Value of an event that brings ``charge``, checked."""
        largest = self.quantised.population("inputs").largest
        unit = int(self.quantised.projections_from("inputs")[0].weights.max(initial=1))
        if charge % unit or abs(charge) > largest * unit:
            node, time = event
            raise ValueError(
                f"Input to node {node} at step {time} has the charge {charge / self.scale:g}, the "
                f"network was read for spikes of {unit * largest / self.scale:g}: read it with "
                f"graded=True"
            )
        return charge // unit


def read(
    network: Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    dense: bool = False,
    graded: bool = False,
) -> RispNetwork:
    """Read a RISP network.

    Parameters
    ----------
    network : Mapping
        The JSON object, in TENNLab's own form or in the short one; see
        :func:`spikeloom.dialect.tennlab.describe`.
    parameters : Mapping or None
        Parameters of the processor; None means those in the object.
    dense : bool
        Whether to use a dense projection for each delay instead of a list of synapses.
    graded : bool
        Whether inputs take all values from 0 to 1. Otherwise they take those of the runs in the
        object, or only the value 1 if there are none.

    Raises
    ------
    ValueError
        If something is missing, not known, not supported, or not exact in integers; the message
        names the node, the edge or the parameter.
    """
    description = describe(network, parameters)
    charges = _input_charges(description)
    if graded:
        charges.add(description.charge(1.0))
    scale = _scale(description, charges)
    weight, largest = _input_unit(sorted(int(c * scale) for c in charges), graded)
    projections = [
        _inputs(description, weight),
        *(_by_delay if dense else _listed)(description, scale),
    ]
    bound = sum(p.magnitudes() * (largest if p.source == "inputs" else 1) for p in projections)
    most = int(np.max(bound))
    populations = (
        QuantisedPopulation("inputs", len(description.inputs), largest=largest),
        QuantisedPopulation("nodes", len(description.nodes), _neuron(description, scale, most)),
    )
    widest = max(int(np.abs(p.weights).max(initial=0)) for p in projections)
    widths = [w for w in _WEIGHT_WIDTHS if widest < 1 << (w - 1)]
    width = max(_WIDTH, most.bit_length() + 1)
    quantised = QuantisedNetwork(populations, tuple(projections), min(widths, default=24), width)
    return RispNetwork(quantised, description, scale)


def _input_charges(description: Description) -> set[float]:
    """Charges that enter nodes in one step, over all runs of the description."""
    found = {c for run in description.runs for c in description.charges(run).values()}
    return (found - {0.0}) or {description.charge(1.0)}


def _input_unit(charges: list[int], graded: bool) -> tuple[int, int]:
    """Weight of the inputs, and the greatest value that they take."""
    if len(charges) == 1 and not graded:
        return charges[0], 1
    return 1, max(2, *(abs(charge) for charge in charges))


def _scale(description: Description, charges: set[float]) -> int:
    """Least power of two that turns all numbers into whole ones."""
    numbers = {f"Weight of {edge}": edge.weight for edge in description.edges}
    numbers |= {f"Threshold of node {node.id}": node.threshold for node in description.nodes}
    numbers["Parameter 'min_potential'"] = description.parameters["min_potential"]
    numbers |= {f"Charge {charge:g} of an input": charge for charge in charges}
    for label, value in numbers.items():
        _whole(label, value, 1 << _FINEST)
    bits = range(_FINEST + 1)
    return next(1 << b for b in bits if all((v * (1 << b)) % 1 == 0 for v in numbers.values()))


def _whole(label: str, value: float, scale: int) -> int:
    if (value * scale) % 1:
        raise ValueError(
            f"{label} is {value:g}, which is no multiple of 1/{scale}: RISP adds such numbers in "
            f"floating point, and integers cannot follow its rounding"
        )
    return int(value * scale)


def _neuron(description: Description, scale: int, most: int) -> NeuronParameters:
    """Make the neurons, ``most`` being the greatest charge that a step may bring."""
    inclusive = bool(description.parameters["threshold_inclusive"])
    for node in description.nodes:
        if node.threshold < 0 or (inclusive and node.threshold == 0):
            raise ValueError(
                f"Threshold of node {node.id} is {node.threshold:g}: a RISP neuron would fire only "
                f"in steps that bring it an event; it must be above 0"
            )
    thresholds = np.array([round(node.threshold * scale) for node in description.nodes])
    minimum = round(description.parameters["min_potential"] * scale)
    reach = max(int(thresholds.max()), -minimum) + most
    width = max(_WIDTH, reach.bit_length() + 1)
    if width > _WIDEST:
        raise ValueError(
            f"Charges may reach {reach / scale:g}, which takes {width} bits of the {_WIDEST} that "
            f"there are; use a greater 'min_potential' or smaller weights"
        )
    leaks = np.array([node.leaks for node in description.nodes])
    return NeuronParameters(
        threshold=_alike(thresholds),
        decay=_alike(np.where(leaks, 0, DECAY_ONE)),
        minimum=minimum,
        inclusive=inclusive,
        width=width,
    )


def _alike(values: np.ndarray) -> Any:
    """One number if all are the same, else the array."""
    return int(values[0]) if (values == values[0]).all() else values


def _inputs(description: Description, weight: int) -> Projection:
    nodes = [node.id for node in description.nodes]
    matrix = np.zeros((len(description.inputs), len(nodes)), np.int64)
    for row, number in enumerate(description.inputs):
        matrix[row, nodes.index(number)] = weight
    return Dense("inputs", "nodes", matrix)


def _synapses(description: Description, scale: int) -> dict[tuple[int, int, int], int]:
    """Weight of each synapse, by its two neurons and by how many further updates it waits."""
    index = {node.id: place for place, node in enumerate(description.nodes)}
    weights: dict[tuple[int, int, int], int] = {}
    for edge in description.edges:
        _check_delay(edge)
        key = (index[edge.source], index[edge.target], edge.delay - 1)
        weights[key] = weights.get(key, 0) + round(edge.weight * scale)
    return weights


def _check_delay(edge: Edge) -> None:
    if not 1 <= edge.delay <= LONGEST_DELAY:
        raise ValueError(
            f"Delay of {edge} must lie between 1 and {LONGEST_DELAY} steps, not {edge.delay}; a "
            f"chain of nodes that pass the spike on makes a longer one"
        )


def _listed(description: Description, scale: int) -> Sequence[Projection]:
    """All synapses in one list."""
    weights = _synapses(description, scale)
    if not weights:
        return []
    pre, post, delays = np.array(list(weights)).T
    size = (len(description.nodes), len(description.nodes))
    values = np.array(list(weights.values()))
    return [Sparse("nodes", "nodes", values, pre=pre, post=post, size=size, delays=delays)]


def _by_delay(description: Description, scale: int) -> Sequence[Projection]:
    """Matrices of the synapses of each delay."""
    size = (len(description.nodes),) * 2
    matrices: dict[int, np.ndarray] = {}
    for (pre, post, delay), weight in _synapses(description, scale).items():
        matrices.setdefault(delay, np.zeros(size, np.int64))[pre, post] = weight
    return [Dense("nodes", "nodes", m, delay=d) for d, m in sorted(matrices.items())]
