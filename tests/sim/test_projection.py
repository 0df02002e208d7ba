from typing import Any

import numpy as np
import pytest

from spikeloom_sim.projection import Dense, Projection, Sparse


def random_sparse(seed: int) -> Sparse:
    rng = np.random.default_rng(seed)
    pre, post = (int(n) for n in rng.integers(1, 20, 2))
    places = rng.permutation(pre * post * 5)[: rng.integers(0, pre * post * 2)]
    columns = np.unravel_index(places, (pre, post, 5))
    weights = rng.integers(-100, 101, len(places))
    delays = columns[2] if len(places) else None
    kept = np.unique(np.stack(columns[:2]), axis=1, return_index=True)[1] if seed % 3 == 0 else ...
    return Sparse(
        "a",
        "b",
        weights[kept],
        pre=columns[0][kept],
        post=columns[1][kept],
        size=(pre, post),
        delays=None if seed % 3 == 0 or delays is None else delays[kept],
        delay=int(rng.integers(3)),
    )


def random_dense(seed: int) -> Dense:
    rng = np.random.default_rng(seed)
    weights = rng.integers(-100, 101, rng.integers(1, 20, 2))
    return Dense("a", "b", weights, delay=int(rng.integers(3)))


def listed(projection: Projection) -> list[tuple[int, ...]]:
    """List the synapses (pre, post, weight, delay) from the attributes."""
    if isinstance(projection, Sparse):
        extra = projection.delays
        columns = zip(projection.pre, projection.post, projection.weights, strict=True)
        return [
            (int(s), int(t), int(w), projection.delay + (0 if extra is None else int(extra[k])))
            for k, (s, t, w) in enumerate(columns)
        ]
    return [(s, t, int(w), projection.delay) for (s, t), w in np.ndenumerate(projection.weights)]


@pytest.mark.parametrize("make", [random_dense, random_sparse])
@pytest.mark.parametrize("seed", range(40))
def test_a_projection_adds_each_synapse_after_its_delay(make: Any, seed: int) -> None:
    projection = make(seed)
    pre, post = projection.shape
    rng = np.random.default_rng(seed)
    events = (rng.integers(-3, 4, (4, 2, pre)) * (rng.random((4, 2, pre)) < 0.5)).astype(np.float32)
    synapses = listed(projection)
    longest = max((delay for *_, delay in synapses), default=projection.delay)
    assert projection.longest_delay == longest
    expected = np.zeros((4 + longest + 1, 2, post), int)
    for source, target, weight, delay in synapses:
        expected[delay : delay + 4, :, target] += weight * events[:, :, source].astype(int)
    into = np.ones(expected.shape, np.float32)
    projection.delivery(np.float32)(events, into)
    np.testing.assert_array_equal(into - 1, expected)

    operations, sizes = [0] * pre, [0] * post
    for source, target, weight, _ in synapses:
        operations[source] += 1
        sizes[target] += abs(weight)
    assert projection.operations.tolist() == operations
    assert projection.magnitudes().tolist() == sizes
    pieces = [np.stack(piece, axis=1) for piece in projection.synapses()]
    assert sorted(map(tuple, np.concatenate(pieces).tolist())) == sorted(synapses)


def test_many_events_are_delivered_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    projection = random_sparse(4)
    events = (rng.random((9, 3, projection.shape[0])) < 0.7).astype(np.float64)
    whole, parts = (np.zeros((20, 3, projection.shape[1])) for _ in range(2))
    projection.delivery(np.float64)(events, whole)
    monkeypatch.setattr("spikeloom_sim.projection.sparse._PIECE", 7)
    projection.delivery(np.float64)(events, parts)
    assert whole.any()
    np.testing.assert_array_equal(whole, parts)


def test_the_synapses_of_a_large_matrix_come_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spikeloom_sim.projection.dense._PIECE", 10)
    projection = Dense("a", "b", np.arange(24).reshape(6, 4))
    pieces = list(projection.synapses())
    assert [len(piece[0]) for piece in pieces] == [8, 8, 8]
    assert np.concatenate([piece[2] for piece in pieces]).tolist() == list(range(24))
    assert np.concatenate([piece[0] for piece in pieces]).tolist() == [k // 4 for k in range(24)]


@pytest.mark.parametrize(("largest", "dtype"), [(32767, np.int16), (32768, np.int32)])
def test_weights_are_kept_narrow_and_read_only(largest: int, dtype: Any) -> None:
    weights = np.array([[largest, -1]])
    projection = Dense("a", "b", weights)
    assert projection.weights.dtype == dtype
    assert projection.weights.tolist() == weights.tolist()
    weights[0, 0] = 0
    assert projection.weights[0, 0] == largest
    with pytest.raises(ValueError, match="read-only"):
        projection.weights[0, 0] = 1


def test_the_magnitude_of_the_least_weight_is_exact() -> None:
    assert Dense("a", "b", np.array([[-32768]])).magnitudes().tolist() == [32768]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_real_weights_are_kept_as_float64(dtype: Any) -> None:
    projection = Dense("a", "b", np.array([[0.5, -0.25]], dtype))
    assert projection.weights.dtype == np.float64
    assert projection.magnitudes().tolist() == [0.5, 0.25]


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (
            [["x"]],
            TypeError,
            (
                r"Weights of projection 'a' -> 'b' must be a \(pre, post\) array of numbers, "
                r"not <U1 of shape \(1, 1\)"
            ),
        ),
        (
            [1, 2],
            TypeError,
            (
                r"Weights of projection 'a' -> 'b' must be a \(pre, post\) array of numbers, "
                r"not int64 of shape \(2,\)"
            ),
        ),
        (
            [[1 << 31]],
            ValueError,
            "Weights of projection 'a' -> 'b' must fit in 32 bits, 2147483648 does not",
        ),
        (
            [[0.0, 1.0], [np.nan, 1.0]],
            ValueError,
            r"Weights of projection 'a' -> 'b' must be finite, but that at \(1, 0\) is nan",
        ),
    ],
)
def test_wrong_weights_are_refused(weights: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        Dense("a", "b", np.array(weights))


@pytest.mark.parametrize(
    ("delay", "error", "message"),
    [
        (-1, ValueError, "Delay of projection 'a' -> 'b' must be at least 0, not -1"),
        (1.0, TypeError, r"Delay of projection 'a' -> 'b' must be an integer, not 1\.0"),
        (True, TypeError, "Delay of projection 'a' -> 'b' must be an integer, not True"),
    ],
)
def test_a_wrong_delay_is_refused(delay: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        Dense("a", "b", np.array([[1]]), delay=delay)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        (
            {"pre": [0, 1]},
            TypeError,
            (
                r"Pre of projection 'a' -> 'b' must be a \(3,\) array of integers, "
                r"one for each weight, not int64 of shape \(2,\)"
            ),
        ),
        (
            {"post": [0.0, 1.0, 1.0]},
            TypeError,
            (
                r"Post of projection 'a' -> 'b' must be a \(3,\) array of integers, "
                r"one for each weight, not float64 of shape \(3,\)"
            ),
        ),
        (
            {"pre": [0, 1, 2]},
            ValueError,
            "Pre of projection 'a' -> 'b' must lie between 0 and 1, not 2",
        ),
        (
            {"delays": [0, -1, 0]},
            ValueError,
            "Delays of projection 'a' -> 'b' must be at least 0, not -1",
        ),
        (
            {"size": (2, 0)},
            ValueError,
            r"Size of projection 'a' -> 'b' must be integers of at least 1, not \(2, 0\)",
        ),
        (
            {"delays": [0, 1, 1], "post": [0, 2, 2], "pre": [0, 1, 1]},
            ValueError,
            (
                "Projection 'a' -> 'b' has the synapse from 1 to 2 with the delay 1 "
                "more than once; add up the weights"
            ),
        ),
    ],
)
def test_wrong_lists_of_synapses_are_refused(changes: Any, error: Any, message: str) -> None:
    parts: dict[str, Any] = {"pre": [0, 1, 1], "post": [0, 1, 2], "size": (2, 3)}
    parts = {name: np.array(v) for name, v in (parts | changes).items()}
    parts["size"] = (parts | changes)["size"] if "size" in changes else (2, 3)
    with pytest.raises(error, match=f"^{message}$"):
        Sparse("a", "b", np.array([5, 6, 7]), **parts)
