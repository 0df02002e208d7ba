"""Sparse projections that learn and are rewired, in the emitted Verilog: cycles, rows, and bits.

Pairs of spikes move the weights of 256 inputs to 100 neurons at 16 lanes. After each epoch the
weakest 30 % of the synapses go, and as many others come. Spikes and weights are held against the
golden model after each epoch. The last line is a dense projection with all synapses.
"""

import time

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import LIF, Device, Golden, Network, QuantisedNetwork, compile, quantise, recompile
from spikeloom.learning import pair_stdp
from spikeloom.learning.structure import carried_over, rewire

SIZE = (256, 100)


def network_of(density: float, seed: int) -> QuantisedNetwork:
    """Network with that share of all synapses; dense for 1."""
    rng = np.random.default_rng(seed)
    network = Network()
    network.add_input("in", SIZE[0])
    network.add_population("out", SIZE[1], LIF(decay=0.9, threshold=1.5))
    rule = pair_stdp((0.02, 0.02), low=0.0, high=0.2)
    weights = rng.uniform(0.05, 0.15, SIZE)
    if density == 1:
        network.connect("in", "out", weights, rule=rule)
    else:
        weights *= rng.random(SIZE) < density
        network.connect_sparse("in", "out", weights, rule=rule, spare=0.25)
    return quantise(network, accumulator_width=20)


def row_of(density: float, steps: int, epochs: int) -> list[str]:
    """Run one network, and give its line of the table."""
    first = network = network_of(density, 1)
    rng, state = np.random.default_rng(2), None
    cycles, written, seconds, spikes = 0, 0, 0.0, 0
    with Device.simulate(compile(network, "generic-16")) as device:
        for epoch in range(epochs):
            stimulus = rng.random((steps, SIZE[0])) < 0.03
            golden = Golden(network)
            expected = golden.run(stimulus, state=state)
            begin = time.perf_counter()
            recording = device.run(stimulus)
            seconds += time.perf_counter() - begin
            _check(expected.difference(recording))
            network = device.learned(network)
            for found, wanted in zip(network.projections, golden.learned.projections, strict=True):
                _check(None if np.array_equal(found.weights, wanted.weights) else "weights")
            cycles += recording.counters["cycles_control"]
            spikes += recording.counters["spikes"]
            if density < 1:
                network = rewire(network, 0.3, seed=epoch, weight=60)
                written += device.rewire(recompile(network, device.program))
            state = golden.state and carried_over(golden.state, network)
    total = steps * epochs
    (projection,) = first.projections
    rows = sum(part.rows for part in device.program.projections[0].parts)
    return [
        f"{density:.0%}",
        f"{len(projection.weights.ravel()):,}",
        f"{rows:,}",
        f"{spikes / total:.1f}",
        f"{cycles / total:,.0f}",
        f"{written / epochs:,.0f}" if density < 1 else "",
        f"{seconds:.1f}",
    ]


def _check(difference: object) -> None:
    if difference is not None:
        raise click.ClickException(f"The Verilog differs from the golden model: {difference}")


@click.command()
@click.option("--steps", default=500, show_default=True, help="Steps of an epoch.")
@click.option("--epochs", default=3, show_default=True, help="Epochs.")
def main(steps: int, epochs: int) -> None:
    """Print the table."""
    table = Table(title=f"Pair STDP, 256-100, L = 16, {epochs} epochs of {steps} steps")
    named = ("synapses", "number", "rows", "spikes a step", "cycles of learning and control a step")
    for column in (*named, "rows rewired", "s of simulation"):
        table.add_column(column, justify="right")
    for density in (0.1, 0.25, 1.0):
        table.add_row(*row_of(density, steps, epochs))
        Console(width=130).print(table)


if __name__ == "__main__":
    main()
