from typing import Any, NamedTuple

import numpy as np
import pytest

from spikeloom.network import Network
from spikeloom.neuron import IF


class Coordinates(NamedTuple):
    """What a sparse matrix of SciPy is in its coordinate form."""

    data: np.ndarray
    row: np.ndarray
    col: np.ndarray
    shape: tuple[int, int]

    def tocoo(self) -> "Coordinates":
        return self


def connect(weights: Any, **arguments: Any) -> list[tuple[float, ...]]:
    made = Network()
    made.add_input("a", 3)
    made.add_population("b", 4, IF())
    found = made.connect_sparse("a", "b", weights, **arguments)
    assert found.size == (3, 4)
    ((pre, post, weight, delay),) = found.synapses()
    return list(zip(pre.tolist(), post.tolist(), weight.tolist(), delay.tolist(), strict=True))


MATRIX = np.array([[0, 1.5, 0, 0], [0, 0, 0, -2.0], [1.0, 0, 0, 0]])
LISTED = [(0, 1, 1.5, 0), (1, 3, -2.0, 0), (2, 0, 1.0, 0)]


def test_synapses_come_from_lists_and_matrices():
    assert connect([1.5, -2.0, 1.0], ends=([0, 1, 2], [1, 3, 0])) == LISTED
    assert connect(MATRIX) == LISTED
    pre, post = np.nonzero(MATRIX)
    assert connect(Coordinates(MATRIX[pre, post], pre, post, (3, 4))) == LISTED


def test_a_delay_is_that_of_all_synapses_or_of_each():
    assert [s[3] for s in connect(MATRIX, delay=5)] == [5, 5, 5]
    assert [s[3] for s in connect(MATRIX, delay=np.arange(12).reshape(3, 4))] == [1, 7, 8]
    found = connect([1.0, 2.0], ends=([0, 0], [1, 1]), delay=[3, 4])
    assert found == [(0, 1, 1.0, 3), (0, 1, 2.0, 4)]


@pytest.mark.parametrize(
    ("weights", "arguments", "error", "message"),
    [
        (
            MATRIX.T,
            {},
            ValueError,
            (
                r"Weights of projection 'a' -> 'b' must have the shape \(3, 4\), "
                r"\(pre, post\), not \(4, 3\)"
            ),
        ),
        (
            [1.0],
            {},
            TypeError,
            (
                r"Weights of projection 'a' -> 'b' must be a \(pre, post\) matrix, "
                r"or a \(synapses,\) array with ends=\(pre, post\)"
            ),
        ),
        (
            np.zeros((3, 4)),
            {},
            ValueError,
            "Projection 'a' -> 'b' must have a synapse, it has none",
        ),
        (
            MATRIX,
            {"delay": [1, 2]},
            ValueError,
            (
                r"Delays of projection 'a' -> 'b' must be an integer, or an array of the shape "
                r"\(3, 4\) of its weights, not \(2,\)"
            ),
        ),
        (
            Coordinates(np.ones(1), np.zeros(1, int), np.zeros(1, int), (3, 4)),
            {"delay": [1]},
            TypeError,
            (
                "Projection 'a' -> 'b' has its ends in a sparse matrix; "
                "for a delay of each synapse give weights and ends as arrays"
            ),
        ),
        (
            ["x"],
            {},
            TypeError,
            "Weights of projection 'a' -> 'b' must be real numbers, not <U1",
        ),
        (
            [1.0, 2.0],
            {"ends": ([0, 0], [1, 1])},
            ValueError,
            (
                "Projection 'a' -> 'b' has the synapse from 0 to 1 with the delay 0 "
                "more than once; add up the weights"
            ),
        ),
        (
            [1.0],
            {"ends": ([0], [4])},
            ValueError,
            "Post of projection 'a' -> 'b' must lie between 0 and 3, not 4",
        ),
    ],
)
def test_wrong_synapses_are_refused(weights, arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        connect(weights, **arguments)
