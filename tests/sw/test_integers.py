import numpy as np
import pytest

from spikeloom.errors import QuantisationError
from spikeloom.integers import Format, to_integers
from spikeloom.network import Network
from spikeloom.neuron import ALIF, IF, LI, LIF, CubaLIF, Integrator
from spikeloom.quantise import quantise
from spikeloom.reference import Reference, in_integers
from spikeloom_hw.neuron import Leak, Output, Synapse
from spikeloom_hw.number import Signed
from spikeloom_sim.golden import Golden

FORMAT = Format(8, 18, Signed(18), 4)

# What needs no rounding: weights that are whole numbers, and decays that halve at most 7 times.
EXACT = {
    "LIF": LIF(decay=0.5, threshold=20.0, bias=1.0),
    "to value": LIF(decay=0.5, threshold=20.0, reset="to value", reset_value=-3.0, refractory=2),
    "delayed": LIF(decay=0.5, threshold=20.0, reset="subtract delayed", inclusive=True),
    "none": IF(threshold=20.0, reset="none", minimum=-9.0),
    "shift": LIF(decay=1, leak="shift", threshold=20.0),
    "linear": LIF(decay=3.0, leak="linear", threshold=20.0),
    "new": CubaLIF(decay=0.0, current_decay=0.5, threshold=20.0),
    "old": CubaLIF(decay=1.0, current_decay=0.5, synapse="old", threshold=20.0),
    "adaptive": ALIF(decay=1.0, adaptation_decay=0.5, adaptation_step=5.0, threshold=20.0),
    "all": ALIF(
        decay=np.array([0.0, 0.5, 1.0] * 4),
        synapse="new",
        current_decay=np.array([0.0, 1.0] * 6),
        adaptation_decay=0.5,
        adaptation_step=np.arange(12.0),
        refractory=np.arange(12) % 3,
        threshold=np.arange(12.0) + 5,
        minimum=-50.0,
    ),
    "count": IF(threshold=4.0, output="count"),
    "count inclusive": IF(threshold=4.0, output="count", inclusive=True, minimum=-4.0),
    "winner": LIF(decay=0.5, threshold=20.0, winner=True, inhibition=6.0),
    "value": LI(decay=0.5),
    "silent": Integrator(output="silent", synapse="old", current_decay=0.5),
}


@pytest.mark.parametrize("kind", EXACT)
@pytest.mark.parametrize("timing", ["exact", "pipelined"])
def test_without_rounding_integers_and_real_numbers_are_the_same(kind, timing):
    rng = np.random.default_rng(4)
    made = Network(timing=timing)
    made.add_input("in", 10)
    made.add_input("analog", 3, values=True, range=127 / 8)
    made.add_population("a", 12, EXACT[kind])
    made.add_population("b", 6, IF(threshold=200.0))
    weights = rng.integers(-7, 8, (10, 12))
    weights[0, 0] = 127
    made.connect("in", "a", weights)
    made.connect("analog", "a", rng.integers(-4, 5, (3, 12)) * 8, delay=1)
    if EXACT[kind].output in ("spike", "count"):
        made.connect("a", "a", rng.integers(-3, 4, (12, 12)))
        onward = rng.integers(-3, 4, (12, 6))
        onward[0, 0] = 127
        made.connect("a", "b", onward, delay=1)
    quantised = quantise(made, fractional_bits=7, accumulator_width=20, potential_width=24)
    assert quantised.population("a").scale == 1.0

    inputs = {
        "in": rng.random((7, 50, 10)) < 0.3,
        "analog": rng.integers(-127, 128, (7, 50, 3)) / 8 * (rng.random((7, 50, 3)) < 0.3),
    }
    expected = Reference(made).run(inputs, potentials=True)
    got = Golden(quantised).run(in_integers(quantised, inputs), potentials=True)
    for name, array in (expected.spikes | expected.values).items():
        unit = quantised.population(name).quantum if name in expected.values else 1
        np.testing.assert_allclose((got.spikes | got.values)[name] * unit, array, atol=1e-9)
    for name, array in expected.potentials.items():
        quantum = quantised.population(name).quantum
        np.testing.assert_allclose(got.potentials[name] * quantum, array, atol=1e-9)
    assert expected.counters == got.counters
    if EXACT[kind].output in ("spike", "count"):
        assert 0.02 < (expected.spikes["a"] > 0).mean() < 0.9


def test_the_optional_parts_are_scaled_as_potentials_and_shares():
    neuron = ALIF(
        decay=0.5,
        threshold=2.0,
        synapse="old",
        current_decay=np.array([0.25, 0.9]),
        adaptation_decay=0.99,
        adaptation_step=0.3,
        winner=True,
        inhibition=0.125,
        seed=77,
    )
    made = to_integers("x", neuron, 0.25, FORMAT)
    assert (made.threshold, made.adaptation_step, made.inhibition) == (128, 19, 8)
    assert made.current_decay.tolist() == [1024, 3686]
    assert (made.decay, made.adaptation_decay) == (2048, 4055)
    assert (made.synapse, made.output, made.winner, made.seed) == (
        Synapse.OLD,
        Output.SPIKE,
        True,
        77,
    )


def test_a_decay_is_what_the_leak_says():
    shift = to_integers("x", LIF(decay=3, leak="shift"), 0.25, FORMAT)
    linear = to_integers("x", LIF(decay=3, leak="linear"), 0.25, FORMAT)
    assert (shift.leak, shift.decay) == (Leak.SHIFT, 3)
    assert (linear.leak, linear.decay) == (Leak.LINEAR, 192)


@pytest.mark.parametrize(
    ("amplitude", "bits"), [(0.0, 0), (1 / 64, 1), (0.1, 4), (0.125, 4), (1.0, 7), (1.5, 8)]
)
def test_noise_has_the_bits_that_come_nearest_to_its_amplitude(amplitude, bits):
    # A step of the potential is 1/64.
    assert to_integers("x", IF(noise=amplitude), 0.25, FORMAT).noise == bits


@pytest.mark.parametrize(
    ("neuron", "message"),
    [
        (
            IF(noise=0.001),
            (
                "Population 'x' has noise of amplitude 0.001, less than a step of the potential, "
                "0.015625: use more fractional bits, or no noise"
            ),
        ),
        (
            ALIF(decay=1, adaptation_decay=1, adaptation_step=3000.0),
            (
                "Population 'x' has an adaptation step of magnitude 3000, which is 192000 in steps "
                "of 0.015625 and does not fit in 18 bits: use a wider potential, weights of fewer "
                "bits, or fewer fractional bits"
            ),
        ),
        (
            IF(threshold=0.001, output="count"),
            "Population 'x' does not fit: Output COUNT needs a threshold of at least 1, not 0",
        ),
    ],
)
def test_what_does_not_fit_is_refused_with_the_name_of_the_population(neuron, message):
    with pytest.raises(QuantisationError, match=f"^{message}$"):
        to_integers("x", neuron, 0.25, FORMAT)


def test_fractional_bits_are_fewer_where_a_part_needs_the_room():
    chosen = Format(8, 18, Signed(18), None)
    assert to_integers("x", IF(), 0.01, chosen).shift == 6
    assert to_integers("x", IF(noise=100.0), 0.01, chosen).shift == 1
    assert to_integers("x", IF(winner=True, inhibition=20.0), 0.01, chosen).shift == 4
    assert to_integers("x", LIF(decay=20.0, leak="linear"), 0.01, chosen).shift == 4
