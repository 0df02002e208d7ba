"""One core: events in, neurons and synapses, events out."""

from typing import Any, cast

from amaranth.hdl import Const, Module, Mux, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access import AccessSignature, decode
from .activity import activity_layout
from .config import ChipConfig, Walk
from .dispatch import Dispatch
from .emitter import Emitter
from .event import Kind, event_layout
from .lane_pipe import LanePipe
from .layout import Layouts
from .learning.attach import attach, share_steps
from .learning.clock import Clock
from .learning.engine import Learn
from .learning.entry import rules_depth, rules_layout
from .learning.port import serve_reads, serve_writes
from .memory import BankedMem, RowMem
from .queue import Queue
from .registers import FABRIC, regions
from .skid import Skid
from .update import Update
from .walker import Walker

__all__ = ["Core"]

_QUEUE = 32


class Core(wiring.Component):
    """Integrate events as they come; at a STEP, update a phase and send its events, then END.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.

    Members
    -------
    i : In(stream.Signature(event_layout(value_width)))
        Spikes, graded events if the core multiplies, and steps. It drains whether or not ``o``
        is taken. Of a chip with several cores, it has no long queue of its own.
    o : Out(stream.Signature(event_layout(value_width)))
        Events of the core's neurons, and one END for each step but DONE.
    teach : In(stream.Signature(event_layout(value_width), always_ready=True))
        Rewards and errors; absent unless the core learns.
    access : In(AccessSignature())
        Host access to the memories, while ``activity.idle``.
    activity : Out(activity_layout(config))
        What happened in the cycle before; ``idle`` is low from the cycle after an event came.
    """

    i: stream.Interface
    o: stream.Interface
    teach: stream.Interface
    access: Any
    activity: Any

    def __init__(self, config: ChipConfig) -> None:
        self.config = config
        self.event = event_layout(config.core.value_width)
        members: dict[str, Any] = {
            "i": In(stream.Signature(self.event)),
            "o": Out(stream.Signature(self.event)),
            "access": In(AccessSignature()),
            "activity": Out(activity_layout(config)),
        }
        if config.core.learning:
            members["teach"] = In(stream.Signature(self.event, always_ready=True))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Chain the stages: queue, dispatcher, walker, lane pipe; and update, emitter."""
        m = Module()
        config = self.config.core
        m.submodules.dispatch = dispatch = Dispatch(config)
        m.submodules.walker = walker = Walker(config)
        m.submodules.lane_pipe = pipe = LanePipe(config)
        m.submodules.update = update = Update(config)
        m.submodules.emitter = emitter = Emitter(config)
        memories = self._memories(m, update)

        # From event to accumulators. Where several cores are, events wait before they come.
        several = self.config.filtered
        entrance: Any = Skid(self.event) if several else Queue(self.event, _QUEUE)
        m.submodules.queue = entrance
        connect(m, flipped(self.i), entrance.i)
        connect(m, entrance.o, dispatch.i)
        empty: Value = Const(1) if several else entrance.empty
        connect(m, dispatch.o, walker.i)
        connect(m, walker.o, pipe.i)
        m.d.comb += walker.drained.eq(pipe.idle)
        if config.delay_slots > 1:
            m.d.comb += dispatch.slot.eq(update.slot)

        # From step to events; what the host writes, or sparse synapses reach, is looked at.
        connect(m, update.spikes, emitter.i)
        connect(m, emitter.o, flipped(self.o))
        engine: Any = None
        if config.learning:
            m.submodules.learn = engine = Learn(config)
            attach(m, engine, memories, dispatch.o, update)
            connect(m, flipped(self.teach), engine.teach)
        finished, learning = share_steps(m, walker.steps, update, engine)
        m.d.comb += emitter.finish.eq(finished)
        if config.value_groups:
            connect(m, update.values, emitter.values)
        if config.skip:
            m.d.comb += [
                update.touched.eq(pipe.touched),
                update.touched_row.eq(pipe.touched_row),
                update.wake.eq(
                    self.access.write
                    | (walker.sparse if config.pointers else 0)
                    | (engine.wake if engine else 0)
                ),
            ]

        self._tables(m, memories, (dispatch, walker, update), engine)
        self._neurons(m, memories, pipe, update, engine)
        decode(m, self.access, memories, regions(self.config), late=several)

        # What the counters see, a cycle later.
        pending = dispatch.i.valid | ~dispatch.idle | ~walker.idle
        taken = dispatch.i.valid & dispatch.i.ready
        m.d.sync += [
            self.activity.event.eq(taken & (dispatch.i.payload.kind != Kind.STEP)),
            self.activity.spike.eq(emitter.spiked),
            self.activity.job.eq(walker.started),
            self.activity.size.eq(walker.size),
            self.activity.row.eq(update.processed),
            self.activity.integrating.eq(~update.busy & ~walker.steps.valid & pending),
            self.activity.updating.eq(update.busy & ~update.clearing),
            self.activity.bad_source.eq(dispatch.bad_source),
        ]
        working = pending | ~empty | ~pipe.idle | update.busy | learning | ~emitter.idle
        m.d.sync += self.activity.idle.eq(~(self.i.valid | working))

        return m

    def _memories(self, m: Module, update: Any) -> dict[str, Any]:
        """Build the memories that the configuration needs: all but the tables of the fabric.

        Those of winners and time are inside the update.
        """
        core = self.config.core
        ports, captured = core.weight_ports, LanePipe.lead_of(core) == 1
        weights = {"ports": ports, "captured": captured}
        written = ["accumulators", "state"]
        if core.learning:
            written += ["weights", "pre", "post", "eligibility", "epochs"]
            written += ["neurons"] * core.learning.neurons + ["synapses"] * core.learning.sparse
        memories: dict[str, Any] = {}
        for name, region in regions(self.config).items():
            if name in FABRIC or "@" in name or name == "filter":
                continue
            if name in ("winners", "time"):
                memories[name] = getattr(update, name)
                continue
            if name == "clock":
                memories[name] = Clock()
            elif name == "rules":
                memories[name] = RowMem(rules_layout(core), rules_depth(core), table=True)
            elif name == "accumulators" and Walk.SPARSE in self.config.core.walks:
                memories[name] = BankedMem(Layouts(self.config.core).accumulators, region.rows)
            else:
                own: dict[str, Any] = weights if name in ("weights", "eligibility") else {}
                table = name not in written
                memories[name] = RowMem(region.layout, region.rows, table=table, **own)
            m.submodules[name] = memories[name]
        return memories

    def _tables(
        self,
        m: Module,
        memories: dict[str, Any],
        readers: tuple[Dispatch, Walker, Update],
        engine: Any,
    ) -> None:
        """Connect the tables, which only the host writes."""
        dispatch, walker, update = readers
        ports = [
            ("sources", dispatch.source_read, dispatch.source, dispatch.entry),
            ("projections", dispatch.projection_read, dispatch.projection, dispatch.target),
            ("phases", update.phase_read, update.phase, update.phase_entry),
            ("populations", update.population_read, update.population, update.descriptor),
        ]
        for name in ("channel", "line", "column", "pointer"):
            table = f"{name}s"
            if table in memories:
                walked: Any = walker
                reads = (getattr(walked, port) for port in (f"{name}_read", name, f"{name}_entry"))
                ports.append((table, *reads))
        for name, read, row, entry in ports:
            self._read(m, memories, engine, name, (read, row))
            m.d.comb += entry.eq(memories[name].read_data)

    def _neurons(
        self,
        m: Module,
        memories: dict[str, Any],
        pipe: LanePipe,
        update: Update,
        engine: Any,
    ) -> None:
        """Connect weights, accumulators and neurons to the lane pipe, update and engine."""
        weights = memories["weights"]
        m.d.comb += pipe.weights.eq(weights.read_data)
        self._read(m, memories, engine, "weights", (pipe.read, pipe.weight_row))
        if engine:
            serve_writes(m, weights, engine.weights)
        if "synapses" in memories:
            synapses, sparse = memories["synapses"], cast("Any", pipe)
            reads = sparse.synapse_read, sparse.synapse_row
            self._read(m, memories, engine, "synapses", reads)
            m.d.comb += sparse.synapses.eq(synapses.read_data)
            if engine and engine.learning.sparse:
                serve_writes(m, synapses, engine.synapses)
        self._accumulators(m, memories["accumulators"], pipe, update)

        state = memories["state"]
        self._read(m, memories, engine, "state", (update.group_read, update.group))
        m.d.comb += [
            update.state.eq(state.read_data),
            state.write.eq(update.state_write),
            state.write_row.eq(update.written_group),
            state.write_data.eq(update.next_state),
        ]
        if "neurons" in memories:
            neurons = memories["neurons"]
            self._read(m, memories, engine, "neurons", (update.group_read, update.group))
            m.d.comb += update.parameters.eq(neurons.read_data)
            if engine and engine.learning.neurons:
                serve_writes(m, neurons, engine.neurons)

    def _read(
        self,
        m: Module,
        memories: dict[str, Any],
        engine: Any,
        name: str,
        other: tuple[Value, Value],
    ) -> None:
        """Let a memory be read by the core, and by the engine while that is busy."""
        memory, (read, row) = memories[name], other
        if engine and name in engine.signature.members:
            serve_reads(m, memory, getattr(engine, name), (*other, engine.busy))
        else:
            m.d.comb += [memory.read.eq(read), memory.read_row.eq(row)]

    def _accumulators(self, m: Module, accumulators: Any, pipe: Any, update: Update) -> None:
        """Connect the accumulators to the pipe, and to the update, which reads when it does not.

        The sums of the pipe are 0 unless it writes, so the update needs none.
        """
        m.d.comb += [
            pipe.accumulators.eq(accumulators.read_data),
            update.accumulators.eq(accumulators.read_data),
            accumulators.read.eq(pipe.accumulator_read | update.row_read),
            accumulators.write.eq(pipe.write | update.row_clear),
            accumulators.write_data.eq(pipe.sums),
        ]
        if isinstance(accumulators, BankedMem):
            lanes = self.config.core.lanes
            reads = [(accumulators.read_rows[k], pipe.accumulator_rows[k]) for k in range(lanes)]
            writes = [(accumulators.write_rows[k], pipe.rows[k]) for k in range(lanes)]
        else:
            reads = [(accumulators.read_row, pipe.accumulator_row)]
            writes = [(accumulators.write_row, pipe.row)]
        for row, wanted in reads:
            m.d.comb += row.eq(Mux(pipe.accumulator_read, wanted, update.row))
        for row, wanted in writes:
            m.d.comb += row.eq(Mux(pipe.write, wanted, update.cleared_row))
