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
        Cycles from an event to its first job: 4, or 9 with convolutions.

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
        self.latency = 4 + (PixelSplit.LATENCY - 1 if self.convolves else 0)
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

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()
        move, take = Signal(), Signal()
        m.d.comb += move.eq(~self.o.valid | self.o.ready)

        # Stage 1: the event, while its row of the source table is read.
        valid_1 = Signal()
        event_1: Any = Signal(self.i.payload.shape())
        m.d.comb += [
            self.i.ready.eq(take),
            self.source_read.eq(take & self.i.valid),
            self.source.eq(self.i.payload.source),
        ]
        with m.If(take):
            m.d.sync += [valid_1.eq(self.i.valid), event_1.eq(self.i.payload)]

        # Its projections follow one by one.
        count = Signal(range(self.config.projections))
        step, known, some, last = Signal(), Signal(), Signal(), Signal()
        m.d.comb += [
            step.eq(event_1.kind == Kind.STEP),
            known.eq((event_1.source < self.config.sources) & (event_1.index < self.entry.size)),
            some.eq(known & (self.entry.count != 0)),
            last.eq(step | ~some | (count + 1 == self.entry.count)),
            take.eq(move & (~valid_1 | last)),
            self.bad_source.eq(move & valid_1 & ~step & ~known),
        ]
        with m.If(move & valid_1):
            m.d.sync += count.eq(count + 1)
            with m.If(last):
                m.d.sync += count.eq(0)

        # They go on as tickets, to which the projection is read, and the place of the pixel.
        valid, ticket, projection = Signal(), Signal(self._ticket()), Signal.like(self.projection)
        m.d.comb += [
            valid.eq(valid_1 & (step | some)),
            ticket.step.eq(step),
            ticket.operation.eq(event_1.source),
            ticket.index.eq(event_1.index),
            projection.eq(self.entry.first + count),
        ]
        if self.config.payload_width:
            value = event_1.value[: self.config.payload_width].as_signed()
            m.d.comb += ticket.value.eq(Mux(event_1.kind == Kind.GRADED, value, 1))
        place = self._split(m, move, event_1.index)
        waiting, valid, ticket = self._read(m, move, valid, ticket, projection)
        made = self._complete(m, move, valid, ticket, place)
        m.d.comb += self.idle.eq(~valid_1 & ~waiting & ~made)

        return m

    def _ticket(self) -> data.StructLayout:
        """What goes along with an event, or a step, until its projection is there."""
        config = self.config
        index = range(max(config.weight_rows, config.pointers, config.phases))
        members: dict[str, Any] = {"step": 1, "operation": 3, "index": index}
        if config.payload_width:
            members["value"] = signed(config.payload_width)
        return data.StructLayout(members)

    def _split(self, m: Module, move: Signal, index: Value) -> dict[str, Value]:
        """Split the index if there are convolutions: coordinates by the name of their table."""
        if not self.convolves:
            return {}
        m.submodules.split = split = EnableInserter(move)(PixelSplit())
        m.d.comb += [
            split.index.eq(index),
            split.channel_bits.eq(self.entry.channel_bits),
            split.width.eq(self.entry.width),
            split.reciprocal.eq(self.entry.reciprocal),
        ]
        return {"channels": split.channel, "lines": split.line, "columns": split.column}

    def _read(
        self, m: Module, move: Signal, valid: Signal, ticket: Any, projection: Signal
    ) -> tuple[Value, Signal, Any]:
        """Read the projection of a ticket; give whether any is under way, and the one read.

        With convolutions, a ticket waits until the pixel is known.
        """
        valids = []
        for stage in range(2, self.latency - 2):
            valid = _later(m, move, valid, f"valid_{stage}")
            ticket = _later(m, move, ticket, f"ticket_{stage}")
            projection = _later(m, move, projection, f"projection_{stage}")
            valids.append(valid)
        m.d.comb += [
            self.projection.eq(projection),
            self.projection_read.eq(move & valid & ~ticket.step),
        ]
        valid = _later(m, move, valid, "valid_read")
        return Cat(*valids, valid).any(), valid, _later(m, move, ticket, "ticket_read")

    def _complete(
        self, m: Module, move: Signal, valid: Signal, ticket: Any, place: dict[str, Value]
    ) -> Value:
        """Make the job from what was read; give whether any is under way."""
        # The projection is there: capture it, and multiply the index by its rows per neuron.
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
        made, offset = _later(m, move, job, "made"), Signal.like(job.weight_row)
        with m.If(move):
            m.d.sync += offset.eq(ticket.index * self.target.blocks)

        # Add the index, or its coordinates, to where the projection begins: the job is complete.
        whole: Any = Signal.like(job)
        start = made.weight_row + offset
        if self.convolves:
            start = made.weight_row + Mux(made.kind == Walk.CONVOLUTION, 0, offset)
        m.d.comb += [whole.eq(made), whole.weight_row.eq(start)]
        for name, coordinate in place.items():
            m.d.comb += whole[name].eq(made[name] + _later(m, move, coordinate, f"{name}_made"))
        valid = _later(m, move, valid, "valid_made")
        complete = _later(m, move, whole, "complete")
        with m.If(move):
            m.d.sync += self.o.valid.eq(valid)

        # The slot counts when the job leaves: a step before it may have changed it.
        m.d.comb += self.o.payload.eq(complete)
        if self.config.delay_slots > 1:
            m.d.comb += self.o.payload.slot.eq(complete.slot + self.slot)

        return valid | self.o.valid


def _later(m: Module, move: Signal, value: Any, name: str) -> Any:
    """Register a value when the pipeline moves."""
    register = Signal.like(value, name=name)
    with m.If(move):
        m.d.sync += register.eq(value)
    return register
