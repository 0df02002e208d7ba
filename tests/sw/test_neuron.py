from typing import Any, cast

import numpy as np
import pytest

from spikeloom.neuron import IF, LIF


def run(neuron, currents):
    state = neuron.rest((1,))
    spikes = np.empty((len(currents), 1), bool)
    potentials = np.empty((len(currents), 1))
    neuron.advance(state, np.asarray(currents, float)[:, None], spikes, potentials)
    return potentials[:, 0].tolist(), spikes[:, 0].astype(int).tolist()


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
    ],
)
def test_hand_worked_tables(changes, potentials, spikes):
    assert run(LIF(decay=0.5, **changes), [0.75] * 4) == (potentials, spikes)


def test_integrate_and_fire_does_not_leak():
    assert run(IF(), [0.75, 0, 0, 0.5]) == ([0.75, 0.75, 0.75, 0.25], [0, 0, 0, 1])


def test_time_constants_become_decays():
    assert LIF.from_time_constant(10.0).decay == 0.9
    assert LIF.from_time_constant(20e-3, 1e-3, exact=True).decay == np.exp(-0.05)
    neuron = LIF.from_time_constant(np.array([2.0, 4.0]), threshold=3.0)
    assert neuron.decay.tolist() == [0.5, 0.75]
    assert neuron.threshold == 3.0
    assert neuron.sizes == {2}


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: LIF(decay=1.5),
            ValueError,
            r"Decay must lie between 0 and 1, not 1\.5",
        ),
        (lambda: LIF(decay=np.nan), ValueError, "Decay must be finite, not nan"),
        (
            lambda: LIF(decay="fast"),
            TypeError,
            r"Decay must be a number or a \(neurons,\) array of numbers, not 'fast'",
        ),
        (lambda: LIF(decay=1, threshold=-np.inf), ValueError, "Threshold must be finite, not -inf"),
        (lambda: LIF(decay=1, bias=np.inf), ValueError, "Bias must be finite, not inf"),
        (
            lambda: LIF(decay=1, reset="zero"),
            ValueError,
            "Reset must be one of subtract, to value, none, subtract delayed, not 'zero'",
        ),
        (
            lambda: LIF(decay=1, refractory=16),
            ValueError,
            r"Refractory must be a whole number of steps from 0 to 15, not 16\.0",
        ),
        (
            lambda: LIF(decay=1, refractory=1.5),
            ValueError,
            r"Refractory must be a whole number of steps from 0 to 15, not 1\.5",
        ),
        (
            lambda: LIF(decay=1, minimum=0.5),
            ValueError,
            "Reset value must not lie below the minimum potential",
        ),
        (
            lambda: LIF(decay=1, minimum=cast(Any, np.zeros(2))),
            TypeError,
            "Minimum must be a number or None, the same for all neurons",
        ),
        (
            lambda: LIF(decay=1, threshold=np.inf, inclusive=True),
            ValueError,
            "Threshold must not be infinite in an inclusive neuron",
        ),
        (
            lambda: LIF.from_time_constant(0.5),
            ValueError,
            (
                r"Time constant 0\.5 is shorter than a step of 1\.0: "
                r"shorten the step, or set exact=True"
            ),
        ),
        (
            lambda: LIF.from_time_constant(-1),
            ValueError,
            r"Time constant and step must be positive, not -1 and 1\.0",
        ),
    ],
)
def test_wrong_parameters_are_refused(make, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        make()
