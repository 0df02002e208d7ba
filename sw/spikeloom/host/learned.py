"""What a device has learned: weights, thresholds and decays, and the traces that it learns with."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from spikeloom_hw.program import PlacedProjection, Program
from spikeloom_hw.registers import on_core
from spikeloom_sim.learning import LearningState, plastic_projections
from spikeloom_sim.projection import Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork

from .cells import Cells, group_cells, synapse_cells, trace_cells, weight_cells
from .memories import Memories

__all__ = [
    "Arrays",
    "Key",
    "check_network",
    "learned_cells",
    "learned_network",
    "learning_cells",
    "learning_states",
    "read_enabled",
]

Key = tuple[str, str]
"""What is read, and of which population or projection."""

Arrays = Mapping[Key, dict[str, np.ndarray]]
"""What was read."""


def check_network(program: Program, network: QuantisedNetwork) -> None:
    """Raise unless a program was compiled from a network, or from what it learned.

    Raises
    ------
    TypeError, ValueError
        If it is no network, or another one.
    """
    if not isinstance(network, QuantisedNetwork):
        raise TypeError(f"The network must be a QuantisedNetwork, not {network!r}")
    if program.network not in ("", network.fingerprint):
        raise ValueError(
            f"The program on the device is of network {program.network}, not of "
            f"{network.fingerprint}: give the network that it was compiled from"
        )


def learned_cells(program: Program, network: QuantisedNetwork) -> dict[Key, Cells]:
    """Tell where the weights, thresholds and decays are that a network learns."""
    found: dict[Key, Cells] = {}
    for label, projection, placed in _plastic(program, network):
        if isinstance(projection, Sparse):
            found["weights", label] = synapse_cells(program, placed, projection)
        else:
            found["weights", label] = weight_cells(program, placed)
        if projection.rule.neurons:
            target = program.population(projection.target)
            found["neurons", target.name] = group_cells(program, target, "neurons")
    return found


def learned_network(
    network: QuantisedNetwork, arrays: Arrays, enabled: np.ndarray
) -> QuantisedNetwork:
    """Give a network what was read.

    Parameters
    ----------
    network : QuantisedNetwork
        Network that the program was compiled from.
    arrays : Mapping
        What :func:`learned_cells` asks for.
    enabled : (entries,) int array
        Which projections learn.
    """
    changed: dict[int, Projection] = {}
    populations = {p.name: p for p in network.populations}
    plastic = plastic_projections(network.projections, network.phases)
    for (label, projection), learns in zip(plastic.items(), enabled, strict=True):
        rule = projection.rule
        if rule.enabled != bool(learns):
            rule = replace(rule, enabled=bool(learns))
        member = "weight" if isinstance(projection, Sparse) else ""
        weights = arrays["weights", label][member]
        changed[id(projection)] = replace(projection, weights=weights, rule=rule)
        part, population = rule.neurons, populations[projection.target]
        if part and population.neuron:
            read = arrays["neurons", population.name]
            shifts = {"threshold": part.threshold_shift, "decay": part.decay_shift}
            fresh = {name: read[name] for name, shift in shifts.items() if shift is not None}
            populations[population.name] = replace(
                population, neuron=replace(population.neuron, **fresh)
            )
    return replace(
        network,
        populations=tuple(populations.values()),
        projections=tuple(changed.get(id(p), p) for p in network.projections),
    )


def learning_cells(program: Program, network: QuantisedNetwork) -> dict[Key, Cells]:
    """Tell where the traces and eligibilities of a network are."""
    found: dict[Key, Cells] = {}
    for label, projection, placed in _plastic(program, network):
        rule = projection.rule
        if rule.pre_traces:
            found["pre", label] = trace_cells(program, placed, "pre")
        if rule.post_traces or rule.neurons:
            found["post", label] = trace_cells(program, placed, "post")
        if rule.eligibility:
            found["eligibility", label] = weight_cells(program, placed, "eligibility")
    return found


def learning_states(network: QuantisedNetwork, arrays: Arrays) -> dict[str, LearningState]:
    """Make the states of learning of a network, by label, from what was read."""
    states = {}
    for label, projection in plastic_projections(network.projections, network.phases).items():
        rule, rest = projection.rule, LearningState.rest(projection.rule, projection.shape)
        for side, letter, count in (
            ("pre", "x", len(rule.pre_traces)),
            ("post", "y", len(rule.post_traces)),
        ):
            if count:
                read = arrays[side, label]
                traces = np.stack([read[f"{letter}{n}"] for n in range(1, count + 1)])
                rest = rest._replace(**{f"{side}_traces": traces})
        if rule.eligibility:
            rest = rest._replace(eligibility=arrays["eligibility", label][""])
        if rule.neurons:
            read = arrays["post", label]
            names = ("threshold_trace", "decay_trace", "potential")
            rest = rest._replace(fired=read["fired"] != 0, **{name: read[name] for name in names})
        states[label] = rest
    return states


def read_enabled(memories: Memories, program: Program) -> np.ndarray:
    """Read which projections learn: (entries,) int64 array."""
    first = [placed.parts[0] for placed in program.plastic]
    read = [memories.read_rows(on_core("rules", p.core), p.entry or 0, 1) for p in first]
    return np.array([rules["enabled"][0] for rules in read], np.int64)


def _plastic(
    program: Program, network: QuantisedNetwork
) -> list[tuple[str, Dense | Sparse, PlacedProjection]]:
    """Label, projection and place of all that learns, in the order in which it does."""
    plastic = plastic_projections(network.projections, network.phases)
    return [
        (label, projection, placed)
        for (label, projection), placed in zip(plastic.items(), program.plastic, strict=True)
    ]
