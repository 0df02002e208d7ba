import random
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.layout import PIXEL_WIDTH, RECIPROCAL_WIDTH
from spikeloom_hw.pixel import PixelSplit
from spikeloom_sim.bench import simulate

PIXELS = 1 << PIXEL_WIDTH


def reciprocal_of(width: Any) -> Any:
    whole = 1 << RECIPROCAL_WIDTH
    return np.minimum(whole // width, whole - 1)


def split(pixel: Any, width: Any) -> tuple[Any, Any]:
    """Line and column as the stages make them."""
    line = pixel * reciprocal_of(width) >> RECIPROCAL_WIDTH
    column = pixel - line * width
    assert np.all((column >= 0) & (column < PIXELS))
    return line + (column >= width), np.where(column >= width, column - width, column)


def test_the_split_is_exact_for_all_pixels_and_widths() -> None:
    pixels = np.arange(PIXELS, dtype=np.int64)
    for width in range(1, 257):
        line, column = split(pixels, np.int64(width))
        assert np.array_equal(line, pixels // width)
        assert np.array_equal(column, pixels % width)

    # The quotient grows with the pixel: first and last of each line are enough.
    for width in range(257, PIXELS + 1):
        first = np.arange(0, PIXELS, width, dtype=np.int64)
        ends = np.concatenate([first, first[1:] - 1, [PIXELS - 1]])
        line, column = split(ends, np.int64(width))
        assert np.array_equal(line, ends // width)
        assert np.array_equal(column, ends % width)


@pytest.mark.parametrize("bits", [0, 1, 6])
def test_the_stages_split_an_index_every_cycle(bits: int) -> None:
    rng = random.Random(bits)
    widths = [*range(1, 257), 257, 1000, 4095, 8191, 8192, 16383, 16384]
    cases = []
    for width in widths:
        lines = (PIXELS - 1) // width
        corners = {0, width - 1, lines * width, lines * width - 1, PIXELS - 1}
        for pixel in {*corners, rng.randrange(PIXELS)}:
            if 0 <= pixel:
                cases.append((pixel, width, rng.randrange(1 << bits)))
    rng.shuffle(cases)
    dut = PixelSplit()
    found = []

    async def bench(ctx: Any) -> None:
        for pixel, width, channel in [*cases, *cases[: dut.LATENCY]]:
            ctx.set(dut.index, pixel << bits | channel)
            ctx.set(dut.channel_bits, bits)
            ctx.set(dut.width, width)
            ctx.set(dut.reciprocal, int(reciprocal_of(width)))
            outputs = dut.line, dut.column, dut.channel
            found.append(tuple((await ctx.tick().sample(*outputs))[2:]))

    simulate(dut, bench)
    expected = [(*divmod(pixel, width), channel) for pixel, width, channel in cases]
    assert found[dut.LATENCY :] == expected
