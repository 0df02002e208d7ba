"""A trace of a presynaptic neuron: decay, spike, and what terms see of it."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..number import DECAY_FRACTION, DECAY_WIDTH
from .kinds import Seen, TraceKind
from .layout import TRACE_WIDTH

__all__ = ["TraceLane"]


class TraceLane(wiring.Component):
    """Update a trace a cycle, which leaves three cycles after it came.

    Parameters
    ----------
    operand_width : int
        Bits of a trace that terms see.

    Members
    -------
    moves : In(1)
        Whether the stages take what the ones before them have.
    trace : In(16)
        Trace before the step.
    fired : In(1)
        Whether the neuron sent a spike; two cycles after its trace.
    decay, increment, kind, seen : In
        Of the trace; they hold still.
    next_trace : Out(16)
        Trace after the step.
    operand : Out(operand_width)
        What terms see.
    """

    moves: Signal
    trace: Signal
    fired: Signal
    decay: Signal
    increment: Signal
    kind: Signal
    seen: Signal
    next_trace: Signal
    operand: Signal

    def __init__(self, operand_width: int) -> None:
        self.operand_width = operand_width
        super().__init__({
            "moves": In(1),
            "trace": In(TRACE_WIDTH),
            "fired": In(1),
            "decay": In(DECAY_WIDTH),
            "increment": In(TRACE_WIDTH),
            "kind": In(TraceKind),
            "seen": In(Seen),
            "next_trace": Out(TRACE_WIDTH),
            "operand": Out(operand_width),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build three stages: operands, product, and what becomes of it."""
        m = Module()
        trace, product = Signal(TRACE_WIDTH), Signal(TRACE_WIDTH + DECAY_WIDTH)
        left, after = Signal(TRACE_WIDTH), Signal(TRACE_WIDTH)
        raised = Signal(TRACE_WIDTH + 1)
        starts = self.fired & (self.kind == TraceKind.NEAREST)
        m.d.comb += [
            left.eq(product >> DECAY_FRACTION),
            raised.eq(Mux(starts, 0, left) + Mux(self.fired, self.increment, 0)),
            after.eq(raised[:-1] | raised[-1].replicate(TRACE_WIDTH)),
        ]
        visible = Mux(self.seen == Seen.AFTER, after, left)
        with m.If(self.moves):
            m.d.sync += [
                trace.eq(self.trace),
                product.eq(trace * self.decay),
                self.next_trace.eq(after),
                self.operand.eq(visible >> (TRACE_WIDTH - self.operand_width)),
            ]

        return m
