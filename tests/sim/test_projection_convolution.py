from itertools import product
from typing import Any

import numpy as np
import pytest

from spikeloom_sim.projection import Convolution

SETTINGS = 150


def random_convolution(seed: int) -> Convolution:
    """Draw every setting; one in three is depthwise, one in four is one-dimensional."""
    rng = np.random.default_rng(seed)
    line = rng.random() < 0.25
    groups = int(rng.choice([1, 1, 2, 3]))
    inside, outside = (int(n) for n in rng.integers(1, 4, 2))
    if rng.random() < 0.33:
        groups, inside = int(rng.integers(1, 6)), 1

    def pair(low: int, high: int) -> tuple[int, int]:
        return 1 if line else int(rng.integers(low, high)), int(rng.integers(low, high))

    while True:
        pool = pair(1, 4) if rng.random() < 0.4 else (1, 1)
        padding = rng.integers(0, 4, (2, 2))
        height, width = pair(1, 12)
        made: dict[str, Any] = {
            "input_shape": (groups * inside, height, width),
            "stride": pair(1, 4),
            "padding": np.zeros((2, 2), int) if rng.random() < 0.3 else padding,
            "dilation": pair(1, 4),
            "groups": groups,
            "pool": pool,
        }
        weights = rng.integers(-20, 21, (groups * outside, inside, *pair(1, 6)))
        try:
            return Convolution("a", "b", weights, delay=int(rng.integers(3)), **made)
        except ValueError:
            continue


def loop(projection: Convolution) -> list[tuple[int, int, int]]:
    """List all synapses (pre, post, weight), straight from what a convolution is."""
    channels, height, width = projection.input_shape
    outputs, inside, lines, columns = projection.weights.shape
    down, right = projection.pool
    (above, below), (left, rest) = projection.padding
    padded = (height // down + above + below, width // right + left + rest)
    span = [d * (k - 1) + 1 for d, k in zip(projection.dilation, (lines, columns), strict=True)]
    tops = range(0, padded[0] - span[0] + 1, projection.stride[0])
    sides = range(0, padded[1] - span[1] + 1, projection.stride[1])
    assert projection.output_shape == (outputs, len(tops), len(sides))
    found = []
    places = product(range(outputs), enumerate(tops), enumerate(sides))
    for post, (out, (_, top), (_, side)) in enumerate(places):
        group = out // (outputs // projection.groups)
        for within, line, column in product(range(inside), range(lines), range(columns)):
            y = top + line * projection.dilation[0] - above
            x = side + column * projection.dilation[1] - left
            if not (0 <= y < height // down and 0 <= x < width // right):
                continue
            weight = int(projection.weights[out, within, line, column])
            channel = group * inside + within
            for dy, dx in product(range(down), range(right)):
                row, place = y * down + dy, x * right + dx
                found.append(((channel * height + row) * width + place, post, weight))
    return found


@pytest.mark.parametrize("seed", range(SETTINGS))
def test_a_convolution_equals_nested_loops(seed: int) -> None:
    projection = random_convolution(seed)
    pre, post = projection.shape
    rng = np.random.default_rng(seed)
    events = rng.integers(-3, 4, (2, 3, pre)).astype(np.float32)
    synapses = loop(projection)
    expected = [[[0] * post for _ in range(3)] for _ in range(2)]
    for source, target, weight in synapses:
        for step, sample in product(range(2), range(3)):
            expected[step][sample][target] += weight * int(events[step, sample, source])
    into = np.ones((3 + projection.delay, 3, post), np.float32)
    projection.delivery(np.float32)(events, into)
    reached = into[projection.delay :][:2] - 1
    np.testing.assert_array_equal(reached, expected)
    assert into.sum() == into.size + reached.sum()

    assert (
        projection.operations.tolist()
        == np.bincount([source for source, _, _ in synapses], minlength=pre).tolist()
    )
    sizes = np.zeros(post, int)
    for _, target, weight in synapses:
        sizes[target] += abs(weight)
    assert projection.magnitudes().tolist() == sizes.tolist()
    assert projection.magnitudes().dtype == np.int64
    pieces = [np.stack(piece, axis=1) for piece in projection.synapses()]
    listed = np.concatenate(pieces).tolist()
    assert sorted(listed) == sorted([s, t, w, projection.delay] for s, t, w in synapses)


def test_the_settings_are_of_every_kind() -> None:
    drawn = [random_convolution(seed) for seed in range(SETTINGS)]
    kinds = {
        "depthwise": lambda p: p.groups > 1 and p.weights.shape[1] == 1,
        "groups": lambda p: p.groups > 1 and p.weights.shape[1] > 1,
        "one-dimensional": lambda p: p.input_shape[1] == p.output_shape[1] == 1,
        "stride": lambda p: p.stride[0] != p.stride[1],
        "dilation": lambda p: p.dilation != (1, 1),
        "sides padded apart": lambda p: p.padding[0][0] != p.padding[0][1],
        "pool": lambda p: p.pool != (1, 1),
        "pool that leaves a rest": lambda p: p.input_shape[1] % p.pool[0] > 0,
        "full": lambda p: p.output_shape[1:] == (1, 1),
        "taps outside only": lambda p: not p.operations.all(),
        "stride and dilation": lambda p: p.stride[0] > 1 and p.dilation[0] > 1,
    }
    counts = {name: sum(map(test, drawn)) for name, test in kinds.items()}
    assert {name: count for name, count in counts.items() if count < 8} == {}


@pytest.mark.parametrize("seed", range(4))
def test_large_maps_equal_a_sum_over_windows(seed: int) -> None:
    rng = np.random.default_rng(seed)
    projection = Convolution(
        "a",
        "b",
        rng.integers(-127, 128, (16, 4, 5, 3)),
        input_shape=(8, 34, 30),
        stride=(2, 1),
        padding=((2, 1), (0, 2)),
        groups=2,
    )
    events = (rng.random((5, 40, projection.shape[0])) < 0.1).astype(np.float32)
    maps = events.reshape(5, 40, 2, 4, 34, 30).astype(int)
    padded = np.pad(maps, [(0, 0)] * 4 + [(2, 1), (0, 2)])
    windows = np.lib.stride_tricks.sliding_window_view(padded, (5, 3), axis=(4, 5))[
        ..., ::2, :, :, :
    ]
    kernel = projection.weights.reshape(2, 8, 4, 5, 3).astype(int)
    expected = np.einsum("stgiyxkl,goikl->stgoyx", windows, kernel, optimize=True)
    into = np.zeros((5, 40, projection.shape[1]))
    projection.delivery(np.float32)(events, into)
    np.testing.assert_array_equal(into, expected.reshape(into.shape))


def test_real_weights_are_summed_in_float64() -> None:
    weights = np.full((1, 1, 1, 3), 0.1, np.float32)
    projection = Convolution("a", "b", weights, input_shape=(1, 1, 3))
    assert projection.weights.dtype == np.float64
    into = np.zeros((1, 1, 1))
    projection.delivery(np.float64)(np.ones((1, 1, 3)), into)
    assert into.item() == pytest.approx(3 * float(np.float32(0.1)), rel=1e-15)
    assert projection.magnitudes() == pytest.approx([3 * float(np.float32(0.1))])


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"weights": np.ones((2, 3))},
            TypeError,
            (
                r"Weights of projection 'a' -> 'b' must be a \(out channels, "
                r"in channels / groups, kernel height, kernel width\) array of numbers, "
                r"not float64 of shape \(2, 3\)"
            ),
        ),
        (
            {"weights": np.full((2, 2, 3, 3), np.inf)},
            ValueError,
            (
                r"Weights of projection 'a' -> 'b' must be finite, "
                r"but that at \(0, 0, 0, 0\) is inf"
            ),
        ),
        (
            {"input_shape": (2, 8)},
            TypeError,
            r"Input shape of projection 'a' -> 'b' must be 3 integers, not \(2, 8\)",
        ),
        (
            {"stride": (1, 0)},
            ValueError,
            (
                r"Stride of projection 'a' -> 'b' must be integers of at least 1, "
                r"not \(1, 0\)"
            ),
        ),
        (
            {"dilation": 2},
            TypeError,
            "Dilation of projection 'a' -> 'b' must be 2 integers, not 2",
        ),
        (
            {"padding": (1, 1)},
            ValueError,
            (
                r"Padding of projection 'a' -> 'b' must be \(\(above, below\), \(left, right\)\), "
                r"integers of at least 0, not \(1, 1\)"
            ),
        ),
        (
            {"groups": 3},
            ValueError,
            (r"Groups of projection 'a' -> 'b' must divide 2 channels into 2, 3 does not"),
        ),
        (
            {"groups": 2},
            ValueError,
            (
                r"Weights of projection 'a' -> 'b' must have 1 in channels, "
                r"those of a group, not 2"
            ),
        ),
        (
            {"dilation": (4, 4)},
            ValueError,
            (
                r"Projection 'a' -> 'b' must leave something of the shape \(2, 8, 8\), "
                r"not \(2, 0, 0\) of the pooled \(2, 8, 8\)"
            ),
        ),
        (
            {"pool": (9, 1)},
            ValueError,
            (
                r"Projection 'a' -> 'b' must leave something of the shape \(2, 8, 8\), "
                r"not \(2, -2, 6\) of the pooled \(2, 0, 8\)"
            ),
        ),
    ],
)
def test_wrong_convolutions_are_refused(changes: Any, error: Any, message: str) -> None:
    parts = {"weights": np.ones((2, 2, 3, 3), int), "input_shape": (2, 8, 8)}
    with pytest.raises(error, match=f"^{message}$"):
        Convolution("a", "b", **(parts | changes))
