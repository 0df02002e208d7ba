import random
from typing import Any, NamedTuple

import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.emitter import Emitter
from spikeloom_hw.event import Kind
from spikeloom_hw.neuron import Fields, Per
from spikeloom_sim.bench import simulate

Sent = tuple[Kind, int, int, int]
"""Kind, source, index and value of an event."""

END: Sent = (Kind.END, 0, 0, 0)


class Group(NamedTuple):
    """What the update gives in a cycle."""

    spikes: dict[str, int]
    values: dict[str, Any] | None = None


def sweep(config: CoreConfig, density: float, rng: random.Random) -> tuple[list[Group], list[Sent]]:
    """Groups of all populations of the core in a step, and the events that are in them."""
    groups: list[Group] = []
    spikes: list[Sent] = []
    values: list[Sent] = []
    left, width = config.groups, config.update_lanes
    room = config.value_groups
    for source in range(config.populations):
        count = left if source == config.populations - 1 else rng.randint(1, left // 2)
        left -= count
        valued = room >= count and source % 2 == 0
        room -= count if valued else 0
        kind = rng.choice([Kind.GRADED, Kind.READOUT]) if valued else Kind.SPIKE
        shown = True
        for group in range(count):
            # With skip, the groups of a row are all there, or none of them.
            if config.skip and group % config.groups_per_row == 0:
                shown = rng.random() < 0.5
            if not shown:
                continue
            fires = [rng.random() < density for _ in range(width)]
            bits = sum(fired << u for u, fired in enumerate(fires))
            place = {"source": source, "group": group}
            last = int(group == count - 1)
            if not valued:
                groups.append(Group({"bits": bits, "last": last, **place}))
                spikes += [(kind, source, group * width + u, 0) for u in range(width) if fires[u]]
                continue
            drawn = [rng.randint(-128, 127) for _ in range(width)]
            sent = {"mask": bits, "values": drawn, "readout": int(kind == Kind.READOUT), **place}
            groups.append(Group({"bits": 0, "last": last, **place}, sent if bits else None))
            values += [
                (kind, source, group * width + u, drawn[u]) for u in range(width) if fires[u]
            ]
    return groups, spikes + values


class Run:
    """Sweep each step once END of the one before was sent; the bus is stalled for long at first."""

    def __init__(self, config: CoreConfig, stall: float, patience: int) -> None:
        self.config, self.stall, self.patience = config, stall, patience
        self.dut = Emitter(config)
        self.rng = random.Random(1)
        self.events: list[Sent] = []
        self.waiting = 0

    def give(self, ctx: Any, group: Group) -> None:
        dut = self.dut
        ctx.set(dut.i.payload, group.spikes)
        ctx.set(dut.i.valid, 1)
        if group.values:
            ctx.set(dut.values.payload, group.values)
            ctx.set(dut.values.valid, 1)

    async def sweeps(self, ctx: Any, steps: list[list[Group]]) -> None:
        dut = self.dut
        for number, groups in enumerate(steps):
            together = self.rng.random() < 0.5
            for k, group in enumerate(groups):
                self.give(ctx, group)
                ends = together and k == len(groups) - 1
                ctx.set(dut.finish, ends)
                await ctx.tick()
                ctx.set(dut.finish, 0)
                ctx.set(dut.i.valid, 0)
                if self.config.value_groups:
                    ctx.set(dut.values.valid, 0)
                if self.rng.random() < 0.05 and not ends:
                    await ctx.tick()
            if not (together and groups):
                ctx.set(dut.finish, 1)
                await ctx.tick()
                ctx.set(dut.finish, 0)
            self.waiting = self.patience
            while self.events.count(END) <= number:
                await ctx.tick()
        for _ in range(3):
            await ctx.tick()
        assert ctx.get(dut.idle)

    async def bus(self, ctx: Any, steps: int) -> None:
        dut, counted = self.dut, 0
        while self.events.count(END) < steps:
            ready = self.waiting > 0 and self.rng.random() >= self.stall
            self.waiting -= self.waiting > 1
            ready = ready and self.waiting <= 1
            ctx.set(dut.o.ready, ready)
            _, _, valid, event, spiked = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.spiked
            )
            if valid and ready:
                kind = Kind(event.kind)
                counted -= kind in (Kind.SPIKE, Kind.GRADED)
                assert counted >= 0
                value = int(event.value) if kind in (Kind.GRADED, Kind.READOUT) else 0
                sent = kind, int(event.source), int(event.index), value
                self.events.append(END if kind == Kind.END else sent)
            counted += spiked
        assert counted == 0


VALUED = Fields({"output": Per.POPULATION}, 8)
CONFIGS = [
    CoreConfig(lanes=8, update_lanes=1, neuron_rows=8, populations=4),
    CoreConfig(lanes=16, update_lanes=4, neuron_rows=5, populations=3),
    CoreConfig(lanes=16, update_lanes=16, neuron_rows=4, populations=2),
    CoreConfig(lanes=32, update_lanes=32, neuron_rows=4, populations=2),
    CoreConfig(lanes=8, update_lanes=2, neuron_rows=9, populations=3, skip=True),
    CoreConfig(lanes=32, update_lanes=4, neuron_rows=9, populations=3, skip=True),
    CoreConfig(
        lanes=4, update_lanes=1, neuron_rows=9, populations=4, fields=VALUED, value_groups=9
    ),
    CoreConfig(
        lanes=32, update_lanes=32, neuron_rows=6, populations=4, fields=VALUED, value_groups=2
    ),
    CoreConfig(
        lanes=8,
        update_lanes=4,
        neuron_rows=20,
        populations=4,
        fields=VALUED,
        value_groups=40,
        payload_width=12,
        skip=True,
    ),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("density", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("stall, patience", [(0.0, 1), (0.5, 1), (0.0, 200)])
def test_each_spike_and_value_is_sent_once_in_ascending_order_and_end_is_last(
    config: CoreConfig, density: float, stall: float, patience: int
) -> None:
    rng = random.Random(f"{config} {density}")
    drawn = [sweep(config, density, rng) for _ in range(3)]
    run = Run(config, stall, patience)
    steps = [groups for groups, _ in drawn]

    async def sweeps(ctx: Any) -> None:
        await run.sweeps(ctx, steps)

    async def bus(ctx: Any) -> None:
        await run.bus(ctx, len(steps))

    simulate(run.dut, sweeps, bus)
    assert_same(run.events, [events for _, events in drawn])


def assert_same(events: list[Sent], steps: list[list[Sent]]) -> None:
    """A value may go before later spikes; each of the two kinds keeps its order."""
    for expected in steps:
        end = events.index(END)
        sent, events = events[:end], events[end + 1 :]
        for spikes in (True, False):
            assert [event for event in sent if (event[0] == Kind.SPIKE) == spikes] == [
                event for event in expected if (event[0] == Kind.SPIKE) == spikes
            ]
    assert not events


@pytest.mark.parametrize("config", [CONFIGS[1], CONFIGS[8]])
def test_an_event_leaves_in_every_cycle(config: CoreConfig) -> None:
    groups, events = sweep(config, 1.0, random.Random(2))
    run = Run(config, 0.0, 1)
    dut = run.dut
    seen = []

    async def bench(ctx: Any) -> None:
        for group in groups:
            run.give(ctx, group)
            await ctx.tick()
            if config.value_groups:
                ctx.set(dut.values.valid, 0)
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        for _ in range(len(events)):
            _, _, valid = await ctx.tick().sample(dut.o.valid)
            seen.append(valid)

    simulate(dut, bench)
    assert seen
    assert all(seen)
