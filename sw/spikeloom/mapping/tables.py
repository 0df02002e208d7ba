"""Contents of the tables and memories of a core."""

from typing import Any

import numpy as np

from spikeloom_hw.config import ChipConfig, Walk
from spikeloom_hw.event import INDEX_WIDTH, Operation
from spikeloom_hw.layout import RECIPROCAL_WIDTH
from spikeloom_hw.neuron import Per
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.learning import plastic_projections

from ..field_places import field_values
from .learning import learning_columns
from .part import AXES, STEPS, Columns
from .plan import Plan

__all__ = ["network_tables", "projection_tables"]


def network_tables(
    plan: Plan, config: ChipConfig, record: tuple[str, ...] | None
) -> dict[str, Any]:
    """Contents of the memories that tell of populations and time, by name of the region.

    Parameters
    ----------
    plan : Plan
        The network on the rows of the core.
    config : ChipConfig
        Structure of the hardware.
    record : tuple of str or None
        Populations whose events the host receives; None means all but the inputs.
    """
    phases = plan.quantised.phases
    order = sorted(
        (p for p in plan.populations.values() if p.row is not None), key=lambda p: phases[p.name]
    )
    count = np.bincount([phases[p.name] for p in order])
    learns = bool(plastic_projections(plan.quantised.projections, phases))
    operations = [Operation.UPDATE.value] * len(count) + [Operation.LEARN.value] * learns
    steps = np.arange(len(operations))
    tables: dict[str, Any] = {
        "schedule": {
            "operation": np.array(operations),
            "phase": steps,
            "last": (steps == steps[-1]).astype(int),
        },
        "record": _record(plan, record),
        "populations": _descriptors(plan, order, config),
        "phases": {"first": np.cumsum(count) - count, "count": count},
        "sources": _sources(plan),
    }
    if config.core.fields.kept(Per.NEURON):
        tables["neurons"] = _parameters(plan, config)
    return tables


def projection_tables(plan: Plan, config: ChipConfig) -> dict[str, Any]:
    """Contents of the memories that tell of projections, by name of the region."""
    parts = plan.parts
    targets = [plan.populations[p.target] for p in plan.placed]
    columns: dict[str, list[int]] = {
        "kind": [part.kind.value for part in parts],
        "weight_row": [
            at.pointer if at.kind is Walk.SPARSE else at.weight_row for at in plan.placed
        ],
        "row": [target.row or 0 for target in targets],
        "blocks": [part.blocks for part in parts],
        "size": [part.size for part in parts],
        "delay": [p.delay + _back(plan, p.source, p.target) for p in plan.projections],
        **learning_columns(plan, config.core),
    }
    for step in STEPS:
        columns[step] = [part.steps.get(step, 0) for part in parts]
    tables: dict[str, Any] = {"weights": _weights(plan)}
    for axis in AXES:
        counts = np.array([part.entries(axis) for part in parts], np.int64)
        columns[axis] = np.where(counts > 0, np.cumsum(counts) - counts, 0).tolist()
        tables[axis] = _joined([part.taps.get(axis, {}) for part in parts])
    sparse = [(p, at) for p, at in zip(parts, plan.placed, strict=True) if p.pointers]
    tables["pointers"] = _joined([
        {**part.pointers, "first": part.pointers["first"] + at.weight_row} for part, at in sparse
    ])
    tables["synapses"] = _joined([part.synapses for part, _ in sparse])
    tables["projections"] = {name: np.array(column, np.int64) for name, column in columns.items()}
    return {name: table for name, table in tables.items() if len(table) or name == "weights"}


def _back(plan: Plan, source: str, target: str) -> int:
    """1 if the update of the target is over in the step in which the source fires."""
    phases = plan.quantised.phases
    return int(phases[target] <= phases.get(source, -1))


def _joined(entries: list[Columns]) -> dict[str, np.ndarray]:
    """Join the entries of all projections; those without entries have no columns."""
    filled = [entry for entry in entries if entry]
    names = filled[0] if filled else ()
    return {name: np.concatenate([entry[name] for entry in filled]) for name in names}


def _weights(plan: Plan) -> np.ndarray:
    """Rows of weights; a lane that no weight falls on holds 0."""
    feedback = plan.feedback
    total = plan.weight_rows + sum(plan.parts[number].rows for number in feedback)
    image = np.zeros((total, plan.lanes), np.int64)
    for number, (projection, at) in enumerate(zip(plan.projections, plan.placed, strict=True)):
        if at.kind is not Walk.SPARSE:
            source, target = plan.populations[at.source], plan.populations[at.target]
            rows, lanes = at.locate(source, target, plan.lanes)
            image[at.weight_row + rows, lanes] = projection.weights
            if number in feedback:
                first, weights = feedback[number]
                image[first + rows, lanes] = weights
    return image


def _sources(plan: Plan) -> dict[str, np.ndarray]:
    populations = list(plan.populations.values())
    counts = np.array([sum(at.source == p.name for at in plan.placed) for p in populations])
    # A source that is one pixel has the index as its channel.
    bits = [((p.stride or p.size) - 1).bit_length() for p in populations]
    widths = [p.shape[2] if p.stride and p.shape else 1 for p in populations]
    one = 1 << RECIPROCAL_WIDTH
    return {
        "first": np.where(counts > 0, np.cumsum(counts) - counts, 0),
        "count": counts,
        "size": np.array([p.span for p in populations]),
        "channel_bits": np.minimum(bits, INDEX_WIDTH - 1),
        "width": np.array(widths),
        "reciprocal": np.minimum(one // np.array(widths), one - 1),
    }


def _descriptors(
    plan: Plan, order: list[PlacedPopulation], config: ChipConfig
) -> dict[str, np.ndarray]:
    width = config.core.update_lanes
    columns: dict[str, list[int]] = {
        "row": [p.row or 0 for p in order],
        "last_group": [-(-p.span // width) - 1 for p in order],
        "period": [p.stride // width - 1 for p in order],
        "full": [p.channels // width for p in order],
        "tail": [(1 << p.channels % width) - 1 for p in order],
        "source": [p.source for p in order],
    }
    for name in config.core.fields.kept(Per.POPULATION):
        values = (field_values(plan.quantised.population(p.name), name) for p in order)
        columns[name] = [int(value[0]) for value in values]
    return {name: np.array(column, np.int64) for name, column in columns.items()}


def _parameters(plan: Plan, config: ChipConfig) -> dict[str, np.ndarray]:
    """Parameters kept per neuron, in the order of the neurons' rows.

    What lies between the neurons has a threshold that it never reaches, and nothing that moves
    it.
    """
    core = config.core
    columns = {}
    for name in core.fields.kept(Per.NEURON):
        pad = (1 << core.fields.width - 1) - 1 if name == "threshold" else 0
        column = np.full(plan.neuron_rows * plan.lanes, pad, np.int64)
        for population in plan.quantised.neurons:
            at = plan.populations[population.name]
            first = (at.row or 0) * plan.lanes
            where = first + at.to_index(np.arange(at.size))
            column[where] = field_values(population, name)
        columns[name] = column.reshape(-1, core.update_lanes)
    return columns


def _record(plan: Plan, names: tuple[str, ...] | None) -> np.ndarray:
    """Bits of the sources whose events the host receives."""
    neurons = {p.name for p in plan.quantised.neurons}
    wanted = neurons if names is None else set(names)
    for name in wanted:
        plan.quantised.population(name)
    bits = np.array([name in wanted for name in plan.populations], np.int64)
    return np.pad(bits, (0, -len(bits) % 64)).reshape(-1, 32)
