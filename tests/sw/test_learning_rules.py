import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom import LI, LIF, Golden, Network, quantise
from spikeloom.errors import QuantisationError
from spikeloom.learning import (
    Rule,
    RuleBack,
    RuleEligibility,
    RuleErrors,
    RuleTerm,
    RuleWindow,
    describe,
    diehl_cook,
    e_prop,
    etlp,
    modulated_stdp,
    nearest_stdp,
    ostl,
    ottt,
    pair_stdp,
    reward_stdp,
    sdsp,
    stop,
    triplet_stdp,
    weight_decay,
)
from spikeloom_hw.learning import Dependence, LearningRule, Rounding, Seen, TraceKind
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork

WINDOW = RuleWindow(potential=0.5, up=(0.1, 8.0), down=(0.1, 4.0))
PRESETS = {
    "pair": pair_stdp(),
    "multiplicative": pair_stdp(form="multiplicative"),
    "nearest": nearest_stdp(),
    "triplet": triplet_stdp(),
    "reward": reward_stdp(),
    "modulated": modulated_stdp(),
    "sdsp": sdsp(0.1, WINDOW),
    "diehl_cook": diehl_cook(),
    "decay": weight_decay(0.001),
    "stop W": stop(low=-1.0),
    "stop WTL": stop("WTL", low=-1.0),
    "ottt": ottt(low=-1.0),
    "ostl": ostl(low=-1.0),
    "e-prop": e_prop(low=-1.0),
    "etlp": etlp(low=-1.0),
}


def joined(rule: Any, start: Any = 0.5, width: int = 8, **neuron: Any) -> Network:
    """One input that reaches one neuron, which a teacher makes fire."""
    network = Network()
    network.add_input("in", 1)
    network.add_input("teacher", 1)
    network.add_population("out", 1, LIF(**{"decay": 0.9, "threshold": 0.8, **neuron}))
    network.connect("in", "out", [[start]], rule=rule)
    network.connect("teacher", "out", [[1.0]])
    return network


def integer_rule_of(quantised: QuantisedNetwork) -> LearningRule:
    projection = quantised.projections[0]
    assert isinstance(projection, Dense)
    return projection.rule


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("width", [8, 16])
def test_a_preset_becomes_integers_that_are_near(name: str, width: int) -> None:
    network = joined(PRESETS[name])
    if (name, width) == ("sdsp", 16):
        with pytest.raises(QuantisationError, match="an amplitude is 25.8 times too large$"):
            quantise(network, weight_width=width, accumulator_width=28, potential_width=28)
        return
    quantised = quantise(network, weight_width=width, accumulator_width=28, potential_width=28)
    report = describe(network, quantised)
    assert report.startswith("in -> out: coefficients ")
    found = re.findall(r"amplitude of term (\d)(?:.*\((.*)% off)?", report)
    assert [int(number) for number, _ in found] == list(range(len(PRESETS[name].terms)))
    assert all(float(error or 0) < 1 for _, error in found)


def train(
    rule: Rule, pre: list[int], post: list[int], start: float = 0.5, width: int = 16, **more: Any
) -> float:
    """Real weight after 60 steps with spikes at these times."""
    network = joined(replace(rule, rounding="nearest", operand_width=10), start)
    quantised = quantise(network, weight_width=width, accumulator_width=28, potential_width=28)
    spikes = {"in": np.zeros((60, 1), bool), "teacher": np.zeros((60, 1), bool)}
    spikes["in"][pre], spikes["teacher"][post] = True, True
    golden = Golden(quantised)
    sent = golden.run(spikes, **more).spikes["out"][:, 0, 0]
    assert np.flatnonzero(sent).tolist() == post
    weight = golden.learned.projections[0].weights.item()
    return weight * quantised.population("out").scale


# An operand of 10 bits has 255 steps for a spike and lacks up to 2 of them; 16 bits of weight.
def allowed(change: float) -> float:
    return 0.02 * abs(change) + 2 / 255 * 0.01 + 2.0**-15


UP, DOWN, TAU = 0.01, 0.0105, 20.0


@pytest.mark.parametrize("distance", [0, 1, 7, 20])
def test_pairs_change_a_weight_by_their_amplitude(distance: int) -> None:
    fades = np.exp(-distance / TAU)
    options: Any = {"low": -1.0, "high": 1.0}
    for preset in (pair_stdp, nearest_stdp):
        rule = preset((UP, DOWN), (TAU, TAU), **options)
        change = train(rule, [10], [10 + distance], 0.0)
        assert abs(change - 2 * UP * fades) < allowed(2 * UP)
        if distance:
            change = train(rule, [10 + distance], [10], 0.0)
            assert abs(change + 2 * DOWN * fades) < allowed(2 * DOWN)


def test_multiplicative_changes_are_shares_of_what_is_left() -> None:
    rule = pair_stdp((UP, DOWN), form="multiplicative")
    assert abs(train(rule, [10], [10], 0.2) - 0.2 - UP * 0.8) < allowed(UP)
    assert abs(train(rule, [11], [10], 0.2) - 0.2 + DOWN * 0.2 * np.exp(-1 / 20)) < allowed(DOWN)


def test_times_are_in_the_unit_of_the_step() -> None:
    slow = pair_stdp((UP, DOWN), (TAU, TAU), dt=0.5)
    assert slow.pre_traces[0].tau == slow.post_traces[0].tau == 40
    assert triplet_stdp(dt=0.1).post_traces[1].tau == 1250
    assert sdsp(0.1, WINDOW, 30, dt=3).post_traces[0].tau == 10


def test_triplets_add_what_the_slow_traces_say() -> None:
    rule = triplet_stdp((UP, DOWN), (0.02, 0.003), (20.0, 20.0, 40.0, 50.0), low=-1.0)
    # Post at 10, pre at 20, post at 25, pre at 30.
    y, y2, x, x2 = np.exp(-10 / 20), np.exp(-15 / 50), np.exp(-5 / 20), np.exp(-10 / 40)
    late = np.exp(-5 / 20) + np.exp(-20 / 20)
    change = -DOWN * y + x * (UP + 0.02 * y2) - late * (DOWN + 0.003 * x2)
    # The trace of the weakest triplet is coarse: a few steps for a spike.
    assert abs(train(rule, [20, 30], [10, 25], 0.0) - 2 * change) < allowed(0.02) + 2 * 0.0004


def test_diehl_and_cook_compare_a_trace_with_its_target() -> None:
    rule = diehl_cook(0.1, 0.4)
    for distance in (0, 10, 30):
        change = 0.1 * (np.exp(-distance / 20) - 0.4) * (1 - 0.2)
        assert abs(train(rule, [10], [10 + distance], 0.2) - 0.2 - change) < allowed(0.1)


def test_weights_decay_by_their_rate() -> None:
    weight = train(weight_decay(0.01), [], [], 0.9)
    assert abs(weight / (0.9 * 0.99**60) - 1) < 0.01


def test_a_reward_adds_the_eligibility() -> None:
    rule = replace(reward_stdp((UP, DOWN)), eligibility=RuleEligibility(100.0, 5, 0.1))
    modulator = np.zeros(60, np.int64)
    assert train(rule, [10], [10], modulator=modulator) == train(rule, [], [])
    modulator[39] = 127
    change = UP * np.exp(-30 / 100) * 127 / 128
    got = train(rule, [10], [10], modulator=modulator) - train(rule, [], [])
    # Decays come at the ends of epochs: here six of them.
    assert abs(got - change) < 2 * allowed(UP)


def test_a_gate_lets_learn_in_steps_with_a_modulator() -> None:
    rule = modulated_stdp((UP, DOWN), low=-1.0)
    modulator = np.zeros(60, np.int64)
    modulator[20] = 1
    got = train(rule, [10, 30], [20, 40], 0.0, modulator=modulator)
    assert abs(got - 2 * UP * np.exp(-10 / 20)) < allowed(2 * UP)


def deep(rule: Rule, output: Rule) -> Network:
    network = Network()
    network.add_input("in", 1)
    network.add_population("hidden", 1, LIF(decay=0.9, threshold=1.0))
    network.add_population("out", 1, LIF(decay=0.9, threshold=1.0))
    network.connect("in", "hidden", [[0.25]], rule=rule)
    network.connect("hidden", "out", [[0.5]], rule=output)
    return network


def test_errors_change_weights_thresholds_and_what_comes_before_by_their_rates() -> None:
    flat = RuleErrors("none", one=4096)
    options: Any = {"low": -1.0, "rounding": "nearest"}
    first = stop("WTL", 0.1, errors=flat, **options)
    second = stop("W", 0.1, errors=flat, back=RuleBack(), **options)
    network = deep(first, second)
    quantised = quantise(network, weight_width=16, accumulator_width=28, potential_width=28)
    golden = Golden(quantised)
    golden.run([[1]], errors={"out": [[4096]]})
    report = dict(re.findall(r"  ([^:]*): .* is ([-\d.e]*)", describe(network, quantised)))
    gain, rate = float(report["gain of errors back"]), float(report["threshold rate"])
    scale, quantum = (getattr(quantised.population("hidden"), n) for n in ("scale", "quantum"))
    back = 0.5 * gain * (255 / 256) ** 2
    change = golden.learned.projections[0].weights.item() * scale - 0.25
    assert abs(change / (2 * 0.1 * back) - 1) < 0.02
    neurons = [n.population("hidden").neuron for n in (golden.learned, quantised)]
    assert neurons[0] is not None and neurons[1] is not None
    lowered = (neurons[1].threshold - int(neurons[0].threshold[0])) * quantum
    assert abs(lowered / (rate * back) - 1) < 0.02
    # The output has received no spike, so its weight stays; its potential was 0, so does the leak.
    assert golden.learned.projections[1].weights.item() == quantised.projections[1].weights.item()


def test_a_spike_is_worth_its_value_when_there_is_a_teacher() -> None:
    rule = etlp(0.1, errors=RuleErrors("none", spike_value=1.0, one=4096), low=-1.0)
    modulator = np.zeros(60, np.int64)
    modulator[20] = 1
    got = train(rule, [20], [20], 0.0, modulator=modulator)
    assert abs(got + 2 * 0.1 * 255 / 256) < allowed(0.2)
    assert train(rule, [20], [20], 0.0) == 0


def test_a_rule_of_the_user_is_a_table() -> None:
    # Homeostasis: presynaptic spikes raise a little, postsynaptic ones lower.
    rule = Rule((RuleTerm(0.02, on_pre=True), RuleTerm(-0.05, on_post=True)), low=-1.0)
    got = train(rule, [5, 6, 7], [30], 0.0, width=11)
    assert abs(got - 2 * (3 * 0.02 - 0.05)) < 0.002


def test_stochastic_rounding_learns_in_the_mean_what_8_bits_cannot_say() -> None:
    rule = pair_stdp((0.001, 0.001), low=-1.0)
    network = Network()
    network.add_input("in", 400)
    network.add_input("teacher", 1)
    network.add_population("out", 1, LIF(decay=0.5, threshold=0.5, reset="to value"))
    network.connect("in", "out", np.zeros((400, 1)), rule=rule)
    network.connect("teacher", "out", [[1.0]])
    golden = Golden(quantise(network))
    spikes = {"in": np.zeros((40, 400), bool), "teacher": np.zeros((40, 1), bool)}
    spikes["in"][::10], spikes["teacher"][::10] = True, True
    golden.run(spikes)
    weights = golden.learned.projections[0].weights[:, 0] / 127
    # A pair that coincides moves a weight by 0.002, a quarter of a step; others cancel out.
    assert abs(weights.mean() / (4 * 0.002) - 1) < 0.1
    assert len(np.unique(weights)) > 2


def integrator(rule: Rule) -> Network:
    network = Network()
    network.add_input("in", 3)
    network.add_population("out", 2, LI(decay=0.9))
    network.connect("in", "out", np.zeros((3, 2)), rule=rule)
    return network


def test_rules_choose_the_kinds_that_they_say() -> None:
    integers = integer_rule_of(quantise(joined(nearest_stdp(form="multiplicative", seed=7))))
    assert [t.dependence for t in integers.terms] == [Dependence.ABOVE, Dependence.BELOW]
    assert {t.kind for t in (*integers.pre_traces, *integers.post_traces)} == {TraceKind.NEAREST}
    assert (integers.pre_traces[0].seen, integers.post_traces[0].seen) == (Seen.AFTER, Seen.BEFORE)
    assert (integers.rounding, integers.seed) == (Rounding.STOCHASTIC, 7)


def test_an_integrator_learns_from_errors() -> None:
    golden = Golden(quantise(integrator(stop(low=-1.0, rate=0.1, errors=RuleErrors("none")))))
    golden.run(np.ones((20, 3), bool), errors={"out": np.tile([1024, -1024], (20, 1))})
    weights = golden.learned.projections[0].weights
    assert (weights[:, 0] > 50).all() and (weights[:, 1] < -50).all()
