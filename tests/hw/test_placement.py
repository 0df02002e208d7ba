from dataclasses import replace

import numpy as np
import pytest

from spikeloom_hw.config import Walk
from spikeloom_hw.placement import (
    PlacedPart,
    PlacedPopulation,
    PlacedProjection,
    PlacedSlice,
    group_blocks,
)

FLAT = PlacedPopulation("flat", 10, 0, (PlacedSlice(0, 2, 0, 3),))
PIXELS = PlacedPopulation("pixels", 30, 1, shape=(3, 2, 5), stride=8)


def test_a_flat_population_keeps_its_order() -> None:
    neurons = np.arange(10)
    assert FLAT.span == 10
    for translated in (FLAT.to_index, FLAT.to_neuron, FLAT.to_place):
        assert translated(neurons).tolist() == neurons.tolist()


def test_pixels_follow_one_another_with_their_channels_innermost() -> None:
    maps = PIXELS.to_index(np.arange(30)).reshape(3, 2, 5)
    assert maps[0, 0].tolist() == [0, 8, 16, 24, 32]
    assert maps[:, 1, 4].tolist() == [72, 73, 74]
    assert PIXELS.span == 75
    assert PIXELS.to_place(np.arange(30)).reshape(3, 2, 5)[:, 1, 4].tolist() == [27, 28, 29]


def test_indices_lead_back_to_the_neurons() -> None:
    neurons = np.random.default_rng(0).permutation(30)
    assert PIXELS.to_neuron(PIXELS.to_index(neurons)).tolist() == neurons.tolist()
    assert sorted(PIXELS.to_place(neurons)) == list(range(30))


@pytest.mark.parametrize(
    ("channels", "groups", "first", "count"),
    [
        (10, 1, [0], [3]),
        (8, 2, [0, 1], [1, 1]),
        (12, 2, [0, 1], [2, 2]),
        (6, 6, [0, 0, 0, 0, 1, 1], [1] * 6),
    ],
)
def test_groups_touch_the_rows_of_their_channels(
    channels: int, groups: int, first: list[int], count: list[int]
) -> None:
    rows = group_blocks(channels, groups, 4)
    assert [row.tolist() for row in rows] == [first, count]


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_the_weights_of_a_convolution_have_places_of_their_own(groups: int) -> None:
    shape = (18, 12 // groups, 2, 3)
    source = PlacedPopulation("a", 12 * 20, 0, shape=(12, 4, 5), stride=16)
    target = PlacedPopulation("b", 18 * 9, 1, shape=(18, 3, 3), stride=32)
    projection = PlacedProjection(
        "a", "b", Walk.CONVOLUTION, shape, (PlacedPart(0, 0, 7, 0),), groups
    )
    rows, lanes = np.broadcast_arrays(*projection.locate(source, target, 4))
    assert rows.shape == shape
    assert len(set(zip(rows.ravel(), lanes.ravel(), strict=True))) == rows.size
    _, blocks = group_blocks(18, groups, 4)
    assert rows.max() + 1 == 2 * 3 * 12 // groups * blocks.sum()
    assert np.array_equal(lanes[:, 0, 0, 0], np.arange(18) % 4)


def test_a_slice_of_a_flat_population_has_the_neurons_of_its_rows() -> None:
    piece = PlacedSlice(core=3, row=5, base=1, rows=2)
    assert FLAT.members(piece, 4).tolist() == [4, 5, 6, 7, 8, 9]
    view = FLAT.view(piece, 4)
    assert (view.size, view.span, view.shape) == (6, 6, None)
    assert view.slices == (PlacedSlice(3, 5, 0, 2),)
    cut = replace(FLAT, slices=(PlacedSlice(1, 0, 0, 1), piece))
    assert cut.on(3) == piece
    assert cut.on(0) is None
    assert (FLAT.whole, cut.whole) == (True, False)


@pytest.mark.parametrize(("height", "width"), [(2, 5), (1, 10)])
def test_a_slice_in_pixels_is_a_population_in_pixels(height: int, width: int) -> None:
    whole = PlacedPopulation("p", 30, 0, shape=(3, height, width), stride=8)
    # The second half: 5 pixels of 2 rows, the last of which has one with neurons.
    piece = PlacedSlice(core=1, row=0, base=10, rows=9)
    view, members = whole.view(piece, 4), whole.members(piece, 4)
    assert (view.size, view.shape) == (15, (3, 1, 5))
    assert np.array_equal(whole.to_index(members), 40 + view.to_index(np.arange(15)))
