from typing import Any

import numpy as np
import pytest

from spikeloom.network import Network
from spikeloom.neuron import IF


def convolve(kernel: Any, shape: Any, target: Any, **geometry: Any) -> Any:
    made = Network()
    made.add_input("a", shape)
    made.add_population("b", target, IF())
    return made.convolve("a", "b", np.ones(kernel), **geometry)


@pytest.mark.parametrize(
    ("geometry", "target", "padding"),
    [
        ({}, (4, 5, 4), ((0, 0), (0, 0))),
        ({"padding": "valid"}, (4, 5, 4), ((0, 0), (0, 0))),
        ({"padding": 1}, (4, 7, 6), ((1, 1), (1, 1))),
        ({"padding": (0, 2)}, (4, 5, 8), ((0, 0), (2, 2))),
        ({"padding": ((1, 0), (2, 3))}, (4, 6, 9), ((1, 0), (2, 3))),
        ({"padding": "same"}, (4, 8, 8), ((1, 2), (2, 2))),
        ({"padding": "same", "dilation": (2, 1)}, (4, 8, 8), ((3, 3), (2, 2))),
        ({"padding": "same", "pool": 2}, (4, 4, 4), ((1, 2), (2, 2))),
        ({"stride": (2, 3)}, (4, 3, 2), ((0, 0), (0, 0))),
    ],
)
def test_two_dimensions_are_written_as_in_pytorch(geometry, target, padding):
    made = convolve((4, 2, 4, 5), (2, 8, 8), target, **geometry)
    assert made.output_shape == target
    assert made.padding == padding


@pytest.mark.parametrize(
    ("geometry", "length"),
    [
        ({}, 18),
        ({"padding": 1}, 20),
        ({"padding": "same"}, 20),
        ({"stride": 2}, 9),
        ({"dilation": 3, "pool": 2}, 4),
        ({"padding": (0, 2)}, 22),
    ],
)
def test_one_dimension_has_a_height_of_1_which_single_numbers_leave_alone(geometry, length):
    made = convolve((4, 2, 3), (2, 1, 20), (4, 1, length), **geometry)
    assert made.weights.shape == (4, 2, 1, 3)
    assert made.output_shape == (4, 1, length)


def test_groups_and_delay_are_passed_on():
    made = convolve((6, 1, 3, 3), (3, 5, 5), (6, 3, 3), groups=3, delay=4)
    assert (made.groups, made.delay) == (3, 4)


@pytest.mark.parametrize(
    ("kernel", "geometry", "error", "message"),
    [
        (
            (4, 2, 3, 3),
            {"strides": 2},
            TypeError,
            (
                "Projection 'a' -> 'b' has no 'strides', a convolution has delay, dilation, "
                "groups, padding, pool, stride"
            ),
        ),
        (
            (4, 2, 3),
            {},
            ValueError,
            (
                "Projection 'a' -> 'b' has a kernel of one dimension, so its source must have "
                r"the shape \(channels, 1, length\), not \(2, 8, 8\)"
            ),
        ),
        (
            (4, 2, 3, 3),
            {"padding": "full"},
            ValueError,
            "Padding of projection 'a' -> 'b' must be 'same', 'valid' or integers, not 'full'",
        ),
        (
            (4, 2, 3, 3),
            {"padding": "same", "stride": 2},
            ValueError,
            (
                "Padding of projection 'a' -> 'b' can be 'same' only with a stride of 1, "
                r"not \(2, 2\)"
            ),
        ),
        (
            (4, 2, 3, 3),
            {"dilation": 1.5},
            TypeError,
            (
                "Dilation of projection 'a' -> 'b' must be an integer or a pair of integers, "
                r"not 1\.5"
            ),
        ),
        (
            (4, 3, 3, 3),
            {},
            ValueError,
            ("Weights of projection 'a' -> 'b' must have 2 in channels, those of a group, not 3"),
        ),
    ],
)
def test_wrong_geometry_is_refused(kernel, geometry, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        convolve(kernel, (2, 8, 8), (4, 6, 6), **geometry)
