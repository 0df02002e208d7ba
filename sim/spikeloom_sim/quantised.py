"""The integer network: what the golden model runs and the compiler maps to hardware."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from spikeloom_hw.archive import read_archive, write_archive
from spikeloom_hw.learning import LearningRule
from spikeloom_hw.validate import check_choice

from .fingerprint import fingerprint
from .learning.checks import check_rules
from .network_file import (
    KIND,
    describe_population,
    describe_projection,
    restore_population,
    restore_projection,
)
from .phases import TIMINGS, assign_phases
from .population import WIDTHS, QuantisedPopulation, check_width
from .projection import Convolution, Dense, Projection, Sparse

__all__ = ["KIND", "QuantisedNetwork", "QuantisedPopulation"]

WEIGHT_WIDTHS = (2, 24)


@dataclass(frozen=True, eq=False)
class QuantisedNetwork:
    """Populations and projections in integers, checked as a whole.

    Every neuron keeps to the static bound on its accumulator: the magnitudes of all weights that
    reach it, each times the greatest magnitude of what its source sends, sum to at most
    ``2**(accumulator_width - 1) - 1``. So no accumulator ever wraps, whichever neurons fire, and
    the order in which spikes arrive cannot matter. Delays change nothing, as every synapse adds
    at most once to what one update takes. A weight that learns counts with the greatest magnitude
    that it may come to.

    Parameters
    ----------
    populations : sequence of QuantisedPopulation
        In order of declaration, which decides where loops are opened (see :attr:`phases`).
    projections : sequence of Projection
        Several may join the same two populations; their weights add up.
    weight_width : int
        Bits of a weight, from 2 to 24.
    accumulator_width : int
        Bits of an accumulator, from 2 to 32.
    timing : str
        ``"exact"``: a spike crosses all layers within its step; ``"pipelined"``: every hop
        between two populations of neurons takes a step.
    """

    populations: tuple[QuantisedPopulation, ...]
    projections: tuple[Projection, ...]
    weight_width: int = 8
    accumulator_width: int = 18
    timing: str = "exact"

    def __post_init__(self) -> None:
        object.__setattr__(self, "populations", tuple(self.populations))
        object.__setattr__(self, "projections", tuple(self.projections))
        check_width("Weight width", self.weight_width, *WEIGHT_WIDTHS)
        check_width("Accumulator width", self.accumulator_width, *WIDTHS)
        check_choice("Timing", self.timing, TIMINGS)
        _check_populations(self.populations)
        for projection in self.projections:
            self._check_projection(projection)
        check_rules(
            {p.name: p for p in self.populations}, self.projections, self.phases, self.weight_width
        )
        for population in self.neurons:
            self._check_bound(population)

    @property
    def inputs(self) -> tuple[QuantisedPopulation, ...]:
        """Populations that are driven from outside."""
        return tuple(p for p in self.populations if p.neuron is None)

    @property
    def neurons(self) -> tuple[QuantisedPopulation, ...]:
        """Populations of neurons."""
        return tuple(p for p in self.populations if p.neuron is not None)

    @cached_property
    def phases(self) -> dict[str, int]:
        """Phase in which each population of neurons is updated, by name.

        Phases are told by :func:`spikeloom_sim.phases.assign_phases`. A spike is seen in the same
        step by a target of a later phase, and in the next step by any other.
        """
        edges = [(p.source, p.target) for p in self.projections]
        return assign_phases([p.name for p in self.neurons], edges, self.timing)

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all that learning leaves as it is; :func:`~.fingerprint.fingerprint` says what.

        A network and what it has learned have the same.
        """
        widths = self.weight_width, self.accumulator_width
        return fingerprint(self.populations, self.projections, widths, self.timing)

    def population(self, name: str) -> QuantisedPopulation:
        """Return the population called ``name``."""
        for population in self.populations:
            if population.name == name:
                return population
        known = ", ".join(repr(p.name) for p in self.populations)
        raise ValueError(f"There is no population {name!r}; the network has {known}")

    def projections_from(self, name: str) -> tuple[Projection, ...]:
        """Return the projections whose source is the population ``name``."""
        return tuple(p for p in self.projections if p.source == self.population(name).name)

    def projections_into(self, name: str) -> tuple[Projection, ...]:
        """Return the projections whose target is the population ``name``."""
        return tuple(p for p in self.projections if p.target == self.population(name).name)

    def largest_input(self, name: str) -> np.ndarray:
        """Greatest magnitude that the sum of the input of each neuron can have.

        Returns
        -------
        (size,) int64 array
            Sum of the magnitudes of the weights into each neuron of ``name``, each times the
            greatest magnitude of what its source sends.
        """
        total = np.zeros(self.population(name).size, np.int64)
        for projection in self.projections_into(name):
            total += self._share(projection)
        return total

    def with_rule(
        self, source: str, target: str, rule: LearningRule, number: int = 0
    ) -> "QuantisedNetwork":
        """Return the network with another rule for one of its projections that learn.

        Parameters
        ----------
        source, target : str
            Populations that it joins.
        rule : LearningRule
            The rule.
        number : int
            Which one, in order of declaration, if several join the same two.

        Raises
        ------
        ValueError
            If there is no such projection, or it has no rule, or the network cannot follow it.
        """
        found = [p for p in self.projections if (p.source, p.target) == (source, target)]
        changed = found[number] if 0 <= number < len(found) else None
        if not isinstance(changed, Dense | Sparse) or changed.rule is None:
            which = f" with the number {number}" if number else ""
            raise ValueError(
                f"There is no projection from {source!r} to {target!r}{which} that learns"
            )
        fresh = replace(changed, rule=rule)
        return replace(
            self, projections=tuple(fresh if p is changed else p for p in self.projections)
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to one .npz file."""
        write_archive(path, KIND, *self.describe())

    def describe(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Give the network as a description fit for JSON, and arrays by name."""
        arrays: dict[str, np.ndarray] = {}
        description = {
            "weight_width": self.weight_width,
            "accumulator_width": self.accumulator_width,
            "timing": self.timing,
            "populations": [
                describe_population(population, index, arrays)
                for index, population in enumerate(self.populations)
            ],
            "projections": [
                describe_projection(projection, index, arrays)
                for index, projection in enumerate(self.projections)
            ],
        }
        return description, arrays

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "QuantisedNetwork":
        """Read a network that :meth:`save` or a checkpoint wrote, and check it again as a whole.

        Raises
        ------
        ValueError
            If the file is damaged, or holds something else, or another version of it.
        """
        return cls.restore(*read_archive(path, KIND))

    @classmethod
    def restore(
        cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> "QuantisedNetwork":
        """Make the network that :meth:`describe` described."""
        parts = {
            "populations": [
                restore_population(entry, index, arrays)
                for index, entry in enumerate(description["populations"])
            ],
            "projections": [
                restore_projection(entry, index, arrays)
                for index, entry in enumerate(description["projections"])
            ],
        }
        names = ("weight_width", "accumulator_width", "timing")
        return cls(**parts, **{name: description[name] for name in names})

    def _share(self, projection: Projection) -> np.ndarray:
        """Magnitudes that a projection can add: (post,) int64 array."""
        return projection.magnitudes() * self.population(projection.source).largest_value

    def _check_projection(self, projection: Projection) -> None:
        label = f"Projection {projection}"
        names = {p.name for p in self.populations}
        for end in (projection.source, projection.target):
            if end not in names:
                raise ValueError(f"{label} names {end!r}, which is no population of the network")
        source, target = self.population(projection.source), self.population(projection.target)
        if target.neuron is None:
            raise ValueError(f"{label} ends in an input population, which takes no projections")
        if not source.largest_value:
            raise ValueError(
                f"{label} starts at a population that sends nothing to synapses; give it another "
                f"output than VALUE or SILENT, or leave the projection out"
            )
        if isinstance(projection, Convolution):
            _check_maps(projection, "from", projection.input_shape, source)
            _check_maps(projection, "to", projection.output_shape, target)
        expected, got = (source.size, target.size), projection.shape
        if got != expected:
            raise ValueError(
                f"{label} must join {expected[0]} neurons to {expected[1]}, "
                f"but its weights join {got[0]} to {got[1]}"
            )
        weights = projection.weights
        if weights.dtype.kind == "f":
            raise TypeError(f"{label} must have integer weights, not {weights.dtype}")
        limit = 1 << (self.weight_width - 1)
        low, high = int(weights.min(initial=0)), int(weights.max(initial=0))
        if low < -limit or high >= limit:
            raise ValueError(
                f"{label} must have weights from {-limit} to {limit - 1}, "
                f"which fit in {self.weight_width} bits, not {low if low < -limit else high}"
            )

    def _check_bound(self, population: QuantisedPopulation) -> None:
        total = self.largest_input(population.name)
        worst = int(total.argmax())
        most = int(total[worst])
        if most <= (1 << (self.accumulator_width - 1)) - 1:
            return
        shares = self.projections_into(population.name)
        largest = max(shares, key=lambda p: int(self._share(p)[worst]))
        raise ValueError(
            f"Accumulator of population {population.name!r}, neuron {worst}, can reach {most}, "
            f"more than {self.accumulator_width} bits hold, mostly through projection {largest}: "
            f"use an accumulator of {most.bit_length() + 1} bits, or weights of fewer bits"
        )


def _check_maps(
    projection: Convolution,
    way: str,
    expected: tuple[int, int, int],
    population: QuantisedPopulation,
) -> None:
    if population.maps != expected:
        raise ValueError(
            f"Projection {projection} is a convolution {way} {expected} neurons, "
            f"channels by height by width, but population {population.name!r} has "
            f"{population.maps}"
        )


def _check_populations(populations: tuple[QuantisedPopulation, ...]) -> None:
    names = [p.name for p in populations]
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"Name {name!r} is given to more than one population")
    if all(p.neuron is not None for p in populations):
        raise ValueError("A network must have an input population")
    if all(p.neuron is None for p in populations):
        raise ValueError("A network must have a population of neurons")
