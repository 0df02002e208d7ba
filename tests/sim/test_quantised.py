import os

import numpy as np
import pytest

from spikeloom_hw.neuron import LIFParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation, QuantisedProjection

NEURON = LIFParameters(threshold=100)


def network(**changes):
    """Make a network of 3 inputs, 2 hidden neurons and 1 output; ``changes`` go to its parts."""
    populations = (
        QuantisedPopulation("in", 3),
        QuantisedPopulation("hidden", 2, NEURON),
        QuantisedPopulation("out", 1, NEURON),
    )
    projections = (
        QuantisedProjection("in", "hidden", np.array([[1, -2], [3, 4], [-5, 6]])),
        QuantisedProjection("hidden", "hidden", np.array([[0, 1], [1, 0]])),
        QuantisedProjection("hidden", "out", np.array([[7], [8]])),
    )
    return QuantisedNetwork(**{"populations": populations, "projections": projections, **changes})


def test_parts_are_found_by_name():
    made = network()
    assert [p.name for p in made.inputs] == ["in"]
    assert [p.name for p in made.neurons] == ["hidden", "out"]
    assert made.population("out") is made.populations[2]
    assert made.projections_from("hidden") == made.projections[1:]
    assert made.projections_into("hidden") == made.projections[:2]
    assert made.phases == {"hidden": 0, "out": 1}
    assert made.largest_input("hidden").tolist() == [1 + 3 + 5 + 1, 2 + 4 + 6 + 1]
    message = "^There is no population 'x'; the network has 'in', 'hidden', 'out'$"
    with pytest.raises(ValueError, match=message):
        made.population("x")


@pytest.mark.parametrize(("largest", "dtype"), [(32767, np.int16), (32768, np.int32)])
def test_weights_are_kept_narrow_and_read_only(largest, dtype):
    weights = np.array([[largest, -1]])
    projection = QuantisedProjection("a", "b", weights)
    assert projection.weights.dtype == dtype
    assert projection.weights.tolist() == weights.tolist()
    weights[0, 0] = 0
    assert projection.weights[0, 0] == largest
    with pytest.raises(ValueError, match="read-only"):
        projection.weights[0, 0] = 1


def test_a_potential_in_quanta_turns_back_into_a_real_number():
    neuron = LIFParameters(threshold=100, shift=3)
    assert QuantisedPopulation("p", 1, neuron, 0.5).quantum == 0.0625
    assert QuantisedPopulation("i", 1, None, 0.5).quantum == 0.5


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((3, 1), TypeError, "Name of a population must be a string, not 3"),
        (("", 1), ValueError, "Name of a population must not be empty"),
        (("p", 0), ValueError, "Size of population 'p' must lie between 1 and 1048576, not 0"),
        (("p", 2.0), TypeError, "Size of population 'p' must be an integer, not 2.0"),
        (("p", True), TypeError, "Size of population 'p' must be an integer, not True"),
        (("p", 1, "LIF"), TypeError, "Neuron of population 'p' must be LIFParameters, not 'LIF'"),
        (
            ("p", 2, LIFParameters(threshold=np.array([1, 2, 3]))),
            ValueError,
            "Population 'p' has 2 neurons, but a parameter of its neurons has 3 values",
        ),
        (
            ("p", 1, LIFParameters(threshold=1, width=33)),
            ValueError,
            "Potential width of population 'p' must lie between 2 and 32, not 33",
        ),
        (
            ("p", 1, NEURON, 0.0),
            ValueError,
            r"Scale of population 'p' must be a positive number, not 0\.0",
        ),
    ],
)
def test_wrong_populations_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        QuantisedPopulation(*arguments)


@pytest.mark.parametrize(
    ("weights", "error", "message"),
    [
        (
            [[0.5]],
            TypeError,
            (
                r"Weights of projection 'a' -> 'b' must be a \(pre, post\) integer array, "
                r"not float64 of shape \(1, 1\)"
            ),
        ),
        (
            [1, 2],
            TypeError,
            (
                r"Weights of projection 'a' -> 'b' must be a \(pre, post\) integer array, "
                r"not int64 of shape \(2,\)"
            ),
        ),
        (
            [[1 << 31]],
            ValueError,
            "Weights of projection 'a' -> 'b' must fit in 32 bits, 2147483648 does not",
        ),
    ],
)
def test_wrong_weights_are_refused(weights, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        QuantisedProjection("a", "b", np.array(weights))


def joined(source, target, weights):
    return {"projections": [QuantisedProjection(source, target, np.array(weights))]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"populations": [QuantisedPopulation("p", 1), QuantisedPopulation("p", 1, NEURON)]},
            "Name 'p' is given to more than one population",
        ),
        (
            {"populations": [QuantisedPopulation("p", 1, NEURON)], "projections": ()},
            "A network must have an input population",
        ),
        (
            {"populations": [QuantisedPopulation("p", 1)], "projections": ()},
            "A network must have a population of neurons",
        ),
        ({"weight_width": 1}, "Weight width must lie between 2 and 24, not 1"),
        ({"accumulator_width": 33}, "Accumulator width must lie between 2 and 32, not 33"),
        (
            joined("in", "x", [[1]]),
            "Projection 'in' -> 'x' names 'x', which is no population of the network",
        ),
        (
            joined("x", "out", [[1]]),
            "Projection 'x' -> 'out' names 'x', which is no population of the network",
        ),
        (
            joined("out", "in", [[1, 1, 1]]),
            "Projection 'out' -> 'in' ends in an input population, which takes no projections",
        ),
        (
            joined("hidden", "out", [[1, 1]]),
            r"Projection 'hidden' -> 'out' must have weights of shape \(2, 1\), not \(1, 2\)",
        ),
        (
            joined("hidden", "out", [[1], [128]]),
            (
                "Projection 'hidden' -> 'out' must have weights from -128 to 127, "
                "which fit in 8 bits, not 128"
            ),
        ),
        (
            {"weight_width": 4, **joined("hidden", "out", [[-9], [9]])},
            (
                "Projection 'hidden' -> 'out' must have weights from -8 to 7, "
                "which fit in 4 bits, not -9"
            ),
        ),
    ],
)
def test_wrong_networks_are_refused(changes, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        network(**changes)


def test_full_range_weights_are_taken():
    made = network(**joined("hidden", "out", [[-128], [127]]))
    assert made.projections[0].weights.tolist() == [[-128], [127]]


def converging(first, second, accumulator_width):
    populations = (
        QuantisedPopulation("left", 2),
        QuantisedPopulation("right", 2),
        QuantisedPopulation("out", 2, NEURON),
    )
    projections = (
        QuantisedProjection("left", "out", np.array(first)),
        QuantisedProjection("right", "out", np.array(second)),
    )
    return QuantisedNetwork(populations, projections, 8, accumulator_width)


def test_a_sum_that_just_fits_the_accumulator_is_taken_and_never_wraps():
    made = converging([[1, 100], [0, 27]], [[0, 100], [2, 28]], 9)
    ones = np.ones((1, 2), bool)
    recording = Golden(made).run({"left": ones, "right": ones}, potentials=True)
    assert recording.potentials["out"].tolist() == [[[3, 0]]]
    assert recording.spikes["out"].tolist() == [[[False, True]]]


def test_an_accumulator_that_could_wrap_is_refused():
    # One step in which all four inputs fire would give -256 + 0, or 256 and wrap to -256.
    message = (
        "^Accumulator of population 'out', neuron 1, can reach 256, more than 9 bits hold, "
        "mostly through projection 'right' -> 'out': use an accumulator of 10 bits, "
        "or weights of fewer bits$"
    )
    with pytest.raises(ValueError, match=message):
        converging([[1, 100], [0, 27]], [[0, -101], [2, -28]], 9)


def test_magnitudes_count_even_if_signs_cancel():
    with pytest.raises(ValueError, match="can reach 256, more than 9 bits hold"):
        converging([[0, -128], [0, 0]], [[0, 127], [0, 1]], 9)


def test_a_network_is_saved_and_loaded(tmp_path):
    neuron = LIFParameters(
        threshold=np.array([5, 6]),
        decay=4000,
        bias=-1,
        reset=Reset.SUBTRACT_DELAYED,
        reset_value=np.array([-2, 3]),
        minimum=-50,
        refractory=2,
        inclusive=True,
        shift=3,
        width=16,
    )
    populations = (
        QuantisedPopulation("in/0", 3),
        QuantisedPopulation("hidden", 2, neuron, 0.125),
        QuantisedPopulation("out", 1, NEURON),
    )
    made = network(populations=populations, projections=network().projections[1:])
    path = tmp_path / "network.npz"
    made.save(path)
    loaded = QuantisedNetwork.load(path)
    assert os.listdir(tmp_path) == ["network.npz"]
    assert (loaded.weight_width, loaded.accumulator_width) == (8, 18)
    for one, other in zip(made.populations, loaded.populations, strict=True):
        assert (one.name, one.size, one.scale) == (other.name, other.size, other.scale)
        if one.neuron is None or other.neuron is None:
            assert one.neuron is other.neuron
            continue
        for name in LIFParameters.__dataclass_fields__:
            expected, got = getattr(one.neuron, name), getattr(other.neuron, name)
            assert type(got) is type(expected)
            np.testing.assert_array_equal(got, expected)
    for one, other in zip(made.projections, loaded.projections, strict=True):
        assert (one.source, one.target) == (other.source, other.target)
        np.testing.assert_array_equal(one.weights, other.weights)


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9, 0.999])
def test_a_file_cut_short_is_refused(tmp_path, share):
    path = tmp_path / "network.npz"
    network().save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=f"^{path} is not a complete quantised network file$"):
        QuantisedNetwork.load(path)
