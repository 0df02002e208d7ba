"""The event bus: many sources, one totally ordered channel, every sink sees all of it."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .event import event_layout

__all__ = ["Arbiter", "broadcast"]


class Arbiter(wiring.Component):
    """Merge event streams in round-robin order, an event every cycle, one cycle later.

    Parameters
    ----------
    sources : int
        Streams to merge, at least 2.
    value_width : int
        Bits of the value of an event; 0 if none has one.

    Members
    -------
    i : In(stream.Signature(event_layout(value_width))).array(sources)
        Sources.
    o : Out(stream.Signature(event_layout(value_width)))
        All events in one order.
    origin : Out(range(sources))
        Source of the event at ``o``.
    idle : Out(1)
        No event is held.
    """

    i: Any
    o: stream.Interface
    origin: Signal
    idle: Signal

    def __init__(self, sources: int, value_width: int = 0) -> None:
        if sources < 2:
            raise ValueError(f"Arbiter needs at least 2 sources, not {sources!r}")
        self.sources = sources
        event = event_layout(value_width)
        super().__init__({
            "i": In(stream.Signature(event)).array(sources),
            "o": Out(stream.Signature(event)),
            "origin": Out(range(sources)),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the arbiter."""
        m = Module()

        # After a source was served, the search starts behind it. Whether a source may speak does
        # not depend on whether it wants to.
        may = Signal(self.sources)
        with m.Switch(self.served_last(m)):
            for last in range(self.sources):
                with m.Case(last):
                    before: Any = Const(0)
                    for distance in range(1, self.sources + 1):
                        candidate = (last + distance) % self.sources
                        m.d.comb += may[candidate].eq(~before)
                        before = before | self.i[candidate].valid

        # The chosen event is taken when the one before it has left; without one, zeros are.
        free = Signal()
        served = Cat(self.i[k].valid & may[k] for k in range(self.sources))
        m.d.comb += [free.eq(~self.o.valid | self.o.ready), self.idle.eq(~self.o.valid)]
        payload: Any = Const(0)
        for number, port in enumerate(self.i):
            m.d.comb += port.ready.eq(free & may[number])
            event = Value.cast(port.payload)
            payload = payload | (event & served[number].replicate(len(event)))
            with m.If(free & served[number]):
                m.d.sync += self.origin.eq(number)
        with m.If(free):
            m.d.sync += [
                self.o.valid.eq(Cat(port.valid for port in self.i).any()),
                self.o.payload.eq(payload),
            ]

        return m

    def served_last(self, m: Module) -> Value:
        """Source behind which the search starts."""
        return self.origin


def broadcast(
    m: Module, bus: stream.Interface, sinks: list[tuple[stream.Interface, Value]]
) -> None:
    """Copy each event of ``bus`` to every sink that wants it, to all in the same cycle.

    Parameters
    ----------
    m : Module
        Module to build in.
    bus : stream of events
        The bus.
    sinks : list of (stream of events, condition)
        Sinks, and whether each wants the present event.
    """
    all_ready = Value.cast(1)
    for port, wanted in sinks:
        all_ready = all_ready & (port.ready | ~wanted)
    ready = Signal()
    m.d.comb += [ready.eq(all_ready), bus.ready.eq(ready)]
    for port, wanted in sinks:
        m.d.comb += [
            port.valid.eq(bus.valid & ready & wanted),
            port.payload.eq(bus.payload),
        ]
