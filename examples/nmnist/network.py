"""The trained network in Spikeloom: built, quantised, measured by the golden model, and drawn."""

import os
from pathlib import Path

import click
import matplotlib
import numpy as np
from events import SIDE, STEPS, Recordings, binned, split
from matplotlib.figure import Figure

from spikeloom import IF, Golden, Network, QuantisedNetwork, Recording, quantise

__all__ = [
    "build",
    "classes",
    "held_out",
    "measure",
    "picture",
    "quantised",
    "samples",
]

HERE = Path(__file__).parent
BATCH = 25
SHOWN = 9
FRAMES = (1, 6, 8, 13)
# Nothing, darker, brighter, both.
PAINT = np.array([[255, 255, 255], [60, 110, 200], [220, 90, 60], [110, 60, 110]], np.uint8)


def build(path: Path = HERE / "trained.npz") -> Network:
    """Read what ``train.py`` wrote, as a network in real numbers."""
    network = Network("nmnist")
    with np.load(path) as trained:
        first, second, last = (IF(threshold=float(t)) for t in trained["threshold"])
        strides, paddings = trained["stride"].tolist(), trained["padding"].tolist()
        network.add_input("events", (2, SIDE, SIDE))
        network.add_population("conv1", (16, 17, 17), first)
        network.add_population("conv2", (32, 9, 9), second)
        network.add_population("digit", 10, last)
        kernel = trained["conv1"]
        network.convolve("events", "conv1", kernel, stride=strides[0], padding=paddings[0])
        kernel = trained["conv2"]
        network.convolve("conv1", "conv2", kernel, stride=strides[1], padding=paddings[1])
        network.connect("conv2", "digit", trained["dense"])
    return network


def quantised(fractional_bits: int = 4) -> QuantisedNetwork:
    """Quantise the trained network, whose weights are on the 8-bit grid already."""
    return quantise(build(), fractional_bits=fractional_bits)


def samples(path: Path = HERE / "samples.npz") -> tuple[np.ndarray, np.ndarray]:
    """
    Read the held-out recordings of a file; by default the 20 that are shipped.

    Returns
    -------
    spikes : numpy.ndarray
        Inputs of dtype bool, shape (16, samples, 2312).
    labels : numpy.ndarray
        Digits, shape (samples,).
    """
    recordings = Recordings.load(path)
    picked = split(recordings)["held_out"]
    spikes = binned(recordings, picked).reshape(len(picked), STEPS, -1)
    return spikes.swapaxes(0, 1), recordings.label[picked]


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """Read all 250 held-out recordings from below SPIKELOOM_DATA, as :func:`samples` does."""
    return samples(Recordings.default_path())


def classes(recording: Recording) -> np.ndarray:
    """Tell the digit of each sample: the one with most spikes, the lowest winning a tie."""
    return recording.counts("digit").argmax(axis=1)


def measure(network: QuantisedNetwork, spikes: np.ndarray) -> tuple[np.ndarray, dict[str, float]]:
    """
    Run the golden model on samples.

    Returns
    -------
    told : numpy.ndarray
        Digit of each sample.
    activity : dict of str to float
        Mean spikes of each population in a sample.
    """
    model, told, activity = Golden(network), [], {"events": 0.0}
    count = spikes.shape[1]
    for first in range(0, count, BATCH):
        part = spikes[:, first : first + BATCH]
        recording = model.run(part)
        told.append(classes(recording))
        for name, fired in {"events": part, **recording.spikes}.items():
            activity[name] = activity.get(name, 0.0) + float(np.count_nonzero(fired)) / count
    return np.concatenate(told), activity


def _tiled(maps: np.ndarray, columns: int) -> np.ndarray:
    """Lay (n, height, width) maps in rows of images, with lines of NaN between them."""
    lined = np.pad(maps.astype(float), ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    _, height, width = lined.shape
    rows = lined.reshape(-1, columns, height, width).swapaxes(1, 2)
    return rows.reshape(-1, columns * width)[:-1, :-1]


def picture(path: str | os.PathLike[str]) -> None:
    """Draw a sample on its way through the network: events, maps of spikes, output."""
    spikes, labels = samples()
    network = quantised()
    recording = Golden(network).run(spikes[:, SHOWN])
    figure = Figure(figsize=(8, 7.6), layout="constrained")
    axes = figure.subplot_mosaic(
        [[str(k) for k in FRAMES], *([name] * len(FRAMES) for name in recording.spikes)],
        height_ratios=(2, 2, 1, 1.6),
    )
    frames = spikes[:, SHOWN].reshape(STEPS, 2, SIDE, SIDE)
    for k in FRAMES:
        axes[str(k)].imshow(PAINT[frames[k, 0] + 2 * frames[k, 1]], interpolation="nearest")
        axes[str(k)].set(title=f"events, step {k}", xticks=(), yticks=())
    colours = matplotlib.colormaps["gray_r"].with_extremes(bad="lightsteelblue")
    for name, columns in (("conv1", 8), ("conv2", 16)):
        maps = recording.counts(name)[0].reshape(network.population(name).maps)
        axes[name].imshow(_tiled(maps, columns), colours, interpolation="nearest")
        axes[name].set_title(f"{name}: spikes of each neuron, a map for each channel")
        axes[name].axis("off")
    step, digit = np.nonzero(recording.spikes["digit"][:, 0])
    axes["digit"].plot(step, digit, "|", color="black", markersize=8)
    axes["digit"].set(xlabel="time step", xlim=(-0.5, STEPS - 0.5), ylim=(-0.5, 9.5))
    axes["digit"].set(title=f"digit: a {labels[SHOWN]}, and told to be a {classes(recording)[0]}")
    axes["digit"].set_yticks(range(10), [str(k) if k % 3 == 0 else "" for k in range(10)])
    figure.savefig(path, dpi=110)


@click.command()
@click.option("--samples", "shipped", is_flag=True, help="Only the 20 that are shipped.")
@click.option("--fractional-bits", default=4, show_default=True)
def main(shipped: bool, fractional_bits: int) -> None:
    """Print the accuracy of the golden model on the held-out recordings."""
    spikes, labels = samples() if shipped else held_out()
    told, activity = measure(quantised(fractional_bits), spikes)
    right = told == labels
    print(f"Accuracy: {right.mean():.2%} of {len(labels)}; wrong: {np.flatnonzero(~right)}")
    print("Spikes: " + ", ".join(f"{name} {mean:.1f}" for name, mean in activity.items()))


if __name__ == "__main__":
    main()
