"""Learning that the host steers while it goes on: other rules, teachers of streams, asyncio."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom import Dense, Device, Golden, Program, compile
from spikeloom.host.aio import AsyncDevice
from spikeloom.host.stream import Binning, Pacing, Stream
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.learning import Backward, Eligibility, Errors, LearningRule, Term, Trace
from spikeloom_hw.learning.kinds import Post, Pre
from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.learning import Teaching
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.structures import LEARNING

CONFIG = ChipConfig(LEARNING)
STEPS, DT = 24, 10
RNG = np.random.default_rng(3)
SPIKES = RNG.random((STEPS, 9)) < 0.4
TEACHING: dict[str, Any] = {
    "modulator": RNG.integers(-100, 100, STEPS),
    "errors": {"out": RNG.integers(-3000, 3000, (STEPS, 5))},
}
REWARD = LearningRule(
    (Term(40, Pre.X1, on_post=True), Term(-30, post=Post.Y1, on_pre=True)),
    shift=8,
    low=-90,
    high=90,
    pre_traces=(Trace(3700, 20000),),
    post_traces=(Trace(3500, 20000),),
    eligibility=Eligibility(6, 3000, 4),
)
TAUGHT = LearningRule(
    (Term(9, Pre.X1, Post.DELTA),),
    shift=15,
    low=-90,
    high=90,
    pre_traces=(Trace(3700, 20000),),
    errors=Errors(width=2),
)


def network_of(*rules: LearningRule | None) -> QuantisedNetwork:
    rng = np.random.default_rng(5)
    neuron = NeuronParameters(threshold=150, decay=3800, reset=Reset.SUBTRACT)
    sizes = {"in": 9, "hidden": 6, "out": 5}
    populations = [
        QuantisedPopulation(n, s, None if n == "in" else neuron) for n, s in sizes.items()
    ]
    projections = [
        Dense(a, b, rng.integers(0, 80, (sizes[a], sizes[b])), rule=rule)
        for (a, b), rule in zip((("in", "hidden"), ("hidden", "out")), rules, strict=True)
    ]
    return QuantisedNetwork(tuple(populations), tuple(projections))


NETWORK = network_of(REWARD, TAUGHT)


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    with Device.simulate(compile(NETWORK, CONFIG)) as device:
        yield device


@pytest.fixture
def program(device: Device) -> Program:
    """The program, which the device holds anew."""
    program = compile(NETWORK, CONFIG)
    device.load(program)
    return program


def same_weights(one: QuantisedNetwork, other: QuantisedNetwork) -> None:
    for mine, theirs in zip(one.projections, other.projections, strict=True):
        np.testing.assert_array_equal(mine.weights, theirs.weights)


def part(steps: slice) -> tuple[np.ndarray, Any]:
    errors = {name: array[steps] for name, array in TEACHING["errors"].items()}
    return SPIKES[steps], {"modulator": TEACHING["modulator"][steps], "errors": errors}


def test_other_rules_are_followed_from_the_next_step_on(device: Device, program: Program) -> None:
    changes = [
        (REWARD, {"shift": 6, "high": 100}),
        (TAUGHT, {"seed": 7, "terms": (Term(-30, Pre.X1, Post.DELTA),)}),
        (REWARD, {"eligibility": Eligibility(4, 2000, 5), "gate": True}),
    ]
    golden, state = Golden(NETWORK), None
    for number, (rule, change) in enumerate([(REWARD, {}), *changes]):
        ends = ("hidden", "out") if rule is TAUGHT else ("in", "hidden")
        network = golden.learned.with_rule(*ends, replace(rule, **change))
        spikes, teaching = part(slice(6 * number, 6 * number + 6))
        golden = Golden(network)
        expected = golden.run(spikes, state=state, **teaching)
        device.set_rules(compile(network, CONFIG))
        assert expected.difference(device.run(spikes, reset=False, **teaching)) is None
        same_weights(device.learned(network), golden.learned)
        state = golden.state
    assert device.program.images["weights"] is program.images["weights"]


def test_rules_that_cannot_be_followed_are_refused(device: Device, program: Program) -> None:
    no_rules: Any = NETWORK
    with pytest.raises(TypeError, match="^Rules are given by a Program, not by QuantisedNetwork"):
        device.set_rules(no_rules)
    other = network_of(REWARD, None)
    message = (
        f"^The rules are for network {other.fingerprint}, the program on the device is of "
        f"{NETWORK.fingerprint}: load the program instead$"
    )
    with pytest.raises(ValueError, match=message):
        device.set_rules(compile(other, CONFIG))
    structure = ChipConfig(replace(LEARNING, weight_rows=1024))
    message = (
        f"^The rules are for hardware {structure.hash:016x}, the device is {CONFIG.hash:016x}: "
        f"compile the network for the config of its program$"
    )
    with pytest.raises(ValueError, match=message):
        device.set_rules(compile(NETWORK, structure))
    back = NETWORK.with_rule("hidden", "out", replace(TAUGHT, back=Backward(4)))
    message = (
        "^The rules send errors back by another way than those on the device: load the program "
        "instead$"
    )
    with pytest.raises(ValueError, match=message):
        device.set_rules(compile(back, CONFIG))

    # What was learned may be beyond the range of a new rule.
    weights = device.weights("in", "hidden")
    narrow = replace(REWARD, high=int(weights.max()) - 1)
    start = replace(NETWORK.projections[0], weights=weights.clip(max=narrow.high), rule=narrow)
    program = compile(replace(NETWORK, projections=(start, NETWORK.projections[1])), CONFIG)
    message = (
        f"^The projection from 'in' to 'hidden' has learned the weight {weights.max()}, its new "
        f"rule goes from -90 to {narrow.high}: use a wider range$"
    )
    with pytest.raises(ValueError, match=message):
        device.set_rules(program)


def events() -> Iterator[np.ndarray]:
    step, neuron = np.nonzero(SPIKES)
    found = np.zeros(len(step), [("t", np.int64), ("neuron", np.int32)])
    found["t"], found["neuron"] = step * DT, neuron
    yield from np.array_split(found, 5)


def teach(first: int, count: int) -> Teaching:
    taught: Teaching = part(slice(first, first + count))[1]
    return taught


@pytest.mark.parametrize("ahead", [1, 7])
def test_a_stream_is_taught(device: Device, program: Program, ahead: int) -> None:
    golden = Golden(NETWORK)
    expected = golden.run(SPIKES, **TEACHING)
    binning = Binning(DT, steps=STEPS)
    stream = Stream(device, events(), binning, Pacing(ahead=ahead)).teach(teach)
    assert expected.difference(stream.record()) is None
    same_weights(device.learned(NETWORK), golden.learned)


def test_an_error_of_the_teacher_comes_through(device: Device, program: Program) -> None:
    def forgets(first: int, count: int) -> Teaching:
        return teach(first, count) if first < 8 else {"modulator": np.full(count, 300)}

    stream = Stream(device, events(), Binning(DT, steps=STEPS), Pacing(ahead=4)).teach(forgets)
    with pytest.raises(ValueError, match="^Modulator must lie between -128 and 127, not 300$"):
        list(stream)
    golden = Golden(NETWORK)
    spikes, teaching = part(slice(0, 8))
    golden.run(spikes, **teaching)
    same_weights(device.checkpoint(NETWORK).network, golden.learned)


def test_awaited_calls_teach_and_restore() -> None:
    program = compile(NETWORK, CONFIG)
    golden = Golden(NETWORK)
    golden.run(SPIKES, **TEACHING)
    slower = NETWORK.with_rule("in", "hidden", replace(REWARD, shift=9))

    async def use() -> None:
        async with AsyncDevice.simulate(program) as device:
            async with device.stream(events(), Binning(DT, steps=STEPS)).teach(teach) as stream:
                assert len([step async for step in stream]) == STEPS
            network, state = await device.checkpoint(NETWORK)
            same_weights(network, golden.learned)
            await device.load(compile(network, CONFIG))
            await device.restore(state)
            assert state.learning.keys() == (await device.traces(NETWORK)).keys()
            same_weights(await device.learned(NETWORK), golden.learned)
            await device.set_rules(compile(slower, CONFIG))
            await device.switch_learning("in", "hidden", False)
            await device.step(SPIKES[0], modulator=3)
            same = await device.weights("in", "hidden")
            np.testing.assert_array_equal(same, golden.learned.projections[0].weights)

    asyncio.run(use())
