"""The way from the bus of several cores to its sinks: look up who wants an event, then keep it."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .queue import Queue

__all__ = ["UNDER_WAY", "Distribution"]

UNDER_WAY = 5
"""Events that a queue must still have room for when the bus is told to stop.

Two cycles pass until the bus knows, one for the look-up, one for what it gives, and one until the
queue counts what it took.
"""


class Distribution(wiring.Component):
    """Put each event into the queues of the sinks that want it, an event a cycle.

    Three cycles after an event was taken, all sinks that want it have it. The bus stops while a
    queue has room for no more than what may be under way, so that nothing overflows, and nothing
    goes from all sinks to all sources within a cycle.

    Parameters
    ----------
    event : StructLayout
        Layout of an event.
    sinks : int
        Sinks.
    depth : int
        Events that the queue of a sink holds; more than :data:`UNDER_WAY`.

    Members
    -------
    i : In(stream.Signature(event))
        All events in one order.
    passing : Out(stream.Signature(event, always_ready=True))
        The event that was taken in the cycle before.
    wanted : In(sinks)
        Which sinks want it.
    o : Out(stream.Signature(event)).array(sinks)
        What each sink wants, in that order.
    idle : Out(1)
        Nothing was held in the cycle before.
    """

    i: stream.Interface
    passing: stream.Interface
    wanted: Signal
    o: Any
    idle: Signal

    def __init__(self, event: data.StructLayout, sinks: int, depth: int = 32) -> None:
        if depth <= UNDER_WAY:
            raise ValueError(f"Depth must be more than {UNDER_WAY} events, not {depth!r}")
        self.event, self.sinks, self.depth = event, sinks, depth
        super().__init__({
            "i": In(stream.Signature(event)),
            "passing": Out(stream.Signature(event, always_ready=True)),
            "wanted": In(sinks),
            "o": Out(stream.Signature(event)).array(sinks),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Chain look-up and queues, and let their levels stop the bus."""
        m = Module()
        stall, full, held = Signal(), Signal(self.sinks), Signal(self.sinks)
        given, event = Signal(self.sinks), Signal(self.event)
        m.d.comb += self.i.ready.eq(~stall)
        m.d.sync += [
            self.passing.valid.eq(self.i.valid & ~stall),
            self.passing.payload.eq(self.i.payload),
            given.eq(self.wanted & self.passing.valid.replicate(self.sinks)),
            event.eq(self.passing.payload),
            stall.eq(full.any()),
            self.idle.eq(~(self.passing.valid | given.any() | held.any())),
        ]

        # A queue that is told to take an event has room for it.
        for k in range(self.sinks):
            m.submodules[f"queue{k}"] = queue = Queue(self.event, self.depth)
            m.d.comb += [
                queue.i.valid.eq(given[k]),
                queue.i.payload.eq(event),
                held[k].eq(~queue.empty),
            ]
            connect(m, queue.o, flipped(self.o[k]))
            m.d.sync += full[k].eq(queue.level > self.depth - UNDER_WAY)

        return m
