"""Dense projections, and how they leave and reach populations that are laid out in pixels."""

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Dense

from .part import AXES, STEPS, Columns, Part

__all__ = ["map_dense"]


def map_dense(
    projection: Dense, source: PlacedPopulation, target: PlacedPopulation, lanes: int
) -> Part:
    """Map a dense projection into its target, or the part of one into a slice of that.

    Each presynaptic neuron has a run of rows as long as the target. Where the indices of the
    source have gaps between the pixels, the rows must not: the projection is then a convolution
    whose kernel is the whole map, with one output.
    """
    blocks = -(-target.span // lanes)
    rows = projection.shape[0] * blocks
    if source.stride in (0, source.channels):
        return Part(Walk.DENSE, rows, size=projection.shape[1], blocks=blocks)
    channels, height, width = source.shape or (source.size, 1, 1)
    weights = (blocks, width * channels * blocks, channels * blocks)
    counts = (blocks, 1, 1)
    taps = {
        table: _entries(length, weight, count)
        for table, length, weight, count in zip(
            AXES, (channels, height, width), weights, counts, strict=True
        )
    }
    return Part(
        Walk.CONVOLUTION,
        rows,
        size=projection.shape[1],
        taps=taps,
        steps=dict.fromkeys(STEPS, 0),
    )


def _entries(length: int, weight: int, count: int) -> Columns:
    """Entries of an axis of which every coordinate has weights of its own."""
    return {
        "weight": np.arange(length) * weight,
        "row": np.zeros(length, int),
        "count": np.full(length, count),
    }
