"""The cores of a chip on one bus."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access import AccessSignature, hand_out, share
from .activity import chip_activity_layout
from .bus import Arbiter, broadcast
from .config import ChipConfig
from .core import Core
from .distribution import Distribution
from .event import Kind, event_layout
from .rise import Rise
from .source_filter import SourceFilter

__all__ = ["Cluster"]


class Cluster(wiring.Component):
    """Merge events of all sources to one order, and let the cores take them; others may, too.

    Sources are the ``i``, then the cores; the first of them is the step control, or the link to the
    parent, the others are children. A core takes spikes and graded events of the sources in
    its filter, rewards, errors of neurons of its own, and steps. A core that is alone in the
    world has no filter, and no queue lies between the bus and other sinks than the core.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    sources, sinks : int
        Sources and sinks besides the cores.
    chip : int
        Number of the chip.

    Members
    -------
    i : In(stream.Signature(event_layout(value_width))).array(sources)
        Events of other sources.
    taken : Out(stream.Signature(event_layout(value_width), always_ready=True))
        The event that the bus takes in this cycle: there is one order of all events.
    passing : Out(stream.Signature(event_layout(value_width), always_ready=True))
        The event of which is decided who takes it: in the same cycle if a core is alone, and in
        the next one if not.
    origin : Out(range(sources + cores))
        Source of the event that ``passing`` has.
    wanted : In(sinks)
        Which of the other sinks take that event.
    o : Out(stream.Signature(event_layout(value_width))).array(sinks)
        What each of them takes.
    access : In(AccessSignature())
        Host access to the memories of the cores, while all is idle.
    up : Out(stream.Signature(event_layout(value_width)))
        Events for the parent; absent on chip 0.
    activity : Out(chip_activity_layout(config))
        What happened in the cores: in the cycle before, or two before if there are several.
    idle : Out(1)
        No event is held between the sources and the sinks; may be a cycle late.
    """

    i: Any
    taken: stream.Interface
    passing: stream.Interface
    origin: Signal
    wanted: Signal
    o: Any
    up: stream.Interface
    access: Any
    activity: Any
    idle: Signal

    def __init__(self, config: ChipConfig, sources: int, sinks: int, chip: int = 0) -> None:
        self.config, self.sources, self.sinks, self.chip = config, sources, sinks, chip
        self.event = event_layout(config.core.value_width)
        passing = stream.Signature(self.event, always_ready=True)
        members: dict[str, Any] = {"up": Out(stream.Signature(self.event))} if chip else {}
        super().__init__({
            **members,
            "i": In(stream.Signature(self.event)).array(sources),
            "taken": Out(passing),
            "passing": Out(passing),
            "origin": Out(range(sources + config.cores)),
            "wanted": In(sinks),
            "o": Out(stream.Signature(self.event)).array(sinks),
            "access": In(AccessSignature()),
            "activity": Out(chip_activity_layout(config)),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the arbiter, the cores, and what lies between."""
        m = Module()
        cores = [Core(self.config) for _ in range(self.config.cores)]
        for k, core in enumerate(cores):
            m.submodules[f"core{k}" if k else "core"] = core
        ports = [flipped(self.i[k]) for k in range(self.sources)]
        ports += [core.o for core in cores]
        rise = self._rise(m, ports) if self.chip else None
        if rise:
            ports = [ports[0], rise.bus]
        m.submodules.bus = bus = Arbiter(len(ports), self.config.core.value_width)
        for k, port in enumerate(ports):
            connect(m, port, bus.i[k])
        m.d.comb += [
            self.taken.valid.eq(bus.o.valid & bus.o.ready),
            self.taken.payload.eq(bus.o.payload),
        ]
        if self.config.filtered:
            self._distribute(m, bus, cores, rise)
        else:
            self._connect(m, bus, cores[0])
        return m

    def _rise(self, m: Module, ports: list[Any]) -> Rise:
        """Let all that comes from below meet before the bus, which it shares with the parent."""
        m.submodules.rise = rise = Rise(self.config, self.chip, len(ports) - 1)
        for k, port in enumerate(ports[1:]):
            connect(m, port, rise.i[k])
        connect(m, rise.up, flipped(self.up))
        return rise

    def _connect(self, m: Module, bus: Arbiter, core: Any) -> None:
        """Let one core, which takes all, and the other sinks listen to the bus itself."""
        event: Any = bus.o.payload
        spikes, teaches = self._kinds(event)
        sinks = [(core.i, spikes | (event.kind == Kind.STEP))]
        sinks += [(self.o[k], self.wanted[k]) for k in range(self.sinks)]
        if self.config.core.learning:
            sinks.append((core.teach, teaches))
        broadcast(m, bus.o, sinks)
        m.d.comb += [
            self.passing.valid.eq(bus.o.valid),
            self.passing.payload.eq(event),
            self.origin.eq(bus.origin),
            self.idle.eq(bus.idle),
            self.activity.eq(core.activity),
        ]
        connect(m, flipped(self.access), core.access)

    def _distribute(self, m: Module, bus: Arbiter, cores: list[Any], rise: Rise | None) -> None:
        """Let several cores take what they want of the events that pass."""
        m.submodules.distribution = ways = Distribution(self.event, len(cores) + self.sinks)
        connect(m, bus.o, ways.i)
        m.d.comb += [
            self.passing.valid.eq(ways.passing.valid),
            self.passing.payload.eq(ways.passing.payload),
            self.idle.eq(bus.idle & ways.idle & (rise.idle if rise else 1)),
        ]
        m.d.sync += self.origin.eq(self._origin(m, bus, rise))
        event: Any = ways.passing.payload
        spikes, teaches = self._kinds(event)
        entrances, wanted = [], []
        for k, core in enumerate(cores):
            named, access = self._filter(m, k, core.access)
            entrances.append(access)
            wanted.append((spikes & named) | (event.kind == Kind.STEP))
            connect(m, ways.o[k], core.i)
            if self.config.core.learning:
                number = self.chip * len(cores) + k
                own = (event.kind == Kind.REWARD) | (event.source == number)
                m.d.sync += [
                    core.teach.valid.eq(ways.passing.valid & teaches & own),
                    core.teach.payload.eq(event),
                ]
        for k in range(self.sinks):
            connect(m, ways.o[len(cores) + k], flipped(self.o[k]))
        m.d.comb += ways.wanted.eq(Cat(*wanted, self.wanted))
        inner: Any = AccessSignature().create(path=("inner",))
        hand_out(m, inner, entrances, self.chip * len(cores))
        share(m, self.access, [inner, *([rise.access] if rise else [])])
        self._add_up(m, cores)

    def _origin(self, m: Module, bus: Arbiter, rise: Rise | None) -> Value:
        """Give the source of the event on the bus, among all sources."""
        if rise is None:
            return bus.origin
        below = Signal.like(rise.origin)
        with m.If(rise.bus.valid & rise.bus.ready):
            m.d.sync += below.eq(rise.origin)
        return Mux(bus.origin == 0, 0, below + 1)

    def _kinds(self, event: Any) -> tuple[Value, Value]:
        """Tell whether an event is for synapses, and whether it is for the learning engine.

        Cores take graded events if they can multiply by their values.
        """
        spikes = event.kind == Kind.SPIKE
        if self.config.core.payload_width:
            spikes = spikes | (event.kind == Kind.GRADED)
        return spikes, (event.kind == Kind.REWARD) | (event.kind == Kind.ERROR)

    def _filter(self, m: Module, k: int, behind: Any) -> tuple[Value, Any]:
        """Build the filter of a core; give whether it has the source, and access to both."""
        m.submodules[f"filter{k}"] = listed = SourceFilter(self.config, "filter")
        listed.listen(m, self.taken, self.passing)
        both: Any = AccessSignature().create(path=(f"access{k}",))
        share(m, both, [listed.access, behind])
        return listed.named, both

    def _add_up(self, m: Module, cores: list[Any]) -> None:
        """Add up what the cores do in a cycle; they integrate if any of them does."""
        seen = [core.activity for core in cores]
        for name in ("event", "spike", "row"):
            m.d.sync += self.activity[name].eq(sum(a[name] for a in seen))
        integrating = Cat(a.integrating for a in seen).any()
        m.d.sync += [
            self.activity.job.eq(Cat(a.job for a in seen).any()),
            self.activity.size.eq(sum(Mux(a.job, a.size, 0) for a in seen)),
            self.activity.integrating.eq(integrating),
            self.activity.updating.eq(Cat(a.updating for a in seen).any() & ~integrating),
            self.activity.idle.eq(Cat(a.idle for a in seen).all()),
            self.activity.bad_source.eq(Cat(a.bad_source for a in seen).any()),
        ]
