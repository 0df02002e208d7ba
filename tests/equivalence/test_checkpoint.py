"""A device that is stopped and restored goes on as if there had been no break, to the bit."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from spikeloom import LIF, Dense, Device, Golden, Network, compile, quantise
from spikeloom.errors import LinkError
from spikeloom.learning import RuleBack, pair_stdp, reward_stdp, stop
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.event import Kind, pack
from spikeloom_sim.checkpoint import Checkpoint
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.learning import LearningState
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.random_learning import random_learning_case, random_teaching
from spikeloom_sim.random_network import random_case
from spikeloom_sim.run_state import RunState
from spikeloom_sim.structures import LEARNING, STRUCTURES

LEARNS, EVERYTHING = ChipConfig(LEARNING), ChipConfig(STRUCTURES["everything"])
SEEDS = (4, 6, 33)
SIGNED: dict[str, Any] = {"low": -1.0, "high": 1.0}
RULES: dict[str, Any] = {
    "pair": pair_stdp((0.05, 0.06)),
    "reward": reward_stdp((0.05, 0.06), **SIGNED),
    "stop": stop("WTL", 0.1, **SIGNED),
}


class Case(NamedTuple):
    """A network, its input, and what it is taught."""

    network: QuantisedNetwork
    spikes: dict[str, np.ndarray]
    teaching: dict[str, Any] = {}


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    with Device.simulate(compile(random_learning_case(0, 1).network, LEARNS)) as device:
        yield device


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(EVERYTHING)


def taught_case(name: str, steps: int) -> Case:
    """Two layers, both with the rule; errors go back from the second to the first."""
    rng, rule = np.random.default_rng(7), RULES[name]
    network = Network()
    network.add_input("in", 11)
    network.add_population("hidden", 7, LIF(decay=0.9, threshold=0.8, reset="subtract"))
    network.add_population("out", 5, LIF(decay=0.85, threshold=0.9, reset="subtract"))
    network.connect("in", "hidden", rng.uniform(0, 0.6, (11, 7)), rule=rule)
    if name == "stop":
        rule = stop("WTL", 0.1, back=RuleBack(), **SIGNED)
    network.connect("hidden", "out", rng.uniform(0, 0.6, (7, 5)), rule=rule)
    quantised = quantise(network)
    teaching = random_teaching(np.random.default_rng(1), quantised, steps)
    return Case(quantised, {"in": rng.random((steps, 11)) < 0.4}, dict(teaching))


def part(case: Any, steps: slice) -> tuple[dict[str, np.ndarray], Any]:
    """Input and teaching of some steps."""
    taught = {
        name: {n: a[steps] for n, a in given.items()} if name == "errors" else given[steps]
        for name, given in case.teaching.items()
    }
    return {name: array[steps] for name, array in case.spikes.items()}, taught


def same_network(one: QuantisedNetwork, other: QuantisedNetwork) -> None:
    for mine, theirs in zip(one.projections, other.projections, strict=True):
        np.testing.assert_array_equal(mine.weights, theirs.weights)
    for mine, theirs in zip(one.neurons, other.neurons, strict=True):
        for name in ("threshold", "decay"):
            assert np.all(getattr(mine.neuron, name) == getattr(theirs.neuron, name))


def same_traces(one: dict[str, LearningState], other: dict[str, LearningState]) -> None:
    assert list(one) == list(other)
    for label, state in one.items():
        for name, array in state._asdict().items():
            expected = getattr(other[label], name)
            assert array.dtype == expected.dtype
            np.testing.assert_array_equal(array, expected, err_msg=f"{name} of {label}")


def same_state(device: Device, mine: RunState, other: RunState | None) -> None:
    """Hold all that the hardware keeps against golden."""
    assert other is not None
    assert (mine.time, mine.network) == (other.time, other.network)
    assert mine.age == other.age or not device.program.plastic
    same_traces(mine.learning, other.learning)
    kept = (*device.program.config.core.fields.state.members, "inhibited")
    for name, state in other.items():
        np.testing.assert_array_equal(mine.pending[name], other.pending[name])
        for member in kept:
            found, expected = getattr(mine[name], member), getattr(state, member)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected, err_msg=f"{member} of {name}")


def check_goes_on(device: Device, case: Any, cut: int, path: Path) -> Golden:
    """Stop in the second sample, and go on; restore that step twice, and go on again."""
    begin, rest = part(case, slice(0, cut)), part(case, slice(cut, None))
    first = Golden(case.network)
    first.run(case.spikes, **case.teaching)
    assert first.state is not None
    golden = Golden(first.learned)
    golden.run(begin[0], state=first.state.cleared(), **begin[1])
    second = Golden(golden.learned)
    expected = second.run(rest[0], state=golden.state, **rest[1])

    config = device.program.config
    device.load(compile(case.network, config))
    device.run(case.spikes, **case.teaching)
    device.run(begin[0], **begin[1])
    stopped = device.checkpoint(case.network)
    same_network(stopped.network, golden.learned)
    same_state(device, stopped.state, golden.state)
    assert expected.difference(device.run(rest[0], reset=False, **rest[1])) is None
    stopped.save(path)

    for checkpoint in (Checkpoint.load(path), golden.checkpoint):
        device.load(compile(checkpoint.network, config))
        device.restore(checkpoint.state)
        assert expected.difference(device.run(rest[0], reset=False, **rest[1])) is None
        last = device.checkpoint(case.network)
        same_network(last.network, second.learned)
        same_state(device, last.state, second.state)
    return golden


@pytest.mark.parametrize("name", RULES)
def test_every_kind_of_rule_goes_on(device: Device, name: str, tmp_path: Path) -> None:
    case = taught_case(name, 40)
    golden = check_goes_on(device, case, 23, tmp_path / "checkpoint.npz")
    same_traces(device.traces(case.network), device.checkpoint(case.network).state.learning)
    assert golden.state is not None
    assert all(state.pre_traces.any() for state in golden.state.learning.values())


@pytest.mark.parametrize("seed", [0, 9, 15])
def test_what_learns_goes_on(device: Device, seed: int, tmp_path: Path) -> None:
    check_goes_on(device, random_learning_case(seed, 30), 17, tmp_path / "checkpoint.npz")


@pytest.mark.parametrize("seed", SEEDS)
def test_all_neurons_and_projections_go_on(chip: CompiledChip, seed: int, tmp_path: Path) -> None:
    drawn = random_case(seed, EVERYTHING.core, steps=12, largest=24)
    case = Case(drawn.network, {name: array[:, :1] for name, array in drawn.spikes.items()})
    chip.reset()
    with Device(SimulatedTransport(chip), compile(case.network, EVERYTHING)) as device:
        check_goes_on(device, case, 7, tmp_path / "checkpoint.npz")


def test_there_is_noise_input_on_its_way_and_inhibition_in_the_cases() -> None:
    noisy = waits = inhibited = False
    for seed in SEEDS:
        case = random_case(seed, EVERYTHING.core, steps=7, largest=24)
        golden = Golden(case.network)
        golden.run(case.spikes)
        assert golden.state is not None
        noisy |= any(p.neuron is not None and p.neuron.noise for p in case.network.neurons)
        waits |= any(array.any() for array in golden.state.pending.values())
        inhibited |= any(
            golden.state[p.name].inhibited.any() and p.neuron is not None and p.neuron.inhibition
            for p in case.network.neurons
        )
    assert noisy and waits and inhibited


def test_a_checkpoint_says_what_is_switched_off(device: Device) -> None:
    case = taught_case("pair", 1)
    device.load(compile(case.network, LEARNS))
    device.switch_learning("in", "hidden", False)
    network = device.checkpoint(case.network).network
    rules = [p.rule for p in network.projections if isinstance(p, Dense) and p.rule]
    assert [rule.enabled for rule in rules] == [False, True]
    assert network.fingerprint == case.network.fingerprint


def test_progress_counts_words(device: Device) -> None:
    case = taught_case("reward", 1)
    moves: dict[str, list[tuple[int, int]]] = {}

    def progress(name: str) -> Any:
        return lambda done, total: moves.setdefault(name, []).append((done, total))

    device.load(compile(case.network, LEARNS), progress=progress("load"))
    device.learned(case.network, progress=progress("learned"))
    device.traces(case.network, progress=progress("traces"))
    state = device.checkpoint(case.network, progress=progress("checkpoint")).state
    device.restore(state, progress=progress("restore"))
    assert list(moves) == ["load", "learned", "traces", "checkpoint", "restore"]
    for calls in moves.values():
        assert [done for done, _ in calls] == sorted({done for done, _ in calls})
        assert {total for _, total in calls} == {calls[-1][0]}


def test_the_state_of_something_else_is_refused(device: Device) -> None:
    case = taught_case("pair", 4)
    network = replace(case.network, populations=case.network.populations[::-1])
    mine, other = case.network.fingerprint, network.fingerprint
    device.load(compile(case.network, LEARNS))
    golden = Golden(network)
    golden.run(case.spikes)
    assert golden.state is not None
    message = (
        f"^The state is of network {other}, the program on the device of {mine}: load the program "
        f"of the network that was saved with the state$"
    )
    with pytest.raises(ValueError, match=message):
        device.restore(golden.state)
    message = (
        f"^The program on the device is of network {mine}, not of {other}: give the network that "
        f"it was compiled from$"
    )
    for read in (device.learned, device.traces, device.checkpoint):
        with pytest.raises(ValueError, match=message):
            read(network)
    golden = Golden(case.network)
    golden.run(np.zeros((1, 2, 11), bool), learning=False)
    assert golden.state is not None
    message = "^A device runs one sample at a time, the state is that of 2: run one$"
    with pytest.raises(ValueError, match=message):
        device.restore(golden.state)


def test_a_step_that_nobody_counted_is_noticed(device: Device) -> None:
    case = taught_case("pair", 4)
    device.load(compile(case.network, LEARNS))
    device.session.send_events([pack(Kind.STEP, 0, 1)])
    message = (
        "^The device is at step 1, not at 0: something was lost on the way; reset it, or restore "
        "a checkpoint$"
    )
    with pytest.raises(LinkError, match=message):
        device.checkpoint(case.network)
    device.session.receive_events(1.0)
