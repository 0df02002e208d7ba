"""The loops of the walker: from a walk to a request in every cycle."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig, Walk
from ..lane_pipe import request_layout

__all__ = ["Loops", "place_layout", "walk_layout"]


def walk_layout(config: CoreConfig) -> data.StructLayout:
    """What the loops need of a job: the first request, and how many follow in which steps.

    ``blocks`` requests follow each other row by row; of a convolution, there are so many for each
    of ``column_count`` taps in each of ``line_count`` lines.
    """
    members: dict[str, Any] = {
        **place_layout(config).members,
        "blocks": range(max(config.neuron_rows, config.synapse_rows) + 1),
        "size": range(config.neuron_rows * config.lanes + 1),
    }
    if config.delay_slots > 1:
        members["slot"] = range(config.delay_slots)
    if config.payload_width:
        members["value"] = signed(config.payload_width)
    if Walk.SPARSE in config.walks:
        members["sparse"] = 1
    if Walk.CONVOLUTION in config.walks:
        for axis in ("line", "column"):
            members[f"{axis}_count"] = range(config.neuron_rows + 1)
            members[f"{axis}_weight"] = range(config.weight_rows)
            members[f"{axis}_row"] = range(config.neuron_rows)
    return data.StructLayout(members)


def place_layout(config: CoreConfig) -> data.StructLayout:
    """Where a request leads: a row of weights or synapses, and a row of neurons."""
    return data.StructLayout({
        "weight_row": range(max(config.weight_rows, config.synapse_rows)),
        "row": range(config.neuron_rows),
    })


class Loops(wiring.Component):
    """Give the requests of a walk, one a cycle, with no gap between walks.

    A walk takes lines x columns x blocks cycles, none of which may be 0. Addresses wrap around at
    the power of two that holds the depth of the memory, so that a step may lead back.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(walk_layout(config)))
        Walks.
    o : Out(stream.Signature(request_layout(config), always_ready=True))
        Requests for the lane pipe, from the cycle after the walk was taken.
    started : Out(1)
        A walk is taken, or a further tap of it begins: ``size`` synaptic operations.
    size : Out(range(neuron_rows * lanes + 1))
        Postsynaptic neurons of the walk, or of each of its taps.
    idle : Out(1)
        No request is under way.
    """

    i: stream.Interface
    o: stream.Interface
    started: Signal
    size: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "i": In(stream.Signature(walk_layout(config))),
            "o": Out(stream.Signature(request_layout(config), always_ready=True)),
            "started": Out(1),
            "size": Out(range(config.neuron_rows * config.lanes + 1)),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the loops."""
        m = Module()
        walk, request = self.i.payload, self.o.payload
        left, last, taken = Signal.like(walk.blocks), Signal(init=1), Signal()
        m.d.comb += [
            self.idle.eq(~self.o.valid),
            taken.eq(self.i.valid & self.i.ready),
        ]

        # The next row of this walk, or the first of the next one; whether it is the last is told
        # ahead, as all before the loops waits for it.
        with m.If(self.o.valid):
            m.d.sync += [
                self.o.valid.eq(~last),
                left.eq(left - 1),
                last.eq(left <= 2),
                request.weight_row.eq(request.weight_row + 1),
                request.row.eq(request.row + 1),
            ]
        if Walk.CONVOLUTION in self.config.walks:
            self._step(m, left, last, taken)
        else:
            m.d.comb += [
                self.i.ready.eq(last),
                self.started.eq(taken),
                self.size.eq(walk.size),
            ]
        with m.If(taken):
            m.d.sync += [
                self.o.valid.eq(walk.blocks != 0),
                left.eq(walk.blocks),
                last.eq(walk.blocks <= 1),
                *(request[name].eq(walk[name]) for name in request.shape().members),
            ]

        return m

    def _step(self, m: Module, left: Signal, last: Signal, taken: Signal) -> None:
        """Step to the next tap of the line, or to the next line, as blocks and columns end."""
        walk, request = self.i.payload, self.o.payload
        kept: Any = Signal.like(walk)
        columns, lines = Signal.like(walk.column_count), Signal.like(walk.line_count)
        last_tap, last_line = Signal(init=1), Signal(init=1)
        place = place_layout(self.config)
        tap, line, following = Signal(place), Signal(place), Signal(place)
        next_tap, next_line = Signal(), Signal()
        m.d.comb += [
            next_tap.eq(last & ~last_tap),
            next_line.eq(last & last_tap & ~last_line),
            self.i.ready.eq(last & last_tap & last_line),
            self.started.eq(taken | next_tap | next_line),
            self.size.eq(Mux(taken, walk.size, kept.size)),
        ]
        for name, by_column, by_line in (
            ("weight_row", kept.column_weight, kept.line_weight),
            ("row", kept.column_row, kept.line_row),
        ):
            m.d.comb += following[name].eq(
                Mux(last_tap, line[name], tap[name]) + Mux(last_tap, by_line, by_column)
            )

        # The places that the two outer loops step on from.
        with m.If(next_tap | next_line):
            m.d.sync += [
                self.o.valid.eq(1),
                left.eq(kept.blocks),
                last.eq(kept.blocks <= 1),
                columns.eq(Mux(next_tap, columns - 1, kept.column_count)),
                last_tap.eq(Mux(next_tap, columns <= 2, kept.column_count <= 1)),
                tap.eq(following),
                *(request[name].eq(following[name]) for name in place.members),
            ]
        with m.If(next_line):
            m.d.sync += [lines.eq(lines - 1), last_line.eq(lines <= 2), line.eq(following)]
        with m.If(taken):
            m.d.sync += [kept.eq(walk), columns.eq(walk.column_count), lines.eq(walk.line_count)]
            m.d.sync += [last_tap.eq(walk.column_count <= 1), last_line.eq(walk.line_count <= 1)]
            m.d.sync += [tap[name].eq(walk[name]) for name in place.members]
            m.d.sync += [line[name].eq(walk[name]) for name in place.members]
