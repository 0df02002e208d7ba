"""State and weights of a device, in the order of the network's arrays."""

from dataclasses import replace

import numpy as np

from spikeloom_hw.learning import NeuronLearning
from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.projection import Projection
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .memories import Memories

__all__ = ["read_learned", "read_state", "read_weights"]


def read_state(
    memories: Memories, program: Program, population: PlacedPopulation
) -> dict[str, np.ndarray]:
    """Read the state of a population of neurons.

    Returns
    -------
    dict of str to (neurons,) int64 array
        One entry for each member of the hardware's state.
    """
    return _read_groups(memories, program, population, "state")


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


def read_learned(
    memories: Memories, program: Program, network: QuantisedNetwork
) -> QuantisedNetwork:
    """Read what the projections of a network have learned.

    Parameters
    ----------
    memories : Memories
        Memories of the device.
    program : Program
        Program in it.
    network : QuantisedNetwork
        Network that the program was compiled from.

    Returns
    -------
    QuantisedNetwork
        The same with learned weights, thresholds and decays.
    """
    plastic = plastic_projections(network.projections, network.phases).values()
    learned: dict[int, Projection] = {
        id(projection): replace(projection, weights=read_weights(memories, program, placed))
        for projection, placed in zip(plastic, program.plastic, strict=True)
    }
    taught = {p.target: p.rule.neurons for p in plastic if p.rule.neurons}
    return replace(
        network,
        projections=tuple(learned.get(id(p), p) for p in network.projections),
        populations=tuple(
            _read_parameters(memories, program, p, taught[p.name]) if p.name in taught else p
            for p in network.populations
        ),
    )


def _read_parameters(
    memories: Memories, program: Program, population: QuantisedPopulation, part: NeuronLearning
) -> QuantisedPopulation:
    """Read the thresholds and decays that a population has learned."""
    rows = _read_groups(memories, program, program.population(population.name), "neurons")
    shifts = {"threshold": part.threshold_shift, "decay": part.decay_shift}
    learned = {name: rows[name] for name, shift in shifts.items() if shift is not None}
    neuron = population.neuron
    return replace(population, neuron=neuron and replace(neuron, **learned))


def _read_groups(
    memories: Memories, program: Program, population: PlacedPopulation, memory: str
) -> dict[str, np.ndarray]:
    """Read the rows of a population in a memory of update groups, in the order of its neurons."""
    core = program.config.core
    places = population.to_index(np.arange(population.size))
    first = (population.row or 0) * core.groups_per_row
    groups = int(places.max()) // core.update_lanes + 1
    rows = memories.read_rows(memory, first, groups)
    return {member: column.ravel()[places] for member, column in rows.items()}
