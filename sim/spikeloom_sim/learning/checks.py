"""Whether the rules of a network fit its populations, its numbers and one another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikeloom_hw.learning import LearningRule
from spikeloom_hw.neuron import Leak, NeuronParameters, Output, Reset
from spikeloom_hw.number import Signed

from ..population import QuantisedPopulation
from ..projection import Dense, Projection, Sparse
from .order import plastic_projections

__all__ = ["check_rules"]


def check_rules(
    populations: Mapping[str, QuantisedPopulation],
    projections: Sequence[Projection],
    phases: Mapping[str, int],
    weight_width: int,
) -> None:
    """Raise unless all rules can be followed.

    Parameters
    ----------
    populations : Mapping of str to QuantisedPopulation
        All populations, by name.
    projections : sequence of Projection
        All projections, whose ends and shapes have been checked.
    phases : Mapping of str to int
        Phase of each population of neurons.
    weight_width : int
        Bits of a weight.
    """
    plastic = list(plastic_projections(projections, phases).values())
    for projection in plastic:
        if not isinstance(projection.rule, LearningRule):
            raise TypeError(
                f"Projection {projection} must have a LearningRule, not {projection.rule!r}"
            )
        _check_sparse(projection)
        _check_ends(projection, populations)
        _check_weights(projection, weight_width)
        _check_back(projection, populations, weight_width)
    _check_order(plastic)
    widths = {p.rule.operand_width: p for p in plastic}
    if len(widths) > 1:
        (one, first), (other, second) = list(widths.items())[:2]
        raise ValueError(
            f"All rules of a network must see traces in as many bits, but projection {first} has "
            f"an operand width of {one}, projection {second} of {other}"
        )
    _check_neurons(plastic, populations)


def _check_ends(projection: Dense | Sparse, populations: Mapping[str, QuantisedPopulation]) -> None:
    source, target = populations[projection.source], populations[projection.target]
    if source.largest_value > 1:
        kind = "values" if source.neuron is None else "counts"
        raise ValueError(
            f"Projection {projection} learns, so its source must send spikes, not {kind}"
        )
    if target.neuron is not None and target.neuron.output is Output.COUNT:
        raise ValueError(
            f"Projection {projection} learns, so its target must fire at most once a step: "
            f"give it another output than COUNT"
        )


def _check_sparse(projection: Dense | Sparse) -> None:
    rule = projection.rule
    if not isinstance(projection, Sparse):
        return
    for name, part in (("back", rule.back), ("eligibility", rule.eligibility)):
        if part is not None:
            raise ValueError(
                f"Projection {projection} is sparse, so its rule can have no {name!r}: leave it "
                f"out, or use a dense projection"
            )


def _check_weights(projection: Dense | Sparse, width: int) -> None:
    rule, number = projection.rule, Signed(width)
    if rule.low < number.low or rule.high > number.high:
        raise ValueError(
            f"Projection {projection} learns weights from {rule.low} to {rule.high}, but "
            f"{width} bits hold {number.low} to {number.high}"
        )
    weights = projection.weights
    low, high = int(weights.min(initial=rule.low)), int(weights.max(initial=rule.high))
    if low < rule.low or high > rule.high:
        raise ValueError(
            f"Projection {projection} learns weights from {rule.low} to {rule.high}, so it must "
            f"begin with such weights, not with {low if low < rule.low else high}"
        )


def _check_back(
    projection: Dense | Sparse, populations: Mapping[str, QuantisedPopulation], width: int
) -> None:
    back = projection.rule.back
    if back is None:
        return
    if populations[projection.source].neuron is None:
        raise ValueError(
            f"Projection {projection} sends errors back, but its source is an input, "
            f"which learns nothing: leave 'back' out"
        )
    if back.feedback is None:
        return
    if back.feedback.shape != projection.shape:
        raise ValueError(
            f"Feedback of projection {projection} must have the shape {projection.shape} of its "
            f"weights, not {back.feedback.shape}"
        )
    number = Signed(width)
    low, high = int(back.feedback.min(initial=0)), int(back.feedback.max(initial=0))
    if low < number.low or high > number.high:
        raise ValueError(
            f"Feedback of projection {projection} must fit in {width} bits like its weights, "
            f"{low if low < number.low else high} does not"
        )


def _check_order(plastic: Sequence[Dense | Sparse]) -> None:
    """Refuse errors for a population that has looked at its errors before they come."""
    for index, projection in enumerate(plastic):
        if projection.rule.back is None:
            continue
        for other in plastic[: index + 1]:
            if other.target == projection.source and other.rule.errors:
                raise ValueError(
                    f"Projection {projection} sends errors back to {projection.source!r} after "
                    f"projection {other} has learned from those of the step: errors go against "
                    f"the phases, or against the order of declaration within a phase"
                )


def _check_neurons(
    plastic: Sequence[Dense | Sparse], populations: Mapping[str, QuantisedPopulation]
) -> None:
    taught: dict[str, Dense | Sparse] = {}
    for projection in plastic:
        if projection.rule.neurons is None:
            continue
        name = projection.target
        if name in taught:
            raise ValueError(
                f"Thresholds and leaks of population {name!r} can learn by one rule only, but "
                f"projections {taught[name]} and {projection} both have one"
            )
        taught[name] = projection
        neuron = populations[name].neuron
        if neuron is not None:
            _check_parameters(name, neuron, projection.rule)


def _check_parameters(name: str, neuron: NeuronParameters, rule: LearningRule) -> None:
    label = f"Population {name!r} learns thresholds or leaks"
    if neuron.reset is not Reset.SUBTRACT:
        raise ValueError(f"{label}, so its reset must be SUBTRACT, not {neuron.reset.name}")
    if neuron.leak is not Leak.MULTIPLY:
        raise ValueError(f"{label}, so its leak must be MULTIPLY, not {neuron.leak.name}")
    part, number = rule.neurons, Signed(neuron.width)
    assert part is not None
    learned: dict[str, tuple[int | None, Any, tuple[int, int]]] = {
        "thresholds": (part.threshold_shift, neuron.threshold, part.thresholds),
        "decays": (part.decay_shift, neuron.decay, part.decays),
    }
    for kind, (shift, value, (low, high)) in learned.items():
        if shift is None:
            continue
        if kind == "thresholds" and (low < number.low or high > number.high):
            raise ValueError(
                f"{label} from {low} to {high}, but potentials of {neuron.width} bits hold "
                f"{number.low} to {number.high}"
            )
        least, most = int(np.min(value)), int(np.max(value))
        if least < low or most > high:
            raise ValueError(
                f"{label}: {kind} from {low} to {high}, so it must begin with such, "
                f"not with {least if least < low else most}"
            )
