"""Which events of the bus go down to the chips below."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .access import AccessSignature, share
from .config import ChipConfig
from .event import Kind, event_layout
from .source_filter import SourceFilter

__all__ = ["Gates"]


class Gates(wiring.Component):
    """Decide of each event which children take it: never the one that it comes from.

    Steps and rewards go to all, errors to where the core is, and spikes and graded events where
    the filter of the child has their source.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    chip : int
        Number of the chip, which has children.

    Members
    -------
    taken : In(stream.Signature(event_layout(value_width), always_ready=True))
        The event that the bus takes.
    passing : In(stream.Signature(event_layout(value_width), always_ready=True))
        The one before, of which is decided.
    origin : In(range(1 + children + cores))
        Where that comes from: 0 for above, then the children.
    wanted : Out(children)
        Which children take it.
    access : In(AccessSignature())
        Host access to the filters.
    """

    taken: stream.Interface
    passing: stream.Interface
    origin: Signal
    wanted: Signal
    access: Any

    def __init__(self, config: ChipConfig, chip: int) -> None:
        self.config, self.children = config, config.children(chip)
        event = stream.Signature(event_layout(config.core.value_width), always_ready=True)
        super().__init__({
            "taken": In(event),
            "passing": In(event),
            "origin": In(range(1 + len(self.children) + config.cores)),
            "wanted": Out(len(self.children)),
            "access": In(AccessSignature()),
        })

    def listen(self, m: Module, cluster: Any) -> None:
        """Connect what passes on the bus of a :class:`~spikeloom_hw.cluster.Cluster`."""
        for name in ("taken", "passing"):
            mine, its = getattr(self, name), getattr(cluster, name)
            m.d.comb += [mine.valid.eq(its.valid), mine.payload.eq(its.payload)]
        m.d.comb += self.origin.eq(cluster.origin)

    def elaborate(self, platform: Any) -> Module:
        """Build a filter for each child."""
        m = Module()
        event: Any = self.passing.payload
        filters = [SourceFilter(self.config, f"down@{child}") for child in self.children]
        wanted = []
        for k, (child, listed) in enumerate(zip(self.children, filters, strict=True)):
            m.submodules[f"filter{child}"] = listed
            listed.listen(m, self.taken, self.passing)
            spike = (event.kind == Kind.SPIKE) | (event.kind == Kind.GRADED)
            named = spike & listed.named
            error = (event.kind == Kind.ERROR) & self._below(event.source, child)
            every = (event.kind == Kind.STEP) | (event.kind == Kind.REWARD)
            wanted.append((named | error | every) & (self.origin != 1 + k))
        m.d.comb += self.wanted.eq(Cat(*wanted))
        share(m, self.access, [listed.access for listed in filters])

        return m

    def _below(self, core: Value, child: int) -> Value:
        """Tell whether a core is in the subtree of a child."""
        each = self.config.cores
        chips = self.config.subtree(child)
        return Cat((core >= c * each) & (core < (c + 1) * each) for c in chips).any()
