"""Accuracy of unsupervised learning on MNIST in the integers of the chip, and its time.

One pass over 60,000 images; the labels serve only to name the neurons afterwards.
"""

import os
import runpy
import time
from pathlib import Path

import click
import numpy as np
from _digits import HELD_OUT, digits

from spikeloom import Golden

EXAMPLE = Path(__file__).parents[1] / "examples" / "learning" / "stdp.py"
GOALS = {100: 0.80, 400: 0.85}


def measure(path: Path, neurons: int, count: int, seed: int, held_out: int) -> None:
    """Learn from ``count`` images in random order, name the neurons, and print the accuracy."""
    example = runpy.run_path(str(EXAMPLE))
    (images, labels), (unseen, answers), kind = digits(path, held_out)
    order = np.random.default_rng(seed).permutation(len(images))[:count]
    model = Golden(example["make_network"](neurons, seed), engine="numba")
    start, spikes = time.perf_counter(), 0
    for recording in model.learn(example["samples"](images[order], neurons), record=["digit"]):
        spikes += int(np.count_nonzero(recording.spikes["digit"]))
    seconds = time.perf_counter() - start
    assigned = example["assign"](example["respond"](model.learned, images[order]), labels[order])
    found = example["predict"](example["respond"](model.learned, unseen), assigned)
    goal = f"goal {GOALS[neurons]:.0%}" if neurons in GOALS else "no goal"
    print(
        f"{neurons} neurons, seed {seed}: {np.mean(found == answers):.2%} of {len(unseen):,} "
        f"{kind} images ({goal}); {len(order):,} images once, {seconds:.0f} s, "
        f"{spikes / len(order):.2f} spikes an image",
        flush=True,
    )


@click.command()
@click.option("--mnist", type=Path, help="mnist.npz; else $SPIKELOOM_DATA/mnist/mnist.npz.")
@click.option("--neurons", multiple=True, default=(100, 400), show_default=True)
@click.option("--images", default=60000, show_default=True, help="Images to learn from.")
@click.option("--seeds", default=1, show_default=True, help="Runs, of seeds 1 and up.")
@HELD_OUT
def main(
    mnist: Path | None, neurons: tuple[int, ...], images: int, seeds: int, held_out: int
) -> None:
    """Print the accuracies."""
    path = mnist or Path(os.environ.get("SPIKELOOM_DATA", "")) / "mnist" / "mnist.npz"
    if not path.is_file():
        raise click.ClickException("MNIST is missing: give --mnist or set SPIKELOOM_DATA")
    print(
        "784 inputs, regular rates, 15 steps an image, 8-bit weights from 0 to 127, random "
        "rounding, hard winner-take-all, thresholds learned as homeostasis; golden model, numba"
    )
    for size in neurons:
        for seed in range(1, seeds + 1):
            measure(path, size, images, seed, held_out)


if __name__ == "__main__":
    main()
