"""Cycles per inference of a 784-128-10 network, from the counters of the simulated Verilog.

Measured on two cores: a minute for each number of lanes, most of it the first compilation.
"""

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, QuantisedNetwork, compile
from spikeloom.demo.images import load_network
from spikeloom.estimate import estimate

STEPS = 100
GOALS = {(32, 0.10): 40_000, (32, 0.02): 15_000}
SPIKER = 92_000
SEED = 1


def random_spikes(inputs: int, activity: float) -> np.ndarray:
    """Draw a (steps, inputs) bool array of which exactly a share of ``activity`` is true."""
    spikes = np.zeros(STEPS * inputs, bool)
    chosen = np.random.default_rng(SEED).permutation(spikes.size)
    spikes[chosen[: round(activity * spikes.size)]] = True
    return spikes.reshape(STEPS, inputs)


def measure(network: QuantisedNetwork, lanes: int, activities: list[float]) -> list[list[str]]:
    """Run one inference at each activity: rows of the table."""
    program = compile(network, f"generic-{lanes}")
    rows = []
    with Device.simulate(program) as device:
        for activity in activities:
            spikes = random_spikes(network.inputs[0].size, activity)
            recording = device.run(spikes)
            difference = Golden(network).run(spikes).difference(recording)
            if difference is not None:
                raise SystemExit(f"The Verilog differs from the golden model: {difference}")
            seen = {name: float(array.mean()) for name, array in recording.spikes.items()}
            seen[network.inputs[0].name] = activity
            counted = recording.counters
            work = sum(counted[f"cycles_{part}"] for part in ("integrate", "update", "control"))
            goal = GOALS.get((lanes, activity))
            met = "" if goal is None else f"{goal:,} {'met' if counted['cycles'] <= goal else '-'}"
            numbers = (
                counted["cycles"],
                counted["cycles_integrate"],
                counted["cycles_update"],
                counted["cycles_control"],
                counted["cycles"] - work,
                round(STEPS * estimate(program, seen).cycles),
                counted["synaptic_operations"],
            )
            rate = counted["synaptic_operations"] / counted["cycles"]
            rows.append([
                str(lanes),
                f"{activity:.0%}",
                *(f"{number:,}" for number in numbers),
                f"{rate:.1f}",
                met,
            ])
    return rows


@click.command()
@click.option("--lanes", multiple=True, type=int, default=(8, 16, 32, 64), show_default=True)
def main(lanes: tuple[int, ...]) -> None:
    """Print the table."""
    network = load_network()
    console = Console(width=140)
    console.print(
        f"784-128-10, {STEPS} steps, weights of the demo, inputs at random (seed {SEED}), exactly "
        "10 % and 2 % of them\nspiking; the emitted Verilog in CXXRTL behind the byte stream of "
        "the host port, every spike equal to golden.\nCycles: from the first event word to the end "
        "of the last step, with all waiting for the host's words.\n"
        f"Spiker+ needs about {SPIKER:,} cycles at both."
    )
    table = Table("lanes", "activity", "cycles", "integrate", "update", "control", "waiting")
    for name in ("estimated", "synaptic operations", "per cycle", "goal"):
        table.add_column(name)
    for column in table.columns:
        column.justify = "right"
    for count in lanes:
        for row in measure(network, count, [0.10, 0.02]):
            table.add_row(*row)
    console.print(table)


if __name__ == "__main__":
    main()
