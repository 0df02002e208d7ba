import random
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.emitter import Emitter
from spikeloom_hw.event import Kind
from spikeloom_sim.bench import simulate


def sweep(
    config: CoreConfig, density: float, rng: random.Random
) -> tuple[list[dict[str, int]], list[tuple[int, int]]]:
    """Groups of all populations of the core in a step, and the spikes that are in them."""
    groups, spikes, left = [], [], config.groups
    for source in range(config.populations):
        count = left if source == config.populations - 1 else rng.randint(1, left // 2)
        left -= count
        for group in range(count):
            bits = sum((rng.random() < density) << u for u in range(config.update_lanes))
            last = int(group == count - 1)
            groups.append({"bits": bits, "source": source, "group": group, "last": last})
            spikes += [
                (source, group * config.update_lanes + u)
                for u in range(config.update_lanes)
                if bits >> u & 1
            ]
    return groups, spikes


def run(
    config: CoreConfig, steps: list[list[dict[str, int]]], stall: float, patience: int
) -> list[tuple[int, int] | None]:
    """Sweep each step once END of the one before was sent; the bus is stalled for long at first."""
    dut = Emitter(config)
    rng = random.Random(1)
    events: list[tuple[int, int] | None] = []
    waiting = [0]

    async def sweeps(ctx: Any) -> None:
        for number, groups in enumerate(steps):
            for group in groups:
                ctx.set(dut.i.payload, group)
                ctx.set(dut.i.valid, 1)
                await ctx.tick()
                ctx.set(dut.i.valid, 0)
                if rng.random() < 0.05:
                    await ctx.tick()
            ctx.set(dut.finish, 1)
            await ctx.tick()
            ctx.set(dut.finish, 0)
            waiting[0] = patience
            while events.count(None) <= number:
                await ctx.tick()
        for _ in range(3):
            await ctx.tick()
        assert ctx.get(dut.idle)

    async def bus(ctx: Any) -> None:
        while events.count(None) < len(steps):
            ready = waiting[0] > 0 and rng.random() >= stall
            waiting[0] -= waiting[0] > 1
            ready = ready and waiting[0] <= 1
            ctx.set(dut.o.ready, ready)
            _, _, valid, event, spiked = await ctx.tick().sample(
                dut.o.valid, dut.o.payload, dut.spiked
            )
            if valid and ready:
                spike = event.kind == Kind.SPIKE
                assert spiked == spike
                assert spike or event.kind == Kind.END
                events.append((int(event.source), int(event.index)) if spike else None)

    simulate(dut, sweeps, bus)
    return events


CONFIGS = [
    CoreConfig(lanes=8, update_lanes=1, neuron_rows=8, populations=4),
    CoreConfig(lanes=16, update_lanes=4, neuron_rows=5, populations=3),
    CoreConfig(lanes=16, update_lanes=16, neuron_rows=4, populations=2),
    CoreConfig(lanes=32, update_lanes=32, neuron_rows=4, populations=2),
]


@pytest.mark.parametrize("config", CONFIGS)
@pytest.mark.parametrize("density", [0.0, 0.1, 0.6, 1.0])
@pytest.mark.parametrize("stall, patience", [(0.0, 1), (0.5, 1), (0.0, 200)])
def test_each_spike_is_sent_once_in_ascending_order_and_end_is_last(
    config: CoreConfig, density: float, stall: float, patience: int
) -> None:
    rng = random.Random(f"{config} {density}")
    drawn = [sweep(config, density, rng) for _ in range(3)]
    events = run(config, [groups for groups, _ in drawn], stall, patience)
    assert events == [event for _, spikes in drawn for event in (*spikes, None)]


def test_an_event_leaves_in_every_cycle() -> None:
    config = CONFIGS[1]
    groups, spikes = sweep(config, 1.0, random.Random(2))
    dut = Emitter(config)
    seen = []

    async def bench(ctx: Any) -> None:
        for group in groups:
            ctx.set(dut.i.payload, group)
            ctx.set(dut.i.valid, 1)
            await ctx.tick()
        ctx.set(dut.i.valid, 0)
        ctx.set(dut.o.ready, 1)
        for _ in range(len(spikes)):
            _, _, valid = await ctx.tick().sample(dut.o.valid)
            seen.append(valid)

    simulate(dut, bench)
    assert all(seen)
