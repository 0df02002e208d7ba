"""Where populations and projections come to lie on the cores."""

from collections.abc import Mapping
from dataclasses import dataclass

from spikeloom_hw.config import Walk
from spikeloom_hw.program import PlacedPart, PlacedPopulation, PlacedProjection
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..structure import Needs
from .convolution import map_convolution
from .core_plan import CorePlan, Joint
from .cutting import restrict
from .dense import map_dense
from .part import Part
from .sparse import give_spare, map_sparse

__all__ = ["Plan", "make_plan", "map_projection"]


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
    quantised: QuantisedNetwork,
    populations: Mapping[str, PlacedPopulation],
    lanes: int,
    cores: int,
    synapse_rows: int | None = None,
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
    synapse_rows : int or None
        Rows of sparse synapses that a core has, for what projections would like to have spare;
        None for any number.
    """
    names = list(populations)
    ordered = sorted(quantised.projections, key=lambda p: names.index(p.source))
    plastic = list(plastic_projections(quantised.projections, quantised.phases).values())
    turns = {
        number: plastic.index(p)
        for number, p in enumerate(ordered)
        if isinstance(p, Dense | Sparse) and p in plastic
    }
    plans = tuple(
        _core_plan(quantised, populations, (ordered, turns), (core, lanes), synapse_rows)
        for core in range(cores)
    )
    parts: dict[tuple[int, int], Joint] = {
        (joint.number, plan.core): joint for plan in plans for joint in plan.joints
    }
    placed = []
    for number, projection in enumerate(ordered):
        pieces = populations[projection.target].slices
        joints = [parts[number, piece.core] for piece in pieces]
        rule = projection.rule if isinstance(projection, Dense | Sparse) else None
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
    synapse_rows: int | None,
) -> CorePlan:
    """Map what a core has, of projections by source, of which some have turns to learn."""
    (ordered, turns), (core, lanes) = network, place
    pieces = {name: piece for name, p in populations.items() if (piece := p.on(core))}
    views = {name: populations[name].view(piece, lanes) for name, piece in pieces.items()}
    members = {name: populations[name].members(piece, lanes) for name, piece in pieces.items()}
    here = [number for number, p in enumerate(ordered) if p.target in pieces]
    learners = sorted((number for number in here if number in turns), key=lambda n: turns[n])
    restricted = [
        restrict(ordered[n], populations[ordered[n].target], members[ordered[n].target])
        for n in here
    ]
    parts = [
        map_projection(p, populations[p.source], views[p.target], lanes, pieces[p.target].base)
        for p in restricted
    ]
    joints: list[Joint] = []
    rows, pointers = {"weights": 0, "synapses": 0}, 0
    each = zip(here, restricted, give_spare(parts, synapse_rows), strict=True)
    for number, projection, part in each:
        memory = "synapses" if part.kind is Walk.SPARSE else "weights"
        at = PlacedPart(
            core,
            len(joints),
            weight_row=rows[memory],
            rows=part.rows,
            pointer=pointers if part.kind is Walk.SPARSE else 0,
            entry=learners.index(number) if number in turns else None,
        )
        source, name = populations[projection.source], projection.target
        base = pieces[name].base
        joints.append(Joint(number, projection, source, views[name], base, part, at))
        rows[memory] += part.rows
        pointers += part.entries("pointers")
    return CorePlan(quantised, lanes, core, tuple(populations.values()), views, tuple(joints))
