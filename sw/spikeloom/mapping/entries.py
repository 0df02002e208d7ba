"""Plastic projections of a core, and what an entry of the learning engine says of each."""

from dataclasses import dataclass

from spikeloom_hw.config import Walk
from spikeloom_hw.learning import LearningRule
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.number import Signed
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Dense, Sparse

from ..errors import MappingError
from ..field_places import field_values
from .core_plan import CorePlan, Joint
from .rule_fields import neuron_fields, term_fields, trace_fields

__all__ = ["PlasticJoint", "entries_of", "plastic_of", "rows_of"]


@dataclass(frozen=True, eq=False)
class PlasticJoint:
    """A plastic projection on a core, its rule, and where its traces begin.

    Parameters
    ----------
    number : int
        Its row in the table of projections of the core.
    joint : Joint
        The projection there.
    rule : LearningRule
        Its rule.
    pre_row, post_row : int
        First rows of its presynaptic and of its postsynaptic traces.
    """

    number: int
    joint: Joint
    rule: LearningRule
    pre_row: int
    post_row: int


def plastic_of(plan: CorePlan, pre_lanes: int, update_lanes: int) -> list[PlasticJoint]:
    """Plastic projections of a core, in the order in which they learn."""
    found: list[PlasticJoint] = []
    pre_row = post_row = 0
    entries = {j.at.entry: k for k, j in enumerate(plan.joints) if j.at.entry is not None}
    for entry in range(len(entries)):
        number = entries[entry]
        joint = plan.joints[number]
        for end in (joint.source, joint.target):
            if end.stride:
                raise MappingError(
                    f"Projection {joint.projection} learns, but population {end.name!r} is laid "
                    f"out in pixels for a convolution: put a population without a convolution "
                    f"between"
                )
        assert isinstance(joint.projection, Dense | Sparse)
        found.append(PlasticJoint(number, joint, joint.projection.rule, pre_row, post_row))
        pre_row += rows_of(joint.source, pre_lanes)
        post_row += rows_of(joint.target, update_lanes)
    return found


def entries_of(
    plan: CorePlan, learning: LearningConfig, update_lanes: int, *, cut: bool
) -> list[dict[str, int]]:
    """Entries, by the names of :func:`spikeloom_hw.learning.layout.rule_layout`.

    A member that makes no difference to an entry is left out.

    Parameters
    ----------
    plan : CorePlan
        What the core has.
    learning : LearningConfig
        Its engine.
    update_lanes : int
        Neurons that it updates in a cycle.
    cut : bool
        Whether populations may be cut, so that an entry says where a slice begins.
    """
    plastic = plastic_of(plan, learning.pre_lanes, update_lanes)
    entries = [_entry(plan, learning, update_lanes, p) for p in plastic]
    for number, entry in enumerate(entries, 1):
        entry["last"] = int(number == len(entries))
        if cut:
            entry["base"] = plastic[number - 1].joint.base
    return entries


def _entry(
    plan: CorePlan, learning: LearningConfig, width: int, plastic: PlasticJoint
) -> dict[str, int]:
    """One entry, but for whether it is the last, and for its base."""
    rule, joint, target = plastic.rule, plastic.joint, plastic.joint.target
    sparse = joint.part.kind is Walk.SPARSE
    entry = {
        "enabled": int(rule.enabled),
        "weight_row": joint.at.pointer if sparse else joint.at.weight_row,
        **({"sparse": int(sparse)} if learning.sparse else {}),
        "blocks": joint.part.blocks,
        "pre_row": plastic.pre_row,
        "last_pre": rows_of(joint.source, learning.pre_lanes) - 1,
        "size": joint.source.size,
        "row": joint.row,
        "last_group": rows_of(target, width) - 1,
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


def _signals(plan: CorePlan, learning: LearningConfig, plastic: PlasticJoint) -> dict[str, int]:
    """Fields of errors, of SDSP and of the way backwards."""
    rule, entry = plastic.rule, _flags(learning)
    if rule.errors:
        errors, target = rule.errors, plan.quantised.population(plastic.joint.target.name)
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
        row, _ = plan.feedback.get(plastic.number, (plastic.joint.at.weight_row, None))
        source = plan.slices[plastic.joint.source.name]
        entry |= {
            "back": 1,
            "back_shift": rule.back.shift,
            "back_row": row,
            "source_row": source.slices[0].row,
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


def _potential(plan: CorePlan, plastic: PlasticJoint, potential: int) -> int:
    """Threshold of SDSP in the format of the potentials; below that, all are above it."""
    neuron = plan.quantised.population(plastic.joint.target.name).neuron
    assert neuron is not None
    number = Signed(neuron.width)
    if potential > number.high:
        raise MappingError(
            f"Projection {plastic.joint.projection} compares potentials with {potential}, "
            f"but those of {neuron.width} bits reach {number.high}; use a lower one"
        )
    return max(potential, number.low)


def rows_of(population: PlacedPopulation, width: int) -> int:
    """Rows of so many neurons that a population takes."""
    return -(-population.size // width)
