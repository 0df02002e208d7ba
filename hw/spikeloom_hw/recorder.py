"""The recorder: what the host gets to see of the bus, and the account of every step."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .config import CoreConfig
from .event import SOURCE_WIDTH, Event, Kind
from .link import word_layout
from .queue import Queue

__all__ = ["Recorder"]

_QUEUE = 32


class Recorder(wiring.Component):
    """Pass the spikes of the recorded sources on to the host, and count them.

    At the end of a time step two words follow: STEP with the number of the step (modulo 2**20),
    then the number of spikes passed on in it, by which the host knows that it has them all.

    Parameters
    ----------
    config : CoreConfig
        Structure of the cores.

    Members
    -------
    i : In(stream.Signature(Event))
        Spikes, and DONE steps.
    o : Out(stream.Signature(word_layout()))
        Words for the host.
    record_read, record_row, record
        Port of the record table, 32 sources a row.
    recorded : Out(1)
        A spike is passed on in this cycle.
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
        self.rows = max(2, -(-config.sources // 32))
        super().__init__({
            "i": In(stream.Signature(Event)),
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
        m.submodules.queue = queue = Queue(word_layout(), _QUEUE)
        word = queue.i.payload
        connect(m, queue.o, flipped(self.o))

        # The event waits for its bit of the record table.
        valid = Signal()
        event: Any = Signal(Event)
        done, take = Signal(), Signal()
        m.d.comb += [
            self.i.ready.eq(take),
            self.record_read.eq(take & self.i.valid),
            self.record_row.eq(self.i.payload.source >> 5),
        ]
        with m.If(take):
            m.d.sync += [valid.eq(self.i.valid), event.eq(self.i.payload)]

        # A recorded spike is passed on; a step takes two words.
        count, second = Signal(32), Signal()
        wanted = Signal()
        m.d.comb += [
            wanted.eq(self.record.as_value().bit_select(event.source[:5], 1)),
            done.eq(event.kind == Kind.STEP),
            queue.i.valid.eq(valid & (done | wanted)),
            self.recorded.eq(valid & ~done & wanted & queue.i.ready),
            take.eq(~valid | (~done & ~wanted) | (queue.i.ready & (~done | second))),
            word.last.eq(second),
        ]
        with m.If(second):
            m.d.comb += word.word.eq(count)
        with m.Elif(done):
            m.d.comb += word.word.eq(Cat(event.index, Const(0, SOURCE_WIDTH), event.kind))
        with m.Else():
            m.d.comb += word.word.eq(event)
        with m.If(self.recorded):
            m.d.sync += count.eq(count + 1)
        with m.If(valid & done & queue.i.ready):
            m.d.sync += second.eq(~second)
            with m.If(second):
                m.d.sync += count.eq(0)

        m.d.comb += self.idle.eq(~valid & queue.empty)

        return m
