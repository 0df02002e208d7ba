"""Pictures of the demo: a raster of one image, and a sheet of all of them."""

from pathlib import Path

from ..plot import plot_images, plot_raster
from .inference import DemoResult

__all__ = ["draw"]


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
