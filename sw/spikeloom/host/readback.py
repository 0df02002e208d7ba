"""State and weights of a device, in the order of the network's arrays."""

import numpy as np

from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program
from spikeloom_hw.registers import on_core

from .cells import group_cells, read_cells
from .memories import Memories

__all__ = ["read_parts", "read_state", "read_weights"]


def read_state(
    memories: Memories, program: Program, population: PlacedPopulation
) -> dict[str, np.ndarray]:
    """Read the state of a population of neurons.

    Returns
    -------
    dict of str to (neurons,) int64 array
        One entry for each member of the hardware's state.
    """
    return read_cells(memories, {"": group_cells(program, population, "state")})[""]


def read_weights(memories: Memories, program: Program, projection: PlacedProjection) -> np.ndarray:
    """Read the weights of a projection.

    Returns
    -------
    int64 array
        Weights in the shape that they have in the network; of a sparse projection (pre, post),
        synapses that join the same two neurons added up.
    """
    return program.weights_of(projection, read_parts(memories, projection))


def read_parts(memories: Memories, projection: PlacedProjection) -> list[dict[str, np.ndarray]]:
    """Read the rows of weights of each part of a projection."""
    return [
        memories.read_rows(on_core(projection.memory, part.core), part.weight_row, part.rows)
        for part in projection.parts
    ]
