import gc
import random
from typing import Any

import pytest
from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.bus import Arbiter
from spikeloom_hw.distribution import UNDER_WAY, Distribution
from spikeloom_hw.event import Kind, event_layout
from spikeloom_sim.bench import simulate

SINKS = 3


class Bus(wiring.Component):
    """Three sources and three sinks; sink k takes indices that have bit k."""

    i: Any
    o: Any
    idle: Signal

    def __init__(self, depth: int = 32) -> None:
        self.depth = depth
        event = stream.Signature(event_layout())
        super().__init__({"i": In(event).array(3), "o": Out(event).array(SINKS), "idle": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.bus = bus = Arbiter(3)
        m.submodules.ways = ways = Distribution(event_layout(), SINKS, self.depth)
        event: Any = ways.passing.payload
        for k in range(3):
            connect(m, flipped(self.i[k]), bus.i[k])
            connect(m, ways.o[k], flipped(self.o[k]))
        connect(m, bus.o, ways.i)
        m.d.comb += [ways.wanted.eq(event.index[:SINKS]), self.idle.eq(bus.idle & ways.idle)]
        return m


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_a_queue_without_room_for_what_is_under_way_is_refused() -> None:
    with pytest.raises(ValueError, match=rf"^Depth must be more than {UNDER_WAY} events, not 5$"):
        Distribution(event_layout(), 2, 5)
    gc.collect()


async def send(ctx: Any, port: Any, source: int, indices: list[int], gaps: Any) -> None:
    for index in indices:
        while gaps() < 0.3:
            await ctx.tick()
        ctx.set(port.payload, {"kind": Kind.SPIKE, "source": source, "index": index})
        ctx.set(port.valid, 1)
        await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)


@pytest.mark.parametrize("depth, seed", [(6, 0), (8, 1), (32, 2), (32, 3)])
def test_every_sink_gets_what_it_wants_in_one_order(depth: int, seed: int) -> None:
    rng = random.Random(seed)
    dut = Bus(depth)
    given = [[rng.randrange(1 << 20) for _ in range(60)] for _ in range(3)]
    seen: list[list[tuple[int, int]]] = [[] for _ in range(SINKS)]
    wanted = [sum(index >> k & 1 for row in given for index in row) for k in range(SINKS)]

    def source(k: int) -> Any:
        gaps = random.Random(f"{seed} {k}")

        async def bench(ctx: Any) -> None:
            await send(ctx, dut.i[k], k, given[k], gaps.random)

        return bench

    def sink(k: int) -> Any:
        stalls = random.Random(f"{seed} sink {k}")

        async def bench(ctx: Any) -> None:
            cycle = 0
            while len(seen[k]) < wanted[k]:
                # At times a sink takes nothing for long, so that all fill up behind it.
                cycle += 1
                pace = (0.0, 0.9, 0.4)[(cycle // 60 + k) % 3]
                ready = stalls.random() < pace
                ctx.set(dut.o[k].ready, ready)
                _, _, valid, event = await ctx.tick().sample(dut.o[k].valid, dut.o[k].payload)
                if ready and valid:
                    seen[k].append((int(event.source), int(event.index)))

        return bench

    simulate(dut, *(source(k) for k in range(3)), *(sink(k) for k in range(SINKS)))
    for k in range(SINKS):
        for number in range(3):
            expected = [index for index in given[number] if index >> k & 1]
            assert [index for source, index in seen[k] if source == number] == expected
    for a, b in ((0, 1), (0, 2), (1, 2)):
        shared = [
            [event for event in seen[k] if event[1] >> a & 1 and event[1] >> b & 1] for k in (a, b)
        ]
        assert len(set(shared[0])) == len(shared[0])
        assert shared[0] == shared[1]


@pytest.mark.parametrize("depth", [8, 32])
def test_an_event_passes_in_every_cycle(depth: int) -> None:
    dut, count = Bus(depth), 120
    taken = [0] * SINKS

    async def bus(ctx: Any) -> None:
        for k in range(SINKS):
            ctx.set(dut.o[k].ready, 1)
        ports = [dut.o[k].valid for k in range(SINKS)]
        for _ in range(count + 6):
            _, _, *valid = await ctx.tick().sample(*ports)
            for k in range(SINKS):
                taken[k] += valid[k]

    def source(k: int) -> Any:
        async def bench(ctx: Any) -> None:
            await send(ctx, dut.i[k], k, [0xFF] * (count // 3), lambda: 1.0)

        return bench

    simulate(dut, bus, *(source(k) for k in range(3)))
    assert taken == [count] * SINKS


def test_idleness_is_known_while_nothing_is_held() -> None:
    dut = Bus()
    outputs = Cat(dut.o[k].valid for k in range(SINKS))

    async def bench(ctx: Any) -> None:
        await ctx.tick()
        assert ctx.get(dut.idle)
        ctx.set(dut.i[0].payload, {"kind": Kind.SPIKE, "source": 1, "index": 2})
        ctx.set(dut.i[0].valid, 1)
        await ctx.tick()
        ctx.set(dut.i[0].valid, 0)
        # It waits at its sink; idleness may lag by a cycle.
        still = []
        for _ in range(12):
            still.append(ctx.get(dut.idle))
            await ctx.tick()
        assert sum(still) <= 1
        assert not still[-1]
        assert ctx.get(outputs) == 2
        ctx.set(dut.o[1].ready, 1)
        await ctx.tick()
        await ctx.tick()
        await ctx.tick()
        assert ctx.get(dut.idle)

    simulate(dut, bench)
