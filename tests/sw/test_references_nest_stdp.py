"""NEST's synapses with STDP: the weights that presets learn, at each presynaptic spike of 40 pairs.

A preset takes spikes of the same step as "pre before post". So does NEST with a dendritic delay of
half a step: a postsynaptic spike then comes half a step later, behind all presynaptic ones of its
step. Potentiation is the weaker by ``exp(-0.5 / tau)``, depression the stronger by as much.
"""

import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from spikeloom import LIF, Golden, Network, quantise
from spikeloom.learning import Rule, RuleTerm, RuleTrace, nearest_stdp, pair_stdp, triplet_stdp
from spikeloom_hw.learning import LearningRule
from spikeloom_sim.learning_bound import Band, Equation, band
from spikeloom_sim.projection import Sparse

FOLDER = Path(__file__).parents[1] / "data" / "nest"
META: dict[str, Any] = json.loads((FOLDER / "stdp_rules.json").read_text())
ONE = 1 << 14
"""Integer weight that stands for 1, the greatest one."""

FINE = {"rounding": "nearest", "operand_width": 10}
# Traces of 100 steps reach more than the 4 spikes for which a preset has room.
LARGEST = 8.0
PAIRS = ["additive", "multiplicative", "nearest", "nearest_multiplicative"]
TRIPLETS = ["triplet", "triplet_even", "triplet_minimal"]


class Pairs(NamedTuple):
    """Spikes, (steps, pairs), weights at the start, and those of NEST at presynaptic spikes."""

    pre: np.ndarray
    post: np.ndarray
    start: np.ndarray
    weights: dict[str, np.ndarray]


@cache
def load() -> Pairs:
    steps = META["steps"]
    with np.load(FOLDER / "stdp_rules.npz") as file:
        pre, post = (
            np.unpackbits(file[side], axis=0)[:steps].astype(bool) for side in Pairs._fields[:2]
        )
        weights = {name: file[name].astype(float) for name in META["synapses"]}
        return Pairs(pre, post, file["start"], weights)


def preset(name: str, options: dict[str, Any]) -> Rule:
    """Rule with the parameters that NEST had."""
    synapse, neuron = META["synapses"][name]["synapse"], META["synapses"][name]["neuron"]
    plus, minus = synapse["tau_plus"], neuron["tau_minus"]
    later, sooner = np.exp(-0.5 / plus), np.exp(0.5 / minus)
    if name in PAIRS:
        amplitudes = (synapse["lambda"] * later, synapse["lambda"] * synapse["alpha"] * sooner)
        form = "multiplicative" if synapse["mu_plus"] else "additive"
        make = nearest_stdp if name.startswith("nearest") else pair_stdp
        return make(amplitudes, (plus, minus), form=form, **options)
    pairs = (synapse["Aplus"] * later, synapse["Aminus"] * sooner)
    triplets = (synapse["Aplus_triplet"] * later, synapse["Aminus_triplet"] * sooner)
    taus = (plus, minus, synapse["tau_plus_triplet"], neuron["tau_minus_triplet"])
    if name != "triplet_minimal":
        return triplet_stdp(pairs, triplets, taus, largest=LARGEST, **options)
    return Rule(
        (
            RuleTerm(-pairs[1], post="y1", on_pre=True),
            RuleTerm(triplets[0], pre="x1", post="y2", on_post=True),
        ),
        pre_traces=(RuleTrace(plus),),
        post_traces=(
            RuleTrace(minus, seen="before"),
            RuleTrace(taus[3], seen="before", largest=LARGEST),
        ),
        **options,
    )


def learned(rule: Rule, steps: int | None = None) -> tuple[LearningRule, np.ndarray]:
    """Rule in integers, and the weights at the start and after each step."""
    pre, post, start, _ = load()
    size = len(start)
    ends = (np.arange(size), np.arange(size))
    network = Network()
    network.add_input("pre", size)
    network.add_input("teacher", size)
    network.add_population("post", size, LIF(decay=0.0, threshold=1.5))
    network.connect_sparse("pre", "post", start, ends=ends, rule=rule)
    # The greatest weight of 16 bits makes ONE stand for 1.
    network.connect_sparse("teacher", "post", np.full(size, 32767 / ONE), ends=ends)
    quantised = quantise(network, weight_width=16, accumulator_width=28, potential_width=28)
    recording = Golden(quantised).run(
        {"pre": pre[:steps], "teacher": post[:steps]}, weights_every=1
    )
    np.testing.assert_array_equal(recording.spikes["post"][:, 0], post[:steps])
    projection = quantised.projections[0]
    assert isinstance(projection, Sparse) and projection.rule.high == ONE
    np.testing.assert_array_equal(projection.weights, start * ONE)
    weights = np.concatenate([projection.weights[None], recording.weights["pre -> post"]])
    return projection.rule, weights


def apart(name: str, weights: np.ndarray) -> np.ndarray:
    """How far weights lie above those of NEST, (steps, pairs); NaN where NEST has none.

    In a step with both spikes NEST tells the weight between the two, so that one is left out.
    """
    pre, post, _, expected = load()
    found = np.full(pre.shape, np.nan)
    found.T[pre.T] = ONE * expected[name]
    found[post] = np.nan
    return weights[1:] - found[: len(weights) - 1]


def bound_of(rule: Rule, integers: LearningRule, weights: np.ndarray) -> Band:
    spans = [ONE if term.dependence == "one" else 1 for term in rule.terms]
    equation = Equation(
        [abs(term.amplitude) * span for term, span in zip(rule.terms, spans, strict=True)],
        [trace.tau for trace in rule.pre_traces],
        [trace.tau for trace in rule.post_traces],
    )
    return band(integers, equation, load().pre, load().post, weights)


@cache
def finest(name: str) -> tuple[np.ndarray, Band]:
    """Weights of a preset with the finest operands, and their bound."""
    rule = preset(name, FINE)
    integers, weights = learned(rule)
    return weights, bound_of(rule, integers, weights)


def outside(name: str, weights: np.ndarray, allowed: Band) -> int:
    """Count the weights that the bound does not allow."""
    found, steps = apart(name, weights), len(weights) - 1
    # Those of NEST are kept in 32 bits.
    slack = ONE * 2.0**-24
    below = found < -allowed.below[:steps] - slack
    return int((below | (found > allowed.above[:steps] + slack)).sum())


@pytest.mark.parametrize("name", PAIRS + TRIPLETS)
def test_every_weight_is_that_of_nest_within_the_bound(name: str) -> None:
    pairs, (weights, allowed) = load(), finest(name)
    assert outside(name, weights, allowed) == 0
    assert np.isfinite(apart(name, weights)).sum() > 500
    # The weights move much further than the bound is wide, and not to the end of their range.
    expected = pairs.weights[name] * ONE
    moved = np.abs(expected - np.repeat(pairs.start * ONE, pairs.pre.sum(axis=0)))
    assert moved.max() > 10 * (allowed.below + allowed.above).max()
    assert expected.min() > ONE / 8 and expected.max() < ONE


@pytest.mark.parametrize("name", ["multiplicative", "nearest", "triplet"])
def test_so_it_is_with_coarse_operands_and_rounded_at_random(name: str) -> None:
    rule = preset(name, {})
    integers, weights = learned(rule)
    assert outside(name, weights, bound_of(rule, integers, weights)) == 0


def traced(rule: Rule, side: str, number: int, **changes: Any) -> Rule:
    """Rule with another trace."""
    traces = list(getattr(rule, side))
    traces[number] = replace(traces[number], **changes)
    return replace(rule, **{side: tuple(traces)})


def swapped(rule: Rule, one: int, other: int) -> Rule:
    """Rule whose terms have the amplitudes of one another, their signs kept."""
    terms = list(rule.terms)
    sizes = abs(terms[one].amplitude), abs(terms[other].amplitude)
    for number, size in ((one, sizes[1]), (other, sizes[0])):
        sign = np.sign(terms[number].amplitude)
        terms[number] = replace(terms[number], amplitude=sign * size)
    return replace(rule, terms=tuple(terms))


def another(name: str) -> Callable[[Rule], Rule]:
    return lambda rule: preset(name, FINE)


MUTANTS: dict[str, Callable[[Rule], Rule]] = {
    "a shorter presynaptic trace": lambda rule: traced(
        rule, "pre_traces", 0, tau=0.95 * rule.pre_traces[0].tau
    ),
    "a longer postsynaptic trace": lambda rule: traced(
        rule, "post_traces", 0, tau=1.05 * rule.post_traces[0].tau
    ),
    "a coincidence counts neither way": lambda rule: traced(rule, "pre_traces", 0, seen="before"),
    "a coincidence counts both ways": lambda rule: traced(rule, "post_traces", 0, seen="after"),
    "amplitudes swapped": lambda rule: swapped(rule, 0, len(rule.terms) // 2),
}
FURTHER = {
    "multiplicative": {
        "additive": another("additive"),
        "nearest": another("nearest_multiplicative"),
    },
    "nearest": {
        "all pairs": another("additive"),
        "multiplicative": another("nearest_multiplicative"),
    },
    "triplet_even": {
        "pairs alone": lambda rule: replace(rule, terms=rule.terms[::2]),
        "other triplets": another("triplet"),
        "amplitudes of triplets swapped": lambda rule: swapped(rule, 1, 3),
        "a triplet of the spike itself, before": lambda rule: traced(
            rule, "pre_traces", 1, seen="after"
        ),
        "a triplet of the spike itself, after": lambda rule: traced(
            rule, "post_traces", 1, seen="after"
        ),
    },
}
CASES = [
    pytest.param(name, change, id=f"{name}, {label}")
    for name, further in FURTHER.items()
    for label, change in (MUTANTS | further).items()
]


@pytest.mark.parametrize(("name", "change"), CASES)
def test_another_rule_differs(name: str, change: Callable[[Rule], Rule]) -> None:
    _, weights = learned(change(preset(name, FINE)), steps=300)
    assert outside(name, weights, finest(name)[1]) > 0


@pytest.mark.parametrize("name", ["restricted", "pre_centered"])
def test_other_schemes_of_nearest_neighbours_differ(name: str) -> None:
    assert outside(name, *finest("nearest")) > 0
