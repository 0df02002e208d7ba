import random
from typing import Any

import pytest

from spikeloom_hw.blocks import Blocks, depths
from spikeloom_sim.bench import simulate


def test_a_memory_is_cut_into_powers_of_two() -> None:
    assert depths(6400) == [4096, 2048, 256]
    assert depths(23040) == [16384, 4096, 2048, 512]
    assert depths(8191) == [8192]


@pytest.mark.parametrize("rows", [2, 3, 100, 511, 512])
def test_a_small_memory_is_whole(rows: int) -> None:
    assert depths(rows) == [rows]


def test_blocks_hold_all_rows_and_little_more() -> None:
    for rows in [*range(513, 5000), *range(5000, 70000, 97)]:
        cut = depths(rows)
        assert rows <= sum(cut) < rows * 9 / 8 or len(cut) == 4
        assert sum(cut) <= 1 << (rows - 1).bit_length()
        assert cut == sorted(set(cut), reverse=True)
        assert all(deep & (deep - 1) == 0 for deep in cut)
        assert depths(sum(cut)) == cut


@pytest.mark.parametrize("rows", [7, 600, 1600])
@pytest.mark.parametrize("seed", [1, 2])
def test_each_row_is_read_as_it_was_written(rows: int, seed: int) -> None:
    rng = random.Random(seed)
    dut = Blocks(12, rows)
    places = {0, rows - 1, *(p for d in depths(rows) for p in (d - 1, d)), *range(3)}
    known = {place % rows: rng.getrandbits(12) for place in places}

    async def bench(ctx: Any) -> None:
        for row, value in known.items():
            ctx.set(dut.write, 1)
            ctx.set(dut.write_row, row)
            ctx.set(dut.write_data, value)
            await ctx.tick()
        ctx.set(dut.write, 0)
        expected = 0
        for _ in range(200):
            row, read = rng.choice(list(known)), rng.random() < 0.6
            ctx.set(dut.read, read)
            ctx.set(dut.read_row, row)
            await ctx.tick()
            if read:
                expected = known[row]
            assert ctx.get(dut.read_data) == expected

    simulate(dut, bench)
    assert any(known.values())
