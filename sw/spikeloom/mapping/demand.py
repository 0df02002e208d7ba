"""What a population asks of the cores that its rows are spread over."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import PlacedPopulation, PlacedSlice
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

from .cutting import grain
from .part import AXES, Part
from .plan import map_projection

__all__ = ["Demand", "demands"]

_EVENTS = 10
"""One neuron in so many is taken to fire in a step."""


@dataclass(frozen=True, eq=False)
class Demand:
    """What a population asks for, in equal pieces.

    Parameters
    ----------
    pieces : int
        Pieces that it may be cut into.
    grain : int
        Rows of neurons of a piece.
    room : (3,) int array
        Rows of neurons, of weights and of sparse synapses of a piece; those of synapses are a
        guess, as they depend on where it is cut.
    fixed : (3,) int array
        The same, for each core that has any piece.
    work : (windows,) int array
        What a piece costs in the windows of a step, in tenths of a cycle: the events of the host,
        those of the neurons of each phase; the updates of each phase; learning.
    """

    pieces: int
    grain: int
    room: np.ndarray
    fixed: np.ndarray
    work: np.ndarray


def demands(
    quantised: QuantisedNetwork,
    populations: Mapping[str, PlacedPopulation],
    lanes: int,
    update_lanes: int,
) -> dict[str, Demand]:
    """Tell what each population of neurons asks for, by name.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    populations : Mapping of str to PlacedPopulation
        All populations by name, which have no place yet.
    lanes, update_lanes : int
        Lanes of a core.
    """
    found = {}
    for population in quantised.neurons:
        at = populations[population.name]
        rows = -(-at.span // lanes)
        whole = at.view(PlacedSlice(0, 0, 0, rows), lanes)
        step = grain(at, lanes)
        pieces = -(-rows // step)
        room, fixed = np.zeros((2, 3), np.int64)
        room[0] = step
        work = _updates(quantised, at.name, step * lanes // update_lanes)
        for projection in quantised.projections_into(at.name):
            source = populations[projection.source]
            part = map_projection(projection, source, whole, lanes)
            kept = fixed if isinstance(projection, Convolution) and at.stride else room
            kept[1 + (part.kind is Walk.SPARSE)] += -(
                -_rows(part, projection) // (1 if kept is fixed else pieces)
            )
            window = 1 + quantised.phases.get(source.name, -1)
            if source.output in (Output.SPIKE, Output.COUNT):
                walked = _walked(part, source) // pieces
                work[window] += walked
                work[-1] += walked * _terms(projection)
        found[at.name] = Demand(pieces, step, room, fixed, work)
    return found


def _updates(quantised: QuantisedNetwork, name: str, groups: int) -> np.ndarray:
    phases = 1 + max(quantised.phases.values())
    work = np.zeros(2 * phases + 2, np.int64)
    work[1 + phases + quantised.phases[name]] = groups * _EVENTS
    return work


def _walked(part: Part, source: PlacedPopulation) -> int:
    """Rows that are walked if every neuron of the source fires once."""
    if part.kind is Walk.SPARSE:
        return int(part.pointers["words"].sum())
    if part.kind is Walk.DENSE:
        return source.size * part.blocks
    return int(np.prod([part.taps[axis]["count"].sum() for axis in AXES]))


def _rows(part: Part, projection: Projection) -> int:
    """Rows of the memory, with those that carry errors backwards."""
    back = projection.rule.back if isinstance(projection, Dense) and projection.rule else None
    return part.rows * (1 + (back is not None and back.feedback is not None))


def _terms(projection: Projection) -> int:
    rule = projection.rule if isinstance(projection, Dense | Sparse) else None
    return len(rule.terms) if rule else 0
