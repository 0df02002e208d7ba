"""Learn digits of MNIST without labels: competing neurons whose weights follow their inputs.

In the manner of Diehl and Cook (2015). The neuron that wins an image moves its weights toward the
trace of the image, ``w = w + (x - w) / 2**shift``, so weights need no normalisation. Homeostasis is
the learning of thresholds: a spike of the winner raises its own, and a small error from the host,
once for each image, lowers all of them. So every neuron comes to win as often as any other.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np

from spikeloom import Golden, NeuronParameters, QuantisedNetwork, QuantisedPopulation, Reset, encode
from spikeloom_hw.learning import (
    Dependence,
    Errors,
    LearningRule,
    NeuronLearning,
    Pre,
    Surrogate,
    Term,
    Trace,
)
from spikeloom_sim.learning import Sample
from spikeloom_sim.projection import Dense

__all__ = ["STEPS", "assign", "make_network", "predict", "respond", "samples"]

STEPS = 15
"""Steps of an image."""

SPIKE_VALUE = 32000


def make_network(neurons: int = 100, seed: int = 1) -> QuantisedNetwork:
    """Make a network with random 8-bit weights in which the neurons of one layer compete.

    Parameters
    ----------
    neurons : int
        Neurons of the layer.
    seed : int
        Of the weights.
    """
    rng = np.random.default_rng(seed)
    few = neurons <= 100
    rule = LearningRule(
        (
            Term(1, Pre.X1, on_post=True),
            Term(-2, on_post=True, dependence=Dependence.ABOVE),
        ),
        shift=7 if few else 6,
        low=0,
        high=127,
        pre_traces=(Trace(4000, 6553),),
        errors=Errors(Surrogate.NONE, spike_value=SPIKE_VALUE),
        neurons=NeuronLearning(17 if few else 15),
    )
    neuron = NeuronParameters(30000, reset=Reset.SUBTRACT, winner=True, inhibition=(1 << 17) - 1)
    populations = (
        QuantisedPopulation("image", 784),
        QuantisedPopulation("digit", neurons, neuron),
    )
    weights = rng.integers(10, 71, (784, neurons)).astype(np.int32)
    return QuantisedNetwork(populations, (Dense("image", "digit", weights, rule=rule),), 8, 18)


def samples(images: np.ndarray, neurons: int) -> Iterator[Sample]:
    """Give (images, 784) uint8 images as spikes, with the error that lowers thresholds."""
    modulator = np.ones(STEPS, np.int64)
    errors = np.zeros((STEPS, neurons), np.int64)
    errors[0] = SPIKE_VALUE // neurons
    for image in images:
        yield Sample(encode.rate(image[None], STEPS), modulator, {"digit": errors})


def respond(network: QuantisedNetwork, images: np.ndarray, batch: int = 500) -> np.ndarray:
    """Count the spikes of each neuron for (images, 784) uint8 images, without learning."""
    fixed = tuple(replace(p, rule=None) for p in network.projections if isinstance(p, Dense))
    model = Golden(replace(network, projections=fixed))
    pieces = [images[first : first + batch] for first in range(0, len(images), batch)]
    return np.concatenate([
        model.run(encode.rate(piece, STEPS), record=["digit"]).counts("digit") for piece in pieces
    ])


def assign(counts: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Give each neuron the digit for which it fires most, from (images, neurons) counts."""
    return np.stack([counts[labels == digit].mean(axis=0) for digit in range(10)]).argmax(axis=0)


def predict(counts: np.ndarray, assigned: np.ndarray) -> np.ndarray:
    """Tell the digits of (images, neurons) counts: the greatest mean of the neurons of a digit."""
    means = [
        counts[:, assigned == digit].mean(axis=1)
        if np.any(assigned == digit)
        else np.zeros(len(counts))
        for digit in range(10)
    ]
    return np.stack(means, axis=1).argmax(axis=1)


@click.command()
@click.option("--mnist", type=Path, required=True, help="mnist.npz.")
@click.option("--images", default=10000, show_default=True, help="Images to learn from.")
def main(mnist: Path, images: int) -> None:
    """Learn from some images; print the accuracy on 1,000 others after every 2,000."""
    with np.load(mnist) as data:
        shown, labels = data["x_train"][:images].reshape(-1, 784), data["y_train"][:images]
        unseen, answers = data["x_test"][:1000].reshape(-1, 784), data["y_test"][:1000]
    model = Golden(make_network(), engine="numba")
    for number, _ in enumerate(model.learn(samples(shown, 100), record=["digit"]), 1):
        if number % 2000 == 0:
            assigned = assign(respond(model.learned, shown[:number]), labels[:number])
            right = np.mean(predict(respond(model.learned, unseen), assigned) == answers)
            print(f"{number:,} images seen: {right:.1%} of 1,000 others right", flush=True)


if __name__ == "__main__":
    main()
