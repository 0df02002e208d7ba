"""A filter without a memory, for proofs about what is around it."""

from typing import Any

from amaranth.hdl import Module

from spikeloom_hw.source_filter import SourceFilter

__all__ = ["OddFilter"]


class OddFilter(SourceFilter):
    """Name every odd source, one cycle after the event was taken, as a memory would.

    Parameters and members are those of :class:`~spikeloom_hw.source_filter.SourceFilter`.
    """

    def elaborate(self, platform: Any) -> Module:
        """Hold what was looked up until the next time."""
        m = Module()
        with m.If(self.read):
            m.d.sync += self.named.eq(self.source[0])
        return m
