"""What of a network one core has."""

from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import PlacedPart, PlacedPopulation, PlacedProjection, PlacedSlice
from spikeloom_sim.projection import Convolution, Dense, Projection
from spikeloom_sim.quantised import QuantisedNetwork

from ..structure import Needs
from .part import AXES, Part

__all__ = ["CorePlan", "Joint"]


@dataclass(frozen=True, eq=False)
class Joint:
    """A projection on one core.

    Parameters
    ----------
    number : int
        Its number among all projections, by source.
    projection : Projection
        What of it reaches neurons of the core.
    source : PlacedPopulation
        Its source, whole.
    target : PlacedPopulation
        The slice of its target, as a population of its own.
    base : int
        Row of the target in which that begins.
    part : Part
        What it asks of the memories.
    at : PlacedPart
        Where that is.
    """

    number: int
    projection: Projection
    source: PlacedPopulation
    target: PlacedPopulation
    base: int
    part: Part
    at: PlacedPart

    @property
    def row(self) -> int:
        """First row of the slice of its target on the core."""
        return self.target.slices[0].row

    def locate(self, lanes: int) -> tuple[np.ndarray, np.ndarray]:
        """Tell row and lane of every weight, counted from its first row; not if it is sparse."""
        groups = self.projection.groups if isinstance(self.projection, Convolution) else 1
        at = PlacedProjection(
            self.source.name,
            self.target.name,
            self.part.kind,
            self.projection.weights.shape,
            (self.at,),
            groups,
        )
        return at.locate(self.source, self.target, lanes)

    @property
    def feedback(self) -> np.ndarray | None:
        """Weights that carry errors backwards in place of its own."""
        rule = self.projection.rule if isinstance(self.projection, Dense) else None
        return rule.back.feedback if rule and rule.back else None


@dataclass(frozen=True, eq=False)
class CorePlan:
    """What of a network one core has.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The whole network.
    lanes : int
        Lanes of the core.
    core : int
        Its number.
    sources : tuple of PlacedPopulation
        All populations, in the order of their numbers on the bus.
    slices : dict of str to PlacedPopulation
        Its slices of populations, each as a population of its own, by name.
    joints : tuple of Joint
        Its projections, in the order of the table: by source.
    """

    quantised: QuantisedNetwork
    lanes: int
    core: int
    sources: tuple[PlacedPopulation, ...]
    slices: dict[str, PlacedPopulation]
    joints: tuple[Joint, ...]

    @property
    def neuron_rows(self) -> int:
        """Rows of neurons."""
        return sum(view.slices[0].rows for view in self.slices.values())

    @property
    def weight_rows(self) -> int:
        """Rows of weights, without those that carry errors backwards alone."""
        return sum(j.part.rows for j in self.joints if j.part.kind is not Walk.SPARSE)

    @property
    def feedback(self) -> dict[int, tuple[int, np.ndarray]]:
        """First row, and weights, of what carries errors backwards, by number of projection."""
        found: dict[int, tuple[int, np.ndarray]] = {}
        row = self.weight_rows
        for number, joint in enumerate(self.joints):
            if joint.feedback is not None:
                found[number] = row, joint.feedback
                row += joint.part.rows
        return found

    def piece(self, name: str) -> PlacedSlice:
        """Slice that the core has of a population."""
        piece = self.sources[self.slices[name].source].on(self.core)
        assert piece is not None
        return piece

    def members(self, name: str) -> np.ndarray:
        """Neurons of a population that the core has, in the order of its slice."""
        return self.sources[self.slices[name].source].members(self.piece(name), self.lanes)

    def needs(self, update_lanes: int) -> Needs:
        """Room that this asks of a core with so many update lanes."""
        parts = [joint.part for joint in self.joints]
        senders = (p for p in self.slices.values() if p.output in (Output.COUNT, Output.VALUE))
        fan_out = (int(p.pointers["size"].max(initial=0)) for p in parts if p.pointers)
        last = max((self.piece(name).base for name in self.slices), default=0)
        feedback = sum(parts[number].rows for number in self.feedback)
        return Needs(
            weight_rows=self.weight_rows + feedback,
            neuron_rows=self.neuron_rows,
            populations=len(self.slices),
            projections=len(parts),
            value_groups=sum(-(-p.span // update_lanes) for p in senders),
            taps=max(sum(part.entries(axis) for part in parts) for axis in AXES),
            pointers=sum(part.entries("pointers") for part in parts),
            synapse_rows=sum(p.rows for p in parts if p.kind is Walk.SPARSE),
            fan_out=max(fan_out, default=0),
            bases=last + 1 if last else 0,
        )
