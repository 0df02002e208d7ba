"""Quantise the trained networks, and ship them with real test images as the demo's data.

Measured: a second.
"""

import os
from pathlib import Path
from typing import Any

import click
import numpy as np

import spikeloom
from spikeloom import LIF, Network, quantise

HERE = Path(__file__).parent
DEMO = Path(spikeloom.__file__).parent / "demo"
FORMATS: dict[str, dict[str, int]] = {
    "": {"fractional_bits": 4},
    "4": {
        "weight_width": 4,
        "accumulator_width": 12,
        "potential_width": 16,
        "fractional_bits": 6,
    },
}
"""Of each trained network, by what its files have at the end of their names."""


def load_network(path: Path) -> tuple[Network, dict[str, int]]:
    """Read what ``train.py`` wrote, as a network in real numbers and the encoder's settings."""
    with np.load(path) as trained:
        network = Network("mnist")
        network.add_input("image", trained["w1"].shape[0])
        for k, name in enumerate(("hidden", "digit")):
            neuron = LIF(
                threshold=float(trained["threshold"][k]),
                decay=float(trained["beta"][k]),
                reset="subtract",
            )
            network.add_population(name, trained[f"w{k + 1}"].shape[1], neuron)
        network.connect("image", "hidden", trained["w1"])
        network.connect("hidden", "digit", trained["w2"])
        encoder = {name: int(trained[name]) for name in ("steps", "gain", "stagger")}
    return network, encoder


@click.command()
@click.option("--mnist", type=Path, help="mnist.npz; else $SPIKELOOM_DATA/mnist/mnist.npz.")
@click.option("--images", default=200, show_default=True, help="Test images to ship.")
@click.option("--digits", default=2000, show_default=True, help="Training images to ship.")
def main(mnist: Path | None, images: int, digits: int) -> None:
    """Write the demo's networks and images into the package."""
    if mnist is None:
        mnist = Path(os.environ.get("SPIKELOOM_DATA", "data")) / "mnist" / "mnist.npz"
    if not mnist.is_file():
        raise click.ClickException(f"There is no {mnist}; give --mnist or set SPIKELOOM_DATA")
    encoder: dict[str, int] = {}
    for end, chosen in FORMATS.items():
        network, encoder = load_network(HERE / f"trained{end}.npz")
        quantise(network, **chosen).save(DEMO / f"network{end}.npz")
    with np.load(mnist) as data:
        arrays: dict[str, Any] = {
            "images": data["x_test"][:images].reshape(images, 28, 28),
            "labels": data["y_test"][:images].astype(np.uint8),
            **encoder,
        }
        # Sixteen levels of grey pack into a third of the bytes, and are learned from as well.
        shown = data["x_train"][:digits].reshape(digits, 28, 28)
        levels = (shown.astype(np.uint16) * 15 + 127) // 255
        learned_from: dict[str, Any] = {
            "levels": levels.astype(np.uint8),
            "labels": data["y_train"][:digits].astype(np.uint8),
        }
    np.savez_compressed(DEMO / "images.npz", **arrays)
    np.savez_compressed(DEMO / "digits.npz", **learned_from)


if __name__ == "__main__":
    main()
