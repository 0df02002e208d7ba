"""Learn MNIST online by STOP: 784-128-10, from random weights, in integers, without history.

A teacher says in the last steps of each image which neuron should fire. Errors go back along the
weights in the same step; all that is kept is a trace for each presynaptic neuron.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from spikeloom import Golden, NeuronParameters, QuantisedNetwork, QuantisedPopulation, Reset, encode
from spikeloom_hw.learning import (
    Backward,
    Errors,
    LearningRule,
    NeuronLearning,
    Post,
    Pre,
    Surrogate,
    Term,
    Trace,
)
from spikeloom_sim.learning import Sample
from spikeloom_sim.projection import Dense

__all__ = ["FORMS", "HIDDEN", "STEPS", "make_network", "predict", "samples", "slower"]

STEPS = 12
"""Steps of an image."""

TAUGHT = 4
"""Last steps of an image in which there is a teacher."""

HIDDEN = 128
FORMS = ("W", "WT", "WTL")
"""What learns: weights; thresholds of the hidden layer too; its leaks too."""

VALUE = 8192
"""Error that stands for a spike."""

DECAY = 2000
THRESHOLDS = (400, 200)
SHIFT = 19

# A trace of a neuron that spikes in every step comes to just under 2**16.
TRACE = Trace(DECAY, 65535 * (4096 - DECAY) // 4096)


def make_network(form: str = "W", seed: int = 1, hidden: int = HIDDEN) -> QuantisedNetwork:
    """Make a network of random 8-bit weights that learns by STOP.

    Parameters
    ----------
    form : str
        One of :data:`FORMS`.
    seed : int
        Of the weights.
    hidden : int
        Neurons of the hidden layer.
    """
    rng = np.random.default_rng(seed)
    first, second = (
        NeuronParameters(threshold, decay=DECAY, reset=Reset.SUBTRACT) for threshold in THRESHOLDS
    )
    neurons = None
    if form != "W":
        # The rate is that of the weights, in their units.
        neurons = NeuronLearning(20, 17 if form == "WTL" else None)
    rule = LearningRule(
        (Term(1, Pre.X1, Post.DELTA),),
        SHIFT,
        -128,
        127,
        pre_traces=(TRACE,),
        gate=True,
        errors=Errors(Surrogate.TRIANGLE, 1),
        neurons=neurons,
    )
    output = replace(
        rule,
        seed=2,
        neurons=None,
        back=Backward(8),
        errors=Errors(Surrogate.TRIANGLE, 1, VALUE),
    )
    populations = (
        QuantisedPopulation("image", 784),
        QuantisedPopulation("hidden", hidden, first),
        QuantisedPopulation("digit", 10, second),
    )
    projections = (
        Dense("image", "hidden", _normal(rng, 10, (784, hidden)), rule=rule),
        Dense("hidden", "digit", _normal(rng, 16, (hidden, 10)), rule=output),
    )
    return QuantisedNetwork(populations, projections, 8, 18)


def samples(images: np.ndarray, labels: np.ndarray) -> Iterator[Sample]:
    """Give (images, 784) uint8 images as spikes, with the teacher that says their digit."""
    modulator = np.zeros(STEPS, np.int64)
    modulator[-TAUGHT:] = 1
    errors = np.zeros((10, STEPS, 10), np.int64)
    for digit in range(10):
        errors[digit, -TAUGHT:, digit] = VALUE
    for image, digit in zip(images, labels, strict=True):
        spikes = encode.rate(image[None], STEPS)
        yield Sample(spikes, modulator, {"digit": errors[digit]})


def slower(network: QuantisedNetwork, shift: int) -> QuantisedNetwork:
    """Give a network with its rates divided by ``2**shift``."""
    projections = []
    for projection in network.projections:
        rule: Any = projection.rule if isinstance(projection, Dense) else None
        parts = {"shift": rule.shift + shift}
        if rule.neurons:
            rates = ("threshold_shift", "decay_shift")
            found = {name: getattr(rule.neurons, name) for name in rates}
            more = {name: rate + shift for name, rate in found.items() if rate is not None}
            parts["neurons"] = replace(rule.neurons, **more)
        projections.append(replace(projection, rule=replace(rule, **parts)))
    return replace(network, projections=tuple(projections))


def predict(network: QuantisedNetwork, images: np.ndarray, batch: int = 500) -> np.ndarray:
    """Tell the digits of (images, 784) uint8 images: the neurons that fire most."""
    fixed = tuple(replace(p, rule=None) for p in network.projections if isinstance(p, Dense))
    model = Golden(replace(network, projections=fixed))
    pieces = [images[first : first + batch] for first in range(0, len(images), batch)]
    runs = (model.run(encode.rate(piece, STEPS), record=["digit"]) for piece in pieces)
    return np.concatenate([run.counts("digit").argmax(axis=1) for run in runs])


def _normal(rng: np.random.Generator, deviation: float, shape: tuple[int, int]) -> np.ndarray:
    return np.clip(np.rint(rng.normal(0, deviation, shape)), -128, 127).astype(np.int32)


@click.command()
@click.option("--mnist", type=Path, required=True, help="mnist.npz.")
@click.option("--images", default=5000, show_default=True, help="Images to learn from.")
def main(mnist: Path, images: int) -> None:
    """Learn from some images; print the accuracy on 1,000 others after every thousand."""
    with np.load(mnist) as data:
        shown, labels = data["x_train"][:images].reshape(-1, 784), data["y_train"][:images]
        unseen, answers = data["x_test"][:1000].reshape(-1, 784), data["y_test"][:1000]
    model = Golden(make_network(), engine="numba")
    for number, _ in enumerate(model.learn(samples(shown, labels), record=["digit"]), 1):
        if number % 1000 == 0:
            right = np.mean(predict(model.learned, unseen) == answers)
            print(f"{number:,} images seen: {right:.1%} of 1,000 others right", flush=True)


if __name__ == "__main__":
    main()
