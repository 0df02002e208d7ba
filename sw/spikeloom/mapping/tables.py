"""Contents of the tables and memories of a core, and of those that all cores share."""

from typing import Any

import numpy as np

from spikeloom_hw.config import ChipConfig, Walk
from spikeloom_hw.event import INDEX_WIDTH, Operation
from spikeloom_hw.layout import RECIPROCAL_WIDTH
from spikeloom_hw.neuron import Per
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.projection import Projection

from ..field_places import field_values
from .core_plan import CorePlan
from .filters import bit_rows
from .learning import learning_columns
from .part import AXES, STEPS, Columns
from .plan import Plan

__all__ = ["population_tables", "projection_tables", "shared_tables"]


def shared_tables(plan: Plan, record: tuple[str, ...] | None) -> dict[str, Any]:
    """Contents of the schedule and of the table of what is recorded, by name of the region.

    Parameters
    ----------
    plan : Plan
        The network on the cores.
    record : tuple of str or None
        Populations whose events the host receives; None means all but the inputs.
    """
    phases = plan.quantised.phases
    learns = bool(plastic_projections(plan.quantised.projections, phases))
    count = 1 + max(phases.values())
    operations = [Operation.UPDATE.value] * count + [Operation.LEARN.value] * learns
    steps = np.arange(len(operations))
    return {
        "schedule": {
            "operation": np.array(operations),
            "phase": steps,
            "last": (steps == steps[-1]).astype(int),
        },
        "record": _record(plan, record),
    }


def population_tables(plan: CorePlan, config: ChipConfig) -> dict[str, Any]:
    """Contents of the memories of a core that tell of populations, by name of the region."""
    phases = plan.quantised.phases
    order = sorted(plan.slices.values(), key=lambda p: phases[p.name])
    most = 1 + max(phases.values())
    count = np.bincount([phases[p.name] for p in order], minlength=most)
    tables: dict[str, Any] = {
        "phases": {"first": np.cumsum(count) - count, "count": count},
        "sources": _sources(plan),
        "filter": _filter(plan),
    }
    if order:
        tables["populations"] = _descriptors(plan, order, config)
    if order and config.core.fields.kept(Per.NEURON):
        tables["neurons"] = _parameters(plan, config)
    return tables


def projection_tables(plan: CorePlan, config: ChipConfig) -> dict[str, Any]:
    """Contents of the memories of a core that tell of projections, by name of the region."""
    joints = plan.joints
    parts = [joint.part for joint in joints]
    columns: dict[str, list[int]] = {
        "kind": [part.kind.value for part in parts],
        "weight_row": [
            j.at.pointer if j.part.kind is Walk.SPARSE else j.at.weight_row for j in joints
        ],
        "row": [joint.row for joint in joints],
        "blocks": [part.blocks for part in parts],
        "size": [part.size for part in parts],
        "delay": [j.projection.delay + _back(plan, j.projection) for j in joints],
        **learning_columns(plan, config.core),
    }
    for step in STEPS:
        columns[step] = [part.steps.get(step, 0) for part in parts]
    tables: dict[str, Any] = {"weights": _weights(plan)}
    for axis in AXES:
        counts = np.array([part.entries(axis) for part in parts], np.int64)
        columns[axis] = np.where(counts > 0, np.cumsum(counts) - counts, 0).tolist()
        tables[axis] = _joined([part.taps.get(axis, {}) for part in parts])
    sparse = [(joint.part, joint.at) for joint in joints if joint.part.pointers]
    tables["pointers"] = _joined([
        {**part.pointers, "first": part.pointers["first"] + at.weight_row} for part, at in sparse
    ])
    tables["synapses"] = _joined([part.synapses for part, _ in sparse])
    if joints:
        tables["projections"] = {name: np.array(c, np.int64) for name, c in columns.items()}
    return {name: table for name, table in tables.items() if len(table) or name == "weights"}


def _back(plan: CorePlan, projection: Projection) -> int:
    """1 if the update of the target is over in the step in which the source fires."""
    phases = plan.quantised.phases
    return int(phases[projection.target] <= phases.get(projection.source, -1))


def _joined(entries: list[Columns]) -> dict[str, np.ndarray]:
    """Join the entries of all projections; those without entries have no columns."""
    filled = [entry for entry in entries if entry]
    names = filled[0] if filled else ()
    return {name: np.concatenate([entry[name] for entry in filled]) for name in names}


def _weights(plan: CorePlan) -> np.ndarray:
    """Rows of weights; a lane that no weight falls on holds 0."""
    feedback = plan.feedback
    total = plan.weight_rows + sum(plan.joints[number].part.rows for number in feedback)
    image = np.zeros((total, plan.lanes), np.int64)
    for number, joint in enumerate(plan.joints):
        if joint.part.kind is not Walk.SPARSE:
            rows, lanes = joint.locate(plan.lanes)
            image[joint.at.weight_row + rows, lanes] = joint.projection.weights
            if number in feedback:
                first, weights = feedback[number]
                image[first + rows, lanes] = weights
    return image


def _sources(plan: CorePlan) -> dict[str, np.ndarray]:
    populations = plan.sources
    counts = np.array([sum(j.source.name == p.name for j in plan.joints) for p in populations])
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


def _filter(plan: CorePlan) -> np.ndarray:
    """Bits of the sources whose events the core needs."""
    needed = {joint.source.name for joint in plan.joints}
    return bit_rows([p.name in needed for p in plan.sources])


def _descriptors(
    plan: CorePlan, order: list[PlacedPopulation], config: ChipConfig
) -> dict[str, np.ndarray]:
    width = config.core.update_lanes
    columns: dict[str, list[int]] = {
        "row": [p.slices[0].row for p in order],
        "base": [plan.piece(p.name).base for p in order],
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


def _parameters(plan: CorePlan, config: ChipConfig) -> dict[str, np.ndarray]:
    """Parameters kept per neuron, in the order of the neurons' rows.

    What lies between the neurons has a threshold that it never reaches, and nothing that moves
    it.
    """
    core = config.core
    columns = {}
    for name in core.fields.kept(Per.NEURON):
        pad = (1 << core.fields.width - 1) - 1 if name == "threshold" else 0
        column = np.full(plan.neuron_rows * plan.lanes, pad, np.int64)
        for view in plan.slices.values():
            first = view.slices[0].row * plan.lanes
            where = first + view.to_index(np.arange(view.size))
            values = field_values(plan.quantised.population(view.name), name)
            column[where] = values[plan.members(view.name)]
        columns[name] = column.reshape(-1, core.update_lanes)
    return columns


def _record(plan: Plan, names: tuple[str, ...] | None) -> np.ndarray:
    """Bits of the sources whose events the host receives."""
    neurons = {p.name for p in plan.quantised.neurons}
    wanted = neurons if names is None else set(names)
    for name in wanted:
        plan.quantised.population(name)
    return bit_rows([p.name in wanted for p in plan.populations])
