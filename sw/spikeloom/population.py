"""Populations in real numbers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from .neuron import Neuron

__all__ = ["Population"]

Shape = tuple[int, int, int]

_LARGEST_VALUE = (1 << 15) - 1


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one kind, or inputs, for which ``neuron`` is None.

    Parameters
    ----------
    name : str
        Name.
    size : int
        Number of neurons.
    neuron : Neuron or None
        Parameters, one for each neuron where they are arrays.
    shape : tuple of int or None
        Shape (channels, height, width); neurons are numbered in the order of such an array.
    range : float
        For inputs that bring values: their greatest magnitude; 0 for inputs that bring spikes.
    largest : int
        Integer that stands for ``range`` in hardware; 1 for spikes.
    """

    name: str
    size: int
    neuron: Neuron | None = None
    shape: Shape | None = None
    range: float = 0.0
    largest: int = 1

    @property
    def unit(self) -> float:
        """Number that a value of 1 stands for in hardware; 1 for spikes."""
        return self.range / self.largest if self.range else 1.0

    @property
    def output(self) -> str:
        """What leaves a neuron of the population; inputs bring ``"spike"`` or ``"value"``."""
        return "spike" if self.neuron is None else self.neuron.output

    @classmethod
    def of_inputs(
        cls, name: str, size: int | Shape, values: bool, range: float, largest: int
    ) -> Self:
        """Make a population of inputs, see :meth:`.Network.add_input`."""
        count, shape = _measure(name, size)
        if not values:
            return cls(name, count, None, shape)
        if not isinstance(range, int | float) or not np.isfinite(range) or range <= 0:
            raise ValueError(f"Range of input {name!r} must be a positive number, not {range!r}")
        if isinstance(largest, bool) or not isinstance(largest, int):
            raise TypeError(f"Largest value of input {name!r} must be an integer, not {largest!r}")
        if not 2 <= largest <= _LARGEST_VALUE:
            raise ValueError(
                f"Largest value of input {name!r} must lie between 2 and {_LARGEST_VALUE}, "
                f"not {largest}"
            )
        return cls(name, count, None, shape, float(range), largest)

    @classmethod
    def of_neurons(cls, name: str, size: int | Shape, neuron: Any) -> Self:
        """Make a population of neurons, see :meth:`.Network.add_population`."""
        count, shape = _measure(name, size)
        if not isinstance(neuron, Neuron):
            raise TypeError(
                f"Neuron of population {name!r} must be an LIF or the like, not {neuron!r}"
            )
        channels = shape[0] if shape else count
        for length in sorted(neuron.sizes):
            if length not in (channels, count):
                inside = f" in {channels} channels" if shape else ""
                raise ValueError(
                    f"Population {name!r} has {count} neurons{inside}, "
                    f"but a parameter of its neurons has {length} values"
                )
        return cls(name, count, neuron.spread(channels, count // channels), shape)


def _measure(name: str, size: Any) -> tuple[int, Shape | None]:
    """Check name and size; tell the number of neurons, and the shape if there is one."""
    if not isinstance(name, str) or not name:
        raise TypeError(f"Name of a population must be a string that is not empty, not {name!r}")
    lengths = size if isinstance(size, tuple) else (size,)
    for length in lengths:
        if isinstance(length, bool) or not isinstance(length, int | np.integer):
            raise TypeError(
                f"Size of population {name!r} must be an integer or (channels, height, width), "
                f"not {size!r}"
            )
    if len(lengths) not in (1, 3):
        raise ValueError(
            f"Shape of population {name!r} must be (channels, height, width), "
            f"with a height of 1 in one dimension, not {size!r}"
        )
    if min(lengths) < 1:
        raise ValueError(f"Size of population {name!r} must be at least 1, not {size}")
    if len(lengths) == 1:
        return int(lengths[0]), None
    channels, height, width = map(int, lengths)
    return channels * height * width, (channels, height, width)
