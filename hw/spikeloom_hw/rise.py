"""The way up of a chip that is not the root: events meet, some go on to the parent."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access import AccessSignature
from .bus import Arbiter
from .config import ChipConfig
from .ends import Ends
from .event import Kind, event_layout
from .queue import Queue
from .skid import Skid
from .source_filter import SourceFilter

__all__ = ["Rise"]

_QUEUE = 32


class Rise(wiring.Component):
    """Merge what cores and children send; give it to the bus, and what is wanted above to the link.

    Nothing that comes down waits for anything that goes up, so no circle of full queues can close:
    an event goes to the bus and to the queue of the link in the same cycle, and waits here until
    both have room. The last END that answers a step goes up, behind all events; no END goes to the
    bus.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    chip : int
        Number of the chip, above 0.
    sources : int
        Streams to merge: of children and of cores, each of which answers every step.

    Members
    -------
    i : In(stream.Signature(event_layout(value_width))).array(sources)
        Events of children and cores.
    bus : Out(stream.Signature(event_layout(value_width)))
        All of them but END.
    origin : Out(range(sources))
        Source of the event at ``bus``.
    up : Out(stream.Signature(event_layout(value_width)))
        Events whose source is in the filter of the link, all readouts, and one END for a step.
    access : In(AccessSignature())
        Host access to the filter.
    idle : Out(1)
        Nothing is held.
    """

    i: Any
    bus: stream.Interface
    origin: Signal
    up: stream.Interface
    access: Any
    idle: Signal

    def __init__(self, config: ChipConfig, chip: int, sources: int) -> None:
        self.config, self.chip, self.sources = config, chip, sources
        self.event = event_layout(config.core.value_width)
        super().__init__({
            "i": In(stream.Signature(self.event)).array(sources),
            "bus": Out(stream.Signature(self.event)),
            "origin": Out(range(sources)),
            "up": Out(stream.Signature(self.event)),
            "access": In(AccessSignature()),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Merge, look up who wants an event, then hand it over to both."""
        m = Module()
        merged, origin, waiting = self._merge(m)
        m.submodules.filter = wanted = SourceFilter(self.config, f"up@{self.chip}")
        m.submodules.ends = ends = Ends(self.sources)
        m.submodules.queue = queue = Queue(self.event, _QUEUE)
        connect(m, queue.o, flipped(self.up))
        connect(m, flipped(self.access), wanted.access)

        # An event is held for the look-up, and until it has left.
        held, event, leaves = Signal(), Signal(self.event), Signal()
        m.d.comb += [
            merged.ready.eq(~held | leaves),
            wanted.read.eq(merged.valid & merged.ready),
            wanted.source.eq(merged.payload.source),
            wanted.passing.eq(event.source),
        ]
        with m.If(merged.ready):
            m.d.sync += [
                held.eq(merged.valid),
                event.eq(merged.payload),
                self.origin.eq(origin),
            ]

        # END is for those above alone, and the last of them for all.
        rises, stays = Signal(), Signal()
        named = wanted.named & ((event.kind == Kind.SPIKE) | (event.kind == Kind.GRADED))
        m.d.comb += [
            ends.end.eq(leaves & (event.kind == Kind.END)),
            stays.eq(event.kind != Kind.END),
            rises.eq(named | (event.kind == Kind.READOUT) | self._last(event, ends)),
            leaves.eq(held & (self.bus.ready | ~stays) & (queue.i.ready | ~rises)),
            self.bus.valid.eq(held & stays & (queue.i.ready | ~rises)),
            self.bus.payload.eq(event),
            queue.i.valid.eq(held & rises & (self.bus.ready | ~stays)),
            queue.i.payload.eq(event),
            self.idle.eq(~held & queue.empty & ~waiting),
        ]

        return m

    def _last(self, event: Any, ends: Ends) -> Any:
        """Tell whether an event is the last END of a step, if it leaves."""
        return (event.kind == Kind.END) & ends.awaits_one

    def _merge(self, m: Module) -> tuple[Any, Any, Any]:
        """Merge the sources; give the stream, where it comes from, and whether it holds any."""
        if self.sources == 1:
            m.submodules.skid = skid = Skid(self.event)
            connect(m, flipped(self.i[0]), skid.i)
            return skid.o, 0, skid.o.valid
        m.submodules.arbiter = arbiter = Arbiter(self.sources, self.config.core.value_width)
        for k in range(self.sources):
            connect(m, flipped(self.i[k]), arbiter.i[k])
        return arbiter.o, arbiter.origin, arbiter.o.valid
