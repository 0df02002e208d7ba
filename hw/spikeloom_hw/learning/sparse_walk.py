"""The walk of the row pass through sparse projections: words of synapses, and terms that live."""

from typing import Any, NamedTuple

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped
from amaranth.utils import ceil_log2

from ..config import CoreConfig
from ..layout import Layouts
from ..neuron.noise import WORD_WIDTH
from .layout import MODULATOR, built, operand_rows, rule_layout
from .port import RowPort
from .row_pass_bits import numbered
from .row_pass_walk import request_layout, select_term, visit_layout

__all__ = ["SparseWalk", "Walks", "join_walks", "sparse_members"]


class SparseWalk(wiring.Component):
    """Give a request for each pair of a word of synapses and a term that lives, one a cycle.

    A neuron with such a term takes two cycles more, any other takes one. A term lives if it does
    for the neuron, and has a postsynaptic factor that is not 0 anywhere in the target.

    Parameters
    ----------
    config : CoreConfig
        Structure of a core whose sparse projections learn.

    Members
    -------
    i : In(stream.Signature(visit_layout(config)))
        Presynaptic neurons; ``weight_row`` is the number of their pointer.
    o : Out(stream.Signature(request_layout(config)))
        Requests: words ascending, and the terms of each; ``weight_row`` is a row of synapses, and
        ``block`` 0.
    rule : In(rule_layout(config))
        The rule; it holds still.
    modulator : In(MODULATOR)
        Of the step.
    word : In(32)
        Noise word of the step.
    some : In(slots)
        Slots that live anywhere; it holds still.
    pointers : Out(RowPort)
        Memory of pointers; a row comes a cycle after it was read.
    idle : Out(1)
        Nothing is in the walk.
    """

    i: stream.Interface
    o: stream.Interface
    rule: Any
    modulator: Signal
    word: Signal
    some: Signal
    pointers: Any
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "i": In(stream.Signature(visit_layout(config))),
            "o": Out(stream.Signature(request_layout(config))),
            "rule": In(rule_layout(config)),
            "modulator": In(MODULATOR),
            "word": In(WORD_WIDTH),
            "some": In(built(config).slots),
            "pointers": Out(RowPort(Layouts(config).pointers, config.pointers, writes=False)),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build three states: a neuron, its pointer, its words."""
        m = Module()
        terms = built(self.config).terms
        visit: Any = Signal(visit_layout(self.config))
        row = Signal(range(self.config.synapse_rows))
        left = Signal(range(self.config.synapse_rows + 1))
        live, slots, first = Signal(terms), Signal(terms), Signal()
        wanted, others, one = Signal.like(live), Signal.like(live), Signal.like(live)
        walks, moves, final = Signal(), Signal(), Signal()
        entry, pointer = self.i.payload, self.pointers.read_data
        m.d.comb += [
            wanted.eq(entry.live & self.some),
            others.eq(slots & (slots - 1)),
            one.eq(slots & ~others),
            final.eq(others == 0),
            moves.eq(~self.o.valid | self.o.ready),
            self.pointers.read.eq(self.i.valid & self.i.ready),
            self.pointers.read_row.eq(entry.weight_row),
        ]

        # A neuron waits until its last word goes.
        with m.FSM():
            with m.State("NEURON"):
                m.d.comb += [self.i.ready.eq(1), self.idle.eq(~(self.i.valid | self.o.valid))]
                m.d.sync += [visit.eq(entry), live.eq(wanted)]
                with m.If(self.i.valid & (wanted != 0)):
                    m.next = "POINTER"
            with m.State("POINTER"):
                m.d.sync += [row.eq(pointer.first), left.eq(pointer.words)]
                m.d.sync += [slots.eq(live), first.eq(1)]
                m.next = "WORDS"
                with m.If(pointer.words == 0):
                    m.next = "NEURON"
            with m.State("WORDS"):
                m.d.comb += walks.eq(1)
                with m.If(moves):
                    m.d.sync += [slots.eq(Mux(final, live, others)), first.eq(final)]
                    with m.If(final):
                        m.d.sync += [row.eq(row + 1), left.eq(left - 1)]
                        with m.If(left == 1):
                            m.next = "NEURON"

        # A request waits until it is taken.
        request = self.o.payload
        with m.If(moves):
            m.d.sync += [
                self.o.valid.eq(walks),
                request.first.eq(first),
                request.last.eq(final),
                request.mixed.eq(self.word ^ visit.index),
                request.weight_row.eq(row),
                request.slot.eq(numbered(one)),
                *select_term(self, request, one, visit),
            ]

        return m


def sparse_members(config: CoreConfig) -> dict[str, Any]:
    """Members of a row pass that may walk sparse projections."""
    layouts = Layouts(config)
    address = unsigned(ceil_log2(operand_rows(config)))
    return {
        "some": In(built(config).slots),
        "pointers": Out(RowPort(layouts.pointers, config.pointers, writes=False)),
        "synapses": Out(RowPort(layouts.synapses, config.synapse_rows)),
        "operand_rows": Out(data.ArrayLayout(address, config.lanes)),
    }


class Walks(NamedTuple):
    """Two walks as one.

    Members
    -------
    o : stream of request_layout(config)
        Requests.
    idle : Value
        Nothing is in either.
    """

    o: Any
    idle: Any


def join_walks(m: Module, row_pass: Any, dense: Any) -> Walks:
    """Add the sparse walk of a row pass, if it has one, beside the ``dense`` one.

    The rule says which has work.
    """
    if not built(row_pass.config).sparse:
        connect(m, flipped(row_pass.i), dense.i)
        return Walks(dense.o, dense.idle)
    m.submodules.sparse_walk = walk = SparseWalk(row_pass.config)
    connect(m, walk.pointers, flipped(row_pass.pointers))
    sparse, i = row_pass.rule.sparse, row_pass.i
    o: Any = stream.Signature(request_layout(row_pass.config)).create()
    m.d.comb += [
        walk.rule.eq(row_pass.rule),
        walk.modulator.eq(row_pass.modulator),
        walk.word.eq(row_pass.word),
        walk.some.eq(row_pass.some),
        walk.i.payload.eq(i.payload),
        walk.i.valid.eq(i.valid & sparse),
        dense.i.payload.eq(i.payload),
        dense.i.valid.eq(i.valid & ~sparse),
        i.ready.eq(Mux(sparse, walk.i.ready, dense.i.ready)),
        o.payload.eq(Mux(sparse, walk.o.payload.as_value(), dense.o.payload.as_value())),
        o.valid.eq(Mux(sparse, walk.o.valid, dense.o.valid)),
        walk.o.ready.eq(o.ready & sparse),
        dense.o.ready.eq(o.ready & ~sparse),
    ]
    return Walks(o, walk.idle & dense.idle)
