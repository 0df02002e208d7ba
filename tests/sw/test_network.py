import numpy as np
import pytest

from spikeloom.network import IF, LIF, Network


def network():
    made = Network("example")
    made.add_input("in", 3)
    made.add_population("hidden", 2, LIF(decay=0.9))
    return made


def test_a_network_keeps_what_was_added_in_order():
    made = network()
    made.add_population("out", 1, IF(threshold=2.0))
    weights = np.arange(6.0).reshape(3, 2)
    made.connect("in", "hidden", weights)
    made.connect("hidden", "hidden", np.eye(2))
    made.connect("hidden", "out", [[1], [2]])
    assert list(made.populations) == ["in", "hidden", "out"]
    assert made.populations["in"].neuron is None
    assert [(p.source, p.target) for p in made.projections] == [
        ("in", "hidden"),
        ("hidden", "hidden"),
        ("hidden", "out"),
    ]
    weights[0, 0] = 100
    assert made.projections[0].weights[0, 0] == 0
    assert made.projections[2].weights.dtype == np.float64


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (
            np.zeros((2, 3)),
            ValueError,
            (
                r"Weights of projection 'in' -> 'hidden' must have the shape \(3, 2\), "
                r"\(pre, post\), not \(2, 3\); it fits when transposed, as weights of PyTorch do"
            ),
        ),
        (
            np.zeros((3, 3)),
            ValueError,
            (
                r"Weights of projection 'in' -> 'hidden' must have the shape \(3, 2\), "
                r"\(pre, post\), not \(3, 3\)"
            ),
        ),
        (
            [[0, 0], [0, np.nan], [0, 0]],
            ValueError,
            ("Weights of projection 'in' -> 'hidden' must be finite, but that from 1 to 1 is nan"),
        ),
        (
            [[0, 0], [0, 0], [-np.inf, 0]],
            ValueError,
            ("Weights of projection 'in' -> 'hidden' must be finite, but that from 2 to 0 is -inf"),
        ),
        (
            np.zeros((3, 2), complex),
            TypeError,
            "Weights of projection 'in' -> 'hidden' must be real numbers, not complex128",
        ),
    ],
)
def test_wrong_weights_are_refused(weights, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        network().connect("in", "hidden", weights)


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (
            lambda n: n.connect("in", "x", np.zeros((3, 1))),
            ValueError,
            "There is no population 'x'; those added are 'in', 'hidden'",
        ),
        (
            lambda n: n.connect("hidden", "in", np.zeros((2, 3))),
            ValueError,
            "Projection 'hidden' -> 'in' ends in an input population, which takes no projections",
        ),
        (
            lambda n: n.add_input("in", 3),
            ValueError,
            "Name 'in' is given to more than one population",
        ),
        (
            lambda n: n.add_input("", 3),
            TypeError,
            "Name of a population must be a string that is not empty, not ''",
        ),
        (
            lambda n: n.add_input("x", 0),
            ValueError,
            "Size of population 'x' must be at least 1, not 0",
        ),
        (
            lambda n: n.add_input("x", 1.5),
            TypeError,
            r"Size of population 'x' must be an integer, not 1\.5",
        ),
        (
            lambda n: n.add_population("x", 3, 0.9),
            TypeError,
            r"Neuron of population 'x' must be an LIF, not 0\.9",
        ),
        (
            lambda n: n.add_population("x", 3, LIF(decay=np.array([0.1, 0.2]))),
            ValueError,
            "Population 'x' has 3 neurons, but a parameter of its neurons has 2 values",
        ),
    ],
)
def test_wrong_additions_are_refused_and_change_nothing(act, error, message):
    made = network()
    with pytest.raises(error, match=f"^{message}$"):
        act(made)
    assert list(made.populations) == ["in", "hidden"]
    assert not made.projections
