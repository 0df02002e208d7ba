"""Steps per second of the golden model on several networks, with the conditions."""

import argparse
import importlib.util
import os
import platform
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from spikeloom_hw.neuron import NeuronParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

SIZES = (784, 256, 10)
ACTIVITY = 0.05
SEED = 1
NEURON = NeuronParameters(threshold=8000, decay=3686, reset=Reset.SUBTRACT, shift=4)


def network() -> QuantisedNetwork:
    """Make an LIF network with uniform 8-bit weights, about a tenth of whose neurons fire."""
    rng = np.random.default_rng(SEED)
    names = ("input", "hidden", "output")
    populations = [QuantisedPopulation(names[0], SIZES[0])]
    populations += [
        QuantisedPopulation(name, size, NEURON)
        for name, size in zip(names[1:], SIZES[1:], strict=True)
    ]
    projections = [
        Dense(source.name, target.name, _weights(rng, source.size, target.size))
        for source, target in zip(populations, populations[1:], strict=False)
    ]
    return QuantisedNetwork(tuple(populations), tuple(projections))


def convolutional() -> QuantisedNetwork:
    """Make an SCNN for the digits of an event camera: 2x34x34, 16x17x17, 32x9x9, 10."""
    rng = np.random.default_rng(SEED)
    neuron = replace(NEURON, threshold=2000)
    shapes = {"input": (2, 34, 34), "first": (16, 17, 17), "second": (32, 9, 9)}
    populations = [
        QuantisedPopulation(
            name, int(np.prod(shape)), neuron if name != "input" else None, 1, shape
        )
        for name, shape in shapes.items()
    ]
    projections = [
        Convolution(
            source.name,
            target.name,
            rng.integers(-50, 61, (target.maps[0], source.maps[0], 5, 5)),
            input_shape=source.maps,
            stride=(2, 2),
            padding=((2, 2), (2, 2)),
        )
        for source, target in zip(populations, populations[1:], strict=False)
    ]
    last = Dense("second", "output", rng.integers(-40, 41, (populations[-1].size, 10)))
    populations.append(QuantisedPopulation("output", 10, neuron))
    return QuantisedNetwork(tuple(populations), (*projections, last), 8, 20)


def reservoir() -> QuantisedNetwork:
    """Make 500 neurons that reach a tenth of one another, with delays of up to 15 steps."""
    rng = np.random.default_rng(SEED)
    pre, post = np.nonzero(rng.random((500, 500)) < 0.1)
    weights, delays = rng.integers(-50, 51, len(pre)), rng.integers(0, 16, len(pre))
    populations = (QuantisedPopulation("input", 100), QuantisedPopulation("pool", 500, NEURON))
    projections = (
        Dense("input", "pool", _weights(rng, 100, 500)),
        Sparse("pool", "pool", weights, pre=pre, post=post, size=(500, 500), delays=delays),
    )
    return QuantisedNetwork(populations, projections)


def measure(golden: Golden, spikes: np.ndarray, seconds: float) -> float:
    """Give the steps per second and sample of the best of several runs."""
    golden.run(spikes)
    best = float("inf")
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        golden.run(spikes)
        best = min(best, time.perf_counter() - start)
    return spikes.shape[0] * spikes.shape[1] / best


def processor() -> str:
    """Name the processor, as Linux does."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0] if names else platform.machine()}, {os.cpu_count()} threads"


def main() -> None:
    """Measure every network, and every engine that runs it, a line for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each line")
    arguments = parser.parse_args()
    compiled = ["numba"] * (importlib.util.find_spec("numba") is not None)
    cases = (
        ("-".join(map(str, SIZES)), network(), ["numpy", *compiled]),
        ("convolutional", convolutional(), ["numpy"]),
        ("reservoir", reservoir(), ["numpy"]),
    )
    print(f"T={arguments.steps}, input {ACTIVITY:.0%}")
    print(f"NumPy {np.__version__}, Python {platform.python_version()}, {processor()}")
    print(f"OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', 'not set')}")
    for label, made, engines in cases:
        size = made.population("input").size
        for engine in engines:
            golden = Golden(made, engine=engine)
            rng = np.random.default_rng(SEED)
            for batch in (1, 64):
                spikes = rng.random((arguments.steps, batch, size)) < ACTIVITY
                rate = measure(golden, spikes, arguments.seconds)
                active = golden.run(spikes).spikes
                shares = ", ".join(f"{name} {train.mean():.1%}" for name, train in active.items())
                print(f"{label}  {engine}  batch {batch:3d}  {rate:10,.0f} steps/s  ({shares})")


def _weights(rng: np.random.Generator, pre: int, post: int) -> np.ndarray:
    return rng.integers(-127, 128, (pre, post))


if __name__ == "__main__":
    main()
