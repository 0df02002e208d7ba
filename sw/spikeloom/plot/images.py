"""Pictures of images, of maps of spikes and of weights."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from spikeloom_sim.projection import Convolution, Projection
from spikeloom_sim.recording import Recording

from .sample import select_sample

__all__ = ["plot_counts", "plot_images", "plot_weights"]

# Pixels of a sheet of images above and beside each.
_CAPTION = 9
_GAP = 2

_LARGEST_MATRIX = 1 << 24


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


def plot_counts(
    recording: Recording,
    name: str,
    shape: tuple[int, int, int],
    path: str | os.PathLike[str],
    *,
    sample: int = 0,
) -> None:
    """Draw how often the neurons of a population fired in a sample: an image for each channel.

    Parameters
    ----------
    recording : Recording
        Spikes.
    name : str
        The population.
    shape : tuple of int
        Its shape (channels, height, width).
    path : str or path-like
        PNG, SVG or PDF file to write.
    sample : int
        Sample in the batch.

    Raises
    ------
    ValueError
        If the population or the sample was not recorded, or the shape does not hold it.
    """
    counts = recording.counts(name)[None]
    select_sample({name: counts}, sample)
    if np.prod(shape) != counts.shape[-1]:
        raise ValueError(
            f"Shape must hold the {counts.shape[-1]} neurons of {name!r}, which {shape} does not"
        )
    maps = counts[0, sample].reshape(shape)
    _sheet(maps, path, f"{name}: spikes of each neuron", (0, max(1, int(maps.max()))), "gray_r")


def plot_weights(projection: Projection, path: str | os.PathLike[str]) -> None:
    """Draw the weights of a projection: a kernel for each pair of channels, or the whole matrix.

    Parameters
    ----------
    projection : Projection
        Real or integer weights; red ones are positive, blue ones negative.
    path : str or path-like
        PNG, SVG or PDF file to write.

    Raises
    ------
    ValueError
        If the matrix is too large for a picture.
    """
    pre, post = projection.shape
    title = f"{projection}: weights"
    if isinstance(projection, Convolution):
        maps = projection.weights.reshape(-1, *projection.weights.shape[2:])
    elif pre * post > _LARGEST_MATRIX:
        raise ValueError(
            f"Projection {projection} has a matrix of {pre} by {post} weights, "
            f"more than a picture shows"
        )
    else:
        maps = np.zeros((1, post, pre))
        for source, target, weight, _ in projection.synapses():
            np.add.at(maps[0], (target, source), weight)
        title += ", presynaptic rightward"
    largest = float(np.abs(maps).max()) or 1.0
    _sheet(maps, path, title, (-largest, largest), "RdBu_r")


def _sheet(
    maps: np.ndarray,
    path: str | os.PathLike[str],
    title: str,
    limits: tuple[float, float],
    colours: str,
) -> None:
    """Draw (images, height, width) numbers side by side, with one scale of colours."""
    count, height, width = maps.shape
    columns = int(np.ceil(np.sqrt(count * height / width)))
    rows = -(-count // columns)
    sheet = np.full((rows * (height + 1) - 1, columns * (width + 1) - 1), np.nan)
    for number, image in enumerate(maps):
        top, left = number // columns * (height + 1), number % columns * (width + 1)
        sheet[top : top + height, left : left + width] = image
    figure = Figure(figsize=(6, 5), layout="constrained")
    axis = figure.subplots()
    low, high = limits
    drawn = axis.imshow(sheet, cmap=colours, vmin=low, vmax=high, interpolation="nearest")
    axis.axis("off")
    figure.colorbar(drawn, ax=axis, shrink=0.8)
    axis.set_title(title)
    figure.savefig(Path(path), dpi=150)
