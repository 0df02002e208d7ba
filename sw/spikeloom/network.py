"""Networks in real numbers: what a user describes, or a trained model is read into."""

from dataclasses import dataclass, field
from math import prod
from typing import Any, TypeVar, Unpack

import numpy as np

from spikeloom_hw.validate import check_choice
from spikeloom_sim.phases import TIMINGS
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse

from .geometry import Geometry, make_convolution, pooled_shape
from .learning.rule import Rule
from .population import Population
from .synapses import as_synapses

__all__ = ["Network", "Population"]

_Joined = TypeVar("_Joined", bound=Projection)


@dataclass(eq=False)
class Network:
    """Populations and projections in real numbers, added one by one and checked at once.

    Parameters
    ----------
    name : str
        Name of the network, for reports only.
    timing : str
        ``"exact"``: a spike crosses all populations within one step, as in PyTorch.
        ``"pipelined"``: every hop between populations takes a step, as on most neuromorphic chips;
        :func:`spikeloom.pipeline.pipelined` turns the one into the other.
    """

    name: str = ""
    timing: str = "exact"
    populations: dict[str, Population] = field(default_factory=dict, init=False)
    projections: list[Projection] = field(default_factory=list, init=False)

    def __post_init__(self) -> None:
        check_choice("Timing", self.timing, TIMINGS)

    def add_input(
        self,
        name: str,
        size: int | tuple[int, int, int],
        *,
        values: bool = False,
        range: float = 1.0,
        largest: int = 127,
    ) -> Population:
        """Add a population of inputs, which is driven from outside.

        Parameters
        ----------
        name : str
            Name, unique in the network.
        size : int or tuple of int
            Number of inputs, or their shape (channels, height, width).
        values : bool
            Whether an input brings real numbers rather than spikes: each step adds the weights
            times the value.
        range : float
            Greatest magnitude of such a value.
        largest : int
            Integer that stands for ``range`` in hardware, from 2 to 32767.
        """
        return self._add(Population.of_inputs(name, size, values, range, largest))

    def add_population(
        self, name: str, size: int | tuple[int, int, int], neuron: Any
    ) -> Population:
        """Add a population of neurons.

        Parameters
        ----------
        name : str
            Name, unique in the network.
        size : int or tuple of int
            Number of neurons, or their shape (channels, height, width).
        neuron : Neuron
            :class:`~spikeloom.neuron.LIF` or another one. Its arrays hold a number for each
            neuron, or for each channel.
        """
        return self._add(Population.of_neurons(name, size, neuron))

    def connect(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        pool: Any = 1,
        delay: int = 0,
        rule: Rule | None = None,
    ) -> Dense | Convolution:
        """Connect every neuron of a population to every neuron of another.

        Parameters
        ----------
        source, target : str
            Populations that were added before; the two may be the same.
        weights : (pre, post) array
            What a spike of each source neuron adds to each target neuron. The weight of a PyTorch
            ``Linear`` is (post, pre): give its transpose.
        pool : int or pair of int
            Height and width of the windows of the source that are summed first; ``pre`` then
            counts windows, in the order of the array (channels, height, width).
        delay : int
            Further steps that every spike waits.
        rule : Rule or None
            How the weights learn; see :mod:`spikeloom.learning`.
        """
        label = self._check_ends(source, target)
        numbers = _as_real(label, weights)
        _check_rule(label, rule, numbers, pool)
        before, after = self.populations[source], self.populations[target]
        if np.all(np.asarray(pool) == 1):
            _check_shape(label, numbers, (before.size, after.size))
            return self._join(Dense(source, target, numbers, delay=delay, rule=rule))
        # A convolution whose kernel is as large as the pooled map.
        shape = self._shaped(source, label)
        pooled = pooled_shape(label, shape, pool)
        _check_shape(label, numbers, (prod(pooled), after.size))
        geometry = Geometry(pool=pool, delay=delay)
        kernel = numbers.T.reshape(-1, *pooled)
        return self._join(make_convolution((source, target), kernel, shape, geometry))

    def convolve(
        self, source: str, target: str, weights: Any, **geometry: Unpack[Geometry]
    ) -> Convolution:
        """Connect two populations in channels by a convolution, as PyTorch computes it.

        Parameters
        ----------
        source, target : str
            Populations that were added before, with a shape.
        weights : array
            (out channels, in channels / groups, height, width) kernel; without the height for a
            convolution along the width of populations of height 1. The bias of a PyTorch
            ``Conv2d`` is a parameter of the target's neurons.
        **geometry
            ``stride``, ``padding``, ``dilation``, ``groups``, ``pool`` and ``delay``, see
            :class:`~spikeloom.geometry.Geometry`.
        """
        label = self._check_ends(source, target)
        numbers = _as_real(label, weights)
        if numbers.ndim not in (3, 4):
            raise ValueError(
                f"Weights of projection {label} must have the shape (out channels, in channels, "
                f"height, width) or (out channels, in channels, width), not {numbers.shape}"
            )
        shape = self._shaped(source, label)
        made = make_convolution((source, target), numbers, shape, geometry)
        return self._join(made)

    def connect_sparse(
        self,
        source: str,
        target: str,
        weights: Any,
        *,
        ends: Any = None,
        delay: Any = 0,
        spare: float = 0.0,
        rule: Rule | None = None,
    ) -> Sparse:
        """Connect two populations by single synapses.

        Parameters
        ----------
        source, target : str
            Populations that were added before; the two may be the same.
        weights : (synapses,) array, (pre, post) array or sparse matrix of SciPy
            Weights of the synapses in ``ends``; or a matrix, in which 0 means no synapse.
        ends : pair of (synapses,) int arrays or None
            Presynaptic and postsynaptic neurons, if ``weights`` is no matrix.
        delay : int or array
            Further steps that spikes wait; an array of the shape of ``weights`` gives each synapse
            its own.
        spare : float
            Room that hardware keeps for synapses that are created later, see
            :mod:`spikeloom.learning.structure`: 0.25 is a quarter more than these take.
        rule : Rule or None
            How the weights learn; see :mod:`spikeloom.learning`.
        """
        label = self._check_ends(source, target)
        size = (self.populations[source].size, self.populations[target].size)
        columns = as_synapses(label, size, weights, ends, delay)
        made = Sparse(source, target, size=size, spare=spare, rule=rule, **columns)
        _check_rule(label, rule, made.weights)
        return self._join(made)

    def _join(self, projection: _Joined) -> _Joined:
        """Keep a projection whose target fits it."""
        target = self.populations[projection.target]
        if isinstance(projection, Convolution):
            expected, got = projection.output_shape, target.shape or (target.size, 1, 1)
            if got != expected:
                kind = "the shape" if target.shape else "no shape, but the size"
                given = got if target.shape else target.size
                raise ValueError(
                    f"Projection {projection} gives the shape {expected}, "
                    f"but population {target.name!r} has {kind} {given}"
                )
        self.projections.append(projection)
        return projection

    def _check_ends(self, source: str, target: str) -> str:
        for end in (source, target):
            if end not in self.populations:
                known = ", ".join(map(repr, self.populations)) or "none"
                raise ValueError(f"There is no population {end!r}; those added are {known}")
        label = f"{source!r} -> {target!r}"
        if self.populations[target].neuron is None:
            raise ValueError(
                f"Projection {label} ends in an input population, which takes no projections"
            )
        output = self.populations[source].output
        if output in ("value", "silent"):
            raise ValueError(
                f"Projection {label} begins in a population of output {output!r}, "
                f"which sends nothing to other neurons"
            )
        return label

    def _shaped(self, name: str, label: str) -> tuple[int, int, int]:
        population = self.populations[name]
        if population.shape is None:
            raise ValueError(
                f"Population {name!r} must have a shape (channels, height, width) "
                f"for projection {label}, not only the size {population.size}"
            )
        return population.shape

    def _add(self, population: Population) -> Population:
        if population.name in self.populations:
            raise ValueError(f"Name {population.name!r} is given to more than one population")
        self.populations[population.name] = population
        return population


def _as_real(label: str, weights: Any) -> np.ndarray:
    numbers = np.asarray(weights)
    if numbers.dtype.kind not in "iuf":
        raise TypeError(f"Weights of projection {label} must be real numbers, not {numbers.dtype}")
    return numbers.astype(np.float64)


def _check_rule(label: str, rule: Any, weights: np.ndarray, pool: Any = 1) -> None:
    if rule is None:
        return
    if not isinstance(rule, Rule):
        raise TypeError(f"Rule of projection {label} must be a Rule, not {rule!r}")
    if np.any(np.asarray(pool) != 1):
        raise ValueError(f"Projection {label} cannot learn and pool: leave one of them out")
    wrong = weights[(weights < rule.low) | (weights > rule.high)]
    if wrong.size:
        raise ValueError(
            f"Weights of projection {label} must begin between {rule.low:g} and {rule.high:g}, "
            f"where its rule keeps them, not with {wrong[0]:g}"
        )


def _check_shape(label: str, weights: np.ndarray, expected: tuple[int, int]) -> None:
    if weights.shape == expected:
        return
    transposed = weights.shape == expected[::-1]
    hint = "; it fits when transposed, as weights of PyTorch do" if transposed else ""
    raise ValueError(
        f"Weights of projection {label} must have the shape {expected}, "
        f"(pre, post), not {weights.shape}{hint}"
    )
