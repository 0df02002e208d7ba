"""One network reads digits in two codes: by the rate of spikes, and by the time of a single one."""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
from matplotlib.figure import Figure

from spikeloom import Device, Golden, QuantisedNetwork, Recording, compile, encode
from spikeloom.demo import DemoImages
from spikeloom.demo.images import load_network

__all__ = [
    "CODES",
    "Code",
    "Measured",
    "build",
    "classes",
    "cycles",
    "picture",
    "run",
]


class Code(NamedTuple):
    """How images become spikes, and the threshold of the hidden neurons, a share of the trained."""

    name: str
    steps: int
    threshold: float = 1.0

    def __str__(self) -> str:
        return f"{self.name}, {self.steps} steps, hidden threshold x {self.threshold:g}"

    def encode(self, images: np.ndarray) -> np.ndarray:
        """Encode (images, 28, 28) grey values: (steps, images, 784) bool array."""
        flat = images.reshape(len(images), -1)
        if self.name == "rate":
            return encode.rate(flat, self.steps, gain=128)
        return encode.latency(flat, self.steps, least=16)


CODES = (
    Code("rate", 16),
    Code("rate", 6),
    Code("rate", 3),
    Code("rate", 3, 0.5),
    Code("latency", 6),
    Code("latency", 6, 0.5),
)


class Measured(NamedTuple):
    """Share of the images told right; input spikes and operations for an image, on average."""

    right: float
    spikes: float
    operations: float


def build(threshold: float = 1.0) -> QuantisedNetwork:
    """Read the network of the demo, and scale the threshold of its hidden neurons."""
    network = load_network()
    populations = []
    for population in network.populations:
        if population.name == "hidden" and population.neuron is not None:
            scaled = round(population.neuron.threshold * threshold)
            population = replace(population, neuron=replace(population.neuron, threshold=scaled))
        populations.append(population)
    return replace(network, populations=tuple(populations))


def classes(recording: Recording) -> np.ndarray:
    """Tell the digit of each image: the neuron that fires most, the least of them."""
    return recording.counts("digit").argmax(axis=1)


def run(images: np.ndarray, labels: np.ndarray) -> dict[Code, Measured]:
    """Classify images in all codes by the golden model.

    Parameters
    ----------
    images, labels : (images, 28, 28) and (images,) uint8 array
        Grey values, and digits.
    """
    measured = {}
    for code in CODES:
        spikes = code.encode(images)
        recording = Golden(build(code.threshold)).run(spikes)
        operations = recording.counters["synaptic_operations"]
        right = np.mean(classes(recording) == labels)
        numbers = (right, spikes.sum() / len(images), operations / len(images))
        measured[code] = Measured(*map(float, numbers))
    return measured


def cycles(images: np.ndarray, target: str = "generic-16") -> dict[Code, float]:
    """Classify (images, 28, 28) grey values on the emitted Verilog, one device for all codes.

    Returns
    -------
    dict of Code to float
        Mean number of cycles of an image.

    Raises
    ------
    RuntimeError
        If the Verilog differs from the golden model in a spike.
    """
    program = compile(build(), target)
    means = {}
    with Device.simulate(program) as device:
        for code in CODES:
            network, spikes = build(code.threshold), code.encode(images)
            device.load(compile(network, program.config))
            samples = [device.run(spikes[:, k]) for k in range(len(images))]
            for k, sample in enumerate(samples):
                difference = Golden(network).run(spikes[:, k]).difference(sample)
                if difference is not None:
                    raise RuntimeError(f"Image {k} in the code {code}: {difference}")
            means[code] = float(np.mean([sample.counters["cycles"] for sample in samples]))
    return means


def picture(path: Path, image: int = 0) -> None:
    """Draw an image in both codes, and what the network makes of it."""
    images = DemoImages.load()
    shown = (CODES[0], CODES[-1])
    figure = Figure(figsize=(8, 6), layout="constrained")
    axes = figure.subplots(3, 2, sharex="col", height_ratios=[3, 2, 2])
    for column, code in zip(axes.T, shown, strict=True):
        spikes = code.encode(images.images[image : image + 1])
        recording = Golden(build(code.threshold)).run(spikes)
        trains = {"image": spikes, **recording.spikes}
        for axis, (name, train) in zip(column, trains.items(), strict=True):
            axis.scatter(*np.nonzero(train[:, 0]), s=10, marker="|", color="black")
            axis.set_xlim(-0.5, CODES[0].steps - 0.5)
            axis.set_ylim(-0.5, train.shape[2] - 0.5)
            axis.set_ylabel(f"{name}: {train.sum()} spikes")
        column[0].set_title(f"{code.name}: a {images.labels[image]}, told: {classes(recording)[0]}")
        column[-1].set_xlabel("time step")
    figure.savefig(path, dpi=110)


@click.command()
@click.option("--mnist", type=Path, help="mnist.npz, for all test images; else the 200 shipped.")
@click.option("--timed", default=20, show_default=True, help="Images through the Verilog.")
def main(mnist: Path | None, timed: int) -> None:
    """Print what each code costs and achieves, and the cycles of the emitted Verilog."""
    shipped = DemoImages.load()
    images, labels = shipped.images, shipped.labels
    if mnist is not None:
        with np.load(mnist) as data:
            images, labels = data["x_test"], data["y_test"]
    counted = cycles(shipped.images[:timed]) if timed else {}
    print(f"{len(images)} images; cycles: generic-16, the first {timed} of the shipped images")
    for code, measured in run(images, labels).items():
        time = f", {counted[code]:.0f} cycles" if counted else ""
        print(
            f"{code}: {measured.right:.2%} right, {measured.spikes:.0f} input spikes, "
            f"{measured.operations:.0f} operations{time}"
        )


if __name__ == "__main__":
    main()
