"""Populations of an integer network."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from spikeloom_hw.neuron import NeuronParameters

__all__ = [
    "WIDTHS",
    "QuantisedPopulation",
    "check_width",
    "describe_neuron",
    "restore_neuron",
]

LARGEST_POPULATION = 1 << 20
LARGEST_VALUE = (1 << 15) - 1

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
    neuron : NeuronParameters or None
        Integer parameters; None for an input population, which is driven from outside.
    scale : float
        Real weight that the integer weight 1 stands for; for conversion back only.
    shape : tuple of int or None
        Channels, height and width, if convolutions see the population as maps; their product is
        ``size``. None stands for (size, 1, 1).
    largest : int
        Greatest magnitude of the values of an input, up to 2**15 - 1. At 1 it has spikes only; a
        graded input, whose events carry signed values, has at least 2.
    """

    name: str
    size: int
    neuron: NeuronParameters | None = None
    scale: float = 1.0
    shape: tuple[int, int, int] | None = None
    largest: int = 1

    def __post_init__(self) -> None:
        _check_name(self.name)
        check_width(f"Size of population {self.name!r}", self.size, 1, LARGEST_POPULATION)
        if not np.isfinite(self.scale) or self.scale <= 0:
            raise ValueError(
                f"Scale of population {self.name!r} must be a positive number, not {self.scale!r}"
            )
        if self.neuron is not None:
            _check_neuron(self.name, self.size, self.neuron)
        if self.shape is not None:
            object.__setattr__(self, "shape", _checked_shape(self.name, self.size, self.shape))
        check_width(f"Largest value of population {self.name!r}", self.largest, 1, LARGEST_VALUE)
        if self.largest > 1 and self.neuron is not None:
            raise ValueError(
                f"Largest value of population {self.name!r} must be 1, as only inputs carry "
                f"values from outside, not {self.largest}"
            )

    @property
    def quantum(self) -> float:
        """Real potential that the integer potential 1 stands for."""
        return self.scale / (1 << (self.neuron.shift if self.neuron else 0))

    @property
    def maps(self) -> tuple[int, int, int]:
        """Shape (channels, height, width); (size, 1, 1) if none was given."""
        return self.shape or (self.size, 1, 1)

    @property
    def largest_value(self) -> int:
        """Greatest magnitude by which what it sends multiplies a weight; 0 if it sends nothing."""
        return self.neuron.largest if self.neuron else self.largest


def check_width(label: str, value: Any, low: int, high: int) -> None:
    """Raise unless ``value`` is an integer from ``low`` to ``high``."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{label} must be an integer, not {value!r}")
    if not low <= value <= high:
        raise ValueError(f"{label} must lie between {low} and {high}, not {value}")


def describe_neuron(
    neuron: NeuronParameters, key: str, arrays: dict[str, np.ndarray]
) -> dict[str, Any]:
    """Describe a neuron for JSON, and add what it keeps per neuron to ``arrays`` under ``key``."""
    described: dict[str, Any] = {}
    for field in fields(neuron):
        value = getattr(neuron, field.name)
        if isinstance(value, np.ndarray):
            arrays[f"{key}/{field.name}"] = value
        elif isinstance(value, enum.Enum):
            described[field.name] = value.name
        else:
            described[field.name] = value if isinstance(value, bool) else int(value)
    return described


def restore_neuron(
    described: Mapping[str, Any], key: str, arrays: Mapping[str, np.ndarray]
) -> NeuronParameters:
    """Make the neuron that :func:`describe_neuron` described."""
    values: dict[str, Any] = {}
    for field in fields(NeuronParameters):
        if field.name not in described:
            values[field.name] = arrays[f"{key}/{field.name}"]
        elif isinstance(field.type, enum.EnumType):
            values[field.name] = field.type[described[field.name]]
        else:
            values[field.name] = described[field.name]
    return NeuronParameters(**values)


def _check_name(name: Any) -> None:
    if not isinstance(name, str):
        raise TypeError(f"Name of a population must be a string, not {name!r}")
    if not name:
        raise ValueError("Name of a population must not be empty")


def _checked_shape(name: str, size: int, shape: Any) -> tuple[int, int, int]:
    sides = np.asarray(shape)
    if sides.dtype.kind not in "iu" or sides.shape != (3,):
        raise TypeError(
            f"Shape of population {name!r} must be (channels, height, width), not {shape!r}"
        )
    if sides.min() < 1 or np.prod(sides, dtype=np.float64) != size:
        raise ValueError(f"Shape of population {name!r} must hold its {size} neurons, not {shape}")
    channels, height, width = sides.tolist()
    return channels, height, width


def _check_neuron(name: str, size: int, neuron: Any) -> None:
    if not isinstance(neuron, NeuronParameters):
        raise TypeError(f"Neuron of population {name!r} must be NeuronParameters, not {neuron!r}")
    check_width(f"Potential width of population {name!r}", neuron.width, *WIDTHS)
    for length in sorted(neuron.sizes):
        if length != size:
            raise ValueError(
                f"Population {name!r} has {size} neurons, "
                f"but a parameter of its neurons has {length} values"
            )
