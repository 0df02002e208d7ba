"""Draw the liquid, fit its read-out to spoken digits, and ship both with some recordings."""

import runpy
from pathlib import Path
from typing import Any

import click
import numpy as np
from reservoir import CLASSES, SHIPPED, Arrays, build, classes, draw

from spikeloom import Golden

SPEECH = runpy.run_path(str(Path(__file__).parents[1] / "speech" / "front.py"))
TEST = 5
VALIDATION = 10
PENALTIES = (30.0, 100.0, 300.0, 1000.0, 3000.0)


def liquid_counts(arrays: Arrays, spikes: np.ndarray) -> np.ndarray:
    """Count the spikes of each neuron of the liquid: (recordings, 400) float64 array."""
    return Golden(build(arrays)).run(spikes, record=["liquid"]).counts("liquid").astype(float)


def ridge(counts: np.ndarray, labels: np.ndarray, penalty: float) -> np.ndarray:
    """Fit weights of counts to 1 for the digit and 0 for the others: (neurons, 10) array."""
    wanted = np.eye(CLASSES)[labels]
    gram = counts.T @ counts + penalty * np.eye(counts.shape[1])
    return np.linalg.solve(gram, counts.T @ wanted)


def share_right(counts: np.ndarray, weights: np.ndarray, labels: np.ndarray) -> float:
    """Tell the share of recordings whose digit has the greatest sum."""
    return float(np.mean((counts @ weights).argmax(axis=1) == labels))


def fit(name: str, counts: np.ndarray, labels: np.ndarray, index: np.ndarray) -> np.ndarray:
    """Fit a read-out and print its accuracy.

    The penalty is chosen on the validation part; then all but the test part is learned.

    Parameters
    ----------
    name : str
        What is counted.
    counts : (recordings, neurons) float64 array
        Spikes in each recording.
    labels, index : (recordings,) int array
        Digits, and which of a speaker's 50 recordings of the digit each is.

    Returns
    -------
    (neurons, 10) float64 array
        Weights.
    """
    test, learned = index < TEST, index >= VALIDATION
    validation = ~test & ~learned
    shares = []
    for penalty in PENALTIES:
        weights = ridge(counts[learned], labels[learned], penalty)
        shares.append(share_right(counts[validation], weights, labels[validation]))
    best = int(np.argmax(shares))
    weights = ridge(counts[~test], labels[~test], PENALTIES[best])
    print(
        f"Read-out of the {name}, penalty {PENALTIES[best]:g}: validation {shares[best]:.2%}, "
        f"test {share_right(counts[test], weights, labels[test]):.2%} of {test.sum()}"
    )
    return weights


@click.command()
@click.option("--fsdd", type=Path, help="fsdd_8khz.npz; else $SPIKELOOM_DATA/fsdd/fsdd_8khz.npz.")
@click.option("--seed", default=1, show_default=True, help="Seed of the liquid.")
@click.option("--output", type=Path, default=SHIPPED, help="File to write.")
def main(fsdd: Path | None, seed: int, output: Path) -> None:
    """Write liquid, read-out and the spikes of 60 test recordings: each speaker's first."""
    recordings = SPEECH["Recordings"].load(fsdd or SPEECH["Recordings"].default_path())
    labels, index = recordings.label.astype(int), recordings.index
    spikes = SPEECH["encode"](SPEECH["all_levels"](recordings)).swapaxes(0, 1)
    arrays = draw(seed)
    fit("inputs", spikes.sum(axis=0, dtype=float), labels, index)
    arrays["readout"] = fit("liquid", liquid_counts(arrays, spikes), labels, index)

    told, test = classes(Golden(build(arrays)).run(spikes[:, index < TEST])), labels[index < TEST]
    print(f"Whole network in integers: test {np.mean(told == test):.2%} of {len(test)}")
    shipped: dict[str, Any] = {
        name: array.astype(np.float32 if array.dtype.kind == "f" else np.uint16)
        for name, array in arrays.items()
    }
    shipped["samples"] = np.packbits(spikes[:, index == 0], axis=-1)
    shipped["labels"] = recordings.label[index == 0]
    np.savez_compressed(output, **shipped)


if __name__ == "__main__":
    main()
