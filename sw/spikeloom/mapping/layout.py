"""How the neurons of each population are numbered on the bus; it depends on the lanes alone."""

import numpy as np

from spikeloom_hw.event import INDEX_WIDTH
from spikeloom_hw.layout import PIXEL_WIDTH
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Convolution
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from ..errors import MappingError

__all__ = ["lay_out"]


def lay_out(quantised: QuantisedNetwork, lanes: int) -> dict[str, PlacedPopulation]:
    """Give each population its source number and its indices, but no place yet.

    Raises
    ------
    MappingError
        If a population cannot be laid out in pixels as a convolution needs it.
    """
    convolutions = [p for p in quantised.projections if isinstance(p, Convolution)]
    mapped = {name for p in convolutions for name in (p.source, p.target)}
    found: dict[str, PlacedPopulation] = {}
    for source, population in enumerate(quantised.populations):
        neuron = population.neuron
        at = PlacedPopulation(
            population.name,
            population.size,
            source,
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
        found[population.name] = at
    return found


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
