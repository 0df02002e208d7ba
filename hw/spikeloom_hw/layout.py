"""Rows of the memories, said once for gateware, compiler and host."""

from typing import Any

from amaranth.hdl import unsigned
from amaranth.lib import data

from .config import CoreConfig, Walk
from .event import INDEX_WIDTH, SOURCE_WIDTH, Operation
from .neuron import Per
from .neuron.noise import WORD_WIDTH

__all__ = [
    "PIXEL_WIDTH",
    "RECIPROCAL_WIDTH",
    "Layouts",
    "base_field",
    "filter_layout",
    "filter_rows",
    "schedule_layout",
    "time_layout",
    "winner_layout",
]

PIXEL_WIDTH = 14
"""Bits of the number of a pixel of a source."""

RECIPROCAL_WIDTH = 18
"""Bits of the reciprocal of the width of a source, ``2**18 // width``."""


class Layouts:
    """Row layouts of one core.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Attributes
    ----------
    weights : ArrayLayout
        ``lanes`` weights of neighbouring postsynaptic neurons.
    accumulators : ArrayLayout
        ``lanes`` accumulators.
    state : ArrayLayout
        State of ``update_lanes`` neurons.
    neurons : ArrayLayout
        Parameters of ``update_lanes`` neurons that are kept per neuron; may be empty.
    populations : StructLayout
        A population: its first neuron row, its number of update groups less one, the mask of the
        groups of a pixel, how many of these are whole, the mask of the neurons in the one after
        those, its source number, if populations are cut the row of the population in which this
        slice begins (``base``), and the parameters kept per population.
    projections : StructLayout
        A projection: its kind, first weight row, first neuron row, rows per presynaptic neuron
        (blocks), the postsynaptic neurons (for the counter of synaptic operations), the delay,
        whether it learns and its first neuron among the presynaptic ones, and for convolutions the
        first entries in the tables and the steps from tap to tap.
    sources : StructLayout
        First projection of a source, how many there are, the indices of the source, and for
        convolutions how an index is split into pixel and channel, line and column.
    phases : StructLayout
        First population of a phase, and how many there are.
    taps : StructLayout
        An entry of a table of convolutions: weight rows and neuron rows to add, and steps.
    pointers : StructLayout
        Where the synapses of a presynaptic neuron begin, how many rows and synapses there are.
    synapses : ArrayLayout
        ``lanes`` synapses of a sparse projection, with neuron row and delay; and whether there is
        one, if they may learn.
    """

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        fields = config.fields
        self.weights = data.ArrayLayout(config.weight.shape, config.lanes)
        self.accumulators = data.ArrayLayout(config.accumulator.shape, config.lanes)
        self.state = data.ArrayLayout(fields.state, config.update_lanes)
        per_neuron = data.StructLayout(fields.kept(Per.NEURON))
        self.neurons = data.ArrayLayout(per_neuron, config.update_lanes)
        self.populations = data.StructLayout({
            "row": range(config.neuron_rows),
            "last_group": range(config.groups),
            "period": range(config.groups),
            "full": range(config.groups + 1),
            "tail": unsigned(config.update_lanes),
            "source": unsigned(SOURCE_WIDTH),
            **base_field(config),
            **fields.kept(Per.POPULATION),
        })
        self.projections = data.StructLayout(_projection(config))
        self.sources = data.StructLayout(_source(config))
        self.phases = data.StructLayout(_span(config.populations))
        self.taps = data.StructLayout({
            "weight": range(config.weight_rows),
            "row": range(config.neuron_rows),
            "count": range(config.neuron_rows + 1),
        })
        self.pointers = data.StructLayout({
            "first": range(max(2, config.synapse_rows)),
            "words": range(config.synapse_rows + 1),
            "size": range(config.neuron_rows * config.lanes + 1),
        })
        synapse: dict[str, Any] = {"weight": config.weight.shape, "row": range(config.neuron_rows)}
        if config.delay_slots > 1:
            synapse["delay"] = range(config.delay_slots)
        if config.learning and config.learning.sparse:
            synapse["used"] = 1
        self.synapses = data.ArrayLayout(data.StructLayout(synapse), config.lanes)


def schedule_layout(config: CoreConfig) -> data.StructLayout:
    """One entry of the schedule: what to do, in which phase, and whether the step ends there."""
    return data.StructLayout({
        "operation": Operation,
        "phase": range(config.phases),
        "last": unsigned(1),
    })


def time_layout(config: CoreConfig) -> data.StructLayout:
    """What tells a core the time: noise word, and slot of the accumulators; empty if nothing does.

    The host can write it, not read it.
    """
    slot_bits = (config.delay_slots - 1).bit_length()
    if not slot_bits and not config.fields.noisy:
        return data.StructLayout({})
    return data.StructLayout({"word": WORD_WIDTH, "slot": slot_bits})


def winner_layout(config: CoreConfig) -> data.StructLayout:
    """The winner of a population, if there is one: its group in the population, and its place."""
    return data.StructLayout({
        "some": 1,
        "group": range(config.groups),
        "lane": (config.update_lanes - 1).bit_length(),
    })


def filter_layout(config: CoreConfig) -> data.ArrayLayout:
    """Row of a memory of one bit for each source: the record table, and filters."""
    return data.ArrayLayout(1, min(32, config.sources))


def filter_rows(config: CoreConfig) -> int:
    """Depth of such a memory."""
    return max(2, -(-config.sources // 32))


def base_field(config: CoreConfig) -> dict[str, Any]:
    """Field of a slice: the row of its population in which it begins; none if nothing is cut."""
    return {"base": range(config.bases)} if config.bases else {}


def _projection(config: CoreConfig) -> dict[str, Any]:
    weight_row = range(max(config.weight_rows, config.pointers))
    members: dict[str, Any] = {
        "weight_row": weight_row,
        "row": range(config.neuron_rows),
        "blocks": range(config.neuron_rows + 1),
        "size": range(config.neuron_rows * config.lanes + 1),
    }
    if len(config.walks) > 1:
        members["kind"] = Walk
    if config.delay_slots > 1:
        members["delay"] = range(config.delay_slots)
    if config.learning:
        members |= {"plastic": 1, "neuron": range(config.learning.pre_neurons)}
    if Walk.CONVOLUTION in config.walks:
        members |= dict.fromkeys(("channels", "lines", "columns"), range(config.taps))
        for axis in ("line", "column"):
            members[f"{axis}_weight"] = range(config.weight_rows)
            members[f"{axis}_row"] = range(config.neuron_rows)
    return members


def _source(config: CoreConfig) -> dict[str, Any]:
    members: dict[str, Any] = {
        **_span(config.projections),
        "size": range((1 << INDEX_WIDTH) + 1),
    }
    if Walk.CONVOLUTION in config.walks:
        members["channel_bits"] = range(INDEX_WIDTH)
        members["width"] = range(1, (1 << PIXEL_WIDTH) + 1)
        members["reciprocal"] = unsigned(RECIPROCAL_WIDTH)
    return members


def _span(depth: int) -> dict[str, range]:
    return {"first": range(depth), "count": range(depth + 1)}
