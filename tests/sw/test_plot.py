"""Pictures are written, and show what they were given."""

from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from spikeloom.plot import (
    plot_counts,
    plot_images,
    plot_potentials,
    plot_raster,
    plot_stack,
    plot_weights,
)
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.recording import Recording

SVG = {"svg": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}


def recording(spikes: int) -> Recording:
    array = np.zeros((30, 2, 8), bool)
    array.reshape(-1)[:: array.size // spikes][:spikes] = True
    return Recording({"hidden": array, "out": array[:, :, :3]})


def marks(path: Path) -> list[int]:
    """Marks in each group of points of a picture."""
    groups = ElementTree.parse(path).findall(".//svg:g[@id]", SVG)
    return [
        len(group.findall(".//svg:use", SVG))
        for group in groups
        if group.attrib["id"].startswith("PathCollection")
    ]


def test_a_raster_has_a_mark_for_every_spike_of_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "raster.svg"
    inputs = {"in": np.eye(30, 5, dtype=bool)}
    plot_raster(recording(40), path, sample=1, inputs=inputs, title="one sample")
    array = recording(40).spikes["hidden"]
    assert marks(path) == [5, array[:, 1].sum(), array[:, 1, :3].sum()]


def test_a_raster_without_spikes_is_drawn(tmp_path: Path) -> None:
    plot_raster(Recording({"out": np.zeros((4, 1, 2), bool)}), tmp_path / "raster.png")
    assert imread(tmp_path / "raster.png").size


def test_a_raster_of_a_sample_that_was_not_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="^Sample must lie between 0 and 1, not 2$"):
        plot_raster(recording(4), tmp_path / "raster.png", sample=2)
    assert not list(tmp_path.iterdir())


def test_a_sheet_shows_wrong_answers_in_red(tmp_path: Path) -> None:
    images = np.full((3, 28, 28), 200, np.uint8)
    for name, captions in (("right", ["1", "2", "3"]), ("wrong", ["1", "!2", "3"])):
        plot_images(images, captions, tmp_path / f"{name}.png", columns=2)
    reds = []
    for name in ("right", "wrong"):
        pixels = imread(tmp_path / f"{name}.png")
        reds.append(int(((pixels[..., 0] > 0.9) & (pixels[..., 1] < 0.3)).sum()))
    assert reds[0] == 0 < reds[1]


def test_a_sheet_needs_a_caption_for_each_image(tmp_path: Path) -> None:
    message = "^Each image must have a caption, not 2 images and 1 captions$"
    with pytest.raises(ValueError, match=message):
        plot_images(np.zeros((2, 28, 28), np.uint8), ["1"], tmp_path / "sheet.png")


def test_populations_are_stacked_in_one_panel(tmp_path: Path) -> None:
    path = tmp_path / "stack.svg"
    plot_stack(recording(40), path, sample=1, title="a wave")
    array = recording(40).spikes["hidden"]
    assert marks(path) == [array[:, 1].sum(), array[:, 1, :3].sum()]


def test_potentials_are_drawn_as_lines_with_dots_for_spikes(tmp_path: Path) -> None:
    made = recording(40)
    made.potentials["hidden"] = np.random.default_rng(1).random((30, 2, 8))
    made.values["read"] = np.random.default_rng(2).random((30, 2, 2))
    path = tmp_path / "traces.svg"
    plot_potentials(made, path, sample=1, neurons={"hidden": [0, 5], "read": [1]})
    lines = ElementTree.parse(path).findall(".//svg:g[@id]", SVG)
    dots = sum(
        len(line.findall(".//svg:use", SVG))
        for axes in lines
        if axes.attrib["id"].startswith("axes_")
        for line in axes.findall("svg:g", SVG)
        if line.attrib["id"].startswith("line2d")
    )
    assert dots == made.spikes["hidden"][:, 1, [0, 5]].sum()
    plot_potentials(made, tmp_path / "all.png")
    assert imread(tmp_path / "all.png").size


@pytest.mark.parametrize(
    ("made", "neurons", "message"),
    [
        (
            Recording({}),
            None,
            "Recording has no potentials: run the network with potentials=True",
        ),
        (
            Recording({}, {"a": np.zeros((3, 1, 2))}),
            {"b": [0]},
            "Potentials of 'b' were not recorded, but those of 'a'",
        ),
        (
            Recording({}, {"a": np.zeros((3, 1, 2))}),
            {"a": [0, 2]},
            "Neurons of 'a' lie between 0 and 1, 2 does not",
        ),
    ],
)
def test_potentials_that_are_not_there_are_refused(
    tmp_path: Path, made: Recording, neurons: dict[str, list[int]] | None, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        plot_potentials(made, tmp_path / "traces.png", neurons=neurons)


def test_the_spikes_of_a_population_in_channels_are_drawn_as_images(tmp_path: Path) -> None:
    spikes = np.zeros((10, 1, 12), bool)
    spikes[:, 0, 5] = True
    made = Recording({"map": spikes})
    plot_counts(made, "map", (2, 2, 3), tmp_path / "map.png")
    pixels = imread(tmp_path / "map.png")[..., :3]
    # One pixel of the two maps is black: the last of the first map, a seventh of the width.
    dark = np.argwhere(pixels[150:-150, :650].max(axis=-1) < 0.1)
    assert len(dark) > 1000
    message = r"^Shape must hold the 12 neurons of 'map', which \(2, 2, 2\) does not$"
    with pytest.raises(ValueError, match=message):
        plot_counts(made, "map", (2, 2, 2), tmp_path / "wrong.png")


@pytest.mark.parametrize(
    "projection",
    [
        Dense("a", "b", np.array([[1.0, -1.0], [0.0, 0.5]])),
        Convolution("a", "b", -np.ones((4, 2, 3, 3)), input_shape=(2, 5, 5)),
        Sparse(
            "a", "b", np.array([3, -3]), pre=np.array([0, 3]), post=np.array([2, 0]), size=(9, 4)
        ),
    ],
)
def test_weights_are_red_and_blue(tmp_path: Path, projection: Any) -> None:
    plot_weights(projection, tmp_path / "weights.png")
    pixels = imread(tmp_path / "weights.png")[:, :600]
    blue = (pixels[..., 2] > pixels[..., 0] + 0.2).any()
    red = (pixels[..., 0] > pixels[..., 2] + 0.2).any()
    assert blue
    assert red == bool((projection.weights > 0).any())


def test_a_matrix_that_no_picture_shows_is_refused(tmp_path: Path) -> None:
    wide = Sparse("a", "b", np.array([3]), pre=np.zeros(1, int), post=np.zeros(1, int), size=(9, 4))
    huge = replace(wide, size=(1 << 13, 1 << 13))
    message = (
        "^Projection 'a' -> 'b' has a matrix of 8192 by 8192 weights, more than a picture shows$"
    )
    with pytest.raises(ValueError, match=message):
        plot_weights(huge, tmp_path / "weights.png")
