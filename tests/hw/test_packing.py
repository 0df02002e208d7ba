from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Shape
from amaranth.lib import data

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import Fields, Per
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.registers import regions

CONFIGS = {
    "default": ChipConfig(),
    "per neuron": ChipConfig(
        CoreConfig(
            lanes=32,
            update_lanes=8,
            fields=Fields(dict.fromkeys(("threshold", "decay", "refractory"), Per.NEURON), 24),
        )
    ),
    "narrow": ChipConfig(
        CoreConfig(lanes=1, update_lanes=1, weight_width=2, accumulator_width=9, weight_rows=2)
    ),
    "all walks": ChipConfig(
        CoreConfig(
            lanes=8,
            update_lanes=2,
            fields=Fields({"synapse": Per.POPULATION, "adaptation_step": Per.NEURON}),
            delay_slots=16,
            payload_width=6,
            value_groups=8,
            taps=32,
            pointers=64,
            synapse_rows=16,
        )
    ),
    "wide": ChipConfig(CoreConfig(lanes=128, update_lanes=32, weight_width=16)),
}
ROWS = 20


def column(rng: np.random.Generator, shape: Any, size: tuple[int, ...]) -> np.ndarray:
    shape = Shape.cast(shape)
    low = -(1 << (shape.width - 1)) if shape.signed else 0
    high = low + (1 << shape.width)
    drawn = rng.integers(low, high, size)
    drawn.flat[:2] = low, high - 1
    return drawn


def columns_of(rng: np.random.Generator, layout: data.Layout) -> dict[str, np.ndarray]:
    if isinstance(layout, data.StructLayout):
        return {str(name): column(rng, field.shape, (ROWS,)) for name, field in layout}
    assert isinstance(layout, data.ArrayLayout)
    inner, size = layout.elem_shape, (ROWS, layout.length)
    if isinstance(inner, data.StructLayout):
        return {str(name): column(rng, field.shape, size) for name, field in inner}
    return {"": column(rng, inner, size)}


def entry_of(layout: data.Layout, columns: dict[str, np.ndarray], row: int) -> Any:
    """Initial value of a row, as Amaranth takes it."""
    plain = {name: values[row].tolist() for name, values in columns.items()}
    if isinstance(layout, data.StructLayout):
        return plain
    if list(plain) == [""]:
        return plain[""]
    assert isinstance(layout, data.ArrayLayout)
    return [{name: plain[name][k] for name in plain} for k in range(layout.length)]


CASES = [(config, name) for config in CONFIGS for name in regions(CONFIGS[config])]


@pytest.mark.parametrize("config, name", CASES)
def test_rows_unpack_to_what_was_packed(config: str, name: str) -> None:
    region = regions(CONFIGS[config])[name]
    columns = columns_of(np.random.default_rng(7), region.layout)
    words = pack_rows(region.layout, columns[""] if list(columns) == [""] else columns)
    assert words.shape == (ROWS, region.words)
    assert words.dtype == np.uint32
    unpacked = unpack_rows(region.layout, words)
    assert unpacked.keys() == columns.keys()
    for member, values in columns.items():
        assert np.array_equal(unpacked[member], values), member


@pytest.mark.parametrize("config, name", CASES)
def test_words_are_the_bits_of_the_layout(config: str, name: str) -> None:
    region = regions(CONFIGS[config])[name]
    columns = columns_of(np.random.default_rng(8), region.layout)
    words = pack_rows(region.layout, columns)
    for row in range(0, ROWS, 5):
        bits = region.layout.const(entry_of(region.layout, columns, row)).as_bits()
        assert sum(int(word) << 32 * k for k, word in enumerate(words[row])) == bits
