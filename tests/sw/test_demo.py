"""The demo's images and network are what they should be, and the Verilog answers as golden does."""

from dataclasses import replace

import numpy as np
import pytest

from spikeloom import Golden
from spikeloom.demo import DemoImages, DemoResult, run_demo
from spikeloom.demo.images import load_network

COUNT = 5


@pytest.fixture(scope="module")
def result() -> DemoResult:
    return run_demo(count=COUNT)


def test_the_shipped_images_are_real_digits() -> None:
    images = DemoImages.load()
    assert images.images.shape == (200, 28, 28)
    assert images.images.dtype == np.uint8
    assert sorted(set(images.labels.tolist())) == list(range(10))
    assert images.spikes().shape == (images.steps, 200, 784)


@pytest.mark.parametrize("bits", [8, 4])
def test_the_shipped_networks_tell_at_least_97_percent_of_them(bits: int) -> None:
    images, network = DemoImages.load(), load_network(bits)
    assert network.weight_width == bits
    digits = Golden(network).run(images.spikes()).counts("digit").argmax(axis=1)
    assert np.mean(digits == images.labels) >= 0.97


def test_the_verilog_answers_as_golden_does(result: DemoResult) -> None:
    assert result.mismatches == 0
    assert result.difference is None
    assert result.counters_agree
    assert result.accuracy == result.golden_accuracy
    assert result.cycles.shape == (COUNT,)


def test_the_summary_holds_what_was_measured(result: DemoResult) -> None:
    summary = result.summary()
    assert summary["images"] == COUNT
    assert summary["mismatches"] == 0
    assert summary["spikes_compared"] == COUNT * result.images.steps * (128 + 10)
    each = summary["per_inference"]
    assert each["events"] * COUNT == result.expected.counters["events"]
    assert each["cycles"] == result.cycles.mean()
    assert each["cycles_integrate"] + each["cycles_update"] < each["cycles"]
    assert 0 < summary["synaptic_operations_per_cycle"] < 32


def test_a_spike_that_differs_is_counted_and_named(result: DemoResult) -> None:
    spikes = {name: array.copy() for name, array in result.recording.spikes.items()}
    spikes["hidden"][3, 1, 17] ^= True
    wrong = replace(result, recording=replace(result.recording, spikes=spikes))
    assert wrong.mismatches == 1
    difference = wrong.difference
    assert difference is not None
    assert difference[:4] == (3, 1, "hidden", 17)
    assert wrong.summary()["first_difference"]["step"] == 3
