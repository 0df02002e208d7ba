"""Plastic projections as entries of the learning engine."""

from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning import Dependence, LearningRule
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.layout import entry_layout
from spikeloom_hw.neuron import Per
from spikeloom_hw.neuron.noise import FIRST_WORD
from spikeloom_hw.number import Signed
from spikeloom_hw.program import PlacedPopulation, PlacedProjection
from spikeloom_sim.learning import plastic_projections

from ..errors import MappingError
from ..field_places import field_values
from .plan import Plan
from .rule_constants import check_constants, common_constants, sum_width
from .rule_fields import neuron_fields, term_fields, trace_fields

__all__ = [
    "check_learning",
    "learning_columns",
    "learning_config",
    "learning_tables",
    "place_entries",
]


_PER_NEURON = (Per.NEURON, Per.NEURON)


@dataclass(frozen=True, eq=False)
class _Plastic:
    """A plastic projection: its place in the plan, its rule, and where its traces begin."""

    number: int
    rule: LearningRule
    source: PlacedPopulation
    target: PlacedPopulation
    pre_row: int
    post_row: int


def learning_config(
    plan: Plan, update_lanes: int, pre_lanes: int | None = None, *, fixed: bool = False
) -> LearningConfig | None:
    """Structure of the least engine that follows all rules of a network; None if it has none.

    It looks at as many presynaptic neurons a cycle as are updated, unless told otherwise. What
    the rules have in common becomes part of it: the forms of their terms and traces, or, if
    ``fixed``, their numbers and the places of projections too.
    """
    pre_lanes = pre_lanes or update_lanes
    plastic = _plastic(plan, pre_lanes, update_lanes)
    if not plastic:
        return None
    rules = [p.rule for p in plastic]
    last = plastic[-1]
    learning = LearningConfig(
        entries=1 << (len(plastic) - 1).bit_length(),
        terms=max(len(rule.terms) for rule in rules),
        pre_traces=max(len(rule.pre_traces) for rule in rules),
        post_traces=max(len(rule.post_traces) for rule in rules),
        pre_lanes=pre_lanes,
        pre_rows=_deep(last.pre_row + _rows(last.source, pre_lanes)),
        post_rows=_deep(last.post_row + _rows(last.target, update_lanes)),
        operand_width=rules[0].operand_width,
        sum_width=sum_width(rules, fixed=fixed),
        products=any(r.multiplies or r.errors or r.eligibility for r in rules),
        dependence=any(t.dependence is not Dependence.ONE for r in rules for t in r.terms),
        errors=any(rule.errors is not None for rule in rules),
        sdsp=any(rule.sdsp is not None for rule in rules),
        back=any(rule.back is not None for rule in rules),
        neurons=any(rule.neurons is not None for rule in rules),
        eligibility=any(rule.eligibility is not None for rule in rules),
    )
    entries = _entries(plan, learning, update_lanes)
    return replace(learning, constants=common_constants(entries, learning, fixed=fixed))


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
    check_constants(there.constants, _entries(plan, there, config.update_lanes))


def learning_columns(plan: Plan, config: CoreConfig) -> dict[str, list[int]]:
    """Members of the projection table: which learn, and where their traces begin."""
    if config.learning is None:
        return {}
    columns = {name: [0] * len(plan.placed) for name in ("plastic", "neuron")}
    for p in _plastic(plan, config.learning.pre_lanes, config.update_lanes):
        columns["plastic"][p.number] = int(p.rule.enabled)
        columns["neuron"][p.number] = p.pre_row * config.learning.pre_lanes
    return columns


def learning_tables(plan: Plan, config: CoreConfig) -> dict[str, Any]:
    """Contents of the memories of the learning engine, by name of the region."""
    learning = config.learning
    if learning is None:
        return {}
    tables: dict[str, Any] = {"clock": {"word": np.array([FIRST_WORD])}}
    plastic = _plastic(plan, learning.pre_lanes, config.update_lanes)
    if not plastic:
        return tables
    if learning.eligibility:
        tables["eligibility"] = np.zeros((plan.weight_rows, config.lanes), np.int64)
        tables["epochs"] = {"steps": np.zeros(len(plastic), np.int64)}
    entries = _entries(plan, learning, config.update_lanes)
    tables["rules"] = {
        name: np.array([entry.get(name, 0) for entry in entries])
        for name in entry_layout(config).members
    }
    return tables


def place_entries(plan: Plan) -> tuple[PlacedProjection, ...]:
    """Tell the placed projections their entries, in the order in which they learn."""
    placed = list(plan.placed)
    for entry, plastic in enumerate(_plastic(plan, 1, 1)):
        taught = plastic.rule.errors is not None
        at = placed[plastic.number]
        placed[plastic.number] = replace(at, entry=entry, taught=taught)
    return tuple(placed)


def _plastic(plan: Plan, pre_lanes: int, update_lanes: int) -> list[_Plastic]:
    """Plastic projections, in the order in which they learn."""
    quantised = plan.quantised
    found: list[_Plastic] = []
    pre_row = post_row = 0
    for projection in plastic_projections(quantised.projections, quantised.phases).values():
        number = next(k for k, p in enumerate(plan.projections) if p is projection)
        ends = plan.populations[projection.source], plan.populations[projection.target]
        for end in ends:
            if end.stride:
                raise MappingError(
                    f"Projection {projection} learns, but population {end.name!r} is laid out in "
                    f"pixels for a convolution: put a population without a convolution between"
                )
        found.append(_Plastic(number, projection.rule, *ends, pre_row, post_row))
        pre_row += _rows(ends[0], pre_lanes)
        post_row += _rows(ends[1], update_lanes)
    return found


def _entries(plan: Plan, learning: LearningConfig, update_lanes: int) -> list[dict[str, int]]:
    """Entries, by the names of :func:`spikeloom_hw.learning.layout.rule_layout`.

    A member that makes no difference to an entry is left out.
    """
    plastic = _plastic(plan, learning.pre_lanes, update_lanes)
    entries = [_entry(plan, learning, update_lanes, p) for p in plastic]
    for number, entry in enumerate(entries, 1):
        entry["last"] = int(number == len(entries))
    return entries


def _entry(plan: Plan, learning: LearningConfig, width: int, plastic: _Plastic) -> dict[str, int]:
    """One entry, but for whether it is the last."""
    rule, at, target = plastic.rule, plan.placed[plastic.number], plastic.target
    entry = {
        "enabled": int(rule.enabled),
        "weight_row": at.weight_row,
        "blocks": plan.parts[plastic.number].blocks,
        "pre_row": plastic.pre_row,
        "last_pre": _rows(plastic.source, learning.pre_lanes) - 1,
        "size": plastic.source.size,
        "row": target.row or 0,
        "last_group": _rows(target, width) - 1,
        "tail": (1 << (target.size - 1) % width + 1) - 1,
        "post_row": plastic.post_row,
        "shift": rule.shift,
        "low": rule.low,
        "high": rule.high,
        "rounding": rule.rounding.value,
        "seed": rule.seed,
        "gate": int(rule.gate),
    }
    entry |= term_fields(rule, learning.terms)
    for letter, traces in (("x", rule.pre_traces), ("y", rule.post_traces)):
        for n, trace in enumerate(traces, 1):
            entry |= trace_fields(f"{letter}{n}", trace)
    return entry | _signals(plan, learning, plastic)


def _signals(plan: Plan, learning: LearningConfig, plastic: _Plastic) -> dict[str, int]:
    """Fields of errors, of SDSP and of the way backwards."""
    rule, entry = plastic.rule, _flags(learning)
    if rule.errors:
        errors, target = rule.errors, plan.quantised.population(plastic.target.name)
        entry |= {
            "surrogate": errors.surrogate.value,
            "width": errors.width,
            "spike_value": errors.spike_value,
            "threshold": int(field_values(target, "threshold")[0]),
        }
    if rule.sdsp:
        most = 1 << rule.operand_width
        entry["potential"] = _potential(plan, plastic, rule.sdsp.potential)
        for name in ("up_low", "up_high", "down_low", "down_high"):
            entry[name] = min(getattr(rule.sdsp, name), most)
    if rule.eligibility:
        entry |= {
            "eligible": 1,
            "reward_shift": rule.eligibility.reward_shift,
            "eligibility_decay": rule.eligibility.decay,
            "epoch": rule.eligibility.epoch,
        }
    if rule.neurons:
        entry |= neuron_fields(rule.neurons)
    if rule.back:
        row, _ = plan.feedback.get(plastic.number, (plan.placed[plastic.number].weight_row, None))
        entry |= {
            "back": 1,
            "back_shift": rule.back.shift,
            "back_row": row,
            "source_row": plastic.source.row or 0,
        }
    return entry


def _flags(learning: LearningConfig) -> dict[str, int]:
    """Fields that switch parts of the engine on, all off."""
    entry: dict[str, int] = {}
    if learning.eligibility:
        entry["eligible"] = 0
    if learning.back:
        entry["back"] = 0
    if learning.neurons:
        entry |= {"learn_threshold": 0, "learn_decay": 0}
    return entry


def _potential(plan: Plan, plastic: _Plastic, potential: int) -> int:
    """Threshold of SDSP in the format of the potentials; below that, all are above it."""
    neuron = plan.quantised.population(plastic.target.name).neuron
    assert neuron is not None
    number = Signed(neuron.width)
    if potential > number.high:
        raise MappingError(
            f"Projection {plan.projections[plastic.number]} compares potentials with {potential}, "
            f"but those of {neuron.width} bits reach {number.high}; use a lower one"
        )
    return max(potential, number.low)


def _rows(population: PlacedPopulation, width: int) -> int:
    return -(-population.size // width)


def _deep(rows: int) -> int:
    return max(2, 1 << (rows - 1).bit_length())
