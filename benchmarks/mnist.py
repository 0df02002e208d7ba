"""Accuracy of the shipped MNIST network: in real numbers, in integers, and as Verilog.

Measured on two cores: two minutes.
"""

import os
import runpy
import time
from pathlib import Path

import click
import numpy as np

from spikeloom import Golden, QuantisedNetwork, encode
from spikeloom.demo import DemoImages, run_demo
from spikeloom.demo.images import load_network
from spikeloom.reference import Reference

ROOT = Path(__file__).parents[1]
TRAINED = ROOT / "examples" / "mnist" / "trained.npz"
BATCH = 500


def find_mnist(path: Path | None) -> Path | None:
    """Tell where MNIST is, if anywhere: the path given, or below $SPIKELOOM_DATA."""
    if path is None and "SPIKELOOM_DATA" in os.environ:
        path = Path(os.environ["SPIKELOOM_DATA"]) / "mnist" / "mnist.npz"
    return path if path is not None and path.is_file() else None


def count_correct(
    model: Golden | Reference, images: np.ndarray, labels: np.ndarray, settings: DemoImages
) -> int:
    """Count the (images, 28, 28) uint8 images of which the model tells the digit."""
    correct = 0
    for first in range(0, len(images), BATCH):
        pixels = images[first : first + BATCH].reshape(-1, 28 * 28)
        spikes = encode.rate(pixels, settings.steps, gain=settings.gain, stagger=settings.stagger)
        digits = model.run(spikes).counts("digit").argmax(axis=1)
        correct += int(np.count_nonzero(digits == labels[first : first + BATCH]))
    return correct


def compare_with_float(path: Path, network: QuantisedNetwork) -> None:
    """Print the accuracy on all test images, in real numbers and in integers."""
    real, _ = runpy.run_path(str(ROOT / "examples" / "mnist" / "ship.py"))["load_network"](TRAINED)
    with np.load(path) as data:
        images, labels = data["x_test"], data["y_test"]
    settings = DemoImages.load()
    shares = []
    for name, model in (("float", Reference(real)), ("quantised", Golden(network))):
        start = time.perf_counter()
        shares.append(count_correct(model, images, labels, settings) / len(images))
        seconds = time.perf_counter() - start
        print(f"{name:<10} {shares[-1]:.2%} of {len(images):,} test images, {seconds:.1f} s")
    print(f"difference {100 * (shares[0] - shares[1]):+.2f} points (goal: at most 0.30)")


@click.command()
@click.option("--mnist", type=Path, help="mnist.npz; else $SPIKELOOM_DATA/mnist/mnist.npz.")
def main(mnist: Path | None) -> None:
    """Print the accuracies."""
    network = load_network()
    print(
        f"784-128-10, leaky integrate-and-fire, {DemoImages.load().steps} steps, "
        f"{network.weight_width}-bit weights; float: float64 without rounding"
    )
    path = find_mnist(mnist)
    if path is None:
        print("All test images: left out; give --mnist or set SPIKELOOM_DATA")
    else:
        compare_with_float(path, network)
    result = run_demo()
    summary = result.summary()
    print(
        f"Verilog    {summary['accuracy']:.2%} of {summary['images']} test images "
        f"(golden {summary['golden_accuracy']:.2%}); {summary['mismatches']} of "
        f"{summary['spikes_compared']:,} spikes differ, in CXXRTL, {summary['seconds']:.1f} s"
    )


if __name__ == "__main__":
    main()
