"""STOP in floating point, from the equations of arXiv 2411.11082, beside the integers."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from spikeloom_hw.learning import (
    Errors,
    LearningRule,
    NeuronLearning,
    Post,
    Pre,
    Rounding,
    Surrogate,
    Term,
    Trace,
)
from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

STEPS, PRE, POST = 200, 12, 6
KEEP, THRESHOLD = 0.9, 1.0
# Integers: weights to 2**-12, potentials to 2**-14, errors to 2**-12; shifts make the rates.
WEIGHT, POTENTIAL, ERROR, INCREMENT = 1 << 12, 1 << 14, 1 << 12, 1 << 13
OPERAND = INCREMENT >> 6
RATE = 50 * OPERAND * ERROR / 2**20 / WEIGHT
THRESHOLD_RATE = ERROR * 256 / 2**14 / POTENTIAL
LEAK_SHIFT = 4
LEAK_RATE = ERROR * (POTENTIAL >> LEAK_SHIFT) / 2**20 / 4096


class Learned(NamedTuple):
    """Weights, thresholds and decays; and spikes, where they were asked for."""

    weights: np.ndarray
    thresholds: np.ndarray
    decays: np.ndarray


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(8)
    weights = np.rint(rng.normal(0.05, 0.12, (PRE, POST)) * WEIGHT) / WEIGHT
    spikes = rng.random((STEPS, PRE)) < 0.3
    errors = np.rint(rng.normal(0.0, 0.3, (STEPS, POST)) * ERROR) / ERROR
    return weights, spikes, errors


def integers() -> tuple[Learned, np.ndarray]:
    """What the golden model learns, in real numbers, and the spikes of its neurons."""
    weights, spikes, errors = inputs()
    rule = LearningRule(
        (Term(50, pre=Pre.X1, post=Post.DELTA),),
        shift=20,
        low=-(1 << 15),
        high=(1 << 15) - 1,
        pre_traces=(Trace(round(KEEP * 4096), INCREMENT),),
        errors=Errors(Surrogate.EXPONENTIAL, width=5),
        neurons=NeuronLearning(14, 20, (1, 1 << 20), leak_shift=LEAK_SHIFT),
        rounding=Rounding.STOCHASTIC,
        operand_width=10,
    )
    neuron = NeuronParameters(
        round(THRESHOLD * POTENTIAL),
        decay=round(KEEP * 4096),
        reset=Reset.SUBTRACT,
        shift=2,
        width=28,
    )
    populations = (QuantisedPopulation("in", PRE), QuantisedPopulation("out", POST, neuron))
    start = np.rint(weights * WEIGHT).astype(int)
    network = QuantisedNetwork(populations, (Dense("in", "out", start, rule=rule),), 16, 28)
    golden = Golden(network)
    given = {"out": np.rint(errors * ERROR).astype(int)}
    recording = golden.run(spikes, errors=given)
    learned = golden.learned.population("out").neuron
    assert learned is not None
    found = Learned(
        golden.learned.projections[0].weights / WEIGHT,
        learned.threshold / POTENTIAL,
        learned.decay / 4096,
    )
    return found, recording.spikes["out"][:, 0]


def equations(fired: np.ndarray, **changes: Any) -> Learned:
    """What the equations learn when the neurons fire as they did; E(s) * phi is d."""
    weights, spikes, errors = inputs()
    threshold, keep = np.full(POST, THRESHOLD), np.full(POST, KEEP)
    after = np.zeros(POST)  # U - th s of the step before
    x, bar_trace, leak_trace, before = np.zeros(PRE), np.zeros(POST), np.zeros(POST), np.zeros(POST)
    for s_pre, s_post, error in zip(spikes, fired, errors, strict=True):
        potential = keep * after + s_pre @ weights
        x = KEEP * x + s_pre  # (20)
        bar_trace = keep * (bar_trace - before)  # (26)
        leak_trace = keep * leak_trace + after  # (30)
        # The stand-in is 1/2 at a distance of 2**13 potentials, which is half a threshold.
        delta = error * 2 ** (-np.abs(potential - threshold) / 0.5)
        after, before = potential - threshold * s_post, s_post.astype(float)
        weights = weights + RATE * np.outer(x, delta)  # (17)
        threshold = threshold + THRESHOLD_RATE * delta * (bar_trace - changes.get("one", 1))  # (24)
        keep = np.clip(keep + LEAK_RATE * delta * leak_trace, 0, 1)  # (27)
    return Learned(weights, threshold, keep)


def apart(one: Learned, other: Learned) -> Learned:
    """Greatest difference of each kind, over the greatest change."""
    start = Learned(inputs()[0], np.full(POST, THRESHOLD), np.full(POST, KEEP))
    shares = [
        np.abs(a - b).max() / np.abs(b - s).max() for a, b, s in zip(one, other, start, strict=True)
    ]
    return Learned(*shares)


def test_weights_thresholds_and_leaks_are_those_of_the_equations() -> None:
    found, fired = integers()
    assert 0.02 < fired.mean() < 0.5
    expected = equations(fired)
    assert np.abs(expected.weights - inputs()[0]).max() > 0.1
    assert np.ptp(expected.thresholds) > 0.05 and np.ptp(expected.decays) > 0.01
    weights, thresholds, decays = apart(found, expected)
    assert weights < 0.1 and thresholds < 0.1
    # Decays move by some 80 steps of 1/4096; 200 random roundings are off by 6 in the mean.
    assert decays < 0.2


@pytest.mark.parametrize("one", [0, 2])
def test_another_threshold_trace_differs(one: int) -> None:
    found, fired = integers()
    assert apart(found, equations(fired, one=one)).thresholds > 0.2
