from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning.clock import Clock
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.entry import Entry
from spikeloom_hw.learning.error_memory import ErrorMemory
from spikeloom_hw.learning.layout import rule_layout, rule_words
from spikeloom_hw.learning.marks import Marks
from spikeloom_hw.neuron.noise import word_at
from spikeloom_hw.packing import pack_rows
from spikeloom_sim.bench import simulate

SEEDS = range(3)


@pytest.mark.parametrize("width", [1, 4])
def test_marks_are_set_in_a_row_and_read_once(width: int) -> None:
    dut, rng = Marks(8, width), np.random.default_rng(width)
    read: list[np.ndarray] = []
    expected: list[np.ndarray] = []

    async def bench(ctx: Any) -> None:
        for row in range(8):
            ctx.set(dut.clear, 1)
            ctx.set(dut.cleared, row)
            await ctx.tick()
        ctx.set(dut.clear, 0)
        for _ in range(12):
            fired = rng.integers(0, 8 * width, rng.integers(0, 12))
            for neuron in fired.tolist():
                ctx.set(dut.put, 1)
                ctx.set(dut.neuron, neuron)
                await ctx.tick()
            ctx.set(dut.put, 0)
            await ctx.tick().repeat(2)
            ctx.set(dut.read, 1)
            rows = []
            for row in range(8):
                ctx.set(dut.row, row)
                await ctx.tick()
                rows.append(ctx.get(dut.bits))
            ctx.set(dut.read, 0)
            await ctx.tick()
            read.append(np.array(rows))
            bits = np.zeros(8 * width, int)
            bits[fired] = 1
            expected.append(bits.reshape(8, width) @ (1 << np.arange(width)))

    simulate(dut, bench)
    assert np.array_equal(read, expected)


@pytest.mark.parametrize("learning", [LearningConfig(), LearningConfig(terms=4, errors=True)])
def test_an_entry_is_loaded_word_by_word(learning: LearningConfig) -> None:
    config = CoreConfig(learning=learning)
    dut, layout, rng = Entry(config), rule_layout(config), np.random.default_rng(1)
    columns = {name: rng.integers(0, 2, 4) for name, _ in layout}
    words = pack_rows(layout, columns)
    stride = 1 << (rule_words(config) - 1).bit_length()
    memory = np.pad(words, ((0, 0), (0, stride - words.shape[1]))).ravel().tolist()

    async def bench(ctx: Any) -> None:
        for number in (2, 0, 3):
            ctx.set(dut.number, number)
            ctx.set(dut.load, 1)
            cycles = 0
            while not ctx.get(dut.loaded):
                reads, row = ctx.get(dut.words.read), ctx.get(dut.words.read_row)
                await ctx.tick()
                ctx.set(dut.load, 0)
                if reads:
                    ctx.set(dut.words.read_data, [memory[row]])
                cycles += 1
            assert cycles == rule_words(config) + 2
            found = {name: int(ctx.get(dut.rule[name])) & 1 for name, _ in layout}
            assert found == {name: int(column[number]) for name, column in columns.items()}
            await ctx.tick()

    simulate(dut, bench)


@pytest.mark.parametrize("seed", SEEDS)
def test_errors_add_up_and_saturate_until_they_are_zeroed(seed: int) -> None:
    config = CoreConfig(
        lanes=4, update_lanes=2, neuron_rows=4, learning=LearningConfig(errors=True)
    )
    dut, rng = ErrorMemory(config), np.random.default_rng(seed)
    places = config.neuron_rows * config.lanes

    async def read(ctx: Any) -> list[int]:
        ctx.set(dut.read, 1)
        found = []
        for group in range(config.groups):
            ctx.set(dut.group, group)
            await ctx.tick()
            found += [ctx.get(dut.errors[lane]) for lane in range(2)]
        ctx.set(dut.read, 0)
        return found

    async def zero(ctx: Any) -> int:
        ctx.set(dut.zero, 1)
        await ctx.tick()
        ctx.set(dut.zero, 0)
        cycles = 0
        while not ctx.get(dut.zeroed):
            cycles += 1
            await ctx.tick()
        return cycles

    async def bench(ctx: Any) -> None:
        await zero(ctx)
        for _ in range(4):
            expected = np.zeros(places, int)
            for _ in range(40):
                place = int(rng.integers(places if rng.random() < 0.5 else 3))
                value = int(rng.integers(-(1 << 16), 1 << 16) >> rng.integers(6))
                adds = rng.random() < 0.8
                ctx.set(dut.add, bool(adds))
                ctx.set(dut.place, place)
                ctx.set(dut.value, value)
                if adds:
                    expected[place] = np.clip(expected[place] + value, -(1 << 15), (1 << 15) - 1)
                await ctx.tick()
            ctx.set(dut.add, 0)
            await ctx.tick()
            assert await read(ctx) == expected.tolist()
            assert await zero(ctx) == config.groups
            assert await zero(ctx) == 0
            assert await read(ctx) == [0] * places

    simulate(dut, bench)


def test_the_clock_counts_steps_from_where_it_is_set() -> None:
    dut = Clock()

    async def bench(ctx: Any) -> None:
        assert ctx.get(dut.word) == word_at(0)
        ctx.set(dut.advance, 1)
        await ctx.tick().repeat(3)
        ctx.set(dut.advance, 0)
        assert ctx.get(dut.word) == word_at(3)
        ctx.set(dut.host_write, 1)
        ctx.set(dut.host_value, word_at(100))
        await ctx.tick()
        ctx.set(dut.host_write, 0)
        await ctx.tick()
        assert ctx.get(dut.host_data) == word_at(100)

    simulate(dut, bench)
