"""The chip learns what the golden model learns: weights, thresholds, leaks, traces, to the bit."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from spikeloom import LIF, Device, Golden, Network, Program, compile, quantise
from spikeloom.host.memories import Memories
from spikeloom.host.script import read_run, script_of
from spikeloom.learning import (
    RuleBack,
    RuleWindow,
    diehl_cook,
    e_prop,
    modulated_stdp,
    nearest_stdp,
    pair_stdp,
    reward_stdp,
    sdsp,
    stop,
    triplet_stdp,
    weight_decay,
)
from spikeloom.learning_cycles import most_learning_cycles
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import emitted_verilog
from spikeloom_sim.cosim import cosimulate
from spikeloom_sim.learning import Sample
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.random_learning import random_learning_case, random_teaching
from spikeloom_sim.structures import LEARNING

STEPS = 1000
WINDOW = RuleWindow(potential=0.5, up=(0.1, 8.0), down=(0.1, 4.0))
SIGNED: dict[str, Any] = {"low": -1.0, "high": 1.0}
RULES: dict[str, Any] = {
    "pair": pair_stdp((0.05, 0.06)),
    "multiplicative": pair_stdp((0.05, 0.06), form="multiplicative"),
    "nearest": nearest_stdp((0.05, 0.06)),
    "triplet": triplet_stdp((0.05, 0.07), (0.06, 0.01)),
    "reward": reward_stdp((0.05, 0.06), **SIGNED),
    "modulated": modulated_stdp((0.05, 0.06), **SIGNED),
    "sdsp": sdsp(0.1, WINDOW),
    "diehl_cook": diehl_cook(0.05),
    "decay": weight_decay(0.01),
    "stop": stop("WTL", 0.1, **SIGNED),
    "e-prop": e_prop(0.1, **SIGNED),
}


def taught_network(name: str) -> QuantisedNetwork:
    """Two layers, both with the rule; errors go back from the second to the first."""
    rng = np.random.default_rng(7)
    rule = RULES[name]
    network = Network()
    network.add_input("in", 11)
    network.add_population("hidden", 7, LIF(decay=0.9, threshold=0.8, reset="subtract"))
    network.add_population("out", 5, LIF(decay=0.85, threshold=0.9, reset="subtract"))
    network.connect("in", "hidden", rng.uniform(0, 0.6, (11, 7)), rule=rule)
    if name == "stop":
        rule = stop("WTL", 0.1, back=RuleBack(), **SIGNED)
    network.connect("hidden", "out", rng.uniform(0, 0.6, (7, 5)), rule=rule)
    return quantise(network)


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    program = compile(random_learning_case(0, 1).network, ChipConfig(LEARNING))
    with Device.simulate(program) as device:
        yield device


def load(device: Device, network: QuantisedNetwork) -> None:
    device.load(compile(network, ChipConfig(LEARNING)))


def check_learned(learned: QuantisedNetwork, expected: QuantisedNetwork) -> None:
    for mine, other in zip(learned.projections, expected.projections, strict=True):
        assert np.array_equal(mine.weights, other.weights), f"weights of {mine}"
    for mine, other in zip(learned.neurons, expected.neurons, strict=True):
        for name in ("threshold", "decay"):
            found, wanted = (getattr(p.neuron, name) for p in (mine, other))
            assert np.all(found == wanted), f"{name} of {mine.name!r}"


def check_traces(device: Device, golden: Golden) -> None:
    """Hold the traces in the device against those of golden."""
    program, memories = device.program, Memories(device.session, device.program.config)
    rules = memories.read_rows("rules", 0, len(program.plastic))
    state = golden.state
    assert state is not None
    for entry, (placed, kept) in enumerate(
        zip(program.plastic, state.learning.values(), strict=True)
    ):
        for side, traces, where in (
            ("pre", kept.pre_traces, rules["pre_row"][entry]),
            ("post", kept.post_traces, rules["post_row"][entry]),
        ):
            letter = {"pre": "x", "post": "y"}[side]
            size = traces.shape[1]
            rows = memories.read_rows(side, int(where), -(-size // 2))
            for number, trace in enumerate(traces, 1):
                found = rows[f"{letter}{number}"].ravel()[:size]
                assert np.array_equal(found, trace), f"{letter}{number} of {placed}"


@pytest.mark.parametrize("name", RULES)
def test_every_rule_learns_what_golden_learns(device: Device, name: str) -> None:
    network, rng = taught_network(name), np.random.default_rng(5)
    spikes = {"in": rng.random((STEPS, 11)) < 0.1}
    teaching = random_teaching(np.random.default_rng(1), network, STEPS)
    golden = Golden(network)
    expected = golden.run(spikes, **teaching)
    load(device, network)
    assert expected.difference(device.run(spikes, **teaching)) is None
    check_learned(device.learned(network), golden.learned)
    check_traces(device, golden)
    changed = [
        np.count_nonzero(now.weights != before.weights)
        for now, before in zip(golden.learned.projections, network.projections, strict=True)
    ]
    assert min(changed) > 10


@pytest.mark.parametrize("seed", range(12))
def test_random_rules_learn_what_golden_learns(device: Device, seed: int) -> None:
    case = random_learning_case(seed, 40)
    golden = Golden(case.network)
    expected = golden.run(case.spikes, **case.teaching)
    load(device, case.network)
    recording = device.run(case.spikes, **case.teaching)
    assert expected.difference(recording) is None
    check_learned(device.learned(case.network), golden.learned)
    check_traces(device, golden)
    for counter, count in expected.counters.items():
        assert recording.counters[counter] == count


@pytest.mark.parametrize("name", ["pair", "reward", "stop"])
def test_learning_takes_no_more_cycles_than_told(device: Device, name: str) -> None:
    network = taught_network(name)
    spikes = {"in": np.ones((50, 11), bool)}
    teaching = random_teaching(np.random.default_rng(1), network, 50)
    load(device, network)
    most = most_learning_cycles(device.program)
    learns = device.run(spikes, **teaching).counters["cycles_control"]
    for projection in network.projections:
        device.switch_learning(projection.source, projection.target, False)
    rests = device.run(spikes, **teaching).counters["cycles_control"]
    assert most / 10 < (learns - rests) / 50 < most


def test_samples_are_learned_one_after_the_other(device: Device) -> None:
    cases = [random_learning_case(3, 20)]
    network, rng = cases[0].network, np.random.default_rng(8)
    teaching = random_teaching(rng, network, 20)
    spikes = rng.random((20, 3, network.inputs[0].size)) < 0.3
    golden = Golden(network)
    load(device, network)
    recording = device.run(spikes, **teaching)
    samples = [
        Sample(spikes[:, k], teaching.get("modulator"), teaching.get("errors")) for k in range(3)
    ]
    for k, expected in enumerate(golden.learn(samples)):
        for name, sent in expected.spikes.items():
            assert np.array_equal(recording.spikes[name][:, k], sent[:, 0])
    check_learned(device.learned(network), golden.learned)


def test_only_what_has_a_rule_is_switched(device: Device) -> None:
    rule = RULES["pair"]
    network = Network()
    network.add_input("in", 2)
    network.add_population("out", 2, LIF(decay=0.9, threshold=0.8))
    network.connect("in", "out", np.eye(2), rule=rule)
    network.connect("out", "out", np.eye(2))
    load(device, quantise(network))
    message = "^The projection from 'out' to 'out' has no rule to learn by$"
    with pytest.raises(ValueError, match=message):
        device.switch_learning("out", "out", True)
    message = "^A device takes 'modulator' and 'errors', not 'traces'$"
    with pytest.raises(ValueError, match=message):
        device.run(np.zeros((1, 2), bool), traces=True)
    message = "^Errors are given for 'out', but the populations that learn from errors are none$"
    with pytest.raises(ValueError, match=message):
        device.run(np.zeros((1, 2), bool), errors={"out": np.zeros((1, 2), int)})


def test_learning_is_switched_off_and_on(device: Device) -> None:
    network, rng = taught_network("pair"), np.random.default_rng(6)
    spikes = rng.random((60, 11)) < 0.2
    load(device, network)
    device.switch_learning("in", "hidden", False)
    device.run(spikes)
    learned = device.learned(network)
    assert np.array_equal(learned.projections[0].weights, network.projections[0].weights)
    assert not np.array_equal(learned.projections[1].weights, network.projections[1].weights)

    # What has fired while it was off is not remembered.
    device.switch_learning("in", "hidden", True)
    device.switch_learning("hidden", "out", False)
    device.run(np.zeros((5, 11), bool), reset=False)
    assert np.array_equal(
        device.learned(network).projections[0].weights, network.projections[0].weights
    )
    device.run(spikes, reset=False)
    again = device.learned(network)
    assert not np.array_equal(again.projections[0].weights, network.projections[0].weights)
    assert np.array_equal(again.projections[1].weights, learned.projections[1].weights)


def test_steps_are_taught_one_by_one(device: Device) -> None:
    case = random_learning_case(11, 12)
    golden = Golden(case.network)
    expected = golden.run(case.spikes, **case.teaching)
    load(device, case.network)
    modulator = case.teaching.get("modulator", np.zeros(12, int))
    errors = case.teaching.get("errors") or {}
    for step in range(12):
        sent = device.step(
            {name: array[step] for name, array in case.spikes.items()},
            modulator=int(modulator[step]),
            errors={name: array[step] for name, array in errors.items()},
        )
        for name, train in (expected.spikes | expected.values).items():
            assert np.array_equal(sent[name], train[step, 0])
    check_learned(device.learned(case.network), golden.learned)


def test_icarus_learns_what_golden_learns() -> None:
    cases = [random_learning_case(seed, 8, largest=6) for seed in range(2)]
    programs = [compile(case.network, ChipConfig(LEARNING)) for case in cases]
    check_scripts(
        cases,
        programs,
        lambda scripts: cosimulate(
            emitted_verilog(ChipConfig(LEARNING)), scripts, simulator="icarus", patience=3000
        ),
    )


def check_scripts(cases: list[Any], programs: list[Program], run: Any) -> None:
    """Hold the spikes of simulations without a host against golden."""
    scripts = [
        script_of(program, case.spikes, **case.teaching)
        for case, program in zip(cases, programs, strict=True)
    ]
    for case, program, exchange in zip(cases, programs, run(scripts), strict=True):
        steps = len(next(iter(case.spikes.values())))
        expected = Golden(case.network).run(case.spikes, **case.teaching)
        assert expected.difference(read_run(program, exchange.output, steps)) is None
