import numpy as np
import pytest

from spikeloom_hw.event import (
    INDEX_WIDTH,
    SOURCE_WIDTH,
    VALUE_WIDTH,
    Kind,
    event_layout,
    pack,
    pack_values,
    unpack,
    unpack_values,
)


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("source", [0, 1, (1 << SOURCE_WIDTH) - 1])
@pytest.mark.parametrize("index", [0, 5, (1 << INDEX_WIDTH) - 1])
def test_a_word_is_the_layout_of_the_bus(kind: Kind, source: int, index: int) -> None:
    word = pack(kind, source, index)
    entry = event_layout().const({"kind": kind, "source": source, "index": index})
    assert word == entry.as_bits() == kind << 29 | source << 20 | index
    assert unpack(word) == (kind, source, index)


def test_arrays_are_packed_as_scalars_are() -> None:
    rng = np.random.default_rng(0)
    sources, indices = rng.integers(0, 1 << SOURCE_WIDTH, 99), rng.integers(0, 1 << INDEX_WIDTH, 99)
    words = pack(Kind.ERROR, sources, indices)
    assert words.dtype == np.uint32
    pairs = zip(sources, indices, strict=True)
    assert words.tolist() == [pack(Kind.ERROR, int(s), int(i)) for s, i in pairs]
    kinds, *rest = unpack(words)
    assert set(kinds) == {Kind.ERROR}
    assert np.array_equal(rest, [sources, indices])
    assert np.array_equal(pack(Kind.SPIKE, 3, indices), indices | 3 << 20)


def test_values_come_back_with_their_sign_and_are_known_by_their_kind() -> None:
    largest = (1 << (VALUE_WIDTH - 1)) - 1
    values = np.array([0, 1, -1, 127, -128, largest, -largest - 1])
    words = pack_values(values)
    assert words.dtype == np.uint32
    assert set(unpack(words)[0].tolist()) == {Kind.VALUE}
    assert np.array_equal(unpack_values(words), values)


def test_a_value_lies_above_the_word_of_the_bus() -> None:
    layout = event_layout(8)
    entry = layout.const({"kind": Kind.GRADED, "source": 3, "index": 5, "value": -2})
    assert entry.as_bits() & 0xFFFFFFFF == pack(Kind.GRADED, 3, 5)
    assert entry.as_bits() >> 32 == 0xFE
