"""The recorder: what the host gets to see of the bus, and the account of every step."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Shape, Signal, unsigned
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .event import SOURCE_WIDTH, VALUE_WIDTH, Kind, event_layout
from .layout import filter_rows
from .link import word_layout
from .queue import Queue

__all__ = ["Recorder"]

_QUEUE = 32
_UNDER_WAY = 4
_KIND_WIDTH = Shape.cast(Kind).width


class Recorder(wiring.Component):
    """Pass the events of the recorded sources on to the host, and count them.

    An event with a value takes two words, the second of the kind VALUE. At the end of a time step
    two words follow: STEP with the number of the step (modulo 2**20), then the number of events
    passed on in it, by which the host knows that it has them all.

    Parameters
    ----------
    config : CoreConfig
        Structure of the cores.

    Members
    -------
    i : In(stream.Signature(event_layout(config.value_width)))
        Spikes, graded events, read-outs, and DONE steps.
    o : Out(stream.Signature(word_layout()))
        Words for the host.
    record_read, record_row, record
        Port of the record table, 32 sources a row.
    recorded : Out(1)
        An event is passed on in this cycle.
    idle : Out(1)
        Nothing is under way.
    """

    i: stream.Interface
    o: stream.Interface
    record_read: Signal
    record_row: Signal
    record: Any
    recorded: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.event = event_layout(config.value_width)
        self.valued = config.value_width > 0
        self.rows = filter_rows(config)
        super().__init__({
            "i": In(stream.Signature(self.event)),
            "o": Out(stream.Signature(word_layout())),
            "record_read": Out(1),
            "record_row": Out(range(self.rows)),
            "record": In(data.ArrayLayout(1, 32)),
            "recorded": Out(1),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the recorder."""
        m = Module()
        m.submodules.queue = queue = Queue(unsigned(32), _QUEUE)
        word = queue.i.payload

        # The account of a step, the last word, is the one behind the number of the step.
        behind = Signal()
        m.d.comb += [
            self.o.valid.eq(queue.o.valid),
            self.o.payload.word.eq(queue.o.payload),
            self.o.payload.last.eq(behind),
            queue.o.ready.eq(self.o.ready),
        ]
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += behind.eq(~behind & (queue.o.payload[-_KIND_WIDTH:] == Kind.STEP))

        # The event waits for its bit of the record table. Whether there is room for what it makes
        # is told a cycle late, so an event that was taken never waits.
        valid, room = Signal(), Signal()
        event: Any = Signal(self.event)
        done, take, leaves = Signal(), Signal(), Signal()
        m.d.sync += room.eq(queue.level < _QUEUE - _UNDER_WAY)
        m.d.comb += [
            take.eq(room & (~valid | leaves)),
            self.i.ready.eq(take),
            self.record_read.eq(take & self.i.valid),
            self.record_row.eq(self.i.payload.source >> 5),
        ]
        with m.If(take):
            m.d.sync += [valid.eq(self.i.valid), event.eq(self.i.payload)]
        with m.Elif(leaves):
            m.d.sync += valid.eq(0)

        # A recorded event is passed on; a step takes two words, and so does a value.
        count, second = Signal(32), Signal()
        wanted, long, sent = Signal(), Signal(), Signal()
        m.d.comb += [
            wanted.eq(self.record.as_value().bit_select(event.source[:5], 1)),
            done.eq(event.kind == Kind.STEP),
            long.eq(done | (self.valued & (event.kind != Kind.SPIKE))),
            sent.eq(valid & (done | wanted)),
            queue.i.valid.eq(sent),
            self.recorded.eq(sent & ~done & ~second),
            leaves.eq(~long | second | (self.valued & ~done & ~wanted)),
        ]
        with m.If(done & second):
            m.d.comb += word.eq(count)
        with m.Elif(done):
            m.d.comb += word.eq(Cat(event.index, Const(0, SOURCE_WIDTH), event.kind))
        with m.Elif(second & self.valued):
            value = event.value if self.valued else Const(0)
            extended = Signal(VALUE_WIDTH)
            m.d.comb += extended.eq(value)
            m.d.comb += word.eq(Cat(extended, Const(Kind.VALUE.value, 3)))
        with m.Else():
            m.d.comb += word.eq(Cat(event.index, event.source, event.kind))
        with m.If(self.recorded):
            m.d.sync += count.eq(count + 1)
        with m.If(sent & long):
            m.d.sync += second.eq(~second)
            with m.If(done & second):
                m.d.sync += count.eq(0)

        m.d.comb += self.idle.eq(~valid & queue.empty)

        return m
