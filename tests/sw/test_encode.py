from typing import Any

import numpy as np
import pytest

from spikeloom import encode

ALL = np.arange(256, dtype=np.uint8)[None]


def times(spikes: np.ndarray) -> list[list[int]]:
    """Steps in which each input of the only sample spikes."""
    return [np.flatnonzero(column).tolist() for column in spikes[:, 0].T]


def test_rate_spikes_where_its_closed_form_says() -> None:
    time = np.arange(40)[:, None, None]
    start, step = np.arange(256) * 40503 % 65536, np.arange(256) * 200
    expected = (start + (time + 1) * step) // 65536 > (start + time * step) // 65536
    np.testing.assert_array_equal(encode.rate(ALL, 40, gain=200), expected)


def test_poisson_spikes_have_the_rate_and_the_seed_that_was_asked_for() -> None:
    spikes = encode.poisson(ALL, 20_000, seed=5)
    probability = np.arange(256) / 256
    deviation = np.sqrt(probability * (1 - probability) / 20_000)
    assert (np.abs(spikes[:, 0].mean(axis=0) - probability) <= 5 * deviation).all()
    # Neither inputs nor steps go together.
    assert abs(np.corrcoef(spikes[:, 0, 100], spikes[:, 0, 101])[0, 1]) < 0.04
    assert abs(np.corrcoef(spikes[1:, 0, 100], spikes[:-1, 0, 100])[0, 1]) < 0.04
    np.testing.assert_array_equal(spikes[:500], encode.poisson(ALL, 500, seed=5))
    assert (encode.poisson(ALL, 50, seed=6) != encode.poisson(ALL, 50, seed=5)).any()


@pytest.mark.parametrize("curve", ["linear", "logarithmic"])
def test_the_greatest_value_spikes_first_and_the_least_last(curve: str) -> None:
    found = times(encode.latency(ALL, 50, curve=curve, least=10))
    assert found[:10] == [[]] * 10
    assert (found[10], found[255]) == ([49], [0])
    numbers = [time for (time,) in found[10:]]
    assert numbers == sorted(numbers, reverse=True)


def test_a_linear_latency_falls_with_the_value_and_a_logarithmic_one_with_its_logarithm() -> None:
    linear = times(encode.latency(ALL, 255))
    assert linear[1:] == [[255 - value] for value in range(1, 256)]
    logarithmic = times(encode.latency(ALL, 1000, curve="logarithmic"))
    shifts = [logarithmic[value][0] - logarithmic[2 * value][0] for value in range(1, 128)]
    assert set(shifts) <= {124, 125, 126}  # 999 * log(2) / log(255) is 125.0


def test_phases_carry_the_bits_of_the_value() -> None:
    spikes = encode.phase(ALL, 20)
    weights = (128 >> np.arange(20) % 8)[:, None, None]
    np.testing.assert_array_equal((spikes * weights)[:8].sum(axis=0), ALL)
    np.testing.assert_array_equal((spikes * weights)[8:16].sum(axis=0), ALL)
    np.testing.assert_array_equal(spikes[16:], spikes[:4])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, []),
        (1, [0]),
        (51, [0]),
        (52, [0, 9]),
        (128, [0, 6, 12]),
        (204, [0, 4, 8, 12]),
        (255, [0, 2, 4, 6, 8]),
    ],
)
def test_a_greater_value_makes_a_longer_and_faster_burst(value: int, expected: list[int]) -> None:
    spikes = encode.burst(np.array([[value]], np.uint8), 40, most=5, shortest=2, longest=10)
    assert times(spikes) == [expected]


@pytest.mark.parametrize(("steps", "most"), [(5, 3), (41, 5), (16, 16), (9, 1)])
def test_bursts_end_in_time_unless_told_otherwise(steps: int, most: int) -> None:
    spikes = encode.burst(ALL, steps, most=most, shortest=1)
    assert spikes.sum(axis=0)[0].tolist() == [-(-most * value // 255) for value in range(256)]


def test_changes_are_sent_as_steps_and_can_be_added_up() -> None:
    signal = np.array([0.0, 0.3, 1.2, 1.2, 1.2, 0.5, -0.2, -0.2])[:, None]
    spikes = encode.delta(signal, 0.25)
    assert spikes[:, 0].astype(int).tolist() == [0, 1, 1, 1, 1, 0, 0, 0]
    assert spikes[:, 1].astype(int).tolist() == [0, 0, 0, 0, 0, 1, 1, 1]

    slow = np.sin(np.arange(400)[:, None, None] / [[[20.0, 30.0]], [[40.0, 25.0]]][0])
    spikes = encode.delta(slow, 0.1)
    steps = spikes[..., :2].astype(float) - spikes[..., 2:]
    rebuilt = slow[0] + 0.1 * steps.cumsum(axis=0)
    assert np.abs(rebuilt - slow).max() <= 0.1 + 1e-9


def test_every_value_is_seen_by_some_fields_and_in_the_right_place() -> None:
    values = np.linspace(-2.0, 2.0, 41)[:, None]
    responses = encode.population(values, 6, low=-2.0, high=2.0)
    assert responses.shape == (41, 6)
    # Centres are at -2.5, -1.5, ... 2.5; neighbouring fields are 1.5 widths apart.
    assert responses[5].tolist() == [83, 255, 83, 3, 0, 0]
    assert responses[20].tolist() == [0, 20, 192, 192, 20, 0]
    assert (responses.max(axis=1) >= 192).all()

    two = encode.population(np.array([[-1.5, 2.5], [0.5, 0.5]]), 6, low=-2.0, high=2.0)
    assert two.argmax(axis=1).tolist() == [1, 3]
    assert two[0, 6:].argmax() == 5
    assert encode.latency(two, 30)[0].sum() == 4


def test_values_become_the_integers_of_the_hardware() -> None:
    signal = np.array([0.0, 0.5, -0.5, 0.126, 0.3, -7.0])
    assert encode.graded(signal, range=0.5).tolist() == [0, 127, -127, 32, 76, -127]
    assert encode.graded(signal, range=2.0, largest=8).tolist() == [0, 2, -2, 1, 1, -8]


ONE: Any = np.zeros((1, 1), np.uint8)
LIST: Any = [[1]]
HALF: Any = 1.5
REAL: Any = np.zeros((1, 1))


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda: encode.rate(REAL, 1), TypeError, "Values must be uint8, not float64"),
        (lambda: encode.rate(LIST, 1), TypeError, "Values must be a NumPy array, not list"),
        (
            lambda: encode.phase(ONE[0], 1),
            ValueError,
            r"Values must have the shape \(batch, n\), not \(1,\)",
        ),
        (lambda: encode.rate(ONE, 0), ValueError, "Steps must be at least 1, not 0"),
        (lambda: encode.rate(ONE, 1, gain=257), ValueError, r"Gain must lie in 1\.\.256, not 257"),
        (lambda: encode.poisson(ONE, 1, seed=-1), ValueError, "Seed must be at least 0, not -1"),
        (
            lambda: encode.poisson(ONE, HALF, seed=1),
            TypeError,
            "Steps must be an integer, not float",
        ),
        (
            lambda: encode.latency(ONE, 3, curve="square"),
            ValueError,
            "Curve must be one of linear, logarithmic, not 'square'",
        ),
        (
            lambda: encode.latency(ONE, 3, least=255),
            ValueError,
            r"Least must lie in 1\.\.254, not 255",
        ),
        (
            lambda: encode.burst(ONE, 9, shortest=3, longest=2),
            ValueError,
            "Longest must be at least 3, not 2",
        ),
        (
            lambda: encode.delta(REAL, 0.0),
            ValueError,
            r"Threshold must be a positive number, not 0\.0",
        ),
        (
            lambda: encode.delta(np.zeros(3), 1.0),
            ValueError,
            r"Signal must have the shape \(steps, batch, n\) or \(steps, n\), not \(3,\)",
        ),
        (
            lambda: encode.delta([[np.nan]], 1.0),
            ValueError,
            "Signal must be finite",
        ),
        (
            lambda: encode.population(REAL, 2),
            ValueError,
            "Fields must be at least 3, not 2",
        ),
        (
            lambda: encode.population(REAL, 3, low=1.0, high=1.0),
            ValueError,
            r"Range from low to high must be a positive number, not 0\.0",
        ),
        (
            lambda: encode.population(["x"], 3),
            TypeError,
            "Values must be real numbers, not <U1",
        ),
        (
            lambda: encode.graded(REAL, largest=1 << 15),
            ValueError,
            r"Largest must lie in 1\.\.32767, not 32768",
        ),
    ],
)
def test_what_cannot_be_encoded_is_refused(act: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=f"^{message}$"):
        act()
