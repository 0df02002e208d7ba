"""Pictures of what a network did."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeloom_sim.recording import Recording

__all__ = ["plot_images", "plot_raster"]

# Pixels of a sheet of images above and beside each.
_CAPTION = 9
_GAP = 2


def plot_raster(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    sample: int = 0,
    inputs: dict[str, np.ndarray] | None = None,
    title: str = "",
) -> None:
    """Draw the spikes of one sample: a panel for each population, neurons upward, time rightward.

    Parameters
    ----------
    recording : Recording
        Spikes.
    path : str or path-like
        PNG, SVG or PDF file to write.
    sample : int
        Sample in the batch.
    inputs : dict of str to (steps, neurons) bool array or None
        Spikes of the inputs of that sample, drawn first.
    title : str
        Line above the picture.

    Raises
    ------
    ValueError
        If the recording has no such sample.
    """
    panels = dict(inputs or {})
    for name, spikes in recording.spikes.items():
        if not 0 <= sample < spikes.shape[1]:
            raise ValueError(f"Sample must lie between 0 and {spikes.shape[1] - 1}, not {sample}")
        panels[name] = spikes[:, sample]
    figure = Figure(figsize=(7, 1.2 + 1.6 * len(panels)), layout="constrained")
    heights = [max(1.0, np.sqrt(spikes.shape[1]) / 8) for spikes in panels.values()]
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axis, (name, spikes) in zip(axes[:, 0], panels.items(), strict=True):
        step, neuron = np.nonzero(spikes)
        size = float(np.clip(300 / spikes.shape[1], 0.5, 8))
        axis.scatter(step, neuron, s=size**2, marker="|", linewidths=1.2, color="black")
        axis.set_ylim(-0.5, spikes.shape[1] - 0.5)
        axis.set_xlim(-0.5, len(spikes) - 0.5)
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axis.set_ylabel(f"{name}\n({spikes.shape[1]})")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1, 0].set_xlabel("time step")
    figure.suptitle(title)
    figure.savefig(Path(path), dpi=150)


def plot_images(
    images: np.ndarray, captions: Sequence[str], path: str | os.PathLike[str], columns: int = 20
) -> None:
    """Draw a sheet of grey images with a caption above each.

    Parameters
    ----------
    images : (images, height, width) uint8 array
        Images, 255 for ink.
    captions : sequence of str
        One for each image; a caption that starts with "!" is drawn in red, without the mark.
    path : str or path-like
        PNG, SVG or PDF file to write.
    columns : int
        Images in a row of the sheet.

    Raises
    ------
    ValueError
        If there are not as many captions as images, or no images.
    """
    if len(captions) != len(images) or not len(images):
        raise ValueError(
            f"Each image must have a caption, not {len(images)} images and {len(captions)} captions"
        )
    # One picture of all: hundreds of axes would take seconds.
    columns = min(columns, len(images))
    rows = -(-len(images) // columns)
    height, width = images.shape[1] + _CAPTION, images.shape[2] + _GAP
    sheet = np.zeros((rows * height, columns * width), np.uint8)
    figure = Figure(figsize=(0.5 * columns, 0.5 * rows * height / width), layout="constrained")
    axis = figure.subplots()
    axis.axis("off")
    for number, (image, caption) in enumerate(zip(images, captions, strict=True)):
        top, left = number // columns * height, number % columns * width
        sheet[top + _CAPTION : top + height, left : left + images.shape[2]] = image
        axis.text(
            left + images.shape[2] / 2,
            top + _CAPTION - 1,
            caption.removeprefix("!"),
            size=7,
            ha="center",
            va="bottom",
            color="red" if caption.startswith("!") else "black",
        )
    axis.imshow(sheet, cmap="gray_r", interpolation="nearest")
    figure.savefig(Path(path), dpi=120)
