"""Learning in the emitted Verilog on real digits: equal to golden, and its cycles in each step.

The chip sees the images that are shipped with the demo, one after the other, and goes on learning
from all of them. The same images then pass with all learning switched off.
"""

import os
import runpy
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, QuantisedNetwork, compile
from spikeloom.demo import DemoImages
from spikeloom.learning_cycles import most_learning_cycles
from spikeloom_sim.library import pick_engine

EXAMPLES = Path(__file__).parents[1] / "examples" / "learning"


def cases(count: int) -> Iterator[tuple[str, QuantisedNetwork, list[Any]]]:
    """Networks that learn, and what they are shown."""
    shown = DemoImages.load().first(count)
    images = shown.images.reshape(count, -1)
    stdp, stop = (runpy.run_path(str(EXAMPLES / f"{name}.py")) for name in ("stdp", "stop"))
    yield "STDP, 784-100, W and T", stdp["make_network"](100), list(stdp["samples"](images, 100))
    for form in ("W", "WTL"):
        samples = list(stop["samples"](images, shown.labels))
        yield f"STOP, 784-128-10, {form}", stop["make_network"](form), samples


def measure(network: QuantisedNetwork, samples: list[Any], target: str) -> tuple[Any, ...]:
    """Learn on the chip and in the golden model; raise if they differ, else give the figures."""
    program = compile(network, target)
    golden = Golden(network, engine="numba")
    steps = 0
    with Device.simulate(program) as device:
        start, taken = time.perf_counter(), 0
        for number, (sample, expected) in enumerate(
            zip(samples, golden.learn(samples), strict=True)
        ):
            got = device.run(sample.spikes, modulator=sample.modulator, errors=sample.errors)
            difference = expected.difference(got)
            if difference:
                raise SystemExit(f"Image {number}: {difference}")
            steps += len(sample.modulator)
            taken += got.counters["cycles"]
        seconds = time.perf_counter() - start
        learned = device.learned(network)
        for mine, other in zip(learned.projections, golden.learned.projections, strict=True):
            if not np.array_equal(mine.weights, other.weights):
                raise SystemExit(f"The weights of {mine} differ from golden")
        for mine, other in zip(learned.neurons, golden.learned.neurons, strict=True):
            for name in ("threshold", "decay"):
                if np.any(getattr(mine.neuron, name) != getattr(other.neuron, name)):
                    raise SystemExit(f"A {name} of {mine.name!r} differs from golden")
        for projection in network.projections:
            device.switch_learning(projection.source, projection.target, False)
        rest = sum(device.run(sample.spikes).counters["cycles"] for sample in samples)
    each = taken / steps, rest / steps, most_learning_cycles(program)
    return steps, *(f"{n:,.0f}" for n in each), f"{seconds:.0f} s"


@click.command(help=__doc__)
@click.option("--images", default=200, show_default=True, type=click.IntRange(1, 200))
@click.option("--target", default="generic-16", show_default=True)
def main(images: int, target: str) -> None:
    """Print the table."""
    console = Console(width=120)
    table = Table(
        title=f"{images} digits on {target}: spikes, weights, thresholds, leaks as golden"
    )
    for column in ("network", "steps", "cycles a step", "not learning", "learning at most", "time"):
        table.add_column(column, justify="left" if column == "network" else "right")
    for name, network, samples in cases(images):
        table.add_row(name, *map(str, measure(network, samples, target)))
        console.print(table)
    console.print(
        f"simulation by {pick_engine('auto')}, {os.cpu_count()} cores, "
        f"load {os.getloadavg()[0]:.1f}"
    )


if __name__ == "__main__":
    main()
