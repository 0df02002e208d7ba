from typing import Any

import numpy as np
import pytest

from spikeloom.network import Network
from spikeloom.neuron import LI, LIF


def test_a_population_has_a_size_and_perhaps_a_shape():
    made = Network()
    assert made.add_input("flat", 3).shape is None
    image = made.add_input("image", (2, 4, 5))
    assert (image.size, image.shape) == (40, (2, 4, 5))
    line = made.add_population("line", (3, 1, 7), LIF(decay=0.5))
    assert (line.size, line.shape) == (21, (3, 1, 7))


def test_inputs_of_values_tell_their_unit():
    made = Network()
    spikes = made.add_input("spikes", 3)
    assert (spikes.range, spikes.largest, spikes.unit) == (0.0, 1, 1.0)
    values = made.add_input("values", 3, values=True, range=2.54)
    assert (values.largest, values.unit) == (127, 0.02)
    assert made.add_input("coarse", 3, values=True, largest=4).unit == 0.25


def test_parameters_of_channels_are_given_to_all_their_pixels():
    neuron = LIF(
        decay=np.array([0.5, 0.25]), bias=np.arange(12.0), threshold=2.0, refractory=[1, 2]
    )
    kept = Network().add_population("x", (2, 2, 3), neuron).neuron
    assert kept is not None
    assert kept.decay.tolist() == [0.5] * 6 + [0.25] * 6
    assert kept.refractory.tolist() == [1.0] * 6 + [2.0] * 6
    assert kept.bias.tolist() == list(range(12))
    assert kept.threshold == 2.0
    assert neuron.sizes == {2, 12}
    values = Network().add_population("x", (2, 1, 2), LI(decay=[0.5, 1.0])).neuron
    assert values is not None
    assert values.decay.tolist() == [0.5, 0.5, 1.0, 1.0]


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
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
            (
                r"Size of population 'x' must be an integer or \(channels, height, width\), "
                r"not 1\.5"
            ),
        ),
        (
            lambda n: n.add_input("x", (3, 4)),
            ValueError,
            (
                r"Shape of population 'x' must be \(channels, height, width\), "
                r"with a height of 1 in one dimension, not \(3, 4\)"
            ),
        ),
        (
            lambda n: n.add_input("x", (3, 0, 4)),
            ValueError,
            r"Size of population 'x' must be at least 1, not \(3, 0, 4\)",
        ),
        (
            lambda n: n.add_input("x", 3, values=True, range=0),
            ValueError,
            "Range of input 'x' must be a positive number, not 0",
        ),
        (
            lambda n: n.add_input("x", 3, values=True, largest=1 << 15),
            ValueError,
            "Largest value of input 'x' must lie between 2 and 32767, not 32768",
        ),
        (
            lambda n: n.add_input("x", 3, values=True, largest=1.0),
            TypeError,
            r"Largest value of input 'x' must be an integer, not 1\.0",
        ),
        (
            lambda n: n.add_population("x", 3, 0.9),
            TypeError,
            r"Neuron of population 'x' must be an LIF or the like, not 0\.9",
        ),
        (
            lambda n: n.add_population("x", 3, LIF(decay=np.array([0.1, 0.2]))),
            ValueError,
            "Population 'x' has 3 neurons, but a parameter of its neurons has 2 values",
        ),
        (
            lambda n: n.add_population("x", (4, 1, 2), LIF(decay=np.array([0.1, 0.2]))),
            ValueError,
            (
                "Population 'x' has 8 neurons in 4 channels, "
                "but a parameter of its neurons has 2 values"
            ),
        ),
    ],
)
def test_wrong_populations_are_refused(act: Any, error: Any, message: str):
    made = Network()
    with pytest.raises(error, match=f"^{message}$"):
        act(made)
    assert not made.populations
