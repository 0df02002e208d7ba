"""What links between chips cost a time step: cycles told in advance, and those of the Verilog.

Layers of 8 neurons behind 30 inputs, one behind the other, on two chips of one core of 2 lanes that
are joined by wires with a delay of 4 cycles; every spike is held against golden. Some three minutes
of CPU, most of it compiling.
"""

from collections.abc import Iterator

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import (
    Dense,
    Device,
    Golden,
    NeuronParameters,
    QuantisedNetwork,
    QuantisedPopulation,
    compile,
)
from spikeloom.estimate import estimate
from spikeloom.link_costs import LinkCosts
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_sim.compiled import SimulatedTransport
from spikeloom_sim.noisy_tree import CompiledNoisyTree, Noise

INPUTS, NEURONS, STEPS, WIRES = 30, 8, 20, 4
CHIPS = ChipConfig(
    CoreConfig(
        lanes=2,
        update_lanes=1,
        accumulator_width=16,
        weight_rows=512,
        neuron_rows=16,
        populations=4,
        projections=8,
        sources=8,
        phases=4,
        bases=16,
    ),
    parents=(0,),
)
LINES = {"parallel, 8 lines": (0, 1), "serial, 4 cycles a bit": (4, 40)}
PLACES = ("0", "1", "00", "11", "01", "10", "000", "111", "101")
"""Chips of the layers, one behind the other."""
ACTIVE = (0, 1, 2, 4, 8, 16, 24, 30)


def layers(count: int) -> QuantisedNetwork:
    """Build layers in which one event makes all neurons fire."""
    neuron = NeuronParameters(threshold=1)
    names = [f"layer{k}" for k in range(count)]
    populations = [QuantisedPopulation("in", INPUTS)]
    populations += [QuantisedPopulation(name, NEURONS, neuron) for name in names]
    sizes = [INPUTS, *[NEURONS] * count]
    projections = [
        Dense(source, target, np.ones((size, NEURONS), int))
        for source, target, size in zip(["in", *names], names, sizes, strict=False)
    ]
    return QuantisedNetwork(tuple(populations), tuple(projections), accumulator_width=16)


def cases(tree: CompiledNoisyTree, byte_cycles: int) -> Iterator[tuple[str, int, float, float]]:
    """Run all cases: chips of the layers, active inputs, and cycles of a step counted and told."""
    costs = LinkCosts.of(CHIPS, byte_cycles, WIRES)
    for chips in PLACES:
        network = layers(len(chips))
        pins = {f"layer{k}": int(chip) for k, chip in enumerate(chips)}
        program = compile(network, CHIPS, pins=pins)
        for active in ACTIVE:
            spikes = np.zeros((STEPS, INPUTS), bool)
            spikes[:, :active] = True
            golden = Golden(network).run(spikes)
            tree.begin(Noise(1, 0.0))
            with Device(SimulatedTransport(tree.chip), program) as device:
                recording = device.run(spikes)
            difference = golden.difference(recording)
            if difference is not None:
                raise click.ClickException(f"The Verilog differs from golden: {difference}")
            seen = {name: float(train.mean()) for name, train in golden.spikes.items()}
            told = estimate(program, {**seen, "in": active / INPUTS}, links=costs).core
            parts = ("integrate", "update", "control")
            counted = sum(recording.counters[f"cycles_{part}"] for part in parts)
            yield chips, active, counted / STEPS, told


@click.command(help=__doc__)
@click.option("--all", "every", is_flag=True, help="Print every case.")
def main(every: bool) -> None:
    """Print how far what was told is from what was counted."""
    table = Table("line", "cases", "cycles a step", "told less by", "told more by", "median")
    for name, (divisor, byte_cycles) in LINES.items():
        found = list(cases(CompiledNoisyTree(CHIPS, [divisor]), byte_cycles))
        off = [told / counted - 1 for _, _, counted, told in found]
        counts = [counted for _, _, counted, _ in found]
        span = f"{min(counts):,.0f} to {max(counts):,.0f}"
        errors = (-min(off), max(off), float(np.median(np.abs(off))))
        table.add_row(name, str(len(found)), span, *(f"{error:.1%}" for error in errors))
        for chips, active, counted, told in found if every else ():
            print(f"{name}: chips {chips}, {active} inputs: {counted:.0f} counted, {told:.0f} told")
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
