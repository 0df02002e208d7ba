import random
from typing import Any

import pytest

from spikeloom_hw.skid import Skid
from spikeloom_sim.bench import simulate


@pytest.mark.parametrize("stall", [0.0, 0.4, 0.9])
@pytest.mark.parametrize("pause", [0.0, 0.5])
def test_payloads_pass_in_order_and_one_a_cycle(pause: float, stall: float) -> None:
    dut, rng = Skid(8), random.Random(1)
    payloads = [rng.randrange(256) for _ in range(200)]
    waiting, seen = list(payloads), []
    cycles = 0

    async def bench(ctx: Any) -> None:
        nonlocal cycles
        offering = False
        while len(seen) < len(payloads):
            offering = bool(waiting) and (offering or rng.random() >= pause)
            ready = rng.random() >= stall
            ctx.set(dut.i.valid, offering)
            ctx.set(dut.i.payload, waiting[0] if offering else 0)
            ctx.set(dut.o.ready, ready)
            sample = await ctx.tick().sample(dut.i.ready, dut.o.valid, dut.o.payload)
            taken, valid, payload = sample[2:]
            if offering and taken:
                del waiting[0]
                offering = False
            if valid and ready:
                seen.append(payload)
            cycles += 1
            assert cycles < 10000
        assert not ctx.get(dut.o.valid)

    simulate(dut, bench)
    assert seen == payloads
    if not pause + stall:
        assert cycles == len(payloads) + 1
