import random
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Fields, Per
from spikeloom_hw.update.row_bits import RowBits
from spikeloom_hw.update.winner import Contest
from spikeloom_sim.bench import simulate


@pytest.mark.parametrize("count, width", [(4, 4), (64, 8), (96, 32), (32, 1)])
@pytest.mark.parametrize("span", [3, 1000])
def test_bits_are_written_every_cycle_and_seen_two_cycles_later(
    count: int, width: int, span: int
) -> None:
    rng = random.Random(f"{count} {width} {span}")
    dut = RowBits(count, width)

    async def bench(ctx: Any) -> None:
        bits = [0] * count
        asked: tuple[int, int] | None = None
        base, read, expected = 0, 0, 0
        for cycle in range(600):
            if cycle % 20 == 0:
                base = rng.randrange(count)
            put, value = rng.random() < 0.8, rng.randrange(2)
            place = (base + rng.randrange(span)) % count
            word = rng.randrange(count // width)
            ctx.set(dut.put, put)
            ctx.set(dut.place, place)
            # A bit follows the request by a cycle.
            ctx.set(dut.value, asked[1] if asked else rng.randrange(2))
            if read:
                assert ctx.get(dut.bits) == expected
            read = rng.random() < 0.5
            ctx.set(dut.read, read)
            ctx.set(dut.word, word)
            expected = sum(bit << k for k, bit in enumerate(bits[word * width :][:width]))
            await ctx.tick()
            if asked:
                bits[asked[0]] = asked[1]
            asked = (place, value) if put else None

    simulate(dut, bench)


@pytest.mark.parametrize("lanes", [1, 2, 8])
def test_a_contest_is_won_by_the_first_of_the_greatest(lanes: int) -> None:
    fields = Fields({"winner": Per.POPULATION, "inhibition": Per.POPULATION}, 8)
    dut = Contest(CoreConfig(lanes=lanes, update_lanes=lanes, fields=fields, neuron_rows=16))
    rng = random.Random(lanes)

    async def bench(ctx: Any) -> None:
        for density in (0.0, 0.1, 0.5, 1.0) * 10:
            ctx.set(dut.start, 1)
            await ctx.tick()
            ctx.set(dut.start, 0)
            best: tuple[int, int, int] | None = None
            for group in range(rng.randrange(1, 6)):
                margins = [rng.randint(-3, 3) * rng.choice([1, 80]) for _ in range(lanes)]
                fires = [rng.random() < density for _ in range(lanes)]
                ctx.set(dut.valid, 1)
                ctx.set(dut.group, group)
                ctx.set(dut.fires, sum(fire << u for u, fire in enumerate(fires)))
                ctx.set(dut.margins, margins)
                for u in range(lanes):
                    if fires[u] and (best is None or margins[u] > best[0]):
                        best = margins[u], group, u
                await ctx.tick()
                if rng.random() < 0.3:
                    ctx.set(dut.valid, 0)
                    await ctx.tick()
            ctx.set(dut.valid, 0)
            waited = 0
            while ctx.get(dut.busy):
                await ctx.tick()
                waited += 1
            assert waited <= dut.stages
            assert ctx.get(dut.best.some) == (best is not None)
            if best is not None:
                assert (ctx.get(dut.best.group), ctx.get(dut.best.lane)) == best[1:]

    simulate(dut, bench)
