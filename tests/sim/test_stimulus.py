import numpy as np
import pytest

from spikeloom_sim.stimulus import as_stimulus

LEFT, RIGHT = np.zeros((4, 2), bool), np.zeros((4, 3), bool)


@pytest.mark.parametrize(
    ("spikes", "error", "message"),
    [
        (
            LEFT,
            TypeError,
            (
                "Spikes must be a dict from input to array, "
                "since the network has the inputs 'left', 'right'"
            ),
        ),
        ({"left": LEFT}, ValueError, "Spikes of input 'right' are missing"),
        (
            {"left": LEFT, "right": RIGHT, "out": LEFT},
            ValueError,
            "Spikes are given for 'out', but the inputs of the network are 'left', 'right'",
        ),
        (
            {"left": LEFT, "right": LEFT},
            ValueError,
            (
                r"Spikes of input 'right' must be a \(steps, batch, 3\) or \(steps, 3\) array "
                r"with at least one step and one sample, not one of shape \(4, 2\)"
            ),
        ),
        (
            {"left": LEFT[:0], "right": RIGHT},
            ValueError,
            (
                r"Spikes of input 'left' must be a \(steps, batch, 2\) or \(steps, 2\) array "
                r"with at least one step and one sample, not one of shape \(0, 2\)"
            ),
        ),
        (
            {"left": LEFT, "right": RIGHT[:3]},
            ValueError,
            (
                r"Inputs must have the same steps and batch: 'left' has \(4, 1\), "
                r"'right' has \(3, 1\)"
            ),
        ),
        (
            {"left": LEFT + 2, "right": RIGHT},
            ValueError,
            "Spikes of input 'left' must be 0 or 1, not 2",
        ),
        (
            {"left": LEFT, "right": np.full((4, 3), np.nan)},
            ValueError,
            "Spikes of input 'right' must be 0 or 1, not nan",
        ),
        (
            {"left": LEFT, "right": np.full((4, 3), "x")},
            TypeError,
            "Spikes of input 'right' must be bool, or numbers 0 and 1, not <U1",
        ),
    ],
)
def test_wrong_spikes_are_refused(spikes, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        as_stimulus({"left": 2, "right": 3}, spikes)


def test_one_array_serves_one_input_and_gains_a_batch():
    train = np.array([[1, 0], [0, 1], [1, 1]])
    stimulus = as_stimulus({"in": 2}, train)
    assert list(stimulus) == ["in"]
    assert stimulus["in"].dtype == bool
    np.testing.assert_array_equal(stimulus["in"], train[:, None])
    np.testing.assert_array_equal(as_stimulus({"in": 2}, train[:, None])["in"], train[:, None])


def test_inputs_come_in_the_order_of_the_network():
    stimulus = as_stimulus({"left": 2, "right": 3}, {"right": RIGHT, "left": LEFT})
    assert list(stimulus) == ["left", "right"]


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.float32, np.float64])
def test_a_graded_input_takes_whole_numbers(dtype):
    values = np.array([[-9, 0, 9], [1, 2, 3]]).astype(dtype)
    stimulus = as_stimulus(
        {"left": 2, "right": 3}, {"left": LEFT[:2], "right": values}, {"right": 9}
    )
    assert stimulus["left"].dtype == bool
    assert stimulus["right"].dtype == np.int16
    np.testing.assert_array_equal(stimulus["right"][:, 0], values)


def test_a_graded_input_takes_spikes_and_the_largest_values():
    values = as_stimulus({"in": 2}, np.array([[True, False]]), {"in": 5})["in"]
    assert values.dtype == np.int16
    assert values.tolist() == [[[1, 0]]]
    values = as_stimulus({"in": 2}, np.array([[32767, -32767]]), {"in": 32767})["in"]
    assert values.tolist() == [[[32767, -32767]]]


@pytest.mark.parametrize(
    ("values", "error", "wrong"),
    [
        ([[0, 10]], ValueError, "must be whole numbers from -9 to 9, not 10"),
        ([[-10, 0]], ValueError, "must be whole numbers from -9 to 9, not -10"),
        ([[0.5, 0.0]], ValueError, r"must be whole numbers from -9 to 9, not 0\.5"),
        ([[np.nan, 0.0]], ValueError, "must be whole numbers from -9 to 9, not nan"),
        ([["x", "y"]], TypeError, "must be whole numbers, not <U1"),
        (
            [[1]],
            ValueError,
            (
                r"must be a \(steps, batch, 2\) or \(steps, 2\) array "
                r"with at least one step and one sample, not one of shape \(1, 1\)"
            ),
        ),
    ],
)
def test_wrong_values_are_refused(values, error, wrong):
    with pytest.raises(error, match=f"^Values of input 'in' {wrong}$"):
        as_stimulus({"in": 2}, np.array(values), {"in": 9})
