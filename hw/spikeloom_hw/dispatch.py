"""The dispatcher: from an event to the projections that its source has."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .event import Event, Kind
from .layout import Layouts

__all__ = ["Dispatch", "job_layout"]


def job_layout(config: CoreConfig) -> data.StructLayout:
    """One projection of one event, or (``step``) a STEP event passed on in order."""
    return data.StructLayout({
        "step": 1,
        "operation": 3,
        "phase": range(config.phases),
        "weight_row": range(config.weight_rows),
        "row": range(config.neuron_rows),
        "blocks": range(config.neuron_rows + 1),
        "size": range(config.neuron_rows * config.lanes + 1),
    })


class Dispatch(wiring.Component):
    """Look up each event's projections: a job every cycle, four cycles after its event.

    An event whose source has no projections is dropped, and so is one whose source or index does
    not exist, for which ``bad_source`` is high for a cycle. A STEP event passes behind all jobs
    before it.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(Event))
        Events of the bus, spikes and steps alone.
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
    bad_source: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        layouts = Layouts(config)
        super().__init__({
            "i": In(stream.Signature(Event)),
            "o": Out(stream.Signature(job_layout(config))),
            "source_read": Out(1),
            "source": Out(range(config.sources)),
            "entry": In(layouts.sources),
            "projection_read": Out(1),
            "projection": Out(range(config.projections)),
            "target": In(layouts.projections),
            "bad_source": Out(1),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the pipeline."""
        m = Module()
        move, take = Signal(), Signal()
        m.d.comb += move.eq(~self.o.valid | self.o.ready)

        # Stage 1: the event, while its row of the source table is read.
        valid_1 = Signal()
        event_1: Any = Signal(Event)
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
            self.projection.eq(self.entry.first + count),
            self.projection_read.eq(move & valid_1 & some & ~step),
            self.bad_source.eq(move & valid_1 & ~step & ~known),
        ]
        with m.If(move & valid_1):
            m.d.sync += count.eq(count + 1)
            with m.If(last):
                m.d.sync += count.eq(0)

        # Stage 2: the projection is there; multiply the index by its rows per neuron.
        valid_2, step_2 = Signal(), Signal()
        index_2 = Signal(range(self.config.weight_rows))
        operation_2, phase_2 = Signal(3), Signal(range(self.config.phases))
        with m.If(move):
            m.d.sync += [
                valid_2.eq(valid_1 & (step | some)),
                step_2.eq(step),
                index_2.eq(event_1.index),
                operation_2.eq(event_1.source),
                phase_2.eq(event_1.index),
            ]

        # Stage 3 and 4: add the base; the job is complete.
        valid_3, job_3 = Signal(), Signal(job_layout(self.config))
        offset = Signal(range(self.config.weight_rows))
        with m.If(move):
            m.d.sync += [
                valid_3.eq(valid_2),
                job_3.step.eq(step_2),
                job_3.operation.eq(operation_2),
                job_3.phase.eq(phase_2),
                job_3.weight_row.eq(self.target.weight_row),
                job_3.row.eq(self.target.row),
                job_3.blocks.eq(self.target.blocks),
                job_3.size.eq(self.target.size),
                offset.eq(index_2 * self.target.blocks),
                self.o.valid.eq(valid_3),
                self.o.payload.eq(job_3),
                self.o.payload.weight_row.eq(job_3.weight_row + offset),
            ]

        m.d.comb += self.idle.eq(~valid_1 & ~valid_2 & ~valid_3 & ~self.o.valid)

        return m
