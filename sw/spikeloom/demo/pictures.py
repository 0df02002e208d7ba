"""Pictures of the demos: what was classified, and what was learned."""

from pathlib import Path

import numpy as np

from spikeloom_sim.recording import Recording

from ..plot import plot_accuracy, plot_images, plot_raster, plot_weight_maps
from .competition import INPUT, LAYER
from .inference import DemoResult
from .learning import Check, LearningResult

__all__ = ["draw", "draw_learning", "sketch"]

_SIDE = 28
_INK = np.array(list(" .:-=+*#%@"))

# Pixels that a letter stands for: it is twice as high as wide.
_TALL, _WIDE = 4, 2


def draw(result: DemoResult, folder: Path) -> tuple[Path, Path]:
    """Draw the spikes of the first image, and all images with the digits told.

    Returns
    -------
    tuple of Path
        The raster plot and the sheet, PNG files in ``folder``.
    """
    raster, sheet = folder / "raster.png", folder / "images.png"
    labels, digits = result.images.labels, result.digits
    inputs = {result.program.inputs[0].name: result.spikes[:, 0]}
    told = f"image of a {labels[0]}, the Verilog says {digits[0]}"
    plot_raster(result.recording, raster, inputs=inputs, title=told)
    captions = [
        f"{digit}" if digit == label else f"!{digit} (is {label})"
        for digit, label in zip(digits, labels, strict=True)
    ]
    plot_images(result.images.images, captions, sheet)
    return raster, sheet


def draw_learning(result: LearningResult, folder: Path) -> None:
    """Draw the accuracy, weights as they changed, and the weights of all neurons in the end.

    Writes ``accuracy.svg`` and ``accuracy.png``, told as the device learned; ``weights.png``, with
    a column for each check; ``neurons.png``, with the digit that each neuron stands for.
    """
    title = "each digit told before its label counts"
    for name in ("accuracy.svg", "accuracy.png"):
        plot_accuracy(result.told, folder / name, title=title)
    label = f"{INPUT} -> {LAYER}"
    maps = Recording({}, weights={label: np.stack([c.weights for c in result.checks])})
    plot_weight_maps(maps, label, (_SIDE, _SIDE), folder / "weights.png")
    last = result.checks[-1]
    captions = [str(digit) if digit >= 0 else "never fired" for digit in last.digits]
    plot_images(_as_images(last.weights), captions, folder / "neurons.png")


def sketch(check: Check, neurons: int = 8) -> list[str]:
    """Draw the weights of the first neurons in letters, side by side: lines of text."""
    images = _as_images(check.weights)[:neurons]
    height, width = _SIDE // _TALL, _SIDE // _WIDE
    tiles = images.reshape(-1, height, _TALL, width, _WIDE).mean(axis=(2, 4))
    letters = _INK[(tiles * len(_INK) / 256).astype(int)]
    return [" ".join("".join(row) for row in line) for line in letters.transpose(1, 0, 2)]


def _as_images(weights: np.ndarray) -> np.ndarray:
    """Turn (784, neurons) weights, 0 to 127, into (neurons, 28, 28) uint8 images."""
    return (2 * weights).astype(np.uint8).T.reshape(-1, _SIDE, _SIDE)
