import numpy as np
import pytest

from spikeloom_hw.neuron import NeuronParameters, Output, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

NEURON = NeuronParameters(threshold=100)
ZEROS = np.zeros(2, int)


def network(**changes):
    """Make a network of 3 inputs, 2 hidden neurons and 1 output; ``changes`` go to its parts."""
    populations = (
        QuantisedPopulation("in", 3),
        QuantisedPopulation("hidden", 2, NEURON),
        QuantisedPopulation("out", 1, NEURON),
    )
    projections = (
        Dense("in", "hidden", np.array([[1, -2], [3, 4], [-5, 6]])),
        Dense("hidden", "hidden", np.array([[0, 1], [1, 0]])),
        Dense("hidden", "out", np.array([[7], [8]])),
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


def test_a_potential_in_quanta_turns_back_into_a_real_number():
    neuron = NeuronParameters(threshold=100, shift=3)
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
        (
            ("p", 1, "LIF"),
            TypeError,
            "Neuron of population 'p' must be NeuronParameters, not 'LIF'",
        ),
        (
            ("p", 2, NeuronParameters(threshold=np.array([1, 2, 3]))),
            ValueError,
            "Population 'p' has 2 neurons, but a parameter of its neurons has 3 values",
        ),
        (
            ("p", 1, NeuronParameters(threshold=1, width=33)),
            ValueError,
            "Potential width of population 'p' must lie between 2 and 32, not 33",
        ),
        (
            ("p", 1, NEURON, 0.0),
            ValueError,
            r"Scale of population 'p' must be a positive number, not 0\.0",
        ),
        (
            ("p", 6, None, 1.0, (2, 3)),
            TypeError,
            r"Shape of population 'p' must be \(channels, height, width\), not \(2, 3\)",
        ),
        (
            ("p", 6, None, 1.0, (2, 3, 2)),
            ValueError,
            r"Shape of population 'p' must hold its 6 neurons, not \(2, 3, 2\)",
        ),
        (
            ("p", 6, None, 1.0, None, 1 << 15),
            ValueError,
            "Largest value of population 'p' must lie between 1 and 32767, not 32768",
        ),
        (
            ("p", 6, NEURON, 1.0, None, 2),
            ValueError,
            (
                "Largest value of population 'p' must be 1, "
                "as only inputs carry values from outside, not 2"
            ),
        ),
    ],
)
def test_wrong_populations_are_refused(arguments, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        QuantisedPopulation(*arguments)


def joined(source, target, weights):
    return {"projections": [Dense(source, target, np.array(weights))]}


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
        ({"timing": "later"}, "Timing must be one of exact, pipelined, not 'later'"),
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
            ("Projection 'hidden' -> 'out' must join 2 neurons to 1, but its weights join 1 to 2"),
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
        Dense("left", "out", np.array(first)),
        Dense("right", "out", np.array(second)),
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


def counting(output=Output.COUNT, **changes):
    """Make a network whose events carry values: 200 at most from the input, 31 from the counts."""
    count = NeuronParameters(threshold=1, reset=Reset.SUBTRACT, output=output)
    populations = (
        QuantisedPopulation("in", 2, largest=200),
        QuantisedPopulation("count", 1, count),
        QuantisedPopulation("out", 1, NEURON),
    )
    projections = (
        Dense("in", "count", np.array([[100], [-3]])),
        Dense("in", "out", np.array([[2], [1]]), delay=3),
        Sparse("count", "out", np.array([-5, 4]), pre=ZEROS, post=ZEROS, delays=np.arange(2)),
    )
    return QuantisedNetwork(populations, projections, **changes)


def test_the_bound_counts_values_and_all_delays():
    made = counting()
    assert made.largest_input("count").tolist() == [103 * 200]
    assert made.largest_input("out").tolist() == [3 * 200 + 9 * 31]
    message = (
        "^Accumulator of population 'count', neuron 0, can reach 20600, more than 15 bits hold, "
        "mostly through projection 'in' -> 'count': use an accumulator of 16 bits, "
        "or weights of fewer bits$"
    )
    with pytest.raises(ValueError, match=message):
        counting(accumulator_width=15)


@pytest.mark.parametrize("output", [Output.VALUE, Output.SILENT])
def test_what_sends_nothing_to_synapses_has_no_projections(output):
    message = (
        "^Projection 'count' -> 'out' starts at a population that sends nothing to synapses; "
        "give it another output than VALUE or SILENT, or leave the projection out$"
    )
    with pytest.raises(ValueError, match=message):
        counting(output)


def test_the_phases_keep_to_the_timing():
    assert counting().phases == {"count": 0, "out": 1}
    assert counting(timing="pipelined").phases == {"count": 0, "out": 0}


def test_real_weights_are_refused():
    message = "^Projection 'hidden' -> 'out' must have integer weights, not float64$"
    with pytest.raises(TypeError, match=message):
        network(**joined("hidden", "out", [[1.0], [2.0]]))


def convolving(source=(2, 4, 4), target=(3, 2, 2)):
    weights = np.ones((3, 2, 3, 3), int)
    return QuantisedNetwork(
        (
            QuantisedPopulation("in", 32, shape=source),
            QuantisedPopulation("maps", 12, NEURON, shape=target),
            QuantisedPopulation("out", 1, NEURON),
        ),
        (
            Convolution("in", "maps", weights, input_shape=(2, 4, 4)),
            Convolution("maps", "out", np.ones((1, 3, 2, 2), int), input_shape=(3, 2, 2)),
        ),
    )


def test_a_convolution_fits_the_shapes_of_its_populations():
    made = convolving()
    assert made.largest_input("maps").tolist() == [18] * 12
    assert made.population("out").maps == (1, 1, 1)
    message = (
        r"^Projection 'in' -> 'maps' is a convolution {} neurons, "
        r"channels by height by width, but population {} has {}$"
    )
    wrong = message.format(r"from \(2, 4, 4\)", "'in'", r"\(32, 1, 1\)")
    with pytest.raises(ValueError, match=wrong):
        convolving(source=None)
    wrong = message.format(r"to \(3, 2, 2\)", "'maps'", r"\(2, 3, 2\)")
    with pytest.raises(ValueError, match=wrong):
        convolving(target=(2, 3, 2))
