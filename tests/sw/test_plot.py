"""Pictures are written, and show what they were given."""

from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.image import imread

from spikeloom import Recording
from spikeloom.plot import plot_images, plot_raster

SVG = {"svg": "http://www.w3.org/2000/svg", "xlink": "http://www.w3.org/1999/xlink"}


def recording(spikes: int) -> Recording:
    array = np.zeros((30, 2, 8), bool)
    array.reshape(-1)[:: array.size // spikes][:spikes] = True
    return Recording({"hidden": array, "out": array[:, :, :3]})


def test_a_raster_has_a_mark_for_every_spike_of_the_sample(tmp_path: Path) -> None:
    path = tmp_path / "raster.svg"
    inputs = {"in": np.eye(30, 5, dtype=bool)}
    plot_raster(recording(40), path, sample=1, inputs=inputs, title="one sample")
    collections = ElementTree.parse(path).findall(".//svg:g[@id]", SVG)
    marks = [
        len(group.findall(".//svg:use", SVG))
        for group in collections
        if group.attrib["id"].startswith("PathCollection")
    ]
    array = recording(40).spikes["hidden"]
    assert marks == [5, array[:, 1].sum(), array[:, 1, :3].sum()]


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
