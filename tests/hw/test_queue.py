import random
from typing import Any

import pytest
from amaranth.hdl import unsigned

from spikeloom_hw.queue import Queue
from spikeloom_sim.bench import collect, drive, simulate


@pytest.mark.parametrize("depth", [2, 5, 32])
@pytest.mark.parametrize("seeds", [(None, None), (1, 2), (None, 3), (4, None)])
def test_payloads_leave_in_the_order_in_which_they_came(
    depth: int, seeds: tuple[int | None, int | None]
) -> None:
    rng = random.Random(depth)
    payloads = [rng.getrandbits(8) for _ in range(200)]
    dut = Queue(unsigned(8), depth)
    seen: list[int] = []
    simulate(dut, drive(dut.i, payloads, seed=seeds[0]), collect(dut.o, seen, 200, seed=seeds[1]))
    assert seen == payloads


@pytest.mark.parametrize("depth", [2, 5, 32])
def test_a_queue_holds_its_depth_and_tells_when_it_is_empty(depth: int) -> None:
    dut = Queue(unsigned(8), depth)

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.empty)
        ctx.set(dut.i.valid, 1)
        taken = 0
        for _ in range(3 * depth):
            _, _, ready = await ctx.tick().sample(dut.i.ready)
            taken += ready
            assert not ctx.get(dut.empty)
        ctx.set(dut.i.valid, 0)
        assert taken == depth
        ctx.set(dut.o.ready, 1)
        given = 0
        while not ctx.get(dut.empty):
            _, _, valid = await ctx.tick().sample(dut.o.valid)
            given += valid
        assert given == depth

    simulate(dut, bench)


def test_a_payload_is_out_two_cycles_after_it_came() -> None:
    dut = Queue(unsigned(8), 4)

    async def bench(ctx: Any) -> None:
        ctx.set(dut.i.payload, 77)
        ctx.set(dut.i.valid, 1)
        await ctx.tick()
        ctx.set(dut.i.valid, 0)
        assert not ctx.get(dut.o.valid)
        await ctx.tick()
        assert ctx.get(dut.o.valid)
        assert ctx.get(dut.o.payload) == 77

    simulate(dut, bench)
