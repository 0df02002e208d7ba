"""The dense walker: from one projection of one event to the rows that it touches."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .dispatch import job_layout
from .lane_pipe import request_layout

__all__ = ["DenseWalker", "step_layout"]


def step_layout(config: CoreConfig) -> data.StructLayout:
    """What a STEP event asks of the core: an :class:`~spikeloom_hw.event.Operation`, a phase."""
    return data.StructLayout({"operation": 3, "phase": range(config.phases)})


class DenseWalker(wiring.Component):
    """Walk the rows of a dense projection, one a cycle, with no gap between jobs.

    A job takes as many cycles as it has blocks, ``ceil(post / lanes)``. A step is held back until
    all requests before it are written.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

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
    started : Out(1)
        A job starts in this cycle, with ``size`` synaptic operations.
    size : Out(range(neuron_rows * lanes + 1))
        Postsynaptic neurons of the job.
    idle : Out(1)
        No request is under way here.
    """

    i: stream.Interface
    o: stream.Interface
    steps: stream.Interface
    drained: Signal
    started: Signal
    size: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "i": In(stream.Signature(job_layout(config))),
            "o": Out(stream.Signature(request_layout(config), always_ready=True)),
            "steps": Out(stream.Signature(step_layout(config))),
            "drained": In(1),
            "started": Out(1),
            "size": Out(range(config.neuron_rows * config.lanes + 1)),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the walker."""
        m = Module()
        job = self.i.payload
        left = Signal(range(self.config.neuron_rows + 1))
        free = Signal()
        m.d.comb += [
            free.eq(left <= 1),
            self.o.valid.eq(left != 0),
            self.idle.eq(left == 0),
            self.started.eq(self.i.valid & ~job.step & free),
            self.size.eq(job.size),
        ]

        # The next row of this job, or the first of the next one.
        with m.If(left != 0):
            m.d.sync += [
                left.eq(left - 1),
                self.o.payload.weight_row.eq(self.o.payload.weight_row + 1),
                self.o.payload.row.eq(self.o.payload.row + 1),
            ]
        with m.If(self.started):
            m.d.sync += [
                left.eq(job.blocks),
                self.o.payload.weight_row.eq(job.weight_row),
                self.o.payload.row.eq(job.row),
            ]

        # A step waits until nothing is under way.
        m.d.comb += [
            self.steps.valid.eq(self.i.valid & job.step & self.idle & self.drained),
            self.steps.payload.operation.eq(job.operation),
            self.steps.payload.phase.eq(job.phase),
            self.i.ready.eq(self.started | (self.steps.valid & self.steps.ready)),
        ]

        return m
