import numpy as np
import pytest

from spikeloom.network import Network
from spikeloom.neuron import IF, LI, LIF
from spikeloom_sim.projection import Convolution, Dense


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
            (r"Weights of projection 'in' -> 'hidden' must be finite, but that at \(1, 1\) is nan"),
        ),
        (
            [[0, 0], [0, 0], [-np.inf, 0]],
            ValueError,
            (
                r"Weights of projection 'in' -> 'hidden' must be finite, "
                r"but that at \(2, 0\) is -inf"
            ),
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
            ("There is no population 'x'; those added are 'in', 'hidden', 'image', 'map', 'out'"),
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
            lambda n: n.connect("out", "hidden", np.zeros((1, 2))),
            ValueError,
            (
                "Projection 'out' -> 'hidden' begins in a population of output 'value', "
                "which sends nothing to other neurons"
            ),
        ),
        (
            lambda n: n.connect("in", "hidden", np.zeros((3, 2)), delay=-1),
            ValueError,
            "Delay of projection 'in' -> 'hidden' must be at least 0, not -1",
        ),
        (
            lambda n: n.connect("in", "hidden", np.zeros((3, 2)), pool=2),
            ValueError,
            (
                r"Population 'in' must have a shape \(channels, height, width\) "
                r"for projection 'in' -> 'hidden', not only the size 3"
            ),
        ),
        (
            lambda n: n.connect("image", "hidden", np.zeros((32, 2)), pool=(2, 3)),
            ValueError,
            (
                r"Weights of projection 'image' -> 'hidden' must have the shape \(4, 2\), "
                r"\(pre, post\), not \(32, 2\)"
            ),
        ),
        (
            lambda n: n.connect("image", "hidden", np.zeros((32, 2)), pool=5),
            ValueError,
            (
                "Pool of projection 'image' -> 'hidden' must have windows that fit in "
                r"\(2, 4, 4\), not 5"
            ),
        ),
        (
            lambda n: n.convolve("in", "map", np.zeros((2, 3, 3, 3))),
            ValueError,
            (
                r"Population 'in' must have a shape \(channels, height, width\) "
                r"for projection 'in' -> 'map', not only the size 3"
            ),
        ),
        (
            lambda n: n.convolve("image", "map", np.zeros((8, 2, 3, 3)), stride=2),
            ValueError,
            (
                r"Projection 'image' -> 'map' gives the shape \(8, 1, 1\), "
                r"but population 'map' has the shape \(8, 2, 2\)"
            ),
        ),
        (
            lambda n: n.convolve("image", "hidden", np.zeros((8, 2, 3, 3))),
            ValueError,
            (
                r"Projection 'image' -> 'hidden' gives the shape \(8, 2, 2\), "
                "but population 'hidden' has no shape, but the size 2"
            ),
        ),
        (
            lambda n: n.convolve("image", "map", np.zeros((8, 2))),
            ValueError,
            (
                r"Weights of projection 'image' -> 'map' must have the shape \(out channels, "
                r"in channels, height, width\) or \(out channels, in channels, width\), "
                r"not \(8, 2\)"
            ),
        ),
    ],
)
def test_wrong_additions_are_refused_and_change_nothing(act, error, message):
    made = network()
    made.add_input("image", (2, 4, 4))
    made.add_population("map", (8, 2, 2), LIF(decay=0.9))
    made.add_population("out", 1, LI(decay=0.9))
    with pytest.raises(error, match=f"^{message}$"):
        act(made)
    assert list(made.populations) == ["in", "hidden", "image", "map", "out"]
    assert not made.projections


def test_populations_in_channels_are_convolved_and_flattened():
    rng = np.random.default_rng(1)
    made = Network()
    made.add_input("image", (2, 6, 6))
    made.add_population("map", (4, 3, 6), LIF(decay=0.9))
    made.add_population("out", 3, LIF(decay=0.9))
    kernel, flat = rng.normal(size=(4, 2, 3, 3)), rng.normal(size=(72, 3))
    convolution = made.convolve("image", "map", kernel, stride=(2, 1), padding=1, delay=2)
    assert isinstance(convolution, Convolution)
    assert (convolution.stride, convolution.padding) == ((2, 1), ((1, 1), (1, 1)))
    assert convolution.delay == 2
    assert isinstance(made.connect("map", "out", flat), Dense)
    assert [p.target for p in made.projections] == ["map", "out"]


def test_a_pooled_connection_reads_windows_in_the_order_of_the_array():
    rng = np.random.default_rng(2)
    made = Network()
    made.add_population("map", (3, 4, 7), LIF(decay=0.9))
    made.add_population("out", 5, LIF(decay=0.9))
    weights = rng.normal(size=(3 * 2 * 2, 5))
    projection = made.connect("map", "out", weights, pool=(2, 3))
    assert projection.shape == (84, 5)

    # Every pixel of a window has the weights of the window; those of no window have none.
    expected = np.zeros((3, 4, 7, 5))
    windows = weights.reshape(3, 2, 2, 5)
    expected[:, :, :6] = windows.repeat(2, axis=1).repeat(3, axis=2)
    dense = np.zeros((84, 5))
    for pre, post, weight, _ in projection.synapses():
        np.add.at(dense, (pre, post), weight)
    np.testing.assert_array_equal(dense, expected.reshape(84, 5))


def test_networks_have_one_of_two_timings():
    assert Network().timing == "exact"
    assert Network(timing="pipelined").timing == "pipelined"
    message = "^Timing must be one of exact, pipelined, not 'fast'$"
    with pytest.raises(ValueError, match=message):
        Network(timing="fast")
