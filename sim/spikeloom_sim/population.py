"""Populations and projections of an integer network."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from spikeloom_hw.neuron import LIFParameters, Reset

__all__ = [
    "WIDTHS",
    "QuantisedPopulation",
    "QuantisedProjection",
    "check_width",
    "describe_neuron",
    "restore_neuron",
]

LARGEST_POPULATION = 1 << 20

WIDTHS = (2, 32)
"""Least and greatest width of a potential or an accumulator."""


@dataclass(frozen=True, eq=False)
class QuantisedPopulation:
    """Neurons of one kind, or inputs.

    Parameters
    ----------
    name : str
        Name, unique in the network.
    size : int
        Number of neurons, from 1 to 2**20.
    neuron : LIFParameters or None
        Integer parameters; None for an input population, which is driven from outside.
    scale : float
        Real weight that the integer weight 1 stands for; for conversion back only.
    """

    name: str
    size: int
    neuron: LIFParameters | None = None
    scale: float = 1.0

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_width(f"Size of population {self.name!r}", self.size, 1, LARGEST_POPULATION)
        if not np.isfinite(self.scale) or self.scale <= 0:
            raise ValueError(
                f"Scale of population {self.name!r} must be a positive number, not {self.scale!r}"
            )
        if self.neuron is not None:
            _check_neuron(self.name, self.size, self.neuron)

    @property
    def quantum(self) -> float:
        """Real potential that the integer potential 1 stands for."""
        return self.scale / (1 << (self.neuron.shift if self.neuron else 0))


@dataclass(frozen=True, eq=False)
class QuantisedProjection:
    """Weights from every neuron of one population to every neuron of another.

    Parameters
    ----------
    source, target : str
        Names of the populations.
    weights : (pre, post) int array
        Integer weights, kept as a read-only copy: int16 if they fit it, int32 otherwise.
    """

    source: str
    target: str
    weights: np.ndarray

    def __post_init__(self) -> None:
        weights = np.asarray(self.weights)
        if weights.dtype.kind not in "iu" or weights.ndim != 2:
            raise TypeError(
                f"Weights of projection {self} must be a (pre, post) integer array, "
                f"not {weights.dtype} of shape {weights.shape}"
            )
        low, high = (int(weights.min()), int(weights.max())) if weights.size else (0, 0)
        narrow, wide = np.iinfo(np.int16), np.iinfo(np.int32)
        if low < wide.min or high > wide.max:
            worst = low if low < wide.min else high
            raise ValueError(f"Weights of projection {self} must fit in 32 bits, {worst} does not")
        fits = narrow.min <= low and high <= narrow.max
        weights = np.array(weights, dtype=np.int16 if fits else np.int32, order="C")
        weights.setflags(write=False)
        object.__setattr__(self, "weights", weights)

    def __str__(self) -> str:
        return f"{self.source!r} -> {self.target!r}"


def check_width(label: str, value: Any, low: int, high: int) -> None:
    """Raise unless ``value`` is an integer from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{label} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{label} must lie between {low} and {high}, not {value}")


def describe_neuron(
    neuron: LIFParameters, key: str, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Describe a neuron for JSON, and add what it keeps per neuron to ``arrays`` under ``key``."""
    described: dict[str, Any] = {}
    for field in fields(neuron):
        value = getattr(neuron, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{key}/{field.name}"] = value
        elif isinstance(value, Reset):
            described[field.name] = value.name
        else:
            described[field.name] = value if isinstance(value, bool) else int(value)
    return described


def restore_neuron(
    described: Mapping[str, Any], key: str, arrays: Mapping[str, np.ndarray]
) -> LIFParameters:
    """Make the neuron that :func:`describe_neuron` described."""
    names = [field.name for field in fields(LIFParameters)]
    kept = {name: arrays[f"{key}/{name}"] for name in names if f"{key}/{name}" in arrays}
    return LIFParameters(**{**described, "reset": Reset[described["reset"]], **kept})


def _check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"Name of a population must be a string, not {name!r}")
    if not name:
        raise ValueError("Name of a population must not be empty")


def _check_neuron(name: str, size: int, neuron: Any) -> None:
    if not isinstance(neuron, LIFParameters):
        raise TypeError(f"Neuron of population {name!r} must be LIFParameters, not {neuron!r}")
    check_width(f"Potential width of population {name!r}", neuron.width, *WIDTHS)
    for length in sorted(neuron.sizes):
        if length != size:
            raise ValueError(
                f"Population {name!r} has {size} neurons, "
                f"but a parameter of its neurons has {length} values"
            )
