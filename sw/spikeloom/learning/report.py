"""What quantisation made of the learning rules of a network."""

from typing import Any

import numpy as np

from spikeloom_hw.learning import LearningRule
from spikeloom_sim.learning import labels
from spikeloom_sim.projection import Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .conversion import Rounded, Setting
from .integers import integer_rule
from .rule import Rule

__all__ = ["describe", "setting_of"]


def setting_of(label: str, target: QuantisedPopulation, weight_width: int) -> Setting:
    """Where the rule of a projection into ``target`` works."""
    neuron = target.neuron
    if neuron is None:
        raise ValueError(f"Projection {label} ends in an input population, which learns nothing")
    threshold = max(1, int(np.max(np.abs(neuron.threshold)))) if neuron.largest else 0
    return Setting(label, target.scale, target.quantum, weight_width, neuron.width, threshold)


def describe(network: Any, quantised: QuantisedNetwork) -> str:
    """Say what quantisation made of the rules: every number, as it was wanted and as it is.

    Parameters
    ----------
    network : Network
        Network in real numbers.
    quantised : QuantisedNetwork
        What :func:`spikeloom.quantise.quantise` made of it.

    Returns
    -------
    str
        A few lines for each projection that learns; empty if none does.
    """
    lines: list[str] = []
    names = labels(quantised.projections)
    pairs = zip(names, network.projections, quantised.projections, strict=True)
    for name, projection, integers in pairs:
        if not isinstance(integers, Dense | Sparse) or not isinstance(integers.rule, LearningRule):
            continue
        rule = projection.rule
        if not isinstance(rule, Rule):
            raise TypeError(f"Projection {name!r} must have a Rule to be described, not {rule!r}")
        target = quantised.population(projection.target)
        setting = setting_of(str(projection), target, quantised.weight_width)
        made, rounded = integer_rule(rule, setting)
        coefficients = ", ".join(str(term.coefficient) for term in made.terms)
        lines.append(f"{name}: coefficients {coefficients}, shift {made.shift}")
        lines.extend(f"  {_line(entry)}" for entry in rounded)
    return "\n".join(lines)


def _line(entry: Rounded) -> str:
    exact = entry.wanted == entry.got
    change = "" if exact else f", is {entry.got:.6g} ({entry.error:.2%} off)"
    return f"{entry.name}: {entry.wanted:.6g}{change}"
