"""The walker: from one projection of one event to the rows that it touches."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import CoreConfig, Walk
from ..dispatch import job_layout
from ..lane_pipe import request_layout
from .lookup import Lookup, table_ports
from .loops import Loops

__all__ = ["Walker", "step_layout"]


def step_layout(config: CoreConfig) -> data.StructLayout:
    """What a STEP event asks of the core: an :class:`~spikeloom_hw.event.Operation`, a phase."""
    return data.StructLayout({"operation": 3, "phase": range(config.phases)})


class Walker(wiring.Component):
    """Walk the rows of a projection, one a cycle, with no gap between jobs of any kind.

    A dense job takes as many cycles as it has blocks, ``ceil(post / lanes)``; a convolution, taps
    of the line x taps of the column x blocks of channels; a sparse job, words of its pointer. A
    job without a request takes a cycle of the look-up, which goes on while a longer job before it
    is walked. A step is held back until all requests before it are written.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Attributes
    ----------
    latency : int
        Cycles from a job to its first request: 1, or 4 if there are tables to look up.

    Members
    -------
    i : In(stream.Signature(job_layout(config)))
        Jobs of the dispatcher.
    o : Out(stream.Signature(request_layout(config), always_ready=True))
        Requests for the lane pipe.
    steps : Out(stream.Signature(step_layout(config)))
        Steps; taken when done, so that later jobs wait.
    drained : In(1)
        The lane pipe has written all requests.
    channel_read, line_read, column_read : Out(1)
        Read row ``channel``, ``line`` and ``column`` of the tables. Absent without convolutions.
    channel, line, column : Out(range(taps))
        Rows to read.
    channel_entry, line_entry, column_entry : In(Layouts.taps)
        Rows read, one cycle later.
    pointer_read, pointer, pointer_entry
        The same of the table of pointers. Absent without sparse projections.
    started : Out(1)
        A job, or a further tap of a convolution, starts: ``size`` synaptic operations.
    size : Out(range(neuron_rows * lanes + 1))
        Postsynaptic neurons of the job, or of the tap.
    sparse : Out(1)
        A sparse job starts. Absent without sparse projections.
    idle : Out(1)
        No request is under way here.
    """

    i: stream.Interface
    o: stream.Interface
    steps: stream.Interface
    drained: Signal
    channel_read: Signal
    channel: Signal
    channel_entry: Any
    line_read: Signal
    line: Signal
    line_entry: Any
    column_read: Signal
    column: Signal
    column_entry: Any
    pointer_read: Signal
    pointer: Signal
    pointer_entry: Any
    started: Signal
    size: Signal
    sparse: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.looks_up = len(config.walks) > 1
        self.latency = self.latency_of(config)
        members = {
            "i": In(stream.Signature(job_layout(config))),
            "o": Out(stream.Signature(request_layout(config), always_ready=True)),
            "steps": Out(stream.Signature(step_layout(config))),
            "drained": In(1),
            "started": Out(1),
            "size": Out(range(config.neuron_rows * config.lanes + 1)),
            "idle": Out(1),
            **table_ports(config),
        }
        if Walk.SPARSE in config.walks:
            members["sparse"] = Out(1)
        super().__init__(members)

    @staticmethod
    def latency_of(config: CoreConfig) -> int:
        """Cycles from a job to its first request, of a core that is not built."""
        return 4 if len(config.walks) > 1 else 1

    def elaborate(self, platform: Any) -> Module:
        """Chain look-up and loops; let steps pass when both are empty."""
        m = Module()
        job = self.i.payload
        m.submodules.loops = loops = Loops(self.config)
        connect(m, loops.o, flipped(self.o))
        m.d.comb += [self.started.eq(loops.started), self.size.eq(loops.size)]

        # Without tables, a job is its own walk.
        first, idle = loops.i, loops.idle
        if self.looks_up:
            m.submodules.lookup = lookup = Lookup(self.config)
            connect(m, lookup.o, loops.i)
            for name, member in table_ports(self.config).items():
                inner, outer = getattr(lookup, name), getattr(self, name)
                m.d.comb += outer.eq(inner) if member.flow is Out else inner.eq(outer)
            first, idle = lookup.i, loops.idle & lookup.idle
        m.d.comb += [
            first.valid.eq(self.i.valid & ~job.step),
            *(first.payload[name].eq(job[name]) for name in first.payload.shape().members),
        ]
        if Walk.SPARSE in self.config.walks:
            m.d.comb += self.sparse.eq(loops.i.valid & loops.i.ready & loops.i.payload.sparse)

        # A step waits until nothing is under way.
        m.d.comb += [
            self.idle.eq(idle),
            self.steps.payload.operation.eq(job.operation),
            self.steps.payload.phase.eq(job.phase),
        ]
        with m.If(~self.steps.valid):
            m.d.sync += self.steps.valid.eq(self.i.valid & job.step & idle & self.drained)
        with m.Elif(self.steps.ready):
            m.d.sync += self.steps.valid.eq(0)
        with m.If(job.step):
            m.d.comb += self.i.ready.eq(self.steps.valid & self.steps.ready)
        with m.Else():
            m.d.comb += self.i.ready.eq(first.ready)

        return m
