from typing import Any

import numpy as np
import pytest

from spikeloom.neuron import ALIF, IF, LI, LIF, CubaLIF, Integrator

TWO: Any = np.array([1.0, 2.0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: LIF(decay=1.5), ValueError, r"Decay must lie between 0 and 1, not 1\.5"),
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
            r"Refractory must be a whole number from 0 to 15, not 16\.0",
        ),
        (
            lambda: LIF(decay=1, refractory=1.5),
            ValueError,
            r"Refractory must be a whole number from 0 to 15, not 1\.5",
        ),
        (
            lambda: LIF(decay=2.5, leak="shift"),
            ValueError,
            r"Decay must be a whole number from 0 to 12, not 2\.5",
        ),
        (
            lambda: LIF(decay=-0.5, leak="linear"),
            ValueError,
            r"Decay must not be negative, not -0\.5",
        ),
        (
            lambda: LIF(decay=0.5, leak="fast"),
            ValueError,
            "Leak must be one of multiply, shift, linear, not 'fast'",
        ),
        (
            lambda: LIF(decay=1, minimum=0.5),
            ValueError,
            "Reset value must not lie below the minimum potential",
        ),
        (
            lambda: LIF(decay=1, threshold=np.inf, inclusive=True),
            ValueError,
            "Threshold must not be infinite in an inclusive neuron",
        ),
        (
            lambda: LIF(decay=1, current_decay=0.5),
            ValueError,
            "Current decay needs a synapse: set synapse='new' or 'old'",
        ),
        (
            lambda: CubaLIF(decay=1, current_decay=1.5),
            ValueError,
            r"Current decay must lie between 0 and 1, not 1\.5",
        ),
        (
            lambda: LIF(decay=1, adaptation_decay=0.5),
            ValueError,
            "Adaptation decay needs an adaptation step that is not 0",
        ),
        (
            lambda: LIF(decay=1, inhibition=0.5),
            ValueError,
            "Inhibition is that of a winner: set winner=True",
        ),
        (
            lambda: LIF(decay=1, winner=True, output="count"),
            ValueError,
            "Output of a winner must be 'spike', not 'count'",
        ),
        (
            lambda: LIF(decay=1, reset="none", output="count"),
            ValueError,
            "Reset of a neuron that counts must be 'subtract', not 'none'",
        ),
        (
            lambda: LIF(decay=1, threshold=0, output="count"),
            ValueError,
            "Threshold of a neuron that counts must be greater than 0",
        ),
        (
            lambda: ALIF(decay=1, adaptation_decay=0.5, adaptation_step=1, output="count"),
            ValueError,
            "Output of a neuron that adapts must be 'spike', not 'count'",
        ),
        (
            lambda: LIF(decay=1, output="value"),
            ValueError,
            (
                "Threshold of a neuron of output 'value' must be infinite, since it never fires: "
                "use LI or Integrator"
            ),
        ),
        (
            lambda: LI(decay=1, output="spike"),
            ValueError,
            "Output of an integrator must be 'value' or 'silent', not 'spike'",
        ),
        (
            lambda: LIF(decay=1, noise=TWO),
            TypeError,
            (r"Noise must be a number, the same for all neurons, not array\(\[1\., 2\.\]\)"),
        ),
        (
            lambda: LIF(decay=1, seed=1 << 16),
            ValueError,
            "Seed must lie between 0 and 65535, not 65536",
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
        (
            lambda: LIF.from_time_constant(5, leak="shift"),
            ValueError,
            "A time constant needs leak='multiply', not 'shift'",
        ),
    ],
)
def test_wrong_parameters_are_refused(make, error, message):
    with pytest.raises(error, match=f"^{message}$"):
        make()


@pytest.mark.parametrize(
    ("kind", "parameters"),
    [
        (CubaLIF, {"decay": 0.5}),
        (ALIF, {"decay": 0.5, "adaptation_decay": 0.5}),
        (LI, {"decay": 0.5, "threshold": 1.0}),
        (IF, {"decay": 0.5}),
        (Integrator, {"decay": 0.5}),
    ],
)
def test_a_named_neuron_has_the_parameters_of_its_kind(kind: Any, parameters: dict[str, float]):
    with pytest.raises(TypeError, match="keyword"):
        kind(**parameters)
