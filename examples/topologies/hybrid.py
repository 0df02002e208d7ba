"""A hybrid network sees which way a bar moves: values, convolutions, delays and recurrence."""

from pathlib import Path

import click
import numpy as np
from matplotlib.figure import Figure

from spikeloom import ALIF, LI, LIF, Golden, Network, QuantisedNetwork, Recording, quantise
from spikeloom.reference import in_integers

__all__ = [
    "DELAY",
    "DIRECTIONS",
    "GROUP",
    "SIDE",
    "SPEED",
    "STEPS",
    "build",
    "film",
    "line_kernels",
    "motion_kernels",
    "picture",
    "run",
    "show",
    "told",
]

SIDE = 16
STEPS = 44
SPEED = 0.5
DELAY = 8
GROUP = 4

DIRECTIONS = np.arange(8) * np.pi / 4
"""Directions of motion, in radians: 0 is rightward, the others follow counter-clockwise."""


def film(direction: int, *, contrast: float = 0.8, noise: float = 0.1, seed: int = 0) -> np.ndarray:
    """Film a bar that crosses the image at right angles to itself, half a pixel a step.

    Parameters
    ----------
    direction : int
        Index in :data:`DIRECTIONS`.
    contrast : float
        Brightness of the bar over that of the background, which is 0; negative for a dark bar.
    noise : float
        Standard deviation of what is added to every pixel in every step.
    seed : int
        Chooses the noise.

    Returns
    -------
    (steps, 256) float64 array
        Brightness of the pixels, from -1 to 1.
    """
    place = SPEED * (np.arange(STEPS) - STEPS / 2)[:, None, None]
    bar = contrast * np.exp(-((_ahead(SIDE, DIRECTIONS[direction]) - place) ** 2) / 2)
    seen = bar + np.random.default_rng(seed).normal(0.0, noise, bar.shape)
    return np.clip(seen, -1, 1).reshape(STEPS, -1)


def line_kernels() -> np.ndarray:
    """Weights of four cells that see bright lines, and four that see dark ones.

    (8, 1, 5, 5) array: brightness along a line, less that beside it; a line of contrast 1 gives 1.
    """
    across = np.stack([_ahead(5, angle) for angle in DIRECTIONS[:4]])
    bright = np.exp(-(across**2)) - 0.5 * np.exp(-(across**2) / 4)
    bright -= bright.mean(axis=(1, 2), keepdims=True)
    bright /= (bright * np.exp(-(across**2) / 2)).sum(axis=(1, 2), keepdims=True)
    return np.concatenate([bright, -bright])[:, None]


def motion_kernels(ahead: float) -> np.ndarray:
    """Weights that sum, for each direction, the lines that lie across it, some pixels ahead.

    (8, 8, 9, 9) array: bright and dark lines of one orientation, along their length.
    """
    kernels = np.zeros((8, 8, 9, 9))
    for direction, angle in enumerate(DIRECTIONS):
        distance, aside = _ahead(9, angle) - ahead, _ahead(9, angle + np.pi / 2)
        field = np.exp(-(distance**2) - aside**2 / 8)
        for line in (direction % 4, direction % 4 + 4):
            kernels[direction, line] = field / field.sum()
    return kernels


def build(delay: int = DELAY) -> QuantisedNetwork:
    """Make the network; ``delay`` is that of the projection which tells the directions apart."""
    network = Network("hybrid")
    network.add_input("camera", (1, SIDE, SIDE), values=True)
    network.add_population("lines", (8, SIDE, SIDE), LIF(decay=0.5, threshold=0.4))
    network.add_population("motion", (8, 8, 8), LIF(decay=0.6, threshold=1.6, minimum=-1.0))
    adaptive = ALIF(
        decay=0.9, synapse="new", current_decay=0.8, adaptation_decay=0.95, adaptation_step=0.5
    )
    network.add_population("choice", 8 * GROUP, adaptive)
    network.add_population("readout", 8, LI(decay=0.95))

    # A line that moves as preferred was behind the cell ``delay`` steps ago, and is ahead now.
    network.convolve("camera", "lines", line_kernels(), padding="same")
    half = SPEED * DELAY / 2
    behind, now = motion_kernels(-half), motion_kernels(half) - motion_kernels(-half)
    network.convolve("lines", "motion", now, stride=2, padding=4)
    network.convolve("lines", "motion", behind, stride=2, padding=4, delay=delay)

    # Each direction has a group of neurons; they excite one another and inhibit all others.
    rng = np.random.default_rng(1)
    own = [np.kron(np.eye(8), np.ones(shape)) for shape in ((64, GROUP), (GROUP, GROUP))]
    network.connect("motion", "choice", own[0] * rng.uniform(0.05, 0.15, own[0].shape))
    network.connect("choice", "choice", 0.1 * own[1] - 0.05)
    network.connect("choice", "readout", np.kron(np.eye(8), np.ones((GROUP, 1))))
    return quantise(network, accumulator_width=20, potential_width=22)


def show(network: QuantisedNetwork, films: np.ndarray) -> dict[str, np.ndarray]:
    """Turn films, a (steps, batch, 256) array, into the integers that the camera's input takes."""
    return in_integers(network, {"camera": films})


def told(recording: Recording) -> np.ndarray:
    """Tell the direction whose integrator is the highest at the end: (batch,) int64 array."""
    return recording.values["readout"][-1].argmax(axis=-1)


def run(delay: int = DELAY, seeds: int = 5) -> tuple[float, np.ndarray]:
    """Show bars of all directions, bright and dark and faint, each several times.

    Returns
    -------
    right : float
        Share of the bars whose direction is told.
    opposite : (2,) float64 array
        Spikes of ``motion`` for the direction of the bar, and for the opposite one, on average.
    """
    shown = [(d, c, s) for d in range(8) for c in (0.8, 0.5, -0.5) for s in range(seeds)]
    films = np.stack([film(d, contrast=c, seed=s) for d, c, s in shown], axis=1)
    network = build(delay)
    recording = Golden(network).run(show(network, films))
    direction = np.array([d for d, _, _ in shown])
    motion = recording.counts("motion").reshape(len(shown), 8, -1).sum(axis=2)
    item = np.arange(len(shown))
    pair = np.stack([motion[item, direction], motion[item, (direction + 4) % 8]])
    return float(np.mean(told(recording) == direction)), pair.mean(axis=1)


def picture(path: Path, direction: int = 1) -> None:
    """Draw the film of a bar, what each population makes of it, and the read-out."""
    network, seen = build(), film(direction)
    recording = Golden(network).run(show(network, seen[:, None]))
    figure = Figure(figsize=(8, 8), layout="constrained")
    frames, names = range(4, STEPS, 7), ("lines", "motion", "choice")
    axes = figure.subplot_mosaic(
        [[str(k) for k in frames], *([name] * len(frames) for name in (*names, "readout"))],
        height_ratios=[1.2, 1, 1, 1, 1],
    )
    for k in frames:
        image = seen[k].reshape(SIDE, SIDE)
        axes[str(k)].imshow(image, cmap="gray", vmin=-1, vmax=1)
        axes[str(k)].set(title=f"step {k}", xticks=(), yticks=())
    for name in names:
        spikes = recording.spikes[name][:, 0]
        axes[name].scatter(*np.nonzero(spikes), s=6, marker="|", color="black")
        block = spikes.shape[1] // 8
        axes[name].set_yticks(np.arange(8) * block + block / 2, list("01234567"), size=8)
        axes[name].hlines(np.arange(1, 8) * block - 0.5, 0, STEPS, color="lightgrey", lw=0.5)
        axes[name].set(ylabel=name, xlim=(0, STEPS), ylim=(-0.5, spikes.shape[1] - 0.5))
    axes["readout"].plot(recording.values["readout"][:, 0], label=[str(k) for k in range(8)])
    axes["readout"].legend(fontsize="x-small", loc="upper left", ncols=2)
    axes["readout"].set(ylabel="readout", xlabel="time step", xlim=(0, STEPS))
    shown, read = (round(np.degrees(DIRECTIONS[k])) for k in (direction, told(recording)[0]))
    figure.suptitle(f"A bar moves at {shown} degrees, the read-out says {read}")
    figure.savefig(path, dpi=110)


def _ahead(side: int, angle: float) -> np.ndarray:
    """Tell how far in a direction each pixel lies from the centre; rows count downward."""
    place = np.arange(side) - (side - 1) / 2
    return np.cos(angle) * place - np.sin(angle) * place[:, None]


@click.command()
@click.option("--seeds", default=5, show_default=True, help="Films of each direction and contrast.")
def main(seeds: int) -> None:
    """Print how many directions the golden model tells, with and without the delay."""
    for delay in (DELAY, 0):
        right, (preferred, opposite) = run(delay, seeds)
        print(
            f"delay {delay}: {right:.1%} of {24 * seeds} bars right; spikes of 'motion': "
            f"{preferred:.1f} for the direction, {opposite:.1f} for the opposite one"
        )


if __name__ == "__main__":
    main()
