"""The dispatcher: from an event to the projections that its source has."""

from typing import Any

from amaranth.hdl import Cat, EnableInserter, Module, Mux, Signal, Value, signed
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig, Walk
from .event import Kind, event_layout
from .layout import Layouts
from .pixel import PixelSplit

__all__ = ["Dispatch", "job_layout"]


def job_layout(config: CoreConfig) -> data.StructLayout:
    """One projection of one event, or (``step``) a STEP event passed on in order."""
    members: dict[str, Any] = {"step": 1, "operation": 3, "phase": range(config.phases)}
    if len(config.walks) > 1:
        members["kind"] = Walk
    members |= {
        "weight_row": range(max(config.weight_rows, config.pointers)),
        "row": range(config.neuron_rows),
        "blocks": range(config.neuron_rows + 1),
        "size": range(config.neuron_rows * config.lanes + 1),
    }
    if config.delay_slots > 1:
        members["slot"] = range(config.delay_slots)
    if config.payload_width:
        members["value"] = signed(config.payload_width)
    if config.learning:
        members |= {"plastic": 1, "neuron": range(config.learning.pre_neurons)}
    if Walk.CONVOLUTION in config.walks:
        members |= dict.fromkeys(("channels", "lines", "columns"), range(config.taps))
        for axis in ("line", "column"):
            members[f"{axis}_weight"] = range(config.weight_rows)
            members[f"{axis}_row"] = range(config.neuron_rows)
    return data.StructLayout(members)


class Dispatch(wiring.Component):
    """Look up each event's projections: a job every cycle, ``latency`` cycles after its event.

    An event whose source has no projections is dropped, and so is one whose source or index does
    not exist, for which ``bad_source`` is high for a cycle. A STEP event passes behind all jobs
    before it.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Attributes
    ----------
    latency : int
        Cycles from an event to its first job: 6, or 10 with convolutions.

    Members
    -------
    i : In(stream.Signature(event_layout(config.value_width)))
        Events of the bus, spikes, graded events and steps alone.
    o : Out(stream.Signature(job_layout(config)))
        Jobs for the walker.
    source_read : Out(1)
        Read row ``source`` of the source table.
    source : Out(range(sources))
        Row to read.
    entry : In(Layouts.sources)
        Row read, one cycle later.
    projection_read : Out(1)
        Read row ``projection`` of the projection table.
    projection : Out(range(projections))
        Row to read.
    target : In(Layouts.projections)
        Row read, one cycle later.
    slot : In(range(delay_slots))
        Slot of the accumulators that the next update takes; it changes only as a step leaves
        ``o``. Absent without delays.
    bad_source : Out(1)
        An event was dropped because its source or index does not exist.
    idle : Out(1)
        No event is under way.
    """

    i: stream.Interface
    o: stream.Interface
    source_read: Signal
    source: Signal
    entry: Any
    projection_read: Signal
    projection: Signal
    target: Any
    slot: Signal
    bad_source: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.convolves = Walk.CONVOLUTION in config.walks
        self.waits = self._waits(config)
        self.latency = self.latency_of(config)
        layouts = Layouts(config)
        members = {
            "i": In(stream.Signature(event_layout(config.value_width))),
            "o": Out(stream.Signature(job_layout(config))),
            "source_read": Out(1),
            "source": Out(range(config.sources)),
            "entry": In(layouts.sources),
            "projection_read": Out(1),
            "projection": Out(range(config.projections)),
            "target": In(layouts.projections),
            "bad_source": Out(1),
            "idle": Out(1),
        }
        if config.delay_slots > 1:
            members["slot"] = In(range(config.delay_slots))
        super().__init__(members)

    @classmethod
    def latency_of(cls, config: CoreConfig) -> int:
        """Cycles from an event to its first job, of a core that is not built."""
        return 6 + cls._waits(config)

    @staticmethod
    def _waits(config: CoreConfig) -> int:
        return PixelSplit.LATENCY - 1 if Walk.CONVOLUTION in config.walks else 0

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()
        move, take = Signal(), Signal()
        m.d.comb += move.eq(~self.o.valid | self.o.ready)

        # Stage 1: the event, while its row of the source table is read.
        valid_1, exists = Signal(), Signal()
        event_1: Any = Signal(self.i.payload.shape())
        m.d.comb += [
            self.i.ready.eq(take),
            self.source_read.eq(take & self.i.valid),
            self.source.eq(self.i.payload.source),
        ]
        with m.If(take):
            m.d.sync += [
                valid_1.eq(self.i.valid),
                event_1.eq(self.i.payload),
                exists.eq(self.i.payload.source < self.config.sources),
            ]

        # Stage 2: the row is captured; what does not exist has no projection.
        valid_2, step = Signal(), Signal()
        event: Any = Signal(self.i.payload.shape())
        entry: Any = Signal.like(self.entry, name="captured")
        last = Signal()
        m.d.comb += take.eq(move & (~valid_2 | last))
        with m.If(take):
            m.d.sync += [
                valid_2.eq(valid_1),
                event.eq(event_1),
                step.eq(event_1.kind == Kind.STEP),
                entry.eq(self.entry),
                last.eq((event_1.kind == Kind.STEP) | ~exists | (self.entry.count <= 1)),
            ]
            with m.If(~exists):
                m.d.sync += [entry.count.eq(0), entry.size.eq(0)]

        # Its projections follow one by one.
        with m.Elif(move):
            m.d.sync += [
                entry.first.eq(entry.first + 1),
                entry.count.eq(entry.count - 1),
                last.eq(entry.count <= 2),
            ]

        # They go on as tickets, to which the projection is read, and the place of the pixel.
        known, ticket = Signal(), Signal(self._ticket())
        m.d.comb += [
            known.eq(event.index < entry.size),
            ticket.step.eq(step),
            ticket.operation.eq(event.source),
            ticket.index.eq(event.index),
        ]
        m.d.sync += self.bad_source.eq(move & valid_2 & last & ~step & ~known)
        if self.config.payload_width:
            value = event.value[: self.config.payload_width].as_signed()
            m.d.comb += ticket.value.eq(Mux(event.kind == Kind.GRADED, value, 1))
        place = self._split(m, move, event.index, entry)
        wanted = step | (known & (entry.count != 0))
        waiting, valid, ticket = self._read(m, move, (valid_2, wanted), ticket, entry.first)
        made = self._complete(m, move, valid, ticket, place)
        m.d.comb += self.idle.eq(~(valid_1 | valid_2 | waiting | made))

        return m

    def _ticket(self) -> data.StructLayout:
        """What goes along with an event, or a step, until its projection is there."""
        config = self.config
        index = range(max(config.weight_rows, config.pointers, config.phases))
        members: dict[str, Any] = {"step": 1, "operation": 3, "index": index}
        if config.payload_width:
            members["value"] = signed(config.payload_width)
        return data.StructLayout(members)

    def _split(self, m: Module, move: Signal, index: Value, entry: Any) -> dict[str, Value]:
        """Split the index if there are convolutions: coordinates by the name of their table."""
        if not self.convolves:
            return {}
        m.submodules.split = split = EnableInserter(move)(PixelSplit())
        m.d.comb += [
            split.index.eq(index),
            split.channel_bits.eq(entry.channel_bits),
            split.width.eq(entry.width),
            split.reciprocal.eq(entry.reciprocal),
        ]
        return {"channels": split.channel, "lines": split.line, "columns": split.column}

    def _read(
        self,
        m: Module,
        move: Signal,
        valid: tuple[Signal, Value],
        ticket: Any,
        projection: Value,
    ) -> tuple[Value, Value, Any]:
        """Read the projection of a ticket; give whether any is under way, and the one read.

        Whether a ticket goes on, the second of ``valid``, counts a stage later. With
        convolutions, it waits until the pixel is known.
        """
        there = [valid[0]]
        wanted = _later(m, move, valid[1], "wanted")
        for stage in range(self.waits):
            there.append(_later(m, move, there[-1], f"valid_wait_{stage}"))
            if stage == 0:
                there[-1] = there[-1] & wanted
            ticket = _later(m, move, ticket, f"ticket_{stage}")
            projection = _later(m, move, projection, f"projection_{stage}")
        m.d.comb += [
            self.projection.eq(projection),
            self.projection_read.eq(move & there[-1] & ~ticket.step),
        ]
        read = _later(m, move, there[-1], "valid_read")
        there.append(read if self.waits else read & wanted)
        return Cat(*there[1:]).any(), there[-1], _later(m, move, ticket, "ticket_read")

    def _complete(
        self, m: Module, move: Signal, valid: Value, ticket: Any, place: dict[str, Value]
    ) -> Value:
        """Make the job from what was read; give whether any is under way."""
        # The projection is there: capture it.
        job: Any = Signal(job_layout(self.config))
        shared = self.target.shape().members.keys() & job.shape().members.keys()
        m.d.comb += [
            job.step.eq(ticket.step),
            job.operation.eq(ticket.operation),
            job.phase.eq(ticket.index),
            *(job[name].eq(self.target[name]) for name in sorted(shared)),
        ]
        if self.config.delay_slots > 1:
            m.d.comb += job.slot.eq(self.target.delay)
        if self.config.payload_width:
            m.d.comb += job.value.eq(ticket.value)
        captured = _later(m, move, job, "job_captured")

        # Multiply the index by the rows of a neuron; registers stand on both sides.
        made, offset = _later(m, move, captured, "made"), Signal.like(job.weight_row)
        index = _later(m, move, ticket.index, "index_captured")
        with m.If(move):
            m.d.sync += offset.eq(index * captured.blocks)

        # Add the index, or its coordinates, to where the projection begins: the job is complete.
        whole: Any = Signal.like(job)
        moved = Mux(made.kind == Walk.CONVOLUTION, 0, offset) if self.convolves else offset
        m.d.comb += [whole.eq(made), whole.weight_row.eq(made.weight_row + moved)]
        if self.config.learning:
            m.d.comb += whole.neuron.eq(made.neuron + _later(m, move, index, "index_made"))
        for name, coordinate in place.items():
            for stage in ("captured", "made"):
                coordinate = _later(m, move, coordinate, f"{name}_{stage}")
            m.d.comb += whole[name].eq(made[name] + coordinate)
        captured_valid = _later(m, move, valid, "valid_captured")
        valid = _later(m, move, captured_valid, "valid_made")
        complete = _later(m, move, whole, "complete")
        with m.If(move):
            m.d.sync += self.o.valid.eq(valid)

        # The slot counts when the job leaves: a step before it may have changed it.
        m.d.comb += self.o.payload.eq(complete)
        if self.config.delay_slots > 1:
            m.d.comb += self.o.payload.slot.eq(complete.slot + self.slot)

        return captured_valid | valid | self.o.valid


def _later(m: Module, move: Signal, value: Any, name: str) -> Any:
    """Register a value when the pipeline moves."""
    register = Signal.like(value, name=name)
    with m.If(move):
        m.d.sync += register.eq(value)
    return register
