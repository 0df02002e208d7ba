"""The cores of a chip on one bus."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .access import AccessSignature, decode, hand_out
from .activity import chip_activity_layout
from .bus import Arbiter, broadcast
from .config import ChipConfig
from .core import Core
from .distribution import Distribution
from .event import Kind, event_layout
from .layout import filter_layout, filter_rows
from .memory import RowMem
from .registers import regions

__all__ = ["Cluster"]


class Cluster(wiring.Component):
    """Merge events of all sources to one order, and let the cores take them; others may, too.

    Sources are the ``i``, then the cores. A core takes spikes and graded events of the sources in
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
    access: Any
    activity: Any
    idle: Signal

    def __init__(self, config: ChipConfig, sources: int, sinks: int, chip: int = 0) -> None:
        self.config, self.sources, self.sinks, self.chip = config, sources, sinks, chip
        self.event = event_layout(config.core.value_width)
        passing = stream.Signature(self.event, always_ready=True)
        super().__init__({
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
        m.submodules.bus = bus = Arbiter(self.sources + len(cores), self.config.core.value_width)
        for k in range(self.sources):
            connect(m, flipped(self.i[k]), bus.i[k])
        for k, core in enumerate(cores):
            m.submodules[f"core{k}" if k else "core"] = core
            connect(m, core.o, bus.i[self.sources + k])
        m.d.comb += [
            self.taken.valid.eq(bus.o.valid & bus.o.ready),
            self.taken.payload.eq(bus.o.payload),
        ]
        if self.config.filtered:
            self._distribute(m, bus, cores)
        else:
            self._connect(m, bus, cores[0])
        return m

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

    def _distribute(self, m: Module, bus: Arbiter, cores: list[Any]) -> None:
        """Let several cores take what they want of the events that pass."""
        m.submodules.distribution = ways = Distribution(self.event, len(cores) + self.sinks)
        connect(m, bus.o, ways.i)
        m.d.comb += [
            self.passing.valid.eq(ways.passing.valid),
            self.passing.payload.eq(ways.passing.payload),
            self.idle.eq(bus.idle & ways.idle),
        ]
        m.d.sync += self.origin.eq(bus.origin)
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
        hand_out(m, self.access, entrances, self.chip * len(cores))
        self._add_up(m, cores)

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
        core = self.config.core
        memory = RowMem(filter_layout(core), filter_rows(core), table=True)
        m.submodules[f"filter{k}"] = memory
        source = Value.cast(self.taken.payload.source)
        passed = Value.cast(self.passing.payload.source)
        m.d.comb += [
            memory.read.eq(self.taken.valid),
            memory.read_row.eq(source >> 5),
        ]
        both: Any = AccessSignature().create(path=(f"access{k}",))
        here: Any = AccessSignature().create(path=(f"filter{k}_access",))
        for access in (here, behind):
            m.d.comb += [
                getattr(access, name).eq(getattr(both, name))
                for name in ("read", "write", "address", "value")
            ]
        m.d.comb += [
            both.known.eq(here.known | behind.known),
            both.data.eq(here.data | behind.data),
        ]
        decode(m, here, {"filter": memory}, regions(self.config))
        return memory.read_data.as_value().bit_select(passed[:5], 1), both

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
