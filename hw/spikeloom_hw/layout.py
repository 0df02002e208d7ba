"""Rows of the memories, said once for gateware, compiler and host."""

from amaranth.hdl import unsigned
from amaranth.lib import data

from .config import CoreConfig
from .event import INDEX_WIDTH, SOURCE_WIDTH, Operation
from .neuron import Per

__all__ = ["Layouts", "schedule_layout"]


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
        A population: its first neuron row, its number of update groups less one, the mask of
        the neurons that exist in the last group, its source number, and the parameters kept per
        population.
    projections : StructLayout
        A dense projection: first weight row, first neuron row, rows per presynaptic neuron
        (blocks), and the postsynaptic neurons (for the counter of synaptic operations).
    sources : StructLayout
        First projection of a source, how many there are, and the neurons of the source.
    phases : StructLayout
        First population of a phase, and how many there are.
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
            "tail": unsigned(config.update_lanes),
            "source": unsigned(SOURCE_WIDTH),
            **fields.kept(Per.POPULATION),
        })
        self.projections = data.StructLayout({
            "weight_row": range(config.weight_rows),
            "row": range(config.neuron_rows),
            "blocks": range(config.neuron_rows + 1),
            "size": range(config.neuron_rows * config.lanes + 1),
        })
        self.sources = data.StructLayout({
            **_span(config.projections),
            "size": range((1 << INDEX_WIDTH) + 1),
        })
        self.phases = data.StructLayout(_span(config.populations))


def schedule_layout(config: CoreConfig) -> data.StructLayout:
    """One entry of the schedule: what to do, in which phase, and whether the step ends there."""
    return data.StructLayout({
        "operation": Operation,
        "phase": range(config.phases),
        "last": unsigned(1),
    })


def _span(depth: int) -> dict[str, range]:
    return {"first": range(depth), "count": range(depth + 1)}
