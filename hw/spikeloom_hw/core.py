"""One core: events in, neurons and synapses, events out."""

from typing import Any

from amaranth.hdl import Module
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access import AccessSignature, decode
from .config import ChipConfig
from .dispatch import Dispatch
from .emitter import Emitter
from .event import Event, Kind
from .lane_pipe import LanePipe
from .memory import RowMem
from .queue import Queue
from .registers import regions
from .update import Update
from .walker import DenseWalker

__all__ = ["Core", "activity_layout"]

_QUEUE = 32


def activity_layout(config: ChipConfig) -> data.StructLayout:
    """What happens in a core in this cycle, for the performance counters."""
    core = config.core
    return data.StructLayout({
        "event": 1,
        "spike": 1,
        "job": 1,
        "size": range(core.neuron_rows * core.lanes + 1),
        "integrating": 1,
        "updating": 1,
        "idle": 1,
        "bad_source": 1,
    })


class Core(wiring.Component):
    """Integrate events as they come; at a STEP, update a phase and send its spikes, then END.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.

    Members
    -------
    i : In(stream.Signature(Event))
        Spikes, and steps that concern the core. It drains whether or not ``o`` is taken.
    o : Out(stream.Signature(Event))
        Spikes of the core's neurons, and one END for each step.
    access : In(AccessSignature())
        Host access to the memories, while ``activity.idle``.
    activity : Out(activity_layout(config))
        What happens in this cycle.
    """

    i: stream.Interface
    o: stream.Interface
    access: Any
    activity: Any

    MEMORIES = (
        "weights",
        "accumulators",
        "state",
        "neurons",
        "sources",
        "projections",
        "phases",
        "populations",
    )

    def __init__(self, config: ChipConfig) -> None:
        self.config = config
        super().__init__({
            "i": In(stream.Signature(Event)),
            "o": Out(stream.Signature(Event)),
            "access": In(AccessSignature()),
            "activity": Out(activity_layout(config)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Chain the stages: queue, dispatcher, walker, lane pipe; and update, emitter."""
        m = Module()
        config = self.config.core
        m.submodules.queue = queue = Queue(Event, _QUEUE)
        m.submodules.dispatch = dispatch = Dispatch(config)
        m.submodules.walker = walker = DenseWalker(config)
        m.submodules.lane_pipe = pipe = LanePipe(config)
        m.submodules.update = update = Update(config)
        m.submodules.emitter = emitter = Emitter(config)
        memories = self._memories(m)

        # From event to accumulators.
        connect(m, flipped(self.i), queue.i)
        connect(m, queue.o, dispatch.i)
        connect(m, dispatch.o, walker.i)
        connect(m, walker.o, pipe.i)
        m.d.comb += walker.drained.eq(pipe.idle)

        # From step to spikes.
        connect(m, walker.steps, update.i)
        connect(m, update.spikes, emitter.i)
        connect(m, emitter.o, flipped(self.o))
        m.d.comb += emitter.finish.eq(update.i.valid & update.i.ready)

        self._tables(m, memories, dispatch, update)
        self._neurons(m, memories, pipe, update)
        decode(m, self.access, memories, regions(self.config))

        # What the counters see.
        pending = queue.o.valid | ~dispatch.idle | ~walker.idle
        m.d.comb += [
            self.activity.event.eq(
                dispatch.i.valid & dispatch.i.ready & (dispatch.i.payload.kind == Kind.SPIKE)
            ),
            self.activity.spike.eq(emitter.spiked),
            self.activity.job.eq(walker.started),
            self.activity.size.eq(walker.size),
            self.activity.integrating.eq(~update.busy & ~walker.steps.valid & pending),
            self.activity.updating.eq(update.busy & ~update.clearing),
            self.activity.bad_source.eq(dispatch.bad_source),
            self.activity.idle.eq(
                queue.empty & dispatch.idle & walker.idle & pipe.idle & ~update.busy & emitter.idle
            ),
        ]

        return m

    def _memories(self, m: Module) -> dict[str, RowMem]:
        """Build the memories that the configuration needs."""
        known = regions(self.config)
        ports = {"weights": self.config.core.weight_ports}
        memories = {}
        for name in self.MEMORIES:
            if name in known:
                region = known[name]
                memories[name] = RowMem(region.layout, region.rows, ports.get(name, 2))
                m.submodules[name] = memories[name]
        return memories

    def _tables(
        self, m: Module, memories: dict[str, RowMem], dispatch: Dispatch, update: Update
    ) -> None:
        """Connect the tables, which only the host writes."""
        ports = (
            ("sources", dispatch.source_read, dispatch.source, dispatch.entry),
            ("projections", dispatch.projection_read, dispatch.projection, dispatch.target),
            ("phases", update.phase_read, update.phase, update.phase_entry),
            ("populations", update.population_read, update.population, update.descriptor),
        )
        for name, read, row, entry in ports:
            table = memories[name]
            m.d.comb += [
                table.read.eq(read),
                table.read_row.eq(row),
                entry.eq(table.read_data),
            ]

    def _neurons(
        self, m: Module, memories: dict[str, RowMem], pipe: LanePipe, update: Update
    ) -> None:
        """Connect weights, accumulators and neurons to the lane pipe and the update."""
        weights, accumulators = memories["weights"], memories["accumulators"]
        m.d.comb += [
            weights.read.eq(pipe.read),
            weights.read_row.eq(pipe.i.payload.weight_row),
            pipe.weights.eq(weights.read_data),
            pipe.accumulators.eq(accumulators.read_data),
            update.accumulators.eq(accumulators.read_data),
            accumulators.read.eq(pipe.read | update.row_read),
            accumulators.write.eq(pipe.write | update.row_clear),
        ]
        with m.If(update.busy):
            m.d.comb += [
                accumulators.read_row.eq(update.row),
                accumulators.write_row.eq(update.cleared_row),
            ]
        with m.Else():
            m.d.comb += [
                accumulators.read_row.eq(pipe.i.payload.row),
                accumulators.write_row.eq(pipe.row),
                accumulators.write_data.eq(pipe.sums),
            ]

        state = memories["state"]
        m.d.comb += [
            state.read.eq(update.group_read),
            state.read_row.eq(update.group),
            update.state.eq(state.read_data),
            state.write.eq(update.state_write),
            state.write_row.eq(update.written_group),
            state.write_data.eq(update.next_state),
        ]
        if "neurons" in memories:
            neurons = memories["neurons"]
            m.d.comb += [
                neurons.read.eq(update.group_read),
                neurons.read_row.eq(update.group),
                update.parameters.eq(neurons.read_data),
            ]
