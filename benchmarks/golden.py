"""Steps per second of the golden model on a 784-256-10 network, with the conditions."""

import argparse
import importlib.util
import os
import platform
import time
from pathlib import Path

import numpy as np

from spikeloom_hw.neuron import LIFParameters, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation, QuantisedProjection

SIZES = (784, 256, 10)
ACTIVITY = 0.05
SEED = 1


def network() -> QuantisedNetwork:
    """Make an LIF network with uniform 8-bit weights, about a tenth of whose neurons fire."""
    rng = np.random.default_rng(SEED)
    names = ("input", "hidden", "output")
    neuron = LIFParameters(threshold=8000, decay=3686, reset=Reset.SUBTRACT, shift=4)
    populations = [QuantisedPopulation(names[0], SIZES[0])]
    populations += [
        QuantisedPopulation(name, size, neuron)
        for name, size in zip(names[1:], SIZES[1:], strict=True)
    ]
    projections = [
        QuantisedProjection(source.name, target.name, _weights(rng, source.size, target.size))
        for source, target in zip(populations, populations[1:], strict=False)
    ]
    return QuantisedNetwork(tuple(populations), tuple(projections))


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
    """Measure every engine that is installed, and print one line for each batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=2.0, help="time for each line")
    arguments = parser.parse_args()
    engines = ["numpy"] + ["numba"] * (importlib.util.find_spec("numba") is not None)
    made = network()
    rng = np.random.default_rng(SEED)

    print(f"network {'-'.join(map(str, SIZES))} LIF, T={arguments.steps}, input {ACTIVITY:.0%}")
    print(f"NumPy {np.__version__}, Python {platform.python_version()}, {processor()}")
    print(f"OPENBLAS_NUM_THREADS={os.environ.get('OPENBLAS_NUM_THREADS', 'not set')}")
    for engine in engines:
        golden = Golden(made, engine=engine)
        single = 0.0
        for batch in (1, 64):
            spikes = rng.random((arguments.steps, batch, SIZES[0])) < ACTIVITY
            rate = measure(golden, spikes, arguments.seconds)
            single = single or rate
            hidden = golden.run(spikes).spikes["hidden"].mean()
            print(
                f"{engine}  batch {batch:3d}  {rate:12,.0f} steps/s per sample"
                f"  ({rate / single:.1f} times batch 1; hidden {hidden:.1%})"
            )


def _weights(rng: np.random.Generator, pre: int, post: int) -> np.ndarray:
    return rng.integers(-127, 128, (pre, post))


if __name__ == "__main__":
    main()
