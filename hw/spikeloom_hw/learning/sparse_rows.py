"""What the row pass reads and writes of sparse projections, where each lane has its own row."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from ..config import CoreConfig
from ..layout import Layouts
from .delay import later
from .draw import word_of
from .kinds import Rounding
from .lane import LaneTiming
from .lane_shift import MOST_SHIFT
from .layout import built, operand_rows, rule_layout
from .port import RowPort

__all__ = ["LOOKUP", "SparseRows", "connect_sparse", "serve_rows"]

LOOKUP = 2
"""Cycles from a request to the neurons of its synapses, whose operands are read then."""


class SparseRows(wiring.Component):
    """Look up whom the synapses of a word reach, and write back what has moved.

    A word is read with each of its requests, and once more for what moves, so that a word with
    one term takes two cycles. An empty slot stays 0.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core whose sparse projections learn.

    Members
    -------
    rule : In(rule_layout(config))
        The rule; it holds still. All else but the rows of operands counts if it is sparse.
    read, read_row : In
        Read the word of a request.
    slot, block : In
        Of the request, :data:`LOOKUP` cycles later; in a dense projection the block is that of
        all lanes.
    again, again_row : In
        Read a word once more, for ``before``, a cycle later. There is no ``read`` then.
    write, write_row, moved : In
        Write the weights of the word that came again in the cycle before.
    operand_rows : Out
        Row of operands for each lane, with ``slot``.
    weights : Out
        Weights of the word of a request, when the lanes want those that terms depend on.
    before : Out
        Weights of the word that was read again.
    parts : Out
        What the neuron of each lane adds, modulo 2, to the rounding offset of the lane in the first
        block of the population, when that is wanted.
    synapses : Out(RowPort)
        Memory of synapses; a row comes a cycle after it was read.
    """

    rule: Any
    read: Signal
    read_row: Signal
    slot: Signal
    block: Signal
    again: Signal
    again_row: Signal
    write: Signal
    write_row: Signal
    moved: Any
    operand_rows: Any
    weights: Any
    before: Any
    parts: Any
    synapses: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        layouts, row = Layouts(config), range(config.synapse_rows)
        address = unsigned(ceil_log2(operand_rows(config)))
        super().__init__({
            "rule": In(rule_layout(config)),
            "read": In(1),
            "read_row": In(row),
            "slot": In(range(built(config).slots)),
            "block": In(range(config.neuron_rows)),
            "again": In(1),
            "again_row": In(row),
            "write": In(1),
            "write_row": In(row),
            "moved": In(layouts.weights),
            "operand_rows": Out(data.ArrayLayout(address, config.lanes)),
            "weights": Out(layouts.weights),
            "before": Out(layouts.weights),
            "parts": Out(data.ArrayLayout(unsigned(MOST_SHIFT), config.lanes)),
            "synapses": Out(RowPort(layouts.synapses, config.synapse_rows)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the lanes."""
        m = Module()
        timing, synapses = LaneTiming.of(self.config), self.synapses
        low_bits = (self.config.lanes - 1).bit_length()
        m.d.comb += [
            synapses.read.eq(self.read | self.again),
            synapses.read_row.eq(Mux(self.again, self.again_row, self.read_row)),
            synapses.write.eq(self.write),
            synapses.write_row.eq(self.write_row),
        ]
        stochastic, ones = self.rule.rounding == Rounding.STOCHASTIC, Signal(MOST_SHIFT)
        m.d.sync += ones.eq(Mux(stochastic & self.rule.sparse, (1 << self.rule.shift) - 1, 0))

        for lane in range(self.config.lanes):
            # Whom the synapse reaches, and its weight, are captured.
            synapse = synapses.read_data[lane]
            block, weight = Signal.like(self.block), Signal.like(synapse.weight)
            m.d.sync += [block.eq(synapse.row - self.rule.row), weight.eq(synapse.weight)]
            whose = Mux(self.rule.sparse, block, self.block)
            m.d.comb += self.operand_rows[lane].eq(Cat(self.slot, whose))
            m.d.comb += self.weights[lane].eq(later(m, weight, timing.weight + 1))

            # The part of the random word waits until the sum begins.
            number = later(m, block, timing.sums - 1)
            if self.config.bases:
                number = (number + self.rule.base)[: max(len(block), len(self.rule.base)) + 1]
            place = Cat(Const(0, low_bits), later(m, number, 1))
            m.d.sync += self.parts[lane].eq(word_of(place)[:MOST_SHIFT] & ones)

            # The word that has come again keeps all but its weight.
            kept: Any = Signal(synapse.shape(), name=f"kept_{lane}")
            written = synapses.write_data[lane]
            m.d.sync += kept.eq(synapse)
            m.d.comb += [
                self.before[lane].eq(synapse.weight),
                written.eq(kept),
                written.weight.eq(Mux(kept.used, self.moved[lane], 0)),
            ]

        return m


def serve_rows(m: Module, row_pass: Any, late: int, passing: tuple[Any, Any, Any]) -> Any:
    """Add what a row pass needs for sparse projections; None if they do not learn.

    Parameters
    ----------
    m : Module
        Module to build in.
    row_pass : RowPass
        The row pass.
    late : int
        Stage in which the word of a request is read again.
    passing : tuple of list
        By stage: whether there is a request, whether it learns, and the request.
    """
    valid, learns, requests = passing
    if not built(row_pass.config).sparse:
        return None
    m.submodules.rows = rows = SparseRows(row_pass.config)
    connect(m, rows.synapses, flipped(row_pass.synapses))
    sparse, looked, again = row_pass.rule.sparse, requests[LOOKUP], requests[late]
    m.d.comb += [
        rows.rule.eq(row_pass.rule),
        rows.read.eq(valid[0]),
        rows.read_row.eq(requests[0].weight_row),
        rows.slot.eq(looked.slot),
        rows.block.eq(looked.block),
        rows.again.eq(sparse & learns[late] & again.last),
        rows.again_row.eq(again.weight_row),
        rows.write.eq(sparse & learns[-1] & requests[-1].last),
        rows.write_row.eq(requests[-1].weight_row),
        *(rows.moved[k].eq(lane.moved) for k, lane in enumerate(row_pass.lanes)),
        row_pass.operand_rows.eq(rows.operand_rows),
    ]
    return rows


def connect_sparse(m: Module, engine: Any, row_pass: Any, operands: Any) -> None:
    """Connect the row pass of an engine to operands, and to memories of sparse projections."""
    if not built(row_pass.config).sparse:
        m.d.comb += operands.row.eq(row_pass.operands.read_row)
        return
    connect(m, row_pass.pointers, flipped(engine.pointers))
    connect(m, row_pass.synapses, flipped(engine.synapses))
    m.d.comb += [operands.rows.eq(row_pass.operand_rows), row_pass.some.eq(operands.some)]
