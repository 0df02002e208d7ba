"""Parts of an integer network as plain data and arrays, for its file."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from .learning.rule_file import describe_rule, restore_rule
from .population import QuantisedPopulation, describe_neuron, restore_neuron
from .projection import Convolution, Dense, Projection, Sparse

__all__ = [
    "KIND",
    "describe_population",
    "describe_projection",
    "restore_population",
    "restore_projection",
]

KIND = ("quantised network", 2)
"""What a network file says that it is, and the version of its layout."""

_PLAIN: dict[type[Projection], tuple[str, ...]] = {
    Dense: (),
    Convolution: ("input_shape", "stride", "padding", "dilation", "groups", "pool"),
    Sparse: ("size", "spare"),
}
_ARRAYS: dict[type[Projection], tuple[str, ...]] = {
    Dense: ("weights",),
    Convolution: ("weights",),
    Sparse: ("weights", "pre", "post", "delays"),
}


def describe_population(
    population: QuantisedPopulation, index: int, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Describe a population for JSON, and add its arrays to ``arrays``."""
    neuron = population.neuron
    return {
        "name": population.name,
        "size": population.size,
        "scale": population.scale,
        "shape": population.shape,
        "largest": population.largest,
        "neuron": neuron and describe_neuron(neuron, f"neuron/{index}", arrays),
    }


def restore_population(
    described: Mapping[str, Any], index: int, arrays: Mapping[str, np.ndarray]
) -> QuantisedPopulation:
    """Make the population that :func:`describe_population` described."""
    neuron = described["neuron"]
    neuron = neuron and restore_neuron(neuron, f"neuron/{index}", arrays)
    return QuantisedPopulation(**{**described, "neuron": neuron})


def describe_projection(
    projection: Projection, index: int, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Describe a projection for JSON, and add its arrays to ``arrays``."""
    kind = type(projection)
    for name in _ARRAYS[kind]:
        value = getattr(projection, name)
        if value is not None:
            arrays[f"{name}/{index}"] = value
    names = ("source", "target", "delay", *_PLAIN[kind])
    described = {"kind": kind.__name__, **{name: getattr(projection, name) for name in names}}
    if isinstance(projection, Dense | Sparse) and projection.rule is not None:
        described["rule"] = describe_rule(projection.rule, f"feedback/{index}", arrays)
    return described


def restore_projection(
    described: Mapping[str, Any], index: int, arrays: Mapping[str, np.ndarray]
) -> Projection:
    """Make the projection that :func:`describe_projection` described."""
    kinds = {kind.__name__: kind for kind in _PLAIN}
    kind = kinds[described["kind"]]
    plain = {name: value for name, value in described.items() if name != "kind"}
    if "rule" in plain:
        plain["rule"] = restore_rule(plain["rule"], f"feedback/{index}", arrays)
    kept: dict[str, Any] = {name: arrays.get(f"{name}/{index}") for name in _ARRAYS[kind]}
    return kind(**plain, **kept)
