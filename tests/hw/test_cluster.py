import random
from typing import Any

import pytest
from amaranth.hdl import Shape

from spikeloom_hw.access import latency_of
from spikeloom_hw.cluster import Cluster
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, Operation
from spikeloom_hw.registers import FABRIC, regions
from spikeloom_sim.bench import simulate

CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    weight_rows=4,
    neuron_rows=2,
    populations=2,
    projections=2,
    sources=40,
    phases=2,
    bases=4,
)


async def write(ctx: Any, dut: Cluster, address: int, value: int) -> bool:
    """Access a word as the system block does; tell whether it is there."""
    ctx.set(dut.access.address, address)
    ctx.set(dut.access.value, value)
    await ctx.tick()
    await ctx.tick()
    ctx.set(dut.access.write, 1)
    known = ctx.get(dut.access.known)
    await ctx.tick()
    ctx.set(dut.access.write, 0)
    return bool(known)


async def read(ctx: Any, dut: Cluster, address: int) -> int:
    ctx.set(dut.access.address, address)
    await ctx.tick()
    await ctx.tick()
    ctx.set(dut.access.read, 1)
    await ctx.tick()
    ctx.set(dut.access.read, 0)
    for _ in range(latency_of(dut.config) - 1):
        await ctx.tick()
    return ctx.get(dut.access.data)


@pytest.mark.parametrize("chip", [0, 1])
def test_the_host_reaches_every_memory_of_every_core(chip: int) -> None:
    config = ChipConfig(CORE, cores=3, parents=(0,))
    dut, rng = Cluster(config, 1, 1, chip), random.Random(1)
    places, others = {}, []
    for name, region in regions(config).items():
        number = int(name.partition("@")[2] or 0)
        if name in FABRIC or name[:2] in ("up", "do", "ti"):
            continue
        word = rng.randrange(region.rows) * region.stride
        if number // 3 == chip:
            places[region.base + word] = rng.getrandbits(min(32, Shape.cast(region.layout).width))
        else:
            others.append(region.base + word)

    async def bench(ctx: Any) -> None:
        for address, value in places.items():
            assert await write(ctx, dut, address, value), hex(address)
        for address in others:
            assert not await write(ctx, dut, address, 0)
        for address, value in places.items():
            assert await read(ctx, dut, address) == value, hex(address)
        for address in others:
            assert await read(ctx, dut, address) == 0

    simulate(dut, bench)
    assert len(places) == len(others)


@pytest.mark.parametrize("seed", [1, 2])
def test_filters_choose_what_a_core_takes_and_every_core_answers(seed: int) -> None:
    rng = random.Random(seed)
    dut = Cluster(ChipConfig(CORE, cores=3), 1, 1)
    bits = [[rng.getrandbits(32) for _ in range(2)] for _ in range(3)]
    spikes = [rng.randrange(40) for _ in range(60)]
    passes = [sum(row[s >> 5] >> (s & 31) & 1 for row in bits) for s in spikes]
    counted, answers, seen = [0], [0], []

    async def bench(ctx: Any) -> None:
        known = regions(dut.config)
        for k, row in enumerate(bits):
            base = known[f"filter@{k}" if k else "filter"].base
            for number, word in enumerate(row):
                assert await write(ctx, dut, base + number, word)
        port = dut.i[0]
        events = [{"kind": Kind.SPIKE, "source": s, "index": 0} for s in spikes]
        for event in [*events, {"kind": Kind.STEP, "source": Operation.TRACE, "index": 0}]:
            ctx.set(port.payload, event)
            ctx.set(port.valid, 1)
            await ctx.tick().until(port.ready)
            ctx.set(port.valid, 0)

    async def watch(ctx: Any) -> None:
        ctx.set(dut.wanted, 1)
        while answers[0] < 3 or not ctx.get(dut.idle):
            ready = rng.random() < 0.5
            ctx.set(dut.o[0].ready, ready)
            outputs = dut.activity.event, dut.taken.valid, dut.taken.payload
            _, _, count, valid, taken, here, event = await ctx.tick().sample(
                *outputs, dut.o[0].valid, dut.o[0].payload
            )
            counted[0] += count
            answers[0] += valid and taken.kind == Kind.END
            if here and ready:
                seen.append((Kind(event.kind), int(event.source)))

    simulate(dut, bench, watch, deadline=3000)
    assert counted[0] == sum(passes) > len(spikes)
    assert answers[0] == 3
    assert [source for kind, source in seen if kind is Kind.SPIKE] == spikes
    assert [kind for kind, _ in seen[-4:]] == [Kind.STEP, Kind.END, Kind.END, Kind.END]
