"""Which groups an update processes: all of a population, one a cycle."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig

__all__ = ["Sweep", "sweep_members"]


def sweep_members(config: CoreConfig) -> dict[str, Any]:
    """Members that :class:`Sweep` and :class:`~.scan.Scan` have in common."""
    return {
        "start": In(1),
        "row": In(range(config.neuron_rows)),
        "last_group": In(range(config.groups)),
        "issue": Out(1),
        "group": Out(range(config.groups)),
        "busy": Out(1),
    }


class Sweep(wiring.Component):
    """Give all groups of a population, from the cycle after ``start`` on.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    start : In(1)
        Begin with a population, whose members below hold still until all groups are given.
    row : In(range(neuron_rows))
        Its first row.
    last_group : In(range(groups))
        Its number of groups, less one.
    issue : Out(1)
        A group is given.
    group : Out(range(groups))
        The group, counted from the first of the core.
    busy : Out(1)
        A group is given, or more come.
    """

    start: Signal
    row: Signal
    last_group: Signal
    issue: Signal
    group: Signal
    busy: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__(sweep_members(config))

    def elaborate(self, platform: Any) -> Module:
        """Build the counters."""
        m = Module()
        slice_bits = (self.config.groups_per_row - 1).bit_length()
        swept = Signal.like(self.group)
        m.d.comb += self.busy.eq(self.issue)
        m.d.sync += [self.group.eq(self.group + 1), swept.eq(swept + 1)]
        with m.If(self.start):
            m.d.sync += [
                self.issue.eq(1),
                self.group.eq(self.row << slice_bits),
                swept.eq(0),
            ]
        with m.Elif(swept == self.last_group):
            m.d.sync += self.issue.eq(0)

        return m
