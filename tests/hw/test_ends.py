import random
from typing import Any

import pytest

from spikeloom_hw.ends import Ends
from spikeloom_sim.bench import simulate


@pytest.mark.parametrize("answers", [1, 2, 5, 16])
def test_the_last_of_the_answers_is_told(answers: int) -> None:
    dut, rng = Ends(answers), random.Random(answers)

    async def bench(ctx: Any) -> None:
        count = 0
        for _ in range(20 * answers):
            end = rng.random() < 0.5
            count += end
            ctx.set(dut.end, end)
            assert ctx.get(dut.last) == (end and count % answers == 0)
            await ctx.tick()

    simulate(dut, bench)
