"""Random networks for holding implementations against the golden model."""

from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Constant, LIFParameters, Per, Reset
from spikeloom_hw.number import DECAY_ONE

from .quantised import QuantisedNetwork, QuantisedPopulation, QuantisedProjection

__all__ = ["Case", "random_case"]

_MOODS = (
    "mixed",
    "mixed",
    "mixed",
    "mixed",
    "silent input",
    "all fire",
    "none fires",
    "extreme weights",
)


@dataclass(frozen=True, eq=False)
class Case:
    """A network and its input.

    Parameters
    ----------
    network : QuantisedNetwork
        The network.
    spikes : dict of str to (steps, 1, neurons) bool array
        Spikes of each input.
    mood : str
        What is special about it.
    """

    network: QuantisedNetwork
    spikes: dict[str, np.ndarray]
    mood: str


def random_case(seed: int, core: CoreConfig, *, steps: int = 8, largest: int = 40) -> Case:
    """Draw a network that fits ``core``, with recurrence and skips, and input spikes.

    Parameters
    ----------
    seed : int
        Same seed, same case.
    core : CoreConfig
        Hardware that is to run it.
    steps : int
        Time steps; some are without any input spike.
    largest : int
        Most neurons of a population.
    """
    rng = np.random.default_rng(seed)
    mood = _MOODS[rng.integers(len(_MOODS))]
    inputs = [
        QuantisedPopulation(f"in{k}", int(rng.integers(1, largest + 1)))
        for k in range(rng.integers(1, 3))
    ]
    neurons = []
    for k in range(rng.integers(1, 4)):
        size = int(rng.integers(1, largest + 1))
        neurons.append(QuantisedPopulation(f"n{k}", size, _neuron(rng, size, core, mood)))
    projections = []
    room = {p.name: np.full(p.size, (1 << (core.accumulator_width - 1)) - 1) for p in neurons}
    for target in neurons:
        for source in (*inputs, *neurons):
            if rng.random() < 0.6 or (source is inputs[0] and target is neurons[0]):
                weights = _weights(rng, source.size, room[target.name], core, mood)
                projections.append(QuantisedProjection(source.name, target.name, weights))
    network = QuantisedNetwork(
        (*inputs, *neurons), tuple(projections), core.weight_width, core.accumulator_width
    )
    density = 0.0 if mood == "silent input" else rng.choice([0.1, 0.4, 1.0])
    awake = rng.random((steps, 1, 1)) < 0.8
    spikes = {p.name: (rng.random((steps, 1, p.size)) < density) & awake for p in inputs}
    return Case(network, spikes, mood)


def _neuron(rng: np.random.Generator, size: int, core: CoreConfig, mood: str) -> LIFParameters:
    """Draw neuron parameters, per neuron where the hardware keeps them so."""
    width = core.fields.width
    high = (1 << (width - 1)) - 1
    threshold = {"all fire": (-high, -high // 2), "none fires": (high, high)}.get(
        mood, (-5, 1 << (core.weight_width + 1))
    )
    bounds = {
        "decay": (0, DECAY_ONE),
        "threshold": (threshold[0], min(threshold[1], high)),
        "bias": (-9, 25),
        "reset_value": (-20, 20),
        "minimum": (-high - 1, -20),
        "refractory": (0, 7),
        "reset": (0, len(Reset) - 1),
        "inclusive": (0, 1),
        "shift": (0, 7 if mood == "extreme weights" else 3),
    }
    drawn = {}
    for name, (low, top) in bounds.items():
        place = core.fields[name]
        if isinstance(place, Constant):
            drawn[name] = place.value
        elif place is Per.NEURON and name != "minimum":
            drawn[name] = rng.integers(low, top + 1, size)
        else:
            drawn[name] = int(rng.integers(low, top + 1))
    drawn["reset"], drawn["inclusive"] = Reset(drawn["reset"]), bool(drawn["inclusive"])
    return LIFParameters(**drawn, width=width)


def _weights(
    rng: np.random.Generator, pre: int, room: np.ndarray, core: CoreConfig, mood: str
) -> np.ndarray:
    """Draw weights, and leave out those for which the accumulator has no room."""
    low, high = core.weight.low, core.weight.high
    weights = rng.integers(low, high + 1, (pre, len(room)))
    if mood == "extreme weights":
        weights = rng.choice([low, high], (pre, len(room)))
    kept = np.cumsum(np.abs(weights), axis=0) <= room
    weights = np.where(kept, weights, 0)
    room -= np.abs(weights).sum(axis=0)
    return weights
