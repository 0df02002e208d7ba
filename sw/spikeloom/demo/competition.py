"""The network of the learning demo: neurons that compete for digits, and learn without labels."""

from dataclasses import replace

import numpy as np

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
from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.learning import Sample
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

from .. import encode

__all__ = [
    "INPUT",
    "LAYER",
    "STEPS",
    "Labels",
    "encode_images",
    "make_network",
    "make_sample",
    "without_rules",
]

INPUT, LAYER = "image", "feature"
"""Names of the two populations."""

STEPS = 8
"""Steps of an image."""

_NEURONS = 100
_SPIKE_VALUE = 32000


def make_network(seed: int = 1) -> QuantisedNetwork:
    """Make a network that knows nothing: 784 inputs, 100 neurons, random weights of 8 bits.

    In the manner of Diehl and Cook (2015), as in ``examples/learning/stdp.py``. The neuron that
    wins moves its weights toward the trace of the image, and a spike raises its threshold; all
    rates are larger here, as few images are shown.

    Parameters
    ----------
    seed : int
        Of the weights.
    """
    rule = LearningRule(
        (
            Term(1, Pre.X1, on_post=True),
            Term(-2, on_post=True, dependence=Dependence.ABOVE),
        ),
        shift=4,
        low=0,
        high=127,
        pre_traces=(Trace(4000, 6553),),
        errors=Errors(Surrogate.NONE, spike_value=_SPIKE_VALUE),
        neurons=NeuronLearning(16),
    )
    neuron = NeuronParameters(11000, reset=Reset.SUBTRACT, winner=True, inhibition=(1 << 17) - 1)
    populations = (
        QuantisedPopulation(INPUT, 784),
        QuantisedPopulation(LAYER, _NEURONS, neuron),
    )
    weights = np.random.default_rng(seed).integers(10, 71, (784, _NEURONS)).astype(np.int32)
    return QuantisedNetwork(populations, (Dense(INPUT, LAYER, weights, rule=rule),), 8, 18)


def without_rules(network: QuantisedNetwork) -> QuantisedNetwork:
    """Give the same network with weights and thresholds that stay as they are."""
    fixed = tuple(replace(p, rule=None) for p in network.projections if isinstance(p, Dense))
    return replace(network, projections=fixed)


def encode_images(images: np.ndarray) -> np.ndarray:
    """Turn (images, 784) uint8 images into spikes: (steps, images, 784) bool array."""
    return encode.rate(images, STEPS)


def make_sample(image: np.ndarray) -> Sample:
    """Give a (784,) uint8 image as a sample to learn from, with an error that lowers thresholds."""
    errors = np.zeros((STEPS, _NEURONS), np.int64)
    errors[0] = _SPIKE_VALUE // _NEURONS
    return Sample(encode_images(image[None]), np.ones(STEPS, np.int64), {LAYER: errors})


class Labels:
    """Which digit each neuron stands for: that for which it fired most, in the mean, so far.

    The network never sees a label; this is how its answers are read.
    """

    def __init__(self) -> None:
        self._spikes = np.zeros((10, _NEURONS), np.int64)
        self._images = np.zeros(10, np.int64)

    @property
    def digits(self) -> np.ndarray:
        """Digit of each neuron, -1 for one that has never fired: (neurons,) int array."""
        means = self._spikes / np.maximum(self._images, 1)[:, None]
        return np.where(self._spikes.any(axis=0), means.argmax(axis=0), -1)

    def add(self, counts: np.ndarray, label: int) -> None:
        """Count the (neurons,) spikes for an image of a digit."""
        self._spikes[label] += counts
        self._images[label] += 1

    def tell(self, counts: np.ndarray) -> np.ndarray:
        """Tell the digits of (images, neurons) counts: -1 where no neuron with a digit fired."""
        votes = (self.digits[:, None] == np.arange(10)).astype(float)
        means = counts @ (votes / np.maximum(votes.sum(axis=0), 1))
        return np.where(means.any(axis=1), means.argmax(axis=1), -1)
