import math
import re
from collections.abc import Callable

import numpy as np
import pytest

from spikeloom import Dense, Golden, QuantisedNetwork, QuantisedPopulation
from spikeloom.dialect.loihi import Compartment, brian2_weights, lava_weights

RANGES = {"mixed": (-256, 254), "excitatory": (0, 255), "inhibitory": (-256, 0)}


def in_words(weight: int, exponent: int, bits: int, mixed: bool) -> int:
    """The actual weight over 64, by the equations of Brian2-Loihi's ``LoihiSynapses``."""
    precision = 2.0 ** (8 - (bits - mixed))
    scaled = int(weight / precision) * precision * 2.0 ** (6 + exponent)
    limit = 2**21 - 2**6
    return int(max(-limit, min(limit, math.floor(scaled / 2**6) * 2**6))) // 64


@pytest.mark.parametrize("mode", RANGES)
@pytest.mark.parametrize("bits", [0, 1, 5, 8])
@pytest.mark.parametrize("exponent", range(-8, 8))
def test_weights_of_brian2_loihi(exponent: int, bits: int, mode: str) -> None:
    low, high = RANGES[mode]
    weights = np.arange(low, high + 1)
    expected = [in_words(w, exponent, bits, mode == "mixed") for w in weights.tolist()]
    assert brian2_weights(weights, exponent, bits, mode).tolist() == expected


LAVA = [
    # The sign mode is that of the weights: mixed ones lose a bit, downwards.
    ([[3, -3, 254, -256]], (), [2, -4, 254, -256]),
    ([[3, 2, 0]], (), [3, 2, 0]),
    ([[-3, -2, 0]], (), [-3, -2, 0]),
    ([[3, 2, 0]], (0, 8, "mixed"), [2, 2, 0]),
    ([[300, -300]], (), [254, -256]),
    ([[-300, 0]], (), [-255, 0]),
    ([[300, 0]], (0, 8, "inhibitory"), [0, 0]),
    ([[-13, -5, 0]], (0, 6), [-12, -4, 0]),
    ([[13, -13, 16]], (0, 6), [8, -16, 16]),
    ([[5, 6, 7]], (3,), [40, 48, 56]),
    ([[8, -4, 12]], (-2,), [2, -1, 3]),
]


@pytest.mark.parametrize(("weights", "arguments", "expected"), LAVA)
def test_weights_of_lava(weights: list[list[int]], arguments: tuple, expected: list[int]) -> None:
    assert lava_weights(np.array(weights), *arguments).T.tolist() == [expected]


def test_weights_of_lava_are_transposed() -> None:
    weights = np.arange(6).reshape(2, 3)
    assert lava_weights(weights).tolist() == weights.T.tolist()


def test_parameters_are_those_of_the_sources() -> None:
    brian2 = Compartment.from_brian2(120, 256, 512, 2).neuron(width=19)
    names = ("threshold", "decay", "current_decay", "refractory", "shift", "minimum")
    assert [int(getattr(brian2, name)) for name in names] == [7680, 3840, 3584, 1, 6, -262143]
    lava = Compartment.from_lava(25, 4095, 163, bias_mant=-5, bias_exp=-1).neuron(shift=7)
    assert [int(getattr(lava, name)) for name in names] == [1600, 3933, 0, 0, 7, -8388607]
    assert lava.width == 24
    # As a shift to the right does, -2.5 becomes -3.
    assert lava.bias == -3
    biases = Compartment(1, bias_mantissa=np.array([-5, 5]), bias_exponent=np.array([3, -1])).bias
    assert biases.tolist() == [-40, 2]


@pytest.mark.parametrize("refractory", [1, 2, 5, 16])
def test_the_refractory_period_of_brian2_loihi(refractory: int) -> None:
    neuron = Compartment.from_brian2(1, 0, 4096, refractory).neuron()
    populations = (QuantisedPopulation("in", 1), QuantisedPopulation("lif", 1, neuron))
    network = QuantisedNetwork(populations, (Dense("in", "lif", np.array([[2]])),))
    spikes = Golden(network).run(np.ones((40, 1), bool)).spikes["lif"][:, 0, 0]
    assert np.flatnonzero(spikes).tolist() == list(range(0, 40, refractory))


REFUSED: list[tuple[Callable[[], object], str]] = [
    (
        lambda: lava_weights(np.array([[2, 0, -4]]), -2),
        (
            "Weights with the exponent -2 must be multiples of 4: Lava rounds the sum of each "
            "step, which single weights cannot follow"
        ),
    ),
    (
        lambda: lava_weights(np.array([[1]]), 8),
        "Exponent of the weights must lie between -8 and 7, not 8",
    ),
    (
        lambda: lava_weights(np.array([[1]]), 0, 9),
        "Bits of the weights must lie between 1 and 8, not 9",
    ),
    (
        lambda: lava_weights(np.array([[1]]), 0, 8, "signed"),
        "Sign mode must be one of mixed, excitatory, inhibitory, not 'signed'",
    ),
    (lambda: brian2_weights(np.array([255])), "Weights must lie between -256 and 254, not 255"),
    (
        lambda: brian2_weights(np.array([-1]), sign_mode="excitatory"),
        "Weights must lie between 0 and 255, not -1",
    ),
    (lambda: Compartment(1 << 17), "Threshold must lie between 0 and 131071, not 131072"),
    (lambda: Compartment(1, 4097), "Decay of the voltage must lie between 0 and 4096, not 4097"),
    (lambda: Compartment(1, 0, -1), "Decay of the current must lie between 0 and 4096, not -1"),
    (
        lambda: Compartment(1, bias_mantissa=4096),
        "Mantissa of the bias must lie between -4096 and 4095, not 4096",
    ),
    (
        lambda: Compartment(1, bias_exponent=16),
        "Exponent of the bias must lie between -15 and 15, not 16",
    ),
    (
        lambda: Compartment(1, refractory=16).neuron(),
        "Refractory must lie between 0 and 15, not 16",
    ),
    (lambda: Compartment.from_lava(du=4096), "Decay 'du' must lie between 0 and 4095, not 4096"),
    (
        lambda: Compartment.from_brian2(refractory=17),
        "Refractory period must lie between 1 and 16, not 17",
    ),
]


@pytest.mark.parametrize(("make", "message"), REFUSED)
def test_what_the_sources_do_not_have_is_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        make()
