import random
from typing import Any

import pytest
from amaranth.hdl import Value, unsigned
from amaranth.lib import data

from spikeloom_hw.memory import BankedMem, RowMem
from spikeloom_sim.bench import simulate

WIDTHS = [5, 32, 40, 96, 144]


def make(width: int, rows: int, ports: int = 2) -> RowMem:
    return RowMem(data.ArrayLayout(unsigned(1), width), rows, ports)


async def host_write(ctx: Any, dut: RowMem | BankedMem, row: int, word: int, value: int) -> None:
    ctx.set(dut.host_write, 1)
    ctx.set(dut.host_address, row << dut.word_bits | word)
    ctx.set(dut.host_value, value)
    await ctx.tick()
    ctx.set(dut.host_write, 0)


async def host_read(ctx: Any, dut: RowMem | BankedMem, row: int, word: int) -> int:
    ctx.set(dut.host_read, 1)
    ctx.set(dut.host_address, row << dut.word_bits | word)
    await ctx.tick()
    ctx.set(dut.host_read, 0)
    ctx.set(dut.host_address, 0)
    await ctx.tick()
    return ctx.get(dut.host_data)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("ports", [1, 2])
def test_the_host_writes_single_words_and_reads_them_back(width: int, ports: int) -> None:
    rng = random.Random(width)
    dut = make(width, 6, ports)
    size = [min(32, width - 32 * k) for k in range(dut.words)]
    expected: dict[tuple[int, int], int] = {}

    async def bench(ctx: Any) -> None:
        places = [(row, word) for row in range(6) for word in range(dut.words)]
        for row, word in [*places, *rng.choices(places, k=20)]:
            value = rng.getrandbits(32)
            expected[row, word] = value & ((1 << size[word]) - 1)
            await host_write(ctx, dut, row, word, value)
        rng.shuffle(places)
        for row, word in places:
            assert await host_read(ctx, dut, row, word) == expected[row, word]

    simulate(dut, bench)
    assert len(expected) == 6 * dut.words


@pytest.mark.parametrize("width", WIDTHS)
def test_two_ports_read_and_write_rows_in_every_cycle(width: int) -> None:
    rng = random.Random(width)
    dut = make(width, 5)
    rows = [0] * 5
    read_data, write_data = Value.cast(dut.read_data), Value.cast(dut.write_data)

    async def bench(ctx: Any) -> None:
        expected = 0
        for _ in range(300):
            read, write = rng.random() < 0.7, rng.random() < 0.7
            source, target, value = rng.randrange(5), rng.randrange(5), rng.getrandbits(width)
            ctx.set(dut.read, read)
            ctx.set(dut.read_row, source)
            ctx.set(dut.write, write)
            ctx.set(dut.write_row, target)
            ctx.set(write_data, value)
            await ctx.tick()
            # A row that is read while it is written is the old one, and it stays.
            expected = rows[source] if read else expected
            rows[target] = value if write else rows[target]
            assert ctx.get(read_data) == expected

    simulate(dut, bench)
    assert any(rows)


@pytest.mark.parametrize("width", WIDTHS)
def test_a_single_port_writes_rather_than_reads(width: int) -> None:
    rng = random.Random(width)
    dut = make(width, 5, ports=1)
    rows = [0] * 5
    read_data, write_data = Value.cast(dut.read_data), Value.cast(dut.write_data)

    async def bench(ctx: Any) -> None:
        expected = 0
        for _ in range(300):
            read, write = rng.random() < 0.7, rng.random() < 0.3
            source, target, value = rng.randrange(5), rng.randrange(5), rng.getrandbits(width)
            ctx.set(dut.read, read)
            ctx.set(dut.read_row, source)
            ctx.set(dut.write, write)
            ctx.set(dut.write_row, target)
            ctx.set(write_data, value)
            await ctx.tick()
            if write:
                rows[target] = value
            elif read:
                expected = rows[source]
            assert ctx.get(read_data) == expected

    simulate(dut, bench)
    assert any(rows)


@pytest.mark.parametrize("ports", [1, 2])
def test_the_core_reads_a_row_that_the_host_wrote_in_words(ports: int) -> None:
    dut = make(72, 4, ports)

    async def bench(ctx: Any) -> None:
        for word, value in enumerate((0x11223344, 0x55667788, 0x99)):
            await host_write(ctx, dut, 3, word, value)
        ctx.set(dut.read, 1)
        ctx.set(dut.read_row, 3)
        await ctx.tick()
        assert ctx.get(Value.cast(dut.read_data)) == 0x99_55667788_11223344

    simulate(dut, bench)


SHAPES = [(4, 5), (4, 8), (3, 18), (2, 32), (5, 40)]


def banks(lanes: int, width: int, rows: int) -> BankedMem:
    return BankedMem(data.ArrayLayout(unsigned(width), lanes), rows)


@pytest.mark.parametrize("lanes, width", SHAPES)
def test_every_bank_reads_and_writes_a_row_of_its_own_in_every_cycle(
    lanes: int, width: int
) -> None:
    rng = random.Random(f"{lanes} {width}")
    dut = banks(lanes, width, 6)
    rows = [[0] * lanes for _ in range(6)]

    async def bench(ctx: Any) -> None:
        expected = [0] * lanes
        for _ in range(300):
            read, write = rng.random() < 0.7, rng.random() < 0.7
            sources, targets = rng.choices(range(6), k=lanes), rng.choices(range(6), k=lanes)
            values = [rng.getrandbits(width) for _ in range(lanes)]
            ctx.set(dut.read, read)
            ctx.set(dut.read_rows, sources)
            ctx.set(dut.write, write)
            ctx.set(dut.write_rows, targets)
            ctx.set(dut.write_data, values)
            await ctx.tick()
            # A lane that is read while it is written is the old one, and it stays.
            if read:
                expected = [rows[source][lane] for lane, source in enumerate(sources)]
            if write:
                for lane, target in enumerate(targets):
                    rows[target][lane] = values[lane]
            assert list(ctx.get(dut.read_data)) == expected

    simulate(dut, bench)
    assert all(any(row) for row in rows)


@pytest.mark.parametrize("lanes, width", SHAPES)
def test_the_host_sees_banks_as_rows_of_words(lanes: int, width: int) -> None:
    rng = random.Random(f"{lanes} {width}")
    dut = banks(lanes, width, 6)
    expected: dict[tuple[int, int], int] = {}
    assert dut.words == -(-lanes * width // 32)

    async def bench(ctx: Any) -> None:
        places = [(row, word) for row in range(6) for word in range(dut.words)]
        for row, word in [*places, *rng.choices(places, k=20)]:
            value = rng.getrandbits(32)
            held = min(32, lanes * width - 32 * word)
            expected[row, word] = value & ((1 << held) - 1)
            await host_write(ctx, dut, row, word, value)
        rng.shuffle(places)
        for row, word in places:
            assert await host_read(ctx, dut, row, word) == expected[row, word]

        # The core finds the same in the lanes.
        sources = rng.choices(range(6), k=lanes)
        ctx.set(dut.read, 1)
        ctx.set(dut.read_rows, sources)
        await ctx.tick()
        for lane, source in enumerate(sources):
            whole = sum(expected[source, word] << 32 * word for word in range(dut.words))
            assert ctx.get(dut.read_data[lane]) == (whole >> lane * width) % (1 << width)

    simulate(dut, bench)
    assert len(expected) == 6 * dut.words
