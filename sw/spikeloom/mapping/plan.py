"""Where populations and projections come to lie; it depends on the lanes alone."""

from dataclasses import dataclass, replace

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.event import INDEX_WIDTH
from spikeloom_hw.layout import PIXEL_WIDTH
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import PlacedPopulation, PlacedProjection
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from ..errors import MappingError
from ..structure import Needs
from .convolution import map_convolution
from .dense import map_dense
from .part import AXES, Part
from .sparse import map_sparse

__all__ = ["Plan", "make_plan"]


@dataclass(frozen=True, eq=False)
class Plan:
    """A network on the rows of a core.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network.
    lanes : int
        Lanes of the core.
    populations : dict of str to PlacedPopulation
        All populations by name, in the order of their sources.
    projections : tuple of Projection
        All projections, in the order of the table: by source.
    placed : tuple of PlacedProjection
        Where their weights are.
    parts : tuple of Part
        What they ask of the memories.
    """

    quantised: QuantisedNetwork
    lanes: int
    populations: dict[str, PlacedPopulation]
    projections: tuple[Projection, ...]
    placed: tuple[PlacedProjection, ...]
    parts: tuple[Part, ...]

    @property
    def neuron_rows(self) -> int:
        """Rows of neurons."""
        return sum(-(-p.span // self.lanes) for p in self.populations.values() if p.row is not None)

    @property
    def weight_rows(self) -> int:
        """Rows of weights, without those that carry errors backwards alone."""
        return sum(part.rows for part in self.parts if part.kind is not Walk.SPARSE)

    @property
    def feedback(self) -> dict[int, tuple[int, np.ndarray]]:
        """First row, and weights, of what carries errors backwards, by number of projection."""
        found: dict[int, tuple[int, np.ndarray]] = {}
        row = self.weight_rows
        for number, projection in enumerate(self.projections):
            back = (
                projection.rule.back if isinstance(projection, Dense) and projection.rule else None
            )
            if back is not None and back.feedback is not None:
                found[number] = row, back.feedback
                row += self.parts[number].rows
        return found

    def needs(self, update_lanes: int) -> Needs:
        """Room that the network asks of a core with so many update lanes."""
        senders = (
            p
            for p in self.populations.values()
            if p.row is not None and p.output in (Output.COUNT, Output.VALUE)
        )
        fan_out = (int(p.pointers["size"].max(initial=0)) for p in self.parts if p.pointers)
        return Needs(
            weight_rows=self.weight_rows + sum(self.parts[k].rows for k in self.feedback),
            neuron_rows=self.neuron_rows,
            value_groups=sum(-(-p.span // update_lanes) for p in senders),
            taps=max(sum(part.entries(axis) for part in self.parts) for axis in AXES),
            pointers=sum(part.entries("pointers") for part in self.parts),
            synapse_rows=sum(p.rows for p in self.parts if p.kind is Walk.SPARSE),
            fan_out=max(fan_out, default=0),
        )


def make_plan(quantised: QuantisedNetwork, lanes: int) -> Plan:
    """Give every population its indices and rows, and map every projection.

    Raises
    ------
    MappingError
        If a population cannot be laid out in pixels as a convolution needs it.
    """
    populations = _populations(quantised, lanes)
    names = list(populations)
    ordered = sorted(quantised.projections, key=lambda p: names.index(p.source))
    placed, parts = [], []
    rows, pointers = {"weights": 0, "synapses": 0}, 0
    for projection in ordered:
        part = _part(projection, populations, lanes)
        at = PlacedProjection(
            projection.source,
            projection.target,
            part.kind,
            projection.weights.shape,
            weight_row=0,
            rows=part.rows,
            pointer=pointers if part.kind is Walk.SPARSE else 0,
            groups=projection.groups if isinstance(projection, Convolution) else 1,
        )
        placed.append(replace(at, weight_row=rows[at.memory]))
        parts.append(part)
        rows[at.memory] += part.rows
        pointers += part.entries("pointers")
    return Plan(quantised, lanes, populations, tuple(ordered), tuple(placed), tuple(parts))


def _part(projection: Projection, populations: dict[str, PlacedPopulation], lanes: int) -> Part:
    source, target = populations[projection.source], populations[projection.target]
    if isinstance(projection, Convolution):
        return map_convolution(projection, target, lanes)
    if isinstance(projection, Sparse):
        return map_sparse(projection, source, target, lanes)
    if isinstance(projection, Dense):
        return map_dense(projection, source, target, lanes)
    raise MappingError(
        f"Projection {projection} must be Dense, Convolution or Sparse, not {type(projection)}"
    )


def _populations(quantised: QuantisedNetwork, lanes: int) -> dict[str, PlacedPopulation]:
    """Give each population its source number and, if it has neurons, its rows."""
    convolutions = [p for p in quantised.projections if isinstance(p, Convolution)]
    mapped = {name for p in convolutions for name in (p.source, p.target)}
    placed: dict[str, PlacedPopulation] = {}
    row = 0
    for source, population in enumerate(quantised.populations):
        neuron = population.neuron
        at = PlacedPopulation(
            population.name,
            population.size,
            source,
            row=None if neuron is None else row,
            scale=population.scale,
            fraction=0 if neuron is None else neuron.shift,
            shape=population.shape,
            stride=_stride(population, lanes) if population.name in mapped else 0,
            output=Output.SPIKE if neuron is None else neuron.output,
            largest=population.largest_value,
        )
        if at.span > 1 << INDEX_WIDTH:
            raise MappingError(
                f"Population {at.name!r} takes {at.span} indices, {at.stride} for each of its "
                f"pixels; an event can name {1 << INDEX_WIDTH}, use fewer channels or pixels"
            )
        placed[population.name] = at
        row += 0 if neuron is None else -(-at.span // lanes)
    return placed


def _stride(population: QuantisedPopulation, lanes: int) -> int:
    """Indices from pixel to pixel of a population that a convolution leaves or reaches."""
    channels, height, width = population.maps
    if height * width == 1:
        return 0
    if height * width > 1 << PIXEL_WIDTH:
        raise MappingError(
            f"Population {population.name!r} has {height} x {width} pixels, a convolution takes "
            f"up to {1 << PIXEL_WIDTH}; pool or crop it first"
        )
    neuron = population.neuron
    if neuron is None:
        return 1 << (channels - 1).bit_length()
    for what, there in (("noise", neuron.noise), ("winner-take-all", neuron.winner)):
        if np.any(there):
            raise MappingError(
                f"Population {population.name!r} has {what}, which a population laid out in "
                f"pixels cannot have; leave it out, or use no convolution there"
            )
    return lanes << (-(-channels // lanes) - 1).bit_length()
