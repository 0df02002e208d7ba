"""The lane pipe: one row of weights added to one row of accumulators every cycle."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .layout import Layouts

__all__ = ["LanePipe", "request_layout"]


def request_layout(config: CoreConfig) -> data.StructLayout:
    """One row of weights, and the row of accumulators that it goes to."""
    return data.StructLayout({
        "weight_row": range(config.weight_rows),
        "row": range(config.neuron_rows),
    })


class LanePipe(wiring.Component):
    """Read, add and write back in three stages, a request every cycle, never stalling.

    Sums wrap around, so their order does not matter; the compiler bounds them. A request may name
    the row of the one before it, or of the one before that: two forwards take the sum from the
    pipe instead of the memory, which does not hold it yet.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(request_layout(config), always_ready=True))
        Requests.
    read : Out(1)
        Read the weights and accumulators of the rows that ``i`` names.
    weights : In(Layouts.weights)
        Weights, one cycle after ``read``.
    accumulators : In(Layouts.accumulators)
        Accumulators, one cycle after ``read``.
    write : Out(1)
        Write ``sums`` to ``row``.
    row : Out(range(neuron_rows))
        Row to write.
    sums : Out(Layouts.accumulators)
        New accumulators.
    idle : Out(1)
        No request is under way.
    """

    i: stream.Interface
    read: Signal
    weights: Any
    accumulators: Any
    write: Signal
    row: Signal
    sums: Any
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.layouts = layouts = Layouts(config)
        super().__init__({
            "i": In(stream.Signature(request_layout(config), always_ready=True)),
            "read": Out(1),
            "weights": In(layouts.weights),
            "accumulators": In(layouts.accumulators),
            "write": Out(1),
            "row": Out(range(config.neuron_rows)),
            "sums": Out(layouts.accumulators),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the pipe."""
        m = Module()
        row = self.i.payload.row

        # Stage 0: the memories are read.
        m.d.comb += self.read.eq(self.i.valid)

        # Stage 1: the operands are captured. The request ahead adds just now, the one before that
        # is written in the cycle in which this one was read: both sums are newer than the memory.
        valid_1, valid_2 = Signal(), Signal()
        row_1 = Signal.like(self.row)
        follows_1, follows_2 = Signal(), Signal()
        m.d.sync += [
            valid_1.eq(self.i.valid),
            row_1.eq(row),
            follows_1.eq(valid_1 & (row_1 == row)),
            follows_2.eq(valid_2 & (self.row == row)),
        ]
        weights = Signal(self.layouts.weights)
        accumulators = Signal(self.layouts.accumulators)
        before = Signal(self.layouts.accumulators)
        m.d.sync += [
            weights.eq(self.weights),
            accumulators.eq(Mux(follows_1, self.sums, Mux(follows_2, before, self.accumulators))),
        ]

        # Stage 2: every lane adds, and the sums are written.
        m.d.sync += [valid_2.eq(valid_1), self.row.eq(row_1), before.eq(self.sums)]
        m.d.comb += self.write.eq(valid_2)
        for lane in range(self.config.lanes):
            m.d.comb += self.sums[lane].eq(accumulators[lane] + weights[lane])

        m.d.comb += self.idle.eq(~self.i.valid & ~valid_1 & ~valid_2)

        return m
