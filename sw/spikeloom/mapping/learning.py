"""Plastic projections as entries of the learning engines."""

from dataclasses import asdict, fields, replace
from typing import Any

import numpy as np

from spikeloom_hw.config import CoreConfig, Walk
from spikeloom_hw.learning import Dependence
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.layout import entry_layout
from spikeloom_hw.neuron import Per
from spikeloom_hw.neuron.noise import FIRST_WORD
from spikeloom_sim.learning import plastic_projections

from ..errors import MappingError
from .core_plan import CorePlan
from .entries import entries_of, plastic_of, rows_of
from .plan import Plan
from .rule_constants import check_constants, common_constants, sum_width

__all__ = [
    "check_learning",
    "learning_columns",
    "learning_config",
    "learning_tables",
]


_PER_NEURON = (Per.NEURON, Per.NEURON)


def learning_config(
    plan: Plan, update_lanes: int, pre_lanes: int | None = None, *, fixed: bool = False
) -> LearningConfig | None:
    """Structure of the least engine that follows all rules on every core; None if there are none.

    It looks at as many presynaptic neurons a cycle as are updated, unless told otherwise. What
    the rules have in common becomes part of it: the forms of their terms and traces, or, if
    ``fixed``, their numbers and the places of projections too.
    """
    pre_lanes = pre_lanes or update_lanes
    needed = [_engine(core, pre_lanes, update_lanes, fixed=fixed) for core in plan.cores]
    built = [config for config in needed if config is not None]
    if not built:
        return None
    merged = {
        field.name: max(getattr(config, field.name) for config in built)
        for field in fields(LearningConfig)
        if field.name != "constants"
    }
    learning = LearningConfig(**merged)
    entries = _all_entries(plan, learning, update_lanes, cut=_is_cut(plan))
    return replace(learning, constants=common_constants(entries, learning, fixed=fixed))


def _engine(
    plan: CorePlan, pre_lanes: int, update_lanes: int, *, fixed: bool
) -> LearningConfig | None:
    """Structure of the least engine of one core, without constants."""
    plastic = plastic_of(plan, pre_lanes, update_lanes)
    if not plastic:
        return None
    rules = [p.rule for p in plastic]
    last = plastic[-1]
    return LearningConfig(
        entries=1 << (len(plastic) - 1).bit_length(),
        terms=max(len(rule.terms) for rule in rules),
        pre_traces=max(len(rule.pre_traces) for rule in rules),
        post_traces=max(len(rule.post_traces) for rule in rules),
        pre_lanes=pre_lanes,
        pre_rows=_deep(last.pre_row + rows_of(last.joint.source, pre_lanes)),
        post_rows=_deep(last.post_row + rows_of(last.joint.target, update_lanes)),
        operand_width=rules[0].operand_width,
        sum_width=sum_width(rules, fixed=fixed),
        products=any(r.multiplies or r.errors or r.eligibility for r in rules),
        dependence=any(t.dependence is not Dependence.ONE for r in rules for t in r.terms),
        errors=any(rule.errors is not None for rule in rules),
        sdsp=any(rule.sdsp is not None for rule in rules),
        back=any(rule.back is not None for rule in rules),
        neurons=any(rule.neurons is not None for rule in rules),
        eligibility=any(rule.eligibility is not None for rule in rules),
        sparse=any(p.joint.part.kind is Walk.SPARSE for p in plastic),
    )


def _is_cut(plan: Plan) -> bool:
    return any(piece.base for p in plan.populations for piece in p.slices)


def _all_entries(
    plan: Plan, learning: LearningConfig, update_lanes: int, *, cut: bool
) -> list[dict[str, int]]:
    """Entries of all cores."""
    return [
        entry for core in plan.cores for entry in entries_of(core, learning, update_lanes, cut=cut)
    ]


def check_learning(plan: Plan, config: CoreConfig) -> None:
    """Check that the learning engine of hardware that exists already follows all rules.

    Raises
    ------
    MappingError
        If it does not; the message says what it lacks.
    """
    there = config.learning
    needed = learning_config(plan, config.update_lanes, there and there.pre_lanes, fixed=True)
    if needed is None:
        return
    if there is None:
        raise MappingError(
            "The network learns, but the hardware has no learning engine; "
            "generate hardware for this network"
        )
    for name, value in asdict(needed).items():
        has = getattr(there, name)
        if name not in ("pre_lanes", "operand_width", "constants") and value > has:
            what = name.replace("_", " ")
            raise MappingError(
                f"The learning engine of the hardware has {what} {has}, the network needs "
                f"{value}; generate hardware for this network"
            )
    if needed.neurons and (config.fields["threshold"], config.fields["decay"]) != _PER_NEURON:
        raise MappingError(
            "Thresholds and leaks of the network learn, but the hardware does not keep both per "
            "neuron; generate hardware for this network"
        )
    if needed.operand_width != there.operand_width:
        raise MappingError(
            f"The rules see traces in {needed.operand_width} bits, the hardware in "
            f"{there.operand_width}; use an operand width of {there.operand_width}"
        )
    entries = _all_entries(plan, there, config.update_lanes, cut=bool(config.bases))
    check_constants(there.constants, entries)


def learning_columns(plan: CorePlan, config: CoreConfig) -> dict[str, list[int]]:
    """Members of the projection table: which learn, and where their traces begin."""
    if config.learning is None:
        return {}
    columns = {name: [0] * len(plan.joints) for name in ("plastic", "neuron")}
    for p in plastic_of(plan, config.learning.pre_lanes, config.update_lanes):
        columns["plastic"][p.number] = int(p.rule.enabled)
        columns["neuron"][p.number] = p.pre_row * config.learning.pre_lanes
    return columns


def learning_tables(plan: CorePlan, config: CoreConfig) -> dict[str, Any]:
    """Contents of the memories of the learning engine of a core, by name of the region."""
    learning, quantised = config.learning, plan.quantised
    if learning is None:
        return {}
    tables: dict[str, Any] = {"clock": {"word": np.array([FIRST_WORD])}}
    if not plastic_projections(quantised.projections, quantised.phases):
        return tables
    plastic = plastic_of(plan, learning.pre_lanes, config.update_lanes)
    if learning.eligibility:
        tables["eligibility"] = np.zeros((plan.weight_rows, config.lanes), np.int64)
        tables["epochs"] = {"steps": np.zeros(len(plastic), np.int64)}
    entries = entries_of(plan, learning, config.update_lanes, cut=bool(config.bases))
    # A core on which nothing learns while others do has an entry that is switched off.
    entries = entries or [{"last": 1}]
    tables["rules"] = {
        name: np.array([entry.get(name, 0) for entry in entries])
        for name in entry_layout(config).members
    }
    return tables


def _deep(rows: int) -> int:
    return max(2, 1 << (rows - 1).bit_length())
