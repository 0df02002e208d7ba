"""Pictures of learning show weights, traces and accuracy as they were recorded."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from spikeloom.plot import plot_accuracy, plot_synapse, plot_weight_maps
from spikeloom_sim.recording import Recording

SVG = "{http://www.w3.org/2000/svg}"
LABEL = "image -> hidden"


def recording(steps: int = 20, snapshots: int = 20) -> Recording:
    random = np.random.default_rng(1)
    return Recording(
        {},
        weights={LABEL: random.integers(-128, 128, (snapshots, 12, 5))},
        traces={
            f"{LABEL}/x1": random.integers(0, 65536, (steps, 12)),
            f"{LABEL}/y1": random.integers(0, 65536, (steps, 5)),
        },
    )


def longest_lines(path: Path, count: int) -> list[np.ndarray]:
    """The (x, y) points of the lines of a picture that have most points."""
    lines = []
    for drawn in ElementTree.parse(path).iter(f"{SVG}path"):
        numbers = re.findall(r"[ML] ([-\d.]+) ([-\d.]+)", drawn.attrib.get("d", ""))
        lines.append(np.array(numbers, float).reshape(-1, 2))
    return sorted(lines, key=len)[-count:]


def test_accuracy_is_the_mean_of_a_moving_window(tmp_path: Path) -> None:
    correct = np.array([0, 1] * 20 + [1] * 40, bool)
    plot_accuracy(correct, tmp_path / "accuracy.svg", window=10, title="learns")
    (line,) = longest_lines(tmp_path / "accuracy.svg", 1)
    # Points on a straight line are joined: look the drawn line up where it bends.
    height = line[:, 1]
    share = (height[0] - height) / (height[0] - height.min())
    assert share[0] == 0 and share[-1] == 1
    assert np.isclose(share, 0.5).any()
    assert not np.any(share > 1)


def test_a_synapse_has_its_traces_and_its_weight(tmp_path: Path) -> None:
    run = recording()
    plot_synapse(run, LABEL, (3, 2), tmp_path / "synapse.svg")
    lines = longest_lines(tmp_path / "synapse.svg", 3)
    wanted = [
        run.traces[f"{LABEL}/x1"][:, 3],
        run.traces[f"{LABEL}/y1"][:, 2],
        run.weights[LABEL][:, 3, 2],
    ]
    found = []
    for line in lines:
        # A step has two points for each value but the last.
        heights = -(line[::2, 1] if len(line) > 30 else line[:, 1])
        found.append((heights - heights.min()) / np.ptp(heights))
    for numbers in wanted:
        scaled = (numbers - numbers.min()) / np.ptp(numbers)
        assert any(len(f) == 20 and np.allclose(f, scaled, atol=1e-3) for f in found)


def test_weight_maps_have_a_row_for_each_neuron(tmp_path: Path) -> None:
    plot_weight_maps(recording(), LABEL, (3, 4), tmp_path / "all.png")
    plot_weight_maps(recording(), LABEL, (3, 4), tmp_path / "two.png", neurons=[4, 0])
    assert imread(tmp_path / "all.png").shape[0] > imread(tmp_path / "two.png").shape[0]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda path: plot_weight_maps(recording(), "a -> b", (3, 4), path),
            "Weights of 'a -> b' were not recorded; those recorded are 'image -> hidden'",
        ),
        (
            lambda path: plot_weight_maps(Recording({}), LABEL, (3, 4), path),
            (
                "Weights of 'image -> hidden' were not recorded; those recorded are none: run it "
                "with weights_every"
            ),
        ),
        (
            lambda path: plot_weight_maps(recording(), LABEL, (5, 4), path),
            "Shape must hold the 12 neurons before image -> hidden, which (5, 4) does not",
        ),
        (
            lambda path: plot_weight_maps(recording(), LABEL, (3, 4), path, neurons=[5]),
            "Postsynaptic neuron must lie between 0 and 4, not 5",
        ),
        (
            lambda path: plot_synapse(recording(20, 4), LABEL, (0, 0), path),
            (
                "Weights must be recorded after each of the 20 steps, not 4 times: run the network "
                "with weights_every=1"
            ),
        ),
        (
            lambda path: plot_synapse(
                Recording({}, weights=recording().weights), LABEL, (0, 0), path
            ),
            "Recording has no traces of image -> hidden: run the network with traces=True",
        ),
        (
            lambda path: plot_synapse(recording(), LABEL, (12, 0), path),
            "Presynaptic neuron must lie between 0 and 11, not 12",
        ),
        (lambda path: plot_accuracy([], path), "Accuracy needs at least one sample"),
        (lambda path: plot_accuracy([True], path, window=0), "Window must be at least 1, not 0"),
    ],
)
def test_what_cannot_be_drawn_is_refused(call: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        call(tmp_path / "picture.png")
    assert not list(tmp_path.iterdir())
