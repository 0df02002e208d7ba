from typing import Any

import numpy as np
import pytest

from spikeloom.errors import QuantisationError
from spikeloom.network import Network
from spikeloom.neuron import IF, LIF
from spikeloom.quantise import quantise
from spikeloom_hw.neuron import Reset
from spikeloom_sim.projection import Convolution, Sparse


def network(weights=((0.5, -1.27), (0.1, 0.0)), **parameters):
    made = Network()
    made.add_input("in", 2)
    made.add_population("out", 2, LIF(**{"decay": 0.9, **parameters}))
    made.connect("in", "out", np.array(weights))
    return made


def test_weights_of_all_projections_into_a_population_share_one_scale():
    made = network()
    made.connect("out", "out", np.array([[0.635, 0.0], [0.0, -0.0149]]))
    quantised = quantise(made)
    assert quantised.population("out").scale == 1.27 / 127
    assert quantised.projections[0].weights.tolist() == [[50, -127], [10, 0]]
    assert quantised.projections[1].weights.tolist() == [[64, 0], [0, -1]]
    assert quantised.population("in").scale == 1.0


def test_potentials_are_scaled_with_the_weights():
    made = network(
        decay=0.85,
        threshold=np.array([1.0, 2.0]),
        bias=-0.01,
        reset="subtract delayed",
        reset_value=0.3,
        minimum=-5.0,
        refractory=3,
        inclusive=True,
    )
    neuron = quantise(made, fractional_bits=4).population("out").neuron
    assert neuron is not None
    assert neuron.threshold.tolist() == [1600, 3200]
    assert (neuron.bias, neuron.reset_value, neuron.minimum) == (-16, 480, -8000)
    assert (neuron.decay, neuron.refractory, neuron.shift) == (3482, 3, 4)
    assert (neuron.reset, neuron.inclusive, neuron.width) == (Reset.SUBTRACT_DELAYED, True, 18)


@pytest.mark.parametrize(
    ("threshold", "shift"),
    [
        # 2**15 is comfortable in 18 bits; the scale is 0.01.
        (1.0, 6),
        (5.12, 6),
        (5.13, 5),
        (163.0, 1),
        (400.0, 0),
        (1300.0, 0),
    ],
)
def test_fractional_bits_are_as_many_as_stay_comfortable(threshold, shift):
    neuron = quantise(network(threshold=threshold)).population("out").neuron
    assert neuron is not None
    assert neuron.shift == shift
    assert neuron.threshold == round(threshold * 100 * 2**shift)


def test_the_smallest_format_has_three_weights():
    quantised = quantise(network(((0.5, -1.0), (0.4, 0.7))), weight_width=2)
    assert quantised.projections[0].weights.tolist() == [[0, -1], [0, 1]]
    assert quantised.weight_width == 2


@pytest.mark.parametrize("weight_width", [2, 4, 8, 16])
def test_no_weight_is_off_by_more_than_half_a_step(weight_width):
    weights = np.random.default_rng(weight_width).normal(0, 0.3, (2, 2))
    made = network(weights)
    quantised = quantise(made, weight_width=weight_width, accumulator_width=24, potential_width=24)
    scale = quantised.population("out").scale
    error = np.abs(quantised.projections[0].weights * scale - weights)
    assert error.max() <= scale / 2 * (1 + 1e-9)
    assert np.abs(quantised.projections[0].weights).max() == 2 ** (weight_width - 1) - 1


def test_a_neuron_that_never_fires_gets_the_greatest_threshold():
    neuron = quantise(network(threshold=np.inf)).population("out").neuron
    assert neuron is not None
    assert neuron.threshold == (1 << 17) - 1
    assert not neuron.inclusive


def test_a_minimum_below_the_format_is_the_least_of_the_format():
    neuron = quantise(network(minimum=-1e9)).population("out").neuron
    assert neuron is not None
    assert neuron.minimum == -(1 << 17)


def test_populations_without_weights_are_scaled_by_their_threshold():
    made = network(((0.0, 0.0), (0.0, 0.0)), bias=0.5, threshold=2.0)
    quantised = quantise(made)
    neuron = quantised.population("out").neuron
    assert neuron is not None
    assert not quantised.projections[0].weights.any()
    assert neuron.threshold == 4 * neuron.bias > 0


def test_an_accumulator_that_is_too_narrow_is_told_with_names():
    made = Network()
    made.add_input("small", 1)
    made.add_input("large", 300)
    made.add_population("out", 2, LIF(decay=0.9))
    made.connect("small", "out", np.array([[1.0, 1.0]]))
    made.connect("large", "out", np.tile([0.5, 1.0], (300, 1)))
    message = (
        "^Accumulator of population 'out', neuron 1, can reach 38227, more than 16 bits hold, "
        "mostly through projection 'large' -> 'out': use an accumulator of 17 bits, "
        "or weights of fewer bits$"
    )
    with pytest.raises(QuantisationError, match=message):
        quantise(made, accumulator_width=16)
    assert quantise(made, accumulator_width=17).accumulator_width == 17


def test_a_threshold_that_does_not_fit_is_told_with_names():
    message = (
        "^Population 'out' has a threshold of magnitude 2000, which is 200000 in steps of 0.01 "
        "and does not fit in 18 bits: use a wider potential, weights of fewer bits, "
        "or fewer fractional bits$"
    )
    with pytest.raises(QuantisationError, match=message):
        quantise(network(threshold=2000.0))
    assert quantise(network(threshold=2000.0), potential_width=20).neurons


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"weight_width": 1},
            ValueError,
            "Weight width must be at least 2, a sign and a magnitude, not 1",
        ),
        ({"weight_width": 8.0}, TypeError, r"Weight width must be an integer, not 8\.0"),
        (
            {"fractional_bits": 8},
            ValueError,
            "Fractional bits must be None or lie between 0 and 7, not 8",
        ),
        (
            {"potential_width": 1},
            ValueError,
            "Width must be an integer of at least 2, not 1",
        ),
    ],
)
def test_wrong_widths_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        quantise(network(), **arguments)


def test_only_networks_are_quantised():
    three: Any = 3
    with pytest.raises(TypeError, match="^Network must be a Network, not 3$"):
        quantise(three)
    made = Network()
    made.add_input("in", 2)
    with pytest.raises(QuantisationError, match="^A network must have a population of neurons$"):
        quantise(made)


def test_a_weight_of_an_input_of_values_counts_times_its_unit():
    made = Network()
    made.add_input("spikes", 2)
    made.add_input("analog", (2, 1, 1), values=True, range=0.5, largest=50)
    made.add_population("out", 1, LIF(decay=0.9))
    made.connect("spikes", "out", [[1.27], [-0.5]])
    made.connect("analog", "out", [[30.0], [-127.0]], delay=3)
    quantised = quantise(made)
    # The value 1 stands for 0.01: its weights are 0.3 and -1.27.
    assert quantised.population("out").scale == 1.27 / 127
    assert quantised.projections[0].weights.tolist() == [[127], [-50]]
    assert quantised.projections[1].weights.tolist() == [[30], [-127]]
    analog = quantised.population("analog")
    assert (analog.scale, analog.largest, analog.shape) == (0.01, 50, (2, 1, 1))
    assert quantised.projections[1].delay == 3


def test_projections_of_all_kinds_keep_their_form():
    made = Network(timing="pipelined")
    made.add_input("image", (2, 4, 4))
    made.add_population("map", (4, 4, 4), LIF(decay=0.9))
    made.add_population("out", 3, LIF(decay=0.9))
    made.convolve("image", "map", np.full((4, 1, 3, 3), 0.5), padding=1, groups=2, delay=1)
    made.connect("map", "out", np.full((16, 3), -0.25), pool=2)
    made.connect_sparse("map", "out", [0.5, -0.125], ends=([0, 63], [2, 0]), delay=[4, 5])
    quantised = quantise(made)
    convolution, dense, sparse = quantised.projections
    assert quantised.timing == "pipelined"
    assert isinstance(convolution, Convolution)
    assert (convolution.groups, convolution.delay) == (2, 1)
    assert convolution.weights.dtype == np.int16
    assert (convolution.weights == 127).all()
    assert isinstance(dense, Convolution)
    assert dense.pool == (2, 2)
    assert (dense.weights == -64).all()
    assert isinstance(sparse, Sparse)
    assert (sparse.weights.tolist(), sparse.longest_delay) == ([127, -32], 5)
    assert quantised.population("map").shape == (4, 4, 4)


def test_counts_need_room_in_the_accumulator():
    made = Network()
    made.add_input("in", 1)
    made.add_population("many", 20, IF(output="count"))
    made.add_population("out", 1, LIF(decay=0.9))
    made.connect("in", "many", np.ones((1, 20)))
    made.connect("many", "out", np.ones((20, 1)))
    message = (
        "^Accumulator of population 'out', neuron 0, can reach 78740, more than 16 bits hold, "
        "mostly through projection 'many' -> 'out': use an accumulator of 18 bits, "
        "or weights of fewer bits$"
    )
    with pytest.raises(QuantisationError, match=message):
        quantise(made, accumulator_width=16)
    assert quantise(made, accumulator_width=18).largest_input("out").tolist() == [127 * 31 * 20]
