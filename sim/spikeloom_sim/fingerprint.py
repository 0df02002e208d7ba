"""What tells one network from another, whatever they learn."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import numpy as np

from .learning import LearningState
from .network_file import describe_population, describe_projection
from .population import QuantisedPopulation
from .projection import Dense, Projection, Sparse

__all__ = ["fingerprint"]


def fingerprint(
    populations: Iterable[QuantisedPopulation],
    projections: Iterable[Projection],
    widths: tuple[int, int],
    timing: str,
) -> str:
    """Hash of all that stays as it is while a network learns, and while its rules are changed.

    Weights of projections with a rule, and thresholds and decays that a rule learns, do not count;
    of a rule itself only what it keeps from step to step does.

    Parameters
    ----------
    populations, projections : iterable
        Parts of the network.
    widths : tuple of int
        Bits of weights and accumulators.
    timing : str
        How time passes from layer to layer.

    Returns
    -------
    str
        16 hexadecimal digits.
    """
    projections = list(projections)
    plastic = (p for p in projections if isinstance(p, Dense | Sparse) and p.rule)
    taught = {p.target for p in plastic if p.rule.neurons}
    arrays: dict[str, np.ndarray] = {}
    described: list[Any] = [*widths, timing]
    for index, population in enumerate(populations):
        if population.neuron is not None and population.name in taught:
            neuron = replace(population.neuron, threshold=1, decay=1)
            population = replace(population, neuron=neuron)
        described.append(describe_population(population, index, arrays))
    for index, projection in enumerate(projections):
        kept: dict[str, Any] = {}
        if isinstance(projection, Dense | Sparse) and projection.rule is not None:
            rest = LearningState.rest(projection.rule, projection.shape)
            kept = {name: array.shape for name, array in rest._asdict().items()}
            weights = np.zeros_like(projection.weights)
            projection = replace(projection, weights=weights, rule=None)
        described.append(describe_projection(projection, index, arrays) | kept)
    whole = hashlib.sha256(json.dumps(described, sort_keys=True).encode())
    for name, array in sorted(arrays.items()):
        whole.update(f"{name} {array.shape}".encode())
        whole.update(np.ascontiguousarray(array, "<i8").tobytes())
    return whole.hexdigest()[:16]
