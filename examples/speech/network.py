"""The trained network in Spikeloom: built, quantised, measured by the golden model, and drawn."""

import os
from pathlib import Path

import click
import numpy as np
from front import INPUTS, STEPS, Recordings, all_levels, encode
from matplotlib.figure import Figure

from spikeloom import ALIF, Golden, Integrator, Network, QuantisedNetwork, Recording, quantise

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
TEST = 5
SHOWN = 6


def build(path: Path = HERE / "trained.npz") -> Network:
    """Read what ``train.py`` wrote, as a network in real numbers."""
    network = Network("speech")
    with np.load(path) as trained:
        neuron = ALIF(
            decay=float(trained["beta"]),
            threshold=float(trained["threshold"]),
            adaptation_decay=float(trained["rho"]),
            adaptation_step=float(trained["jump"]),
        )
        network.add_input("sound", trained["input"].shape[0])
        network.add_population("hidden", trained["input"].shape[1], neuron)
        network.add_population("digit", trained["output"].shape[1], Integrator())
        network.connect("sound", "hidden", trained["input"])
        network.connect("hidden", "hidden", trained["recurrent"])
        network.connect("hidden", "digit", trained["output"])
    return network


def quantised(fractional_bits: int = 4) -> QuantisedNetwork:
    """Quantise the trained network, whose weights are on the 8-bit grid already."""
    return quantise(build(), fractional_bits=fractional_bits)


def samples() -> tuple[np.ndarray, np.ndarray]:
    """
    Read the 20 test recordings that are shipped.

    Returns
    -------
    spikes : numpy.ndarray
        Inputs of dtype bool, shape (64, samples, 120).
    labels : numpy.ndarray
        Digits, shape (samples,).
    """
    with np.load(HERE / "samples.npz") as shipped:
        spikes = np.unpackbits(shipped["spikes"], axis=-1, count=INPUTS).astype(bool)
        return spikes.swapaxes(0, 1), shipped["labels"]


def held_out() -> tuple[np.ndarray, np.ndarray]:
    """Read all 300 test recordings from below SPIKELOOM_DATA, as :func:`samples` does."""
    recordings = Recordings.load(Recordings.default_path())
    test = recordings.index < TEST
    return encode(all_levels(recordings)[test]).swapaxes(0, 1), recordings.label[test]


def classes(recording: Recording) -> np.ndarray:
    """Tell the digit of each sample: the greatest last potential, the lowest winning a tie."""
    return recording.values["digit"][-1].argmax(axis=1)


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
    recording = Golden(network).run(spikes)
    fired = {"sound": spikes, **recording.spikes}
    activity = {name: np.count_nonzero(array) / spikes.shape[1] for name, array in fired.items()}
    return classes(recording), activity


def picture(path: str | os.PathLike[str]) -> None:
    """Draw a sample on its way through the network: inputs, hidden spikes, potentials."""
    spikes, labels = samples()
    network = quantised()
    recording = Golden(network).run(spikes[:, SHOWN])
    figure = Figure(figsize=(8, 7.6), layout="constrained")
    heard, hidden, digit = figure.subplots(3, 1, sharex=True, height_ratios=(3, 3, 2.5))
    for axis, name, fired in (
        (heard, "sound", spikes[:, SHOWN]),
        (hidden, "hidden", recording.spikes["hidden"][:, 0]),
    ):
        axis.plot(*np.nonzero(fired), "|", color="black", markersize=2.5)
        axis.set(ylabel=name, ylim=(-0.5, fired.shape[1] - 0.5))
    heard.set_yticks([20, 60, 100], ["level", "rise", "fall"], rotation=90, va="center")
    heard.hlines([39.5, 79.5], -0.5, STEPS - 0.5, color="lightgrey", linewidth=0.8)
    potentials = recording.values["digit"][:, 0] * network.population("digit").quantum
    told = int(classes(recording)[0])
    digit.plot(potentials, color="grey", linewidth=0.8)
    digit.plot(potentials[:, told], color="tab:red", linewidth=2)
    digit.set(xlabel="time step", ylabel="potential", xlim=(-0.5, STEPS - 0.5))
    digit.set_title(f"digit: a {labels[SHOWN]}, and told to be a {told} (red)")
    figure.savefig(path, dpi=110)


@click.command()
@click.option("--samples", "shipped", is_flag=True, help="Only the 20 that are shipped.")
@click.option("--fractional-bits", default=4, show_default=True)
def main(shipped: bool, fractional_bits: int) -> None:
    """Print the accuracy of the golden model on the test recordings."""
    spikes, labels = samples() if shipped else held_out()
    told, activity = measure(quantised(fractional_bits), spikes)
    right = told == labels
    print(f"Accuracy: {right.mean():.2%} of {len(labels)}; wrong: {np.flatnonzero(~right)}")
    print("Spikes: " + ", ".join(f"{name} {mean:.1f}" for name, mean in activity.items()))


if __name__ == "__main__":
    main()
