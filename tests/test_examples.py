"""The trained examples: golden as a direct computation says, and the Verilog as golden says."""

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import Device, Golden, compile

EXAMPLES = Path(__file__).parents[1] / "examples"
# Of the 20 samples of each, 2 of every digit, so many are told wrong at most.
ERRORS = {"nmnist": 0, "speech": 1}

Load = Callable[[str, str], dict[str, Any]]


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """Run a script of an example, which finds those beside it."""

    def run(example: str, script: str) -> dict[str, Any]:
        monkeypatch.syspath_prepend(EXAMPLES / example)
        return runpy.run_path(str(EXAMPLES / example / f"{script}.py"))

    return run


def test_the_convolutional_network_spikes_as_computed_directly(load: Load) -> None:
    example = load("nmnist", "network")
    spikes, labels = example["samples"]()
    recording = Golden(example["quantised"]()).run(spikes)
    frames = spikes.swapaxes(0, 1).reshape(len(labels), -1, 2, 34, 34)
    direct = load("nmnist", "direct")["run"](frames)
    for name, expected in zip(("conv1", "conv2", "digit"), direct.values(), strict=True):
        flat = expected.reshape(*expected.shape[:2], -1).swapaxes(0, 1)
        assert flat.any()
        np.testing.assert_array_equal(recording.spikes[name], flat)


def test_the_recurrent_network_spikes_and_reads_out_as_computed_directly(load: Load) -> None:
    example = load("speech", "network")
    spikes, _ = example["samples"]()
    recording = Golden(example["quantised"]()).run(spikes)
    hidden, potential = load("speech", "direct")["run"](spikes.swapaxes(0, 1))
    assert hidden.any()
    np.testing.assert_array_equal(recording.spikes["hidden"], hidden.swapaxes(0, 1))
    np.testing.assert_array_equal(recording.values["digit"], potential.swapaxes(0, 1))


@pytest.mark.parametrize(("example", "errors"), ERRORS.items())
def test_an_example_tells_the_digits_of_its_samples(load: Load, example: str, errors: int) -> None:
    network = load(example, "network")
    spikes, labels = network["samples"]()
    told, activity = network["measure"](network["quantised"](), spikes)
    assert sorted(labels) == sorted([*range(10)] * 2)
    assert np.count_nonzero(told != labels) <= errors
    assert activity[next(iter(activity))] == spikes.sum() / len(labels)


@pytest.mark.parametrize("example", ERRORS)
def test_an_example_draws_its_picture(load: Load, example: str, tmp_path: Path) -> None:
    load(example, "network")["picture"](tmp_path / "picture.png")
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
@pytest.mark.parametrize(("example", "errors"), ERRORS.items())
def test_an_example_runs_on_its_verilog_as_golden_says(
    load: Load, example: str, errors: int
) -> None:
    network = load(example, "network")
    quantised = network["quantised"]()
    spikes, labels = network["samples"]()
    expected = Golden(quantised).run(spikes)
    with Device.simulate(compile(quantised, "generic-8")) as device:
        recording = device.run(spikes)
    assert expected.difference(recording) is None
    assert recording.spikes.keys() == expected.spikes.keys()
    assert recording.values.keys() == expected.values.keys()
    assert np.count_nonzero(network["classes"](recording) != labels) <= errors
    for counter in ("events", "synaptic_operations"):
        assert recording.counters[counter] == expected.counters[counter]
