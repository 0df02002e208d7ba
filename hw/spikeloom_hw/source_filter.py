"""A filter on the bus: one bit for each source."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .access import AccessSignature, decode
from .config import ChipConfig
from .event import SOURCE_WIDTH
from .layout import filter_layout, filter_rows
from .memory import RowMem
from .registers import regions

__all__ = ["SourceFilter"]


class SourceFilter(wiring.Component):
    """Tell of an event, one cycle after it was taken, whether its source is named.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    region : str
        Name of its memory in the address map.

    Members
    -------
    read : In(1)
        An event is taken.
    source : In(9)
        Its source.
    passing : In(9)
        Source of the event that was taken last.
    named : Out(1)
        Whether that is named.
    access : In(AccessSignature())
        Host access to the memory.
    """

    read: Signal
    source: Signal
    passing: Signal
    named: Signal
    access: Any

    def __init__(self, config: ChipConfig, region: str) -> None:
        self.config, self.region = config, region
        super().__init__({
            "read": In(1),
            "source": In(SOURCE_WIDTH),
            "passing": In(SOURCE_WIDTH),
            "named": Out(1),
            "access": In(AccessSignature()),
        })

    def listen(self, m: Module, taken: Any, passing: Any) -> None:
        """Connect the event that the bus takes, and the one that was taken before."""
        m.d.comb += [
            self.read.eq(taken.valid),
            self.source.eq(taken.payload.source),
            self.passing.eq(passing.payload.source),
        ]

    def elaborate(self, platform: Any) -> Module:
        """Build the memory, a row of which has the bits of 32 sources."""
        m = Module()
        core = self.config.core
        memory = RowMem(filter_layout(core), filter_rows(core), table=True)
        m.submodules.memory = memory
        m.d.comb += [
            memory.read.eq(self.read),
            memory.read_row.eq(self.source >> 5),
            self.named.eq(memory.read_data.as_value().bit_select(self.passing[:5], 1)),
        ]
        known = regions(self.config)
        decode(m, self.access, {self.region: memory}, known)
        return m
