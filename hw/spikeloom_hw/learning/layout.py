"""Rows of the memories of the learning engine, and what an entry of a plastic projection holds."""

from typing import Any

from amaranth.hdl import Shape, signed, unsigned
from amaranth.lib import data

from ..config import CoreConfig
from ..layout import base_field
from ..neuron import Per
from ..number import DECAY_WIDTH
from ..validate import check_integers
from .config import LearningConfig
from .kinds import Dependence, Post, Pre, Rounding, Seen, Surrogate, TraceKind

__all__ = [
    "ERROR",
    "MODULATOR",
    "TRACE_WIDTH",
    "built",
    "entry_layout",
    "epochs_layout",
    "neuron_traces",
    "operand_rows",
    "operand_shape",
    "operands_layout",
    "post_factor_shape",
    "post_layout",
    "pre_layout",
    "rule_layout",
    "rule_words",
]

TRACE_WIDTH = 16
"""Bits of a trace."""

MODULATOR = signed(8)
"""Shape of the modulator, and of the coefficient of a term."""

ERROR = signed(16)
"""Shape of an error."""

_SHIFT = range(25)


def rule_layout(config: CoreConfig) -> data.StructLayout:
    """Everything that an entry says: where a plastic projection lies, then its rule.

    ``weight_row`` is its first row of weights and ``blocks`` how many each presynaptic neuron has;
    ``pre_row`` its first row of presynaptic traces and ``last_pre`` how many follow; ``row`` the
    first row of neurons of its target, ``last_group`` its update groups less one, of which the
    last has the neurons ``tail``; ``post_row`` its first row of postsynaptic traces; ``base`` the
    row of the population in which this slice of it begins, if populations are cut. ``size`` is
    the number of presynaptic neurons. If it is ``sparse``, ``weight_row`` is its first pointer, and
    ``blocks`` 1.
    """
    learning = built(config)
    members: dict[str, Any] = {
        "enabled": 1,
        "last": 1,
        "weight_row": range(max(config.weight_rows, config.pointers * learning.sparse)),
        "blocks": range(config.neuron_rows + 1),
        **({"sparse": 1} if learning.sparse else {}),
        "pre_row": range(learning.pre_rows),
        "last_pre": range(learning.pre_rows),
        "size": range(learning.pre_neurons + 1),
        "row": range(config.neuron_rows),
        "last_group": range(config.groups),
        "tail": config.update_lanes,
        "post_row": range(learning.post_rows),
        **base_field(config),
        "shift": _SHIFT,
        "low": signed(config.weight_width),
        "high": signed(config.weight_width),
        "rounding": Rounding,
        "seed": 16,
        "gate": 1,
    }
    for k in range(learning.terms):
        members |= _term(k, learning)
    for letter, count in (("x", learning.pre_traces), ("y", learning.post_traces)):
        for n in range(1, count + 1):
            members |= _trace(f"{letter}{n}")
    members |= _errors(config, learning)
    if learning.eligibility:
        members |= {
            "eligible": 1,
            "reward_shift": _SHIFT,
            "eligibility_decay": DECAY_WIDTH,
            "epoch": 16,
        }
    return data.StructLayout(members)


def entry_layout(config: CoreConfig) -> data.StructLayout:
    """Members of :func:`rule_layout` that are kept in memory: all but the constants.

    Raises
    ------
    ValueError
        If a constant is no member, does not fit, or is what the host switches at run time.
    """
    members = dict(rule_layout(config).members)
    for name, value in built(config).constants.items():
        if name not in members or name == "enabled":
            raise ValueError(f"{name!r} cannot be a constant of the entries of this engine")
        shape = Shape.cast(members.pop(name))
        low = -(1 << (shape.width - 1)) if shape.signed else 0
        check_integers(
            f"Constant {name!r} of a learning engine", value, low, low + (1 << shape.width) - 1
        )
    return data.StructLayout(members)


def rule_words(config: CoreConfig) -> int:
    """Words of 32 bits of an entry."""
    return -(-entry_layout(config).size // 32)


def pre_layout(config: CoreConfig) -> data.ArrayLayout:
    """Row of presynaptic traces: ``x1`` and ``x2`` of ``pre_lanes`` neurons; may be empty."""
    learning = built(config)
    names = [f"x{n}" for n in range(1, learning.pre_traces + 1)]
    neuron = data.StructLayout(dict.fromkeys(names, unsigned(TRACE_WIDTH)))
    return data.ArrayLayout(neuron, learning.pre_lanes)


def post_layout(config: CoreConfig) -> data.ArrayLayout:
    """Row of what is kept of the postsynaptic neurons of an update group; may be empty."""
    learning = built(config)
    names = [f"y{n}" for n in range(1, learning.post_traces + 1)]
    members: dict[str, Any] = dict.fromkeys(names, unsigned(TRACE_WIDTH))
    if learning.neurons:
        members |= neuron_traces(config)
    return data.ArrayLayout(data.StructLayout(members), config.update_lanes)


def neuron_traces(config: CoreConfig) -> dict[str, Any]:
    """What is kept of a neuron whose threshold and leak learn, by name and shape."""
    return {
        "threshold_trace": ERROR,
        "decay_trace": ERROR,
        "fired": 1,
        "potential": signed(config.fields.width),
    }


def epochs_layout() -> data.StructLayout:
    """Row of the memory of epochs: steps of an entry since the last one ended."""
    return data.StructLayout({"steps": 16})


def post_factor_shape(config: CoreConfig) -> Shape:
    """Shape of the postsynaptic factor of a term."""
    learning = built(config)
    return signed(ERROR.width if learning.errors else learning.operand_width + 1)


def operand_shape(config: CoreConfig) -> Shape:
    """Shape of what a lane is given of a postsynaptic neuron for a term.

    It is the factor; without products in the lanes, its product with the coefficient.
    """
    factor = post_factor_shape(config)
    if built(config).products:
        return factor
    return signed(factor.width - 1 + MODULATOR.width)


def operands_layout(config: CoreConfig) -> data.ArrayLayout:
    """Row of postsynaptic factors: of the ``lanes`` neurons of a block, for one term."""
    return data.ArrayLayout(operand_shape(config), config.lanes)


def operand_rows(config: CoreConfig) -> int:
    """Depth of the memory of postsynaptic factors: the row of a term is ``Cat(slot, block)``.

    A slot is a term, or, behind the last, delta for the way backwards; blocks count from the first
    of the target.
    """
    learning = built(config)
    return config.neuron_rows << (learning.slots - 1).bit_length()


def built(config: CoreConfig) -> LearningConfig:
    """Structure of the learning engine of a core that has one."""
    if config.learning is None:
        raise ValueError("The core has no learning engine: give CoreConfig a LearningConfig")
    return config.learning


def _term(number: int, learning: LearningConfig) -> dict[str, Any]:
    members = {
        "coefficient": MODULATOR,
        "pre": Pre,
        "post": Post,
        "on_pre": 1,
        "on_post": 1,
        "modulated": 1,
        **({"dependence": Dependence} if learning.dependence else {}),
    }
    return {f"term{number}_{name}": shape for name, shape in members.items()}


def _trace(name: str) -> dict[str, Any]:
    return {
        f"{name}_decay": DECAY_WIDTH,
        f"{name}_increment": TRACE_WIDTH,
        f"{name}_kind": TraceKind,
        f"{name}_seen": Seen,
    }


def _errors(config: CoreConfig, learning: LearningConfig) -> dict[str, Any]:
    """Fields of rules with errors, and of those that look at potentials."""
    potential = signed(config.fields.width)
    members: dict[str, Any] = {}
    if learning.errors:
        members |= {"surrogate": Surrogate, "width": _SHIFT, "spike_value": 15}
        if config.fields["threshold"] is not Per.NEURON:
            members["threshold"] = potential
    if learning.sdsp:
        bound = range((1 << learning.operand_width) + 1)
        members |= {"potential": potential, "up_low": bound, "up_high": bound}
        members |= {"down_low": bound, "down_high": bound}
    if learning.back:
        members |= {
            "back": 1,
            "back_shift": _SHIFT,
            "back_row": range(config.weight_rows),
            "source_row": range(config.neuron_rows),
        }
    if learning.neurons:
        for name, shape in (("threshold", potential), ("decay", unsigned(DECAY_WIDTH))):
            members |= {f"learn_{name}": 1, f"{name}_shift": range(32)}
            members |= {f"{name}_low": shape, f"{name}_high": shape}
        members["leak_shift"] = _SHIFT
    return members
