from typing import Any

import numpy as np
import pytest

from spikeloom.learning import pair_stdp
from spikeloom.network import Network
from spikeloom.neuron import IF, LI, LIF
from spikeloom.quantise import quantise
from spikeloom.reference import Agreement, Reference, compare
from spikeloom_sim.golden import Golden

RESETS = ["subtract", "to value", "none", "subtract delayed"]


def random_network(seed, reset, decay=0.9, refractory=0):
    """Make a network of 20-12-6 neurons with recurrence and a skip, of moderate activity."""
    rng = np.random.default_rng(seed)
    neuron = LIF(decay=decay, reset=reset, refractory=refractory, bias=0.01)
    made = Network()
    made.add_input("in", 20)
    made.add_population("hidden", 12, neuron)
    made.add_population("out", 6, neuron)
    made.connect("in", "hidden", rng.normal(0.08, 0.3, (20, 12)))
    made.connect("hidden", "hidden", rng.normal(0, 0.1, (12, 12)))
    made.connect("hidden", "out", rng.normal(0.1, 0.3, (12, 6)))
    made.connect("in", "out", rng.normal(0, 0.1, (20, 6)))
    return made


def random_spikes(seed, steps=20, batch=80):
    return np.random.default_rng(seed).random((steps, batch, 20)) < 0.1


def received(made, recording, name):
    """Sum what reaches a population in each step, and count the spikes that bring it."""
    steps, batch = recording.spikes["in"].shape[:2]
    total, count = np.zeros((steps, batch, made.populations[name].size)), np.zeros((steps, batch))
    for projection in made.projections:
        if projection.target == name:
            spikes = recording.spikes[projection.source].astype(float)
            if projection.source == name:
                spikes = np.concatenate([np.zeros_like(spikes[:1]), spikes[:-1]])
            total += spikes @ projection.weights
            count += spikes.sum(axis=-1)
    return total, count


def close_calls(made, quantised, recording, name):
    """Tell where rounding could have changed a spike, from the run in real numbers alone.

    With a step q of the potential and a step w of the weights, each step adds to the error, which
    itself decays, at most w / 2 for each spike received, q for rounding the leak toward zero, q / 2
    for the bias, and |v| times the error of the decay factor. A spike or a hold may add q / 2 more,
    for the threshold or the reset value. A spike is a close call if the potential before the reset
    is nearer to the threshold than the error can be, plus q / 2 for the threshold.
    """
    neuron, population = made.populations[name].neuron, quantised.population(name)
    assert neuron is not None
    assert population.neuron is not None
    q, w, decay = population.quantum, population.scale, neuron.decay
    off = abs(population.neuron.decay / 4096 - decay)
    currents, counts = received(made, recording, name)
    state = neuron.rest(currents.shape[1:])
    error = np.zeros(currents.shape[1:])
    close = np.zeros(currents.shape, bool)
    for step, current in enumerate(currents):
        charged = decay * state.potential + current + neuron.bias
        error = (decay + off) * error + off * np.abs(state.potential) + 1.5 * q
        error += counts[step][:, None] * w / 2
        if neuron.reset == "subtract delayed":
            charged = charged - state.fired * neuron.threshold
            error += state.fired * q / 2
        resting = state.refractory > 0
        close[step] = (np.abs(charged - neuron.threshold) <= error + q / 2) & ~resting
        state, fires = neuron.step(state, current)
        np.testing.assert_array_equal(fires, recording.spikes[name][step])
        if neuron.reset == "subtract":
            error += fires * q / 2
        if neuron.reset == "to value":
            error = np.where(fires, q / 2, error)
        error = np.where(resting, q / 2, error)
    return close


@pytest.mark.parametrize("reset", RESETS)
@pytest.mark.parametrize(("decay", "refractory"), [(0.875, 0), (0.9, 2)])
def test_fine_quantisation_changes_no_spike_that_is_no_close_call(reset, decay, refractory):
    made = random_network(1, reset, decay, refractory)
    quantised = quantise(made, weight_width=16, accumulator_width=24, potential_width=24)
    spikes = random_spikes(2)
    expected = Reference(made).run(spikes, record=["in", "hidden", "out"])
    got = Golden(quantised).run(spikes)
    close = np.zeros(spikes.shape[1], bool)
    for name in ("hidden", "out"):
        close |= close_calls(made, quantised, expected, name).any(axis=(0, 2))
    same = np.ones(spikes.shape[1], bool)
    for name in ("hidden", "out"):
        assert 0.02 < expected.spikes[name].mean() < 0.9
        same &= (expected.spikes[name] == got.spikes[name]).all(axis=(0, 2))
    assert same[~close].all()
    assert np.mean(~close) > 0.5


def test_coarser_weights_agree_less():
    made = random_network(3, "subtract")
    spikes = random_spikes(4)
    overlaps = []
    for width in (2, 4, 6, 8, 12):
        quantised = quantise(made, weight_width=width, potential_width=20)
        overlaps.append(compare(made, quantised, spikes)["out"].overlap)
    assert overlaps == sorted(overlaps)
    assert overlaps[0] < 0.9 < 0.97 < overlaps[-1]


def test_potentials_come_back_through_the_scale():
    made = random_network(5, "subtract")
    quantised = quantise(made, weight_width=16, accumulator_width=24, potential_width=24)
    spikes = random_spikes(6, steps=1)
    expected = Reference(made).run(spikes, potentials=True).potentials["hidden"]
    got = Golden(quantised).run(spikes, potentials=True).potentials["hidden"]
    population = quantised.population("hidden")
    # One step: half a weight step for each of at most 20 spikes, and the bias and the threshold.
    bound = 10 * population.scale + population.quantum
    np.testing.assert_allclose(got * population.quantum, expected, rtol=0, atol=bound)
    assert np.abs(expected).max() > 100 * bound


def relay(**parameters):
    made = Network()
    made.add_input("in", 1)
    made.add_population("a", 1, LIF(decay=0.5, **parameters))
    made.add_population("b", 1, LIF(decay=0.0, threshold=0.5))
    made.connect("in", "a", np.array([[0.75]]))
    made.connect("a", "b", np.array([[1.0]]))
    made.connect("b", "a", np.array([[-0.5]]))
    return made


def test_the_reference_keeps_the_order_of_the_step():
    # The spike of a reaches b at once, that of b takes 0.5 from a in the next step.
    recording = Reference(relay()).run(np.ones((5, 1)), potentials=True)
    assert recording.potentials["a"][:, 0, 0].tolist() == [0.75, 0.125, 0.3125, 0.90625, 0.203125]
    assert recording.spikes["a"][:, 0, 0].tolist() == [0, 1, 0, 0, 1]
    assert recording.spikes["b"][:, 0, 0].tolist() == [0, 1, 0, 0, 1]
    assert recording.potentials["a"].dtype == np.float64
    assert recording.counters == {"events": 5 + 2 + 2, "synaptic_operations": 9}


def test_the_reference_continues_from_a_state():
    reference = Reference(relay())
    whole = reference.run(np.ones((9, 1)), potentials=True)
    reference.run(np.ones((4, 1)))
    rest = reference.run(np.ones((5, 1)), potentials=True, state=reference.state)
    for name in ("a", "b"):
        np.testing.assert_array_equal(whole.potentials[name][4:], rest.potentials[name])


def test_comparing_tells_how_near_the_spikes_are():
    made = relay()
    assert compare(made, quantise(made), np.ones((5, 1)))["a"] == Agreement(1.0, 1.0, 0.0, 0)
    assert compare(made, quantise(made), np.zeros((5, 1)))["b"] == Agreement(1.0, 1.0, 0.0, 0)
    # With a threshold out of reach nothing fires: both spikes of five steps are missing.
    silent = compare(made, quantise(relay(threshold=9.0)), np.ones((5, 1)))
    assert silent == {"a": Agreement(0.6, 0.0, 2.0, 2), "b": Agreement(0.6, 0.0, 2.0, 2)}


def test_only_whole_networks_are_run():
    nothing: Any = None
    with pytest.raises(TypeError, match="^Reference runs a Network, not None$"):
        Reference(nothing)
    made = Network()
    with pytest.raises(ValueError, match="^A network must have an input population$"):
        Reference(made)
    made.add_input("in", 1)
    with pytest.raises(ValueError, match="^A network must have a population of neurons$"):
        Reference(made)


def test_a_convolutional_network_in_real_numbers_is_what_loops_compute():
    rng = np.random.default_rng(8)
    made = Network()
    made.add_input("image", (2, 7, 6))
    made.add_population("map", (3, 4, 3), LIF(decay=0.9, bias=np.array([0.1, 0.0, -0.1])))
    made.add_population("out", 4, LI(decay=0.5))
    kernel, weights = rng.normal(size=(3, 2, 3, 2)), rng.normal(size=(3 * 2 * 1, 4))
    made.convolve("image", "map", kernel, stride=2, padding=((1, 1), (0, 1)))
    made.connect("map", "out", weights, pool=(2, 2))
    spikes = rng.random((5, 2, 84)) < 0.4
    got = Reference(made).run(spikes)

    image = np.pad(spikes.reshape(5, 2, 2, 7, 6).astype(float), ((0, 0),) * 3 + ((1, 1), (0, 1)))
    v, read = np.zeros((2, 3, 4, 3)), np.zeros((2, 4))
    for step in range(5):
        v = 0.9 * v + np.array([0.1, 0.0, -0.1])[:, None, None]
        for line in range(4):
            for column in range(3):
                window = image[step, :, :, 2 * line : 2 * line + 3, 2 * column : 2 * column + 2]
                v[:, :, line, column] += np.einsum("bihw,oihw->bo", window, kernel)
        fires = v > 1
        v -= fires
        pooled = fires[:, :, :, :2].reshape(2, 3, 2, 2, 1, 2).sum(axis=(3, 5))
        read = 0.5 * read + pooled.reshape(2, 6) @ weights
        np.testing.assert_array_equal(got.spikes["map"][step], fires.reshape(2, -1))
        np.testing.assert_allclose(got.values["out"][step], read, atol=1e-12)


def test_real_values_are_checked():
    made = Network()
    made.add_input("a", 2, values=True)
    made.add_population("b", 1, IF())
    made.connect("a", "b", np.ones((2, 1)))
    reference = Reference(made)
    assert reference.run(np.array([[0.5, -0.25]]), potentials=True).potentials["b"][0, 0, 0] == 0.25
    with pytest.raises(TypeError, match="^Values of input 'a' must be real numbers, not <U1$"):
        reference.run(np.array([["x", "y"]]))
    with pytest.raises(ValueError, match="^Values of input 'a' must be finite$"):
        reference.run(np.array([[np.nan, 0.0]]))
    agreement = compare(made, quantise(made), np.random.default_rng(1).random((50, 4, 2)))["b"]
    assert agreement.same > 0.9


def test_counts_are_compared_as_numbers():
    def counting(weight: float) -> Network:
        made = Network()
        made.add_input("in", 1)
        made.add_population("out", 1, IF(output="count"))
        made.connect("in", "out", [[weight]])
        return made

    strong, weak = counting(127 / 64), counting(127 / 128)
    assert compare(strong, quantise(strong), np.ones((4, 1)))["out"] == Agreement(1.0, 1.0, 0.0, 0)
    # 1, 2, 2, 2 spikes against 0, 1, 1, 1.
    assert compare(strong, quantise(weak), np.ones((4, 1)))["out"] == Agreement(0.0, 3 / 7, 4.0, 4)


def test_what_learns_stands_still_while_it_is_compared() -> None:
    network = Network("learns")
    network.add_input("in", 8)
    network.add_population("out", 2, LIF(decay=0.5, threshold=1.2))
    random = np.random.default_rng(1)
    network.connect("in", "out", random.random((8, 2)), rule=pair_stdp((0.1, 0.2)))
    spikes = random.random((50, 3, 8)) < 0.3
    assert compare(network, quantise(network), spikes)["out"].same > 0.99
