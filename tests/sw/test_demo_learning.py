"""The learning demo: what is shipped, how answers are read, and a short run on the Verilog."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spikeloom import Golden, QuantisedNetwork, compile
from spikeloom.cli import main
from spikeloom.demo import Check, LearningDemo, sketch
from spikeloom.demo.competition import Labels
from spikeloom.demo.images import load_digits


def spikeloom(*arguments: object) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments])


def test_the_digits_to_learn_from_are_real_ones_in_16_levels() -> None:
    images, labels = load_digits()
    assert images.shape == (2000, 784) and images.dtype == np.uint8
    assert np.unique(images).tolist() == list(range(0, 256, 17))
    assert np.bincount(labels).min() > 150
    # The first of the training images is the well-known five.
    assert labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert 100 < np.count_nonzero(images[0]) < 200


def test_a_neuron_stands_for_the_digit_at_which_it_fires_most_in_the_mean() -> None:
    labels, counts = Labels(), np.zeros(100, np.int64)
    assert (labels.digits == -1).all()
    assert labels.tell(np.ones((1, 100), np.int64)).tolist() == [-1]
    counts[7] = 2
    labels.add(counts, 3)
    for _ in range(3):
        labels.add(counts // 2, 5)
    counts[:] = 0
    counts[8] = 1
    labels.add(counts, 5)
    assert labels.digits[7:10].tolist() == [3, 5, -1]
    answers = np.zeros((4, 100), np.int64)
    answers[0, 7], answers[1, 8], answers[2, 9] = 1, 1, 1
    answers[3, 7:9] = 2, 1
    assert labels.tell(answers).tolist() == [3, 5, -1, 3]


def test_weights_are_sketched_in_letters() -> None:
    weights = np.zeros((784, 100), np.int64)
    weights[: 4 * 28, 1] = 127
    lines = sketch(Check(0, 0.0, weights, np.full(100, -1)), neurons=2)
    assert lines == [" " * 15 + "@" * 14, *[" " * 29] * 6]


def test_the_device_learns_what_golden_learns_and_leaves_a_network_that_compiles(
    tmp_path: Path,
) -> None:
    result = spikeloom("demo", "learn", "-o", tmp_path / "learn", "--images", "4", "--json")
    assert result.exit_code == 0, result.output
    names = {file.name for file in (tmp_path / "learn").iterdir()}
    pictures = {"accuracy.svg", "accuracy.png", "weights.png", "neurons.png"}
    assert names == pictures | {"program.spikeloom", "learned.npz", "results.json"}
    assert [entry.name for entry in tmp_path.iterdir()] == ["learn"]
    results = json.loads((tmp_path / "learn" / "results.json").read_text())
    assert results["mismatches"] == results["wrong_parameters"] == 0
    assert results["parameters_compared"] == 785 * 100
    # As many test images as were learned from, as these are few.
    assert results["spikes_compared"] == (4 + 4) * results["steps"] * 100
    assert [check["seen"] for check in results["checks"]] == [0, 1, 2, 3, 4]
    assert json.loads(result.stdout)["configuration"] == results["configuration"]
    learned = QuantisedNetwork.load(tmp_path / "learn" / "learned.npz")
    assert f"{compile(learned, 'generic-8').config.hash:016x}" == results["configuration"]


class OneWeightOff(Golden):
    @property
    def learned(self) -> QuantisedNetwork:
        network = super().learned
        (projection,) = network.projections
        weights = projection.weights.copy()
        weights[3, 4] ^= 1
        return replace(network, projections=(replace(projection, weights=weights),))


def test_a_weight_that_differs_is_counted_and_makes_the_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spikeloom.demo.learning.Golden", OneWeightOff)
    result = spikeloom("demo", "learn", "-o", tmp_path / "learn", "--images", "1")
    assert result.exit_code == 1, result.output
    lines = [" ".join(line.split()) for line in result.output.splitlines()]
    assert "weights and thresholds that differ 1 of 78,500" in lines
    assert "spikes that differ from golden 0 of 1,600" in lines


def test_there_are_2000_images_to_learn_from(tmp_path: Path) -> None:
    sentence = "Images to learn from must be 1 to 2000, not 2001"
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        LearningDemo(2001)
    result = spikeloom("demo", "learn", "-o", tmp_path / "learn", "--images", "2001")
    assert (result.exit_code, result.stderr) == (2, f"Error: {sentence}\n")
    assert list(tmp_path.iterdir()) == []


def test_a_demo_of_another_name_is_refused() -> None:
    result = spikeloom("demo", "sing")
    assert result.exit_code == 2
    assert "'sing' is not one of 'classify', 'learn'" in result.stderr
