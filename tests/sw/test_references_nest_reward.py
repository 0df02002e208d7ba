"""NEST's synapse with dopamine: the weights that ``reward_stdp`` learns, of 40 pairs.

Dopamine that is gone after an instant adds the eligibility to the weight once, as a modulator does.
It comes half a step after the presynaptic spikes of its step, and together with the postsynaptic
ones, whose change it sees. Here an eligibility decays at the end of each step, before the reward.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from spikeloom.learning import Rule, Setting, integer_rule, reward_stdp
from spikeloom_hw.learning import LearningRule
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_sim.golden import Golden
from spikeloom_sim.learning_bound import Band, Equation, reward_band
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

FOLDER = Path(__file__).parents[1] / "data" / "nest"
META: dict[str, Any] = json.loads((FOLDER / "stdp_rules.json").read_text())
GIVEN: dict[str, float] = META["synapses"]["reward"]["synapse"]
TAU_MINUS: float = META["synapses"]["reward"]["neuron"]["tau_minus"]
ONE = 1 << 14
"""Integer weight that stands for 1, the greatest one."""

UNIT = 8
"""Modulator that stands for one spike of dopamine; 128 would add the eligibility itself."""

STEPS = 400
"""Steps that are enough to tell another rule."""


class Pairs(NamedTuple):
    """Spikes, (steps, pairs), weights at the start, those of NEST, and spikes of dopamine."""

    pre: np.ndarray
    post: np.ndarray
    start: np.ndarray
    weights: np.ndarray
    dopamine: np.ndarray


@cache
def load() -> Pairs:
    with np.load(FOLDER / "stdp_rules.npz") as file:
        pre, post = (np.unpackbits(file[side], axis=0) for side in ("pre", "post"))
        steps = META["steps"]
        spikes = pre[:steps].astype(bool), post[:steps].astype(bool)
        return Pairs(*spikes, file["start"], file["reward"], file["dopamine"].astype(np.int64))


def preset(epoch: int = 1) -> Rule:
    """Rule with the parameters that NEST had."""
    plus, decay = GIVEN["tau_plus"], GIVEN["tau_c"]
    gain = 128 / UNIT * decay / (decay + GIVEN["tau_n"])
    up = gain * GIVEN["A_plus"] * np.exp(-0.5 / plus + 1 / decay)
    down = gain * GIVEN["A_minus"] * np.exp(0.5 / TAU_MINUS + 0.5 / decay)
    options = {"rounding": "nearest", "operand_width": 10}
    return reward_stdp((up, down), (plus, TAU_MINUS, decay), epoch=epoch, **options)


def integers_of(rule: Rule) -> LearningRule:
    setting = Setting("pre -> post", 1 / ONE, 1 / ONE, 16, 32, ONE)
    return integer_rule(rule, setting)[0]


def learned(rule: LearningRule, modulator: np.ndarray) -> np.ndarray:
    """Weights of the pairs after each of the steps that have a modulator."""
    pairs, strong, steps = load(), 1 << 22, len(modulator)
    size = len(pairs.start)
    relay = NeuronParameters(threshold=strong - 1, decay=0, width=32)
    populations = (
        QuantisedPopulation("pre", size),
        QuantisedPopulation("teacher", size),
        QuantisedPopulation("post", size, relay),
    )
    start = np.diag(np.rint(pairs.start * ONE).astype(int))
    projections = (
        Dense("pre", "post", start, rule=rule),
        Dense("teacher", "post", np.diag(np.full(size, strong))),
    )
    golden = Golden(QuantisedNetwork(populations, projections, 24, 32))
    spikes = {"pre": pairs.pre[:steps], "teacher": pairs.post[:steps]}
    recording = golden.run(spikes, modulator=modulator, weights_every=1)
    np.testing.assert_array_equal(recording.spikes["post"][:, 0], pairs.post[:steps])
    return np.diagonal(recording.weights["pre -> post"], axis1=1, axis2=2)


def apart(weights: np.ndarray) -> np.ndarray:
    """How far weights lie above those of NEST, (steps, pairs); NaN where NEST has none.

    NEST tells the weight before the reward of the step.
    """
    pairs = load()
    found = np.full(pairs.pre.shape, np.nan)
    found.T[pairs.pre.T] = ONE * pairs.weights.astype(float)
    return weights[:-1] - found[1 : len(weights)]


@cache
def bound(epoch: int) -> Band:
    rule = preset(epoch)
    integers, pairs = integers_of(rule), load()
    assert integers.eligibility is not None
    # Steps of the eligibility in a weight of 1.
    one = ONE * 2.0 ** (integers.eligibility.reward_shift - 7)
    equation = Equation(
        [abs(term.amplitude) * one for term in rule.terms],
        [trace.tau for trace in rule.pre_traces],
        [trace.tau for trace in rule.post_traces],
    )
    spikes = (pairs.pre, pairs.post)
    return reward_band(integers, equation, GIVEN["tau_c"], spikes, UNIT * pairs.dopamine)


def outside(weights: np.ndarray, allowed: Band) -> int:
    """Count the weights that the bound does not allow."""
    found, last = apart(weights), len(weights) - 1
    # Those of NEST are kept in 32 bits.
    slack = ONE * 2.0**-24
    below = found < -allowed.below[:last] - slack
    return int((below | (found > allowed.above[:last] + slack)).sum())


# A decay cuts off a fraction, so few of them come as near as one in every step.
@pytest.mark.parametrize("epoch", [1, 10])
def test_every_weight_is_that_of_nest_within_the_bound(epoch: int) -> None:
    pairs, allowed = load(), bound(epoch)
    weights = learned(integers_of(preset(epoch)), UNIT * pairs.dopamine)
    assert outside(weights, allowed) == 0
    assert np.isfinite(apart(weights)).sum() > 500
    # The weights move much further than the bound is wide.
    moved = np.abs(pairs.weights - np.repeat(pairs.start, pairs.pre.sum(axis=0))).max() * ONE
    assert moved > 10 * (allowed.below + allowed.above).max()


def timed(**taus: float) -> Rule:
    """Rule with other time constants, in proportion."""
    rule = preset()
    assert rule.eligibility is not None
    kept = replace(rule.eligibility, tau=rule.eligibility.tau * taus.pop("eligibility", 1.0))
    traces = {
        side: (replace(getattr(rule, side)[0], tau=getattr(rule, side)[0].tau * share),)
        for side, share in taus.items()
    }
    return replace(rule, eligibility=kept, **traces)


def sized(down: int, up: int) -> Rule:
    """Rule whose depression and potentiation have the amplitudes of these terms."""
    rule = preset()
    sizes = [abs(rule.terms[n].amplitude) for n in (down, up)]
    terms = zip(rule.terms, (-sizes[0], sizes[1]), strict=True)
    return replace(rule, terms=tuple(replace(term, amplitude=size) for term, size in terms))


MUTANTS: dict[str, Callable[[], Rule]] = {
    "a shorter eligibility": lambda: timed(eligibility=0.9),
    "a shorter presynaptic trace": lambda: timed(pre_traces=0.9),
    "a longer postsynaptic trace": lambda: timed(post_traces=1.1),
    "amplitudes swapped": lambda: sized(1, 0),
    "potentiation as strong as depression": lambda: sized(0, 0),
    "nearest neighbours": lambda: replace(
        preset(),
        pre_traces=tuple(replace(t, kind="nearest") for t in preset().pre_traces),
        post_traces=tuple(replace(t, kind="nearest") for t in preset().post_traces),
    ),
    "weights learn without a reward": lambda: replace(preset(), eligibility=None),
}


@pytest.mark.parametrize("make", MUTANTS.values(), ids=list(MUTANTS))
def test_another_rule_differs(make: Callable[[], Rule]) -> None:
    weights = learned(integers_of(make()), UNIT * load().dopamine[:STEPS])
    assert outside(weights, bound(1)) > 0


@pytest.mark.parametrize("shift", [-1, 1])
def test_a_reward_a_step_early_or_late_differs(shift: int) -> None:
    modulator = np.roll(UNIT * load().dopamine, shift)[:STEPS]
    weights = learned(integers_of(preset()), modulator)
    assert outside(weights, bound(1)) > 0
