from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import Rounding
from spikeloom_hw.learning.draw import DRAW_STAGES, Draw, drawn_for, lane_word
from spikeloom_hw.neuron.noise import word_at
from spikeloom_sim.bench import simulate
from spikeloom_sim.learning.rounding import column, draw


def test_words_of_postsynaptic_neurons_are_those_of_the_golden_model_and_linear() -> None:
    index = np.random.default_rng(1).integers(0, 1 << 20, (2, 500))
    assert np.array_equal(lane_word(index), column(index))
    assert np.array_equal(lane_word(index[0] ^ index[1]), lane_word(index[0]) ^ lane_word(index[1]))
    assert len(set(lane_word(np.arange(1 << 12)).tolist())) == 1 << 12
    assert lane_word(0) == 0


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("lanes, block_bits, base", [(1, 3, 0), (4, 6, 0), (16, 5, 0), (4, 3, 13)])
def test_offsets_are_those_of_the_golden_model_a_block_a_cycle(
    lanes: int, block_bits: int, base: int, rounding: Rounding
) -> None:
    dut: Any = Draw(lanes, block_bits, base.bit_length())
    rng = np.random.default_rng(lanes)

    async def bench(ctx: Any) -> None:
        offsets = [drawn_for(lane, dut.plain, dut.flipped) for lane in range(lanes)]
        for shift in (0, 1, 7, 24):
            seed, time = int(rng.integers(1 << 16)), int(rng.integers(1 << 30))
            ctx.set(dut.seed, seed)
            ctx.set(dut.shift, shift)
            ctx.set(dut.stochastic, rounding is Rounding.STOCHASTIC)
            ctx.set(dut.base, base)
            rows, blocks = rng.integers(0, 1 << 20, 20), rng.integers(0, 1 << block_bits, 20)
            found = []
            for cycle in range(20 + DRAW_STAGES):
                ctx.set(dut.mixed, int(word_at(time)) ^ int(rows[min(cycle, 19)]))
                ctx.set(dut.block, int(blocks[min(cycle, 19)]))
                if cycle >= DRAW_STAGES:
                    found.append([ctx.get(offset) for offset in offsets])
                await ctx.tick()
            columns = (base + blocks[:, None]) * lanes + np.arange(lanes)
            expected = draw(rounding, seed, time, rows[:, None], columns, shift)
            assert np.array_equal(found, np.broadcast_to(expected, (20, lanes)))

    simulate(dut, bench)
