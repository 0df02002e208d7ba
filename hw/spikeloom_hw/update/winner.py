"""Winner-take-all: of the neurons of a population that fire, the one that is furthest above."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..layout import winner_layout
from ..memory import RowMem, host_port

__all__ = ["Contest", "Winners"]


class Contest(wiring.Component):
    """Find the neuron with the greatest margin; of equals, the first.

    A group of neurons comes every cycle at most. A tree of log2(update_lanes) stages finds its
    best, and one stage more compares it with the best so far.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    start : In(1)
        Forget the best; not while ``busy``.
    valid : In(1)
        A group comes; groups of a population in ascending order.
    group : In(range(groups))
        Which one.
    fires : In(update_lanes)
        Which neurons take part.
    margins : In(ArrayLayout(signed(fields.width + 1), update_lanes))
        How far the potential of each is above its threshold.
    best : Out(winner_layout(config))
        The winner of all groups, once not ``busy``.
    busy : Out(1)
        A group is under way.
    """

    start: Signal
    valid: Signal
    group: Signal
    fires: Signal
    margins: Any
    best: Any
    busy: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.stages = (config.update_lanes - 1).bit_length()
        self.margin = signed(config.fields.width + 1)
        super().__init__({
            "start": In(1),
            "valid": In(1),
            "group": In(range(config.groups)),
            "fires": In(config.update_lanes),
            "margins": In(data.ArrayLayout(self.margin, config.update_lanes)),
            "best": Out(winner_layout(config)),
            "busy": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the tree, and the comparison at its root."""
        m = Module()
        entry = data.StructLayout({"some": 1, "margin": self.margin, "lane": self.stages})

        # Neighbours meet, level by level.
        level: list[Any] = []
        for u in range(self.config.update_lanes):
            leaf: Any = Signal(entry, name=f"leaf_{u}")
            m.d.comb += [
                leaf.some.eq(self.fires[u]),
                leaf.margin.eq(self.margins[u]),
                leaf.lane.eq(u),
            ]
            level.append(leaf)
        valid, group, busy = self.valid, self.group, self.valid
        for stage in range(self.stages):
            pairs, level = zip(level[::2], level[1::2], strict=True), []
            for k, (left, right) in enumerate(pairs):
                better = Signal(entry, name=f"better_{stage}_{k}")
                m.d.sync += better.eq(Mux(_beats(right, left), right, left))
                level.append(better)
            later, place = Signal(name=f"valid_{stage}"), Signal.like(group, name=f"group_{stage}")
            m.d.sync += [later.eq(valid), place.eq(group)]
            valid, group, busy = later, place, busy | later

        # The best of the group meets the best so far.
        (root,) = level
        margin = Signal(self.margin)
        best: Any = Signal(entry)
        m.d.comb += [best.some.eq(self.best.some), best.margin.eq(margin), self.busy.eq(busy)]
        with m.If(self.start):
            m.d.sync += self.best.some.eq(0)
        with m.Elif(valid & _beats(root, best)):
            m.d.sync += [
                self.best.some.eq(1),
                self.best.group.eq(group),
                self.best.lane.eq(root.lane),
                margin.eq(root.margin),
            ]

        return m


def _beats(later: Any, earlier: Any) -> Any:
    """Whether the later of two neurons wins."""
    return later.some & (~earlier.some | (later.margin > earlier.margin))


class Winners(wiring.Component):
    """Hold a contest in each population that has one, and keep who won.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    read, population : In
        A row of the table of populations is read.
    before : Out(winner_layout(config))
        Winner of the last update of that population, one cycle after ``read``.
    contest : In(1)
        The winner takes all in this population.
    start, over : In(1)
        Its update begins; it is over.
    valid, group, fires, margins : In
        A group of its neurons leaves the pipeline, as :class:`Contest` takes it.
    clear, cleared : In
        Forget the winner of the population of this number, if there is one.
    best : Out(winner_layout(config))
        Winner of this update.
    won : Out(1)
        The update is over, and ``best`` is to spike.
    busy : Out(1)
        Not all groups are compared.
    host : Out(wiring.Signature(host_port(populations, 0)))
        Port of the host to the winners.
    """

    read: Signal
    population: Signal
    before: Any
    contest: Signal
    start: Signal
    over: Signal
    valid: Signal
    group: Signal
    fires: Signal
    margins: Any
    clear: Signal
    cleared: Signal
    best: Any
    won: Signal
    busy: Signal
    host: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        layout, margin = winner_layout(config), signed(config.fields.width + 1)
        population = range(config.populations)
        super().__init__({
            "read": In(1),
            "population": In(population),
            "before": Out(layout),
            "contest": In(1),
            "start": In(1),
            "over": In(1),
            "valid": In(1),
            "group": In(range(config.groups)),
            "fires": In(config.update_lanes),
            "margins": In(data.ArrayLayout(margin, config.update_lanes)),
            "clear": In(1),
            "cleared": In(population),
            "best": Out(layout),
            "won": Out(1),
            "busy": Out(1),
            "host": Out(wiring.Signature(host_port(config.populations, 0))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the memory of winners around a contest."""
        m = Module()
        m.submodules.contest = contest = Contest(self.config)
        layout = winner_layout(self.config)
        m.submodules.memory = memory = RowMem(layout, self.config.populations)
        host: Any = self.host
        number = Signal.like(self.population)
        with m.If(self.read):
            m.d.sync += number.eq(self.population)
        ends = self.over & self.contest
        m.d.comb += [
            memory.read.eq(self.read),
            memory.read_row.eq(self.population),
            self.before.eq(memory.read_data),
            contest.start.eq(self.start),
            contest.valid.eq(self.valid & self.contest),
            contest.group.eq(self.group),
            contest.fires.eq(self.fires),
            contest.margins.eq(self.margins),
            self.best.eq(contest.best),
            self.won.eq(ends & self.best.some),
            self.busy.eq(contest.busy),
            memory.write.eq(self.clear | ends),
            memory.write_row.eq(Mux(self.clear, self.cleared, number)),
            memory.write_data.eq(Mux(self.clear, 0, contest.best.as_value())),
            memory.host_read.eq(host.host_read),
            memory.host_write.eq(host.host_write),
            memory.host_address.eq(host.host_address),
            memory.host_value.eq(host.host_value),
            host.host_data.eq(memory.host_data),
        ]
        return m
