"""A liquid state machine hears spoken digits: a random network, and a trained read-out."""

from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from spikeloom import LIF, Golden, Integrator, Network, QuantisedNetwork, Recording, quantise

__all__ = [
    "CLASSES",
    "GRID",
    "INPUTS",
    "SHIPPED",
    "SIZE",
    "Arrays",
    "build",
    "classes",
    "draw",
    "load",
    "picture",
    "run",
    "samples",
]

SHIPPED = Path(__file__).parent / "reservoir.npz"
INPUTS = 120
GRID = (10, 5, 8)
SIZE = 400
CLASSES = 10

Arrays = dict[str, np.ndarray]


def draw(seed: int = 1) -> Arrays:
    """Draw a liquid: neurons on a grid, connected at random, near ones more often.

    As in Maass, Natschläger and Markram (2002): a fifth of the neurons inhibits, the probability
    of a synapse is ``c * exp(-(distance / 2)**2)``, c depending on the kinds of its two ends.

    Returns
    -------
    dict of str to array
        ``input_weights``, ``input_pre`` and ``input_post`` of the synapses of the inputs, and
        ``liquid_weights``, ``liquid_pre``, ``liquid_post`` and ``liquid_delay`` of those within.
    """
    rng = np.random.default_rng(seed)
    place = np.stack(np.unravel_index(np.arange(SIZE), GRID), axis=1)
    distance = np.linalg.norm(place[:, None] - place, axis=-1)
    inhibits = rng.random(SIZE) < 0.2
    # Rows: excitatory and inhibitory sources; columns: the same kinds of targets.
    kinds = np.array([[0.3, 0.2], [0.4, 0.1]])[inhibits.astype(int)][:, inhibits.astype(int)]
    joined = rng.random((SIZE, SIZE)) < kinds * np.exp(-((distance / 2) ** 2))
    np.fill_diagonal(joined, False)
    pre, post = np.nonzero(joined)
    strength = 0.15 * rng.exponential(size=pre.size) * np.where(inhibits[pre], -4, 1)

    heard = np.stack([rng.choice(INPUTS, 12, replace=False) for _ in range(SIZE)])
    return {
        "input_weights": rng.normal(0.0, 0.4, heard.size),
        "input_pre": heard.ravel(),
        "input_post": np.repeat(np.arange(SIZE), 12),
        "liquid_weights": strength,
        "liquid_pre": pre,
        "liquid_post": post,
        # The nearest wait no further step, the farthest seven.
        "liquid_delay": np.clip(np.rint(distance[pre, post]) - 1, 0, 7).astype(int),
    }


def build(arrays: Arrays) -> QuantisedNetwork:
    """Make the network of a liquid's arrays; with ``readout`` (400, 10) it tells the digit."""
    network = Network("reservoir")
    network.add_input("sound", INPUTS)
    network.add_population("liquid", SIZE, LIF(decay=0.95, refractory=1))
    for source, name in (("sound", "input"), ("liquid", "liquid")):
        network.connect_sparse(
            source,
            "liquid",
            arrays[f"{name}_weights"],
            ends=(arrays[f"{name}_pre"], arrays[f"{name}_post"]),
            delay=arrays.get(f"{name}_delay", 0),
        )
    if "readout" in arrays:
        network.add_population("digit", CLASSES, Integrator())
        network.connect("liquid", "digit", arrays["readout"])
    return quantise(network, fractional_bits=4)


def samples(path: Path = SHIPPED) -> tuple[np.ndarray, np.ndarray]:
    """Read the 60 recordings of the test part that are shipped: each speaker's first of a digit.

    Returns
    -------
    spikes : (64, 60, 120) bool array
        Inputs.
    labels : (60,) uint8 array
        Digits.
    """
    with np.load(path) as shipped:
        spikes = np.unpackbits(shipped["samples"], axis=-1, count=INPUTS).astype(bool)
        return spikes, shipped["labels"]


def load(path: Path = SHIPPED) -> QuantisedNetwork:
    """Make the network of the arrays that are shipped: the liquid of seed 1, and its read-out."""
    with np.load(path) as shipped:
        return build({name: shipped[name] for name in shipped})


def classes(recording: Recording) -> np.ndarray:
    """Tell the digit of each sample: the integrator that is highest in the end."""
    return recording.values["digit"][-1].argmax(axis=-1)


def run() -> tuple[float, float]:
    """Run the recordings that are shipped.

    Returns
    -------
    right : float
        Share of them that is told right.
    spikes : float
        Mean number of spikes of the liquid in a recording.
    """
    spikes, labels = samples()
    recording = Golden(load()).run(spikes)
    mean = float(recording.counts("liquid").sum(axis=1).mean())
    return float(np.mean(classes(recording) == labels)), mean


def picture(path: Path, sample: int = 3) -> None:
    """Draw a recording, what it stirs up in the liquid, and the read-out."""
    spikes, labels = samples()
    recording = Golden(load()).run(spikes[:, sample : sample + 1])
    figure = Figure(figsize=(8, 7.5), layout="constrained")
    heard, liquid, digit = figure.subplots(3, 1, sharex=True, height_ratios=[2, 4, 2])
    for axis, name, train in (
        (heard, "sound", spikes[:, sample]),
        (liquid, "liquid", recording.spikes["liquid"][:, 0]),
    ):
        axis.scatter(*np.nonzero(train), s=6, marker="|", color="black")
        axis.set_ylim(-0.5, train.shape[1] - 0.5)
        axis.set_ylabel(name)
    told = int(classes(recording)[0])
    for k, trace in enumerate(recording.values["digit"][:, 0].T):
        colour = "tab:red" if k == told else "lightgrey"
        digit.plot(trace, color=colour, zorder=2 + (k == told))
    digit.set_ylabel("digit")
    digit.set_xlabel("time step")
    figure.suptitle(f"A {labels[sample]} is said; the read-out tells a {told} (red)")
    figure.savefig(path, dpi=110)


@click.command()
def main() -> None:
    """Print the accuracy of the golden model on the recordings that are shipped."""
    right, mean = run()
    print(f"{right:.1%} of 60 test recordings right; {mean:.0f} spikes of the liquid in each")


if __name__ == "__main__":
    main()
