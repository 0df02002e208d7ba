"""Networks in real numbers: what a user describes, or a trained model is read into."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .neuron import IF, LIF

__all__ = ["IF", "LIF", "Network", "Population", "Projection"]


@dataclass(frozen=True, eq=False)
class Population:
    """Neurons of one kind, or inputs, for which ``neuron`` is None."""

    name: str
    size: int
    neuron: LIF | None = None


@dataclass(frozen=True, eq=False)
class Projection:
    """Real (pre, post) weights from every neuron of one population to every one of another."""

    source: str
    target: str
    weights: np.ndarray


@dataclass(eq=False)
class Network:
    """Populations and projections in real numbers, added one by one and checked at once.

    Parameters
    ----------
    name : str
        Name of the network, for reports only.
    """

    name: str = ""
    populations: dict[str, Population] = field(default_factory=dict, init=False)
    projections: list[Projection] = field(default_factory=list, init=False)

    def add_input(self, name: str, size: int) -> Population:
        """Add a population of inputs, which is driven from outside."""
        return self._add(Population(name, size))

    def add_population(self, name: str, size: int, neuron: LIF) -> Population:
        """Add a population of neurons."""
        if not isinstance(neuron, LIF):
            raise TypeError(f"Neuron of population {name!r} must be an LIF, not {neuron!r}")
        for length in sorted(neuron.sizes):
            if length != size:
                raise ValueError(
                    f"Population {name!r} has {size} neurons, "
                    f"but a parameter of its neurons has {length} values"
                )
        return self._add(Population(name, size, neuron))

    def connect(self, source: str, target: str, weights: Any) -> Projection:
        """Add a projection.

        Parameters
        ----------
        source, target : str
            Populations that were added before; the two may be the same.
        weights : (pre, post) array
            What a spike of each source neuron adds to the potential of each target neuron. The
            weight of a PyTorch ``Linear`` is (post, pre): give its transpose.
        """
        label = f"{source!r} -> {target!r}"
        for end in (source, target):
            if end not in self.populations:
                known = ", ".join(map(repr, self.populations)) or "none"
                raise ValueError(f"There is no population {end!r}; those added are {known}")
        if self.populations[target].neuron is None:
            raise ValueError(
                f"Projection {label} ends in an input population, which takes no projections"
            )
        numbers = np.asarray(weights)
        if numbers.dtype.kind not in "iuf":
            raise TypeError(
                f"Weights of projection {label} must be real numbers, not {numbers.dtype}"
            )
        numbers = np.array(numbers, np.float64, order="C")
        expected = (self.populations[source].size, self.populations[target].size)
        if numbers.shape != expected:
            transposed = numbers.shape == expected[::-1]
            hint = "; it fits when transposed, as weights of PyTorch do" if transposed else ""
            raise ValueError(
                f"Weights of projection {label} must have the shape {expected}, "
                f"(pre, post), not {numbers.shape}{hint}"
            )
        wrong = np.argwhere(~np.isfinite(numbers))
        if len(wrong):
            pre, post = (int(index) for index in wrong[0])
            raise ValueError(
                f"Weights of projection {label} must be finite, "
                f"but that from {pre} to {post} is {numbers[pre, post]}"
            )
        numbers.setflags(write=False)
        self.projections.append(Projection(source, target, numbers))
        return self.projections[-1]

    def _add(self, population: Population) -> Population:
        name, size = population.name, population.size
        if not isinstance(name, str) or not name:
            raise TypeError(
                f"Name of a population must be a string that is not empty, not {name!r}"
            )
        if name in self.populations:
            raise ValueError(f"Name {name!r} is given to more than one population")
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"Size of population {name!r} must be an integer, not {size!r}")
        if size < 1:
            raise ValueError(f"Size of population {name!r} must be at least 1, not {size}")
        self.populations[name] = population
        return population
