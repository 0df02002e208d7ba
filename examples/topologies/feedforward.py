"""A feed-forward network reads handwritten digits, given as spike rates."""

from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from spikeloom import Golden, QuantisedNetwork, Recording
from spikeloom.demo import DemoImages
from spikeloom.demo.images import load_network

__all__ = [
    "build",
    "classes",
    "picture",
    "run",
]


def build() -> QuantisedNetwork:
    """Read the trained network that Spikeloom ships: 784 inputs, 128 and 10 LIF neurons."""
    return load_network()


def classes(recording: Recording) -> np.ndarray:
    """Tell the digit of each image: the neuron that fires most, the least of them."""
    return recording.counts("digit").argmax(axis=1)


def run(count: int = 200) -> tuple[float, dict[str, float]]:
    """Classify the first of the 200 test images that are shipped.

    Returns
    -------
    right : float
        Share of the images that are told right.
    spikes : dict of str to float
        Mean number of spikes of each population for an image.
    """
    images = DemoImages.load().first(count)
    recording = Golden(build()).run(images.spikes())
    fired = {"image": images.spikes(), **recording.spikes}
    spikes = {name: float(train.sum() / count) for name, train in fired.items()}
    return float(np.mean(classes(recording) == images.labels)), spikes


def picture(path: Path, image: int = 0) -> None:
    """Draw an image, its spikes, and those of both layers."""
    images = DemoImages.load().first(image + 1)
    recording = Golden(build()).run(images.spikes()[:, image:])
    figure = Figure(figsize=(8, 5), layout="constrained")
    trains = {"image": images.spikes()[:, image]}
    trains |= {name: train[:, 0] for name, train in recording.spikes.items()}
    axes = figure.subplot_mosaic(
        [["shown", name] for name in trains], height_ratios=[3, 2, 2], width_ratios=[1, 2]
    )
    axes["shown"].imshow(images.images[image], cmap="gray_r")
    told = classes(recording)[0]
    axes["shown"].set_title(f"a {images.labels[image]}, told to be a {told}")
    axes["shown"].axis("off")
    for name, train in trains.items():
        axes[name].scatter(*np.nonzero(train), s=10, marker="|", color="black")
        axes[name].set(xlim=(-0.5, len(train) - 0.5), ylim=(-0.5, train.shape[1] - 0.5))
        axes[name].set_ylabel(name)
    axes["digit"].set_xlabel("time step")
    figure.savefig(path, dpi=110)


@click.command()
def main() -> None:
    """Print the accuracy of the golden model on the images that are shipped."""
    right, spikes = run()
    listed = ", ".join(f"{name} {mean:.0f}" for name, mean in spikes.items())
    print(f"{right:.1%} of 200 test images right; spikes for an image: {listed}")


if __name__ == "__main__":
    main()
