"""Where populations and projections come to lie on the cores."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import PlacedPart, PlacedPopulation, PlacedProjection, PlacedSlice
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..structure import Needs
from .convolution import map_convolution
from .cutting import restrict
from .dense import map_dense
from .part import AXES, Part
from .sparse import map_sparse

__all__ = ["CorePlan", "Joint", "Plan", "make_plan", "map_projection"]


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


@dataclass(frozen=True, eq=False)
class Plan:
    """A network on the rows of the cores.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    lanes : int
        Lanes of a core.
    populations : tuple of PlacedPopulation
        All populations, in the order of their sources.
    projections : tuple of PlacedProjection
        All projections, by source.
    cores : tuple of CorePlan
        What each core has.
    """

    quantised: QuantisedNetwork
    lanes: int
    populations: tuple[PlacedPopulation, ...]
    projections: tuple[PlacedProjection, ...]
    cores: tuple[CorePlan, ...]

    def needs(self, update_lanes: int) -> list[Needs]:
        """Room that each core has to have."""
        return [core.needs(update_lanes) for core in self.cores]


def make_plan(
    quantised: QuantisedNetwork, populations: Mapping[str, PlacedPopulation], lanes: int, cores: int
) -> Plan:
    """Map every projection on every core that has a slice of its target.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    populations : Mapping of str to PlacedPopulation
        All populations by name, those of neurons with their slices.
    lanes : int
        Lanes of a core.
    cores : int
        How many there are.
    """
    names = list(populations)
    ordered = sorted(quantised.projections, key=lambda p: names.index(p.source))
    plastic = list(plastic_projections(quantised.projections, quantised.phases).values())
    turns = {
        number: plastic.index(p)
        for number, p in enumerate(ordered)
        if isinstance(p, Dense) and p in plastic
    }
    plans = tuple(
        _core_plan(quantised, populations, (ordered, turns), (core, lanes)) for core in range(cores)
    )
    parts: dict[tuple[int, int], Joint] = {
        (joint.number, plan.core): joint for plan in plans for joint in plan.joints
    }
    placed = []
    for number, projection in enumerate(ordered):
        pieces = populations[projection.target].slices
        joints = [parts[number, piece.core] for piece in pieces]
        rule = projection.rule if isinstance(projection, Dense) else None
        at = PlacedProjection(
            projection.source,
            projection.target,
            joints[0].part.kind,
            projection.weights.shape,
            tuple(joint.at for joint in joints),
            groups=projection.groups if isinstance(projection, Convolution) else 1,
            turn=turns.get(number),
            taught=rule is not None and rule.errors is not None,
        )
        placed.append(at)
    return Plan(quantised, lanes, tuple(populations.values()), tuple(placed), plans)


def map_projection(
    projection: Projection,
    source: PlacedPopulation,
    target: PlacedPopulation,
    lanes: int,
    base: int = 0,
) -> Part:
    """Map what of a projection reaches a slice, which begins at the row ``base`` of its target.

    Raises
    ------
    MappingError
        If it is of no known kind.
    """
    if isinstance(projection, Convolution):
        return map_convolution(projection, target, lanes, base)
    if isinstance(projection, Sparse):
        return map_sparse(projection, source, target, lanes)
    if isinstance(projection, Dense):
        return map_dense(projection, source, target, lanes)
    raise MappingError(
        f"Projection {projection} must be Dense, Convolution or Sparse, not {type(projection)}"
    )


def _core_plan(
    quantised: QuantisedNetwork,
    populations: Mapping[str, PlacedPopulation],
    network: tuple[list[Projection], Mapping[int, int]],
    place: tuple[int, int],
) -> CorePlan:
    """Map what a core has, of projections by source, of which some have turns to learn."""
    (ordered, turns), (core, lanes) = network, place
    pieces = {name: piece for name, p in populations.items() if (piece := p.on(core))}
    views = {name: populations[name].view(piece, lanes) for name, piece in pieces.items()}
    members = {name: populations[name].members(piece, lanes) for name, piece in pieces.items()}
    here = [number for number, p in enumerate(ordered) if p.target in pieces]
    learners = sorted((number for number in here if number in turns), key=lambda n: turns[n])
    joints: list[Joint] = []
    rows, pointers = {"weights": 0, "synapses": 0}, 0
    for number in here:
        name = ordered[number].target
        whole, base = populations[name], pieces[name].base
        projection = restrict(ordered[number], whole, members[name])
        source = populations[projection.source]
        part = map_projection(projection, source, views[name], lanes, base)
        memory = "synapses" if part.kind is Walk.SPARSE else "weights"
        at = PlacedPart(
            core,
            len(joints),
            weight_row=rows[memory],
            rows=part.rows,
            pointer=pointers if part.kind is Walk.SPARSE else 0,
            entry=learners.index(number) if number in turns else None,
        )
        joints.append(Joint(number, projection, source, views[name], base, part, at))
        rows[memory] += part.rows
        pointers += part.entries("pointers")
    return CorePlan(quantised, lanes, core, tuple(populations.values()), views, tuple(joints))
