"""What all projections have in common."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

__all__ = ["Deliver", "Projection", "Synapses"]

Deliver = Callable[[np.ndarray, np.ndarray], None]
"""Takes (steps, batch, pre) events; adds what they bring to (updates, batch, post) currents."""

Synapses = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
"""Equally long arrays: pre, post, weight and delay of some synapses."""


@dataclass(frozen=True, eq=False)
class Projection(ABC):
    """Synapses from one population to another; weights are real or integer numbers.

    A spike is consumed at the next update of its target, plus ``delay`` further ones. Neurons of
    a population with the shape (channels, height, width) are numbered in the order of the array,
    as PyTorch's ``Flatten`` numbers them.

    Parameters
    ----------
    source, target : str
        Names of the populations.
    weights : array
        Float64 or integer weights, kept as a read-only copy; integers as int16 if they fit it,
        int32 otherwise.
    delay : int
        Further updates of the target (axonal delay), at least 0.

    Raises
    ------
    TypeError, ValueError
        If the parts do not make a projection; the message says which, and what it should be.
    """

    source: str
    target: str
    weights: np.ndarray
    delay: int = field(default=0, kw_only=True)

    FORM: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", self._kept(np.asarray(self.weights)))
        self.set_integer("delay", 0)

    def __str__(self) -> str:
        return f"{self.source!r} -> {self.target!r}"

    @property
    @abstractmethod
    def shape(self) -> tuple[int, int]:
        """Presynaptic and postsynaptic neurons."""

    @property
    @abstractmethod
    def longest_delay(self) -> int:
        """Greatest delay of any synapse, ``delay`` included."""

    @property
    @abstractmethod
    def operations(self) -> np.ndarray:
        """Synapses of each presynaptic neuron, those of weight 0 included: (pre,) int64 array."""

    @abstractmethod
    def magnitudes(self) -> np.ndarray:
        """Sum of the magnitudes of the weights into each neuron.

        Returns
        -------
        (post,) array
            Float64, or int64 for integer weights.
        """

    @abstractmethod
    def synapses(self) -> Iterator[Synapses]:
        """Give all synapses in pieces: (n,) arrays of pre, post, weight and whole delay."""

    @abstractmethod
    def delivery(self, dtype: Any) -> Deliver:
        """Prepare for the delivery of events.

        Parameters
        ----------
        dtype : dtype
            Float32 or float64, in which products are summed. The sums are exact if the magnitudes
            of the weights, times the greatest magnitude of an event, sum to an integer that the
            dtype has, at every neuron.

        Returns
        -------
        Deliver
            ``deliver(events, into)``: ``events`` are (steps, batch, pre) numbers of that dtype,
            1 for a spike; what those of step t bring with the delay d is added to ``into[t + d]``,
            a C-contiguous array of at least (steps + longest_delay, batch, post).
        """

    def set_integer(self, name: str, least: int) -> None:
        """Check that the attribute ``name`` is an integer of at least ``least``, and keep it."""
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise TypeError(f"{self._label(name)} must be an integer, not {value!r}")
        if value < least:
            raise ValueError(f"{self._label(name)} must be at least {least}, not {value}")
        object.__setattr__(self, name, int(value))

    def set_integers(self, name: str, count: int, least: int) -> None:
        """Check that the attribute ``name`` is ``count`` integers, and keep them as a tuple."""
        value = getattr(self, name)
        numbers = np.asarray(value)
        if numbers.dtype.kind not in "iu" or numbers.shape != (count,):
            raise TypeError(f"{self._label(name)} must be {count} integers, not {value!r}")
        if numbers.min() < least:
            raise ValueError(
                f"{self._label(name)} must be integers of at least {least}, not {value!r}"
            )
        object.__setattr__(self, name, tuple(numbers.tolist()))

    def _label(self, name: str) -> str:
        return f"{name.replace('_', ' ').capitalize()} of projection {self}"

    def _kept(self, weights: np.ndarray) -> np.ndarray:
        """Bring weights into one form, a read-only copy."""
        if weights.dtype.kind not in "iuf" or weights.ndim != len(self.FORM):
            form = f"({self.FORM[0]},)" if len(self.FORM) == 1 else f"({', '.join(self.FORM)})"
            raise TypeError(
                f"Weights of projection {self} must be a {form} array of numbers, "
                f"not {weights.dtype} of shape {weights.shape}"
            )
        dtype = np.dtype(np.float64) if weights.dtype.kind == "f" else self._narrow(weights)
        weights = np.array(weights, dtype, order="C")
        if dtype.kind == "f" and not np.isfinite(weights).all():
            place = tuple(np.argwhere(~np.isfinite(weights))[0].tolist())
            raise ValueError(
                f"Weights of projection {self} must be finite, but that at {place} is "
                f"{weights[place]}"
            )
        weights.setflags(write=False)
        return weights

    def _narrow(self, weights: np.ndarray) -> np.dtype:
        low, high = (int(weights.min()), int(weights.max())) if weights.size else (0, 0)
        narrow, wide = np.iinfo(np.int16), np.iinfo(np.int32)
        if low < wide.min or high > wide.max:
            worst = low if low < wide.min else high
            raise ValueError(f"Weights of projection {self} must fit in 32 bits, {worst} does not")
        return np.dtype(np.int16 if narrow.min <= low and high <= narrow.max else np.int32)


def magnitude(weights: np.ndarray) -> np.ndarray:
    """Magnitudes of weights, as float64 or int64."""
    return np.abs(weights, dtype=np.float64 if weights.dtype.kind == "f" else np.int64)
