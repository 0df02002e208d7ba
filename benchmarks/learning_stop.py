"""Accuracy of supervised online learning on MNIST in the integers of the chip, and its memory.

STOP (arXiv 2411.11082) of weights (W), with thresholds (WT), with leaks (WTL).
"""

import os
import runpy
import time
from pathlib import Path

import click
import numpy as np
from _digits import HELD_OUT, digits

from spikeloom import Golden

EXAMPLE = Path(__file__).parents[1] / "examples" / "learning" / "stop.py"
RATES = (0, 1, 1, 2)
"""Powers of two by which the rates of each epoch are divided; the last one stays."""

GOAL = 0.96


def measure(path: Path, form: str, epochs: int, count: int, seed: int, held_out: int) -> None:
    """Learn for some epochs of ``count`` images in random order; print the test accuracies."""
    example = runpy.run_path(str(EXAMPLE))
    (images, labels), (unseen, answers), kind = digits(path, held_out)
    rng = np.random.default_rng(seed)
    model, shift, state = Golden(example["make_network"](form, seed), engine="numba"), 0, None
    for epoch in range(epochs):
        rate = RATES[min(epoch, len(RATES) - 1)]
        model = Golden(example["slower"](model.learned, rate - shift), engine="numba")
        shift, order, right = rate, rng.permutation(len(images))[:count], 0
        start = time.perf_counter()
        lessons = example["samples"](images[order], labels[order])
        for digit, run in zip(
            labels[order], model.learn(lessons, record=["digit"], state=state), strict=True
        ):
            right += int(run.counts("digit")[0].argmax() == digit)
        seconds, state = time.perf_counter() - start, model.state
        found = example["predict"](model.learned, unseen)
        print(
            f"{form:<3} seed {seed}, epoch {epoch + 1}: {np.mean(found == answers):.2%} of "
            f"{len(unseen):,} {kind} images (goal {GOAL:.0%}), {right / len(order):.2%} while "
            f"learning, {seconds:.0f} s",
            flush=True,
        )


def report_memory(hidden: int) -> None:
    """Print the bytes that learning needs besides weights: on the chip, and through time.

    Both keep an error of 16 bits for each neuron. Back-propagation through time keeps the
    potentials (18 bits) and the spikes (1 bit) of every step of a sample, and sums of the changes
    of weights, of 16 bits, as these must stand still until it has gone back. On the chip there is
    a trace for each presynaptic neuron; with thresholds and leaks also two traces, spike and
    potential of the step before, and parameters for each hidden neuron.
    """
    sizes = (784, hidden, 10)
    neurons = sum(sizes[1:])
    errors = 16 * neurons / 8
    sums = 16 * (sizes[0] * sizes[1] + sizes[1] * sizes[2]) / 8
    chip = {
        "W": 0,
        "WT": (16 + 1 + 18) * hidden / 8,
        "WTL": (2 * 16 + 1 + 2 * 18 + 13) * hidden / 8,
    }
    kept = {form: errors + 16 * sum(sizes[:-1]) / 8 + more for form, more in chip.items()}
    print(f"Bytes for learning besides weights, 784-{hidden}-10:")
    print("  " + ", ".join(f"{form} {total:,.0f}" for form, total in kept.items()) + " on the chip")
    for steps in (12, 25, 50, 100):
        history = errors + steps * (18 * neurons + sum(sizes)) / 8
        less, least = (
            ", ".join(f"{form} {whole / total:.1f}" for form, total in kept.items())
            for whole in (history, history + sums)
        )
        print(
            f"  through {steps:3} steps {history:8,.0f}: {less} times less; {history + sums:9,.0f} "
            f"with the sums: {least}"
        )


@click.command()
@click.option("--mnist", type=Path, help="mnist.npz; else $SPIKELOOM_DATA/mnist/mnist.npz.")
@click.option("--forms", default="W,WT,WTL", show_default=True)
@click.option("--epochs", default=4, show_default=True)
@click.option("--images", default=60000, show_default=True, help="Images of an epoch.")
@click.option("--seeds", default=3, show_default=True, help="Runs, of seeds 1 and up.")
@HELD_OUT
def main(
    mnist: Path | None, forms: str, epochs: int, images: int, seeds: int, held_out: int
) -> None:
    """Print the accuracies and the memory."""
    example = runpy.run_path(str(EXAMPLE))
    path = mnist or Path(os.environ.get("SPIKELOOM_DATA", "")) / "mnist" / "mnist.npz"
    report_memory(example["HIDDEN"])
    if not path.is_file():
        raise click.ClickException("MNIST is missing: give --mnist or set SPIKELOOM_DATA")
    print(
        f"784-{example['HIDDEN']}-10, regular rates, {example['STEPS']} steps an image, a teacher "
        f"in the last {example['TAUGHT']}, 8-bit weights from random ones, random rounding; rates "
        f"divided by 2**{RATES} in the epochs; golden model, numba"
    )
    for form in forms.split(","):
        for seed in range(1, seeds + 1):
            measure(path, form, epochs, images, seed, held_out)


if __name__ == "__main__":
    main()
