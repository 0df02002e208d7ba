"""A device that is stopped and restored goes on as if there had been no break, to the bit."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import Device, Golden, compile
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.checkpoint import Checkpoint
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.learning import LearningState
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.random_learning import random_learning_case, random_teaching
from spikeloom_sim.random_network import random_case
from spikeloom_sim.run_state import RunState
from spikeloom_sim.structures import LEARNING, STRUCTURES

LEARNS, EVERYTHING = ChipConfig(LEARNING), ChipConfig(STRUCTURES["everything"])


@pytest.fixture(scope="module")
def device() -> Iterator[Device]:
    with Device.simulate(compile(random_learning_case(0, 1).network, LEARNS)) as device:
        yield device


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(EVERYTHING)


def part(arrays: dict[str, Any], steps: slice) -> dict[str, Any]:
    return {name: array[steps] for name, array in arrays.items()}


def lesson(teaching: Any, steps: slice) -> Any:
    return {
        name: part(given, steps) if name == "errors" else given[steps]
        for name, given in teaching.items()
    }


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
            np.testing.assert_array_equal(array, getattr(other[label], name), err_msg=name)


def same_state(device: RunState, golden: RunState | None, kept: tuple[str, ...]) -> None:
    """Hold all that the hardware keeps against golden."""
    assert golden is not None
    assert (device.time, device.age, device.network) == (golden.time, golden.age, golden.network)
    same_traces(device.learning, golden.learning)
    for name, state in golden.items():
        np.testing.assert_array_equal(device.pending[name], golden.pending[name])
        for member in kept:
            found, expected = getattr(device[name], member), getattr(state, member)
            assert found.dtype == expected.dtype
            np.testing.assert_array_equal(found, expected, err_msg=f"{member} of {name}")


def go_on(device: Device, network: QuantisedNetwork, case: Any, cut: int, path: Path) -> None:
    """Stop at a step, go on; restore that step twice, and go on again."""
    begin, end = slice(0, cut), slice(cut, None)
    golden = Golden(network)
    golden.run(part(case.spikes, begin), **lesson(case.teaching, begin))
    second = Golden(golden.learned)
    rest = part(case.spikes, end), lesson(case.teaching, end)
    expected = second.run(rest[0], state=golden.state, **rest[1])

    device.load(compile(network, device.program.config))
    device.run(part(case.spikes, begin), **lesson(case.teaching, begin))
    checkpoint = device.checkpoint(network)
    same_network(checkpoint.network, golden.learned)
    kept = (*device.program.config.core.fields.state.members, "inhibited")
    same_state(checkpoint.state, golden.state, kept)
    assert expected.difference(device.run(rest[0], reset=False, **rest[1])) is None
    checkpoint.save(path)

    for stopped in (Checkpoint.load(path), golden.checkpoint):
        device.load(compile(stopped.network, device.program.config))
        device.restore(stopped.state)
        assert expected.difference(device.run(rest[0], reset=False, **rest[1])) is None
        last = device.checkpoint(stopped.network)
        same_network(last.network, second.learned)
        same_state(last.state, second.state, kept)


@pytest.mark.parametrize("seed", range(12))
def test_what_learns_goes_on(device: Device, seed: int, tmp_path: Path) -> None:
    case = random_learning_case(seed, 30)
    go_on(device, case.network, case, 17, tmp_path / "checkpoint.npz")
