from typing import Any

import numpy as np
import pytest

from spikeloom.neuron import ALIF, IF, LI, LIF, CubaLIF, Integrator, Neuron, to_decay


def run(neuron: Neuron, currents: Any) -> tuple[list[Any], list[Any]]:
    """Give one neuron its input step by step: potentials, and what it sends."""
    currents = np.asarray(currents, float)[:, None]
    sent, potentials = np.empty(currents.shape), np.empty(currents.shape)
    neuron.advance(neuron.rest((1,)), currents, sent, potentials)
    return potentials[:, 0].tolist(), sent[:, 0].tolist()


@pytest.mark.parametrize(
    ("changes", "potentials", "spikes"),
    [
        ({"reset": "to value", "reset_value": 0.25}, [0.75, 0.25, 0.875, 0.25], [0, 1, 0, 1]),
        ({"reset": "subtract"}, [0.75, 0.125, 0.8125, 0.15625], [0, 1, 0, 1]),
        ({"reset": "none"}, [0.75, 1.125, 1.3125, 1.40625], [0, 1, 1, 1]),
        ({"reset": "subtract delayed"}, [0.75, 1.125, 0.3125, 0.90625], [0, 1, 0, 0]),
        ({"refractory": 1, "reset_value": -1.0}, [0.75, 0.125, -1.0, 0.25], [0, 1, 0, 0]),
        ({"threshold": 0.75, "inclusive": True}, [0.0, 0.0, 0.0, 0.0], [1, 1, 1, 1]),
        ({"bias": -0.25}, [0.5, 0.75, 0.875, 0.9375], [0, 0, 0, 0]),
        ({"bias": -1.0, "minimum": -0.125}, [-0.125, -0.125, -0.125, -0.125], [0, 0, 0, 0]),
        ({"threshold": np.inf}, [0.75, 1.125, 1.3125, 1.40625], [0, 0, 0, 0]),
        (
            {"threshold": np.inf, "reset": "subtract delayed"},
            [0.75, 1.125, 1.3125, 1.40625],
            [0, 0, 0, 0],
        ),
        ({"decay": 2, "leak": "shift"}, [0.75, 0.3125, 0.984375, 0.48828125], [0, 1, 0, 1]),
        ({"decay": 0.25, "leak": "linear"}, [0.75, 0.25, 0.75, 0.25], [0, 1, 0, 1]),
        ({"decay": 2.0, "leak": "linear"}, [0.75, 0.75, 0.75, 0.75], [0, 0, 0, 0]),
    ],
)
def test_hand_worked_tables(changes, potentials, spikes):
    assert run(LIF(**{"decay": 0.5} | changes), [0.75] * 4) == (potentials, spikes)


def test_integrate_and_fire_does_not_leak():
    assert run(IF(), [0.75, 0, 0, 0.5]) == ([0.75, 0.75, 0.75, 0.25], [0, 0, 0, 1])


@pytest.mark.parametrize(
    ("synapse", "potentials", "spikes"),
    [
        ("new", [0.75, 0.5, 0.5625, 0.6875], [0, 1, 1, 1]),
        ("old", [0.0, 0.75, 0.5, 0.5625], [0, 0, 1, 1]),
    ],
)
def test_a_current_reaches_the_potential_in_its_step_or_in_the_next(synapse, potentials, spikes):
    neuron = CubaLIF(decay=0.5, current_decay=0.5, synapse=synapse)
    assert run(neuron, [0.75] * 4) == (potentials, spikes)


def test_current_and_adaptation_go_on_while_the_neuron_rests():
    neuron = CubaLIF(
        decay=0.0, current_decay=0.5, refractory=2, adaptation_step=8.0, adaptation_decay=0.5
    )
    potentials, spikes = run(neuron, [16, 0, 0, 0, 0, 2])
    # The current is 16, 8, 4, 2, 1, 2.5; the threshold 1, 9, 5, 3, 2, 1.5.
    assert potentials == [15.0, 0.0, 0.0, 2.0, 1.0, 1.0]
    assert spikes == [1, 0, 0, 0, 0, 1]


def test_a_spike_raises_the_threshold_from_the_next_step_on():
    neuron = ALIF(decay=0.5, adaptation_decay=0.5, adaptation_step=1.0)
    assert run(neuron, [0.75] * 4) == ([0.75, 0.125, 0.8125, 1.15625], [0, 1, 0, 0])
    # The threshold of 1.5 is what the last spike takes from 1.65625 of the potential.
    assert run(neuron, [0.75] * 3 + [1.25])[0][-1] == 0.15625


@pytest.mark.parametrize(
    ("inclusive", "counts", "potentials"),
    [
        (True, [2, 1, 0, 31, 9], [0.0, 0.5, 0.5, 9.5, 0.5]),
        (False, [1, 2, 0, 31, 9], [1.0, 0.5, 0.5, 9.5, 0.5]),
    ],
)
def test_a_counting_neuron_fires_as_often_as_it_crosses_the_threshold(
    inclusive, counts, potentials
):
    # At most 31 times in a step: the rest is for the next.
    neuron = IF(output="count", inclusive=inclusive)
    assert run(neuron, [2, 1.5, 0, 40, 0]) == (potentials, counts)


def test_counts_are_those_of_sinabs_and_rockpool():
    currents = np.random.default_rng(1).normal(0.5, 2.0, 500)
    v, expected = 0.0, []
    for current in currents:
        v = 0.9 * v + current
        expected.append(max(0, np.floor(v / 1.5)))
        v = max(v - 1.5 * expected[-1], -1.5)
    neuron = LIF(decay=0.9, threshold=1.5, output="count", inclusive=True, minimum=-1.5)
    assert run(neuron, currents)[1] == expected
    assert max(expected) > 2


@pytest.mark.parametrize(
    ("neuron", "expected"),
    [
        (LI(decay=0.5), [1.0, 2.5, 1.25, -1.0]),
        (LI(decay=0.5, minimum=0.0, bias=0.5), [1.5, 3.25, 2.125, 0.0]),
        (Integrator(), [1.0, 3.0, 3.0, 1.375]),
        (LI(decay=0.5, synapse="new", current_decay=0.5), [1.0, 3.0, 2.75, 0.375]),
    ],
)
def test_integrators_send_their_potential_and_never_fire(neuron, expected):
    assert run(neuron, [1.0, 2.0, 0.0, -1.625]) == (expected, expected)


def test_a_silent_integrator_sends_nothing():
    assert run(LI(decay=0.5, output="silent"), [9.0, 9.0]) == ([9.0, 13.5], [0, 0])


def test_only_the_neuron_furthest_above_its_threshold_wins():
    neuron = LIF(
        decay=1.0, threshold=np.array([1.0, 2.0, 1.0]), winner=True, inhibition=0.5, refractory=0
    )
    state = neuron.rest((3,))
    state, sent = neuron.step(state, np.array([1.5, 3.0, 0.25]))
    # Both that cross are reset; only the second sends.
    assert sent.tolist() == [False, True, False]
    assert state.potential.tolist() == [0.5, 1.0, 0.25]
    state, sent = neuron.step(state, np.array([1.5, 0.0, 1.75]))
    # The others are inhibited; the tie goes to the first.
    assert sent.tolist() == [True, False, False]
    assert state.potential.tolist() == [0.5, 1.0, 0.5]
    state, sent = neuron.step(state, np.zeros(3))
    assert not sent.any()
    assert state.potential.tolist() == [0.5, 0.5, 0.0]
    state, sent = neuron.step(state, np.zeros(3))
    assert state.potential.tolist() == [0.5, 0.5, 0.0]


def test_noise_is_uniform_and_the_same_for_the_same_seed():
    def draw(seed: int) -> np.ndarray:
        neuron = LIF(decay=0.0, threshold=np.inf, noise=0.5, seed=seed)
        potentials = np.empty((400, 100))
        neuron.advance(neuron.rest((100,)), np.zeros((400, 100)), np.empty((400, 100)), potentials)
        return potentials

    drawn = draw(7)
    assert np.abs(drawn).max() <= 0.5
    shares = np.histogram(drawn, 10, (-0.5, 0.5))[0] / drawn.size
    assert np.abs(shares - 0.1).max() < 0.01
    assert abs(np.corrcoef(drawn[1:].ravel(), drawn[:-1].ravel())[0, 1]) < 0.02
    np.testing.assert_array_equal(drawn, draw(7))
    assert (drawn != draw(8)).mean() > 0.99

    # A run that goes on draws what a longer run draws.
    neuron = LIF(decay=0.0, threshold=np.inf, noise=0.5, seed=7)
    state, _ = neuron.step(neuron.rest((100,)), np.zeros(100), time=50)
    np.testing.assert_array_equal(state.potential, drawn[50])


def test_time_constants_become_decays():
    assert LIF.from_time_constant(10.0).decay == 0.9
    assert LIF.from_time_constant(20e-3, 1e-3, exact=True).decay == np.exp(-0.05)
    neuron = LIF.from_time_constant(np.array([2.0, 4.0]), threshold=3.0)
    assert neuron.decay.tolist() == [0.5, 0.75]
    assert neuron.threshold == 3.0
    assert neuron.sizes == {2}
    current = CubaLIF.from_time_constant(10.0, tau_current=5.0, synapse="old")
    assert (current.decay, current.current_decay, current.synapse) == (0.9, 0.8, "old")
    adaptive = ALIF.from_time_constant(10.0, 2.0, tau_adaptation=100.0, adaptation_step=0.5)
    assert (adaptive.decay, adaptive.adaptation_decay) == (0.8, 0.98)
    assert to_decay(np.array([1.0, 2.0]), 0.5).tolist() == [0.5, 0.75]
