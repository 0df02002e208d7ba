"""State and weights of a device, in the order of the network's arrays."""

import numpy as np

from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program

from .memories import Memories

__all__ = ["read_state", "read_weights"]


def read_state(
    memories: Memories, program: Program, population: PlacedPopulation
) -> dict[str, np.ndarray]:
    """Read the state of a population of neurons.

    Returns
    -------
    dict of str to (neurons,) int64 array
        One entry for each member of the hardware's state.
    """
    core = program.config.core
    places = population.to_index(np.arange(population.size))
    first = (population.row or 0) * core.groups_per_row
    groups = int(places.max()) // core.update_lanes + 1
    rows = memories.read_rows("state", first, groups)
    return {member: column.ravel()[places] for member, column in rows.items()}


def read_weights(memories: Memories, program: Program, projection: PlacedProjection) -> np.ndarray:
    """Read the weights of a projection.

    Returns
    -------
    int64 array
        Weights in the shape that they have in the network; of a sparse projection (pre, post),
        synapses that join the same two neurons added up.
    """
    rows = memories.read_rows(projection.memory, projection.weight_row, projection.rows)
    return program.weights_of(projection, rows)
