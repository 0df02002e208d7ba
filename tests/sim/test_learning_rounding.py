import numpy as np
import pytest

from spikeloom_hw.learning import Rounding
from spikeloom_hw.learning.draw import lane_word
from spikeloom_sim.learning.rounding import column, draw, rounded

STEPS = 4096
RANDOM = Rounding.STOCHASTIC


def draws(shift: int, rows: int = 4, columns: int = 8, seed: int = 7) -> np.ndarray:
    """Draws of STEPS steps: (steps, rows, columns), from 0 up to but not including 1."""
    step, row, column = np.ogrid[:STEPS, :rows, :columns]
    return draw(RANDOM, seed, step, row, column, shift) / 2**shift


def test_the_columns_are_those_of_the_gateware() -> None:
    index = np.random.default_rng(0).integers(0, 1 << 16, 500)
    np.testing.assert_array_equal(column(index), lane_word(index))


def test_a_column_is_the_sum_of_its_bits_modulo_two() -> None:
    assert column(0b1101) == column(1) ^ column(4) ^ column(8)
    assert column(0) == 0


def test_rounding_to_the_nearest_takes_a_half_upward() -> None:
    sums = np.array([-25, -24, -23, -8, -7, 7, 8, 23, 24])
    drawn = draw(Rounding.NEAREST, 1, 5, 0, 0, 4)
    assert rounded(sums, drawn, 4).tolist() == [-2, -1, -1, 0, 0, 0, 1, 1, 2]
    assert rounded(sums, draw(Rounding.NEAREST, 1, 5, 0, 0, 0), 0).tolist() == sums.tolist()


@pytest.mark.parametrize("rounding", Rounding)
@pytest.mark.parametrize("shift", [0, 1, 7, 24])
def test_a_sum_of_zero_changes_nothing(rounding: Rounding, shift: int) -> None:
    step, row, column = np.ogrid[:50, :40, :3]
    drawn = draw(rounding, 3, step, row, column, shift)
    assert not rounded(np.zeros_like(drawn), drawn, shift).any()


# Standard deviation of the mean of n uniform numbers: 1 / sqrt(12 n); of a correlation 1 / sqrt(n).
MEAN, CORRELATION = 4 / np.sqrt(12 * STEPS), 4.5 / np.sqrt(STEPS)


@pytest.mark.parametrize("shift", [3, 8, 20])
def test_random_rounding_is_unbiased_at_every_synapse(shift: int) -> None:
    middle = (1 - 2.0**-shift) / 2
    assert np.abs(draws(shift).mean(axis=0) - middle).max() < MEAN
    # So is a small change, up or down: it happens as often as its size says.
    exact = np.array([-0.7, -0.05, 0.03, 0.4]) * 2**shift
    sums = np.rint(exact)
    for each in sums:
        steps = rounded(int(each), (draws(shift, 2, 2) * 2**shift).astype(np.int64), shift)
        share = abs(each) / 2**shift % 1
        allowed = 4 * np.sqrt(share * (1 - share) / STEPS)
        assert np.abs(steps.mean(axis=0) - each / 2**shift).max() <= allowed


@pytest.mark.parametrize("shift", [8, 20])
def test_draws_of_successive_steps_and_of_rows_are_not_correlated(shift: int) -> None:
    found = draws(shift)
    for lag in (1, 2, 3, 16):
        for one, other in (
            (found[:-lag], found[lag:]),
            (found[:-lag, :-1], found[lag:, 1:]),
            (found[:, :-1], found[:, 1:]),
        ):
            pairs = np.mean((one - 0.5) * (other - 0.5), axis=0) * 12
            assert np.abs(pairs).max() < CORRELATION


def test_draws_of_a_row_are_shifted_copies_and_few_are_equal() -> None:
    found = (draws(16, 1, 64)[:, 0] * 2**16).astype(np.int64)
    difference = found ^ found[:, :1]
    assert (difference == difference[0]).all()
    assert len(np.unique(difference[0])) == 64
    # The number of synapses of a row that round a half upward is near a half of them.
    up = (found >= 1 << 15).mean(axis=1)
    assert 0.3 < up.min() and up.max() < 0.7


def test_seeds_draw_otherwise() -> None:
    one, other = draws(16, 1, 1), draws(16, 1, 1, seed=8)
    pairs = np.mean((one - 0.5) * (other - 0.5)) * 12
    assert abs(pairs) < CORRELATION
