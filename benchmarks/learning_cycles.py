"""Cycles that each learning rule adds to a time step, beside inference, counted by the Verilog.

A chip is built for each rule. It runs the same network twice with the same spikes, learning, and
with learning switched off and no teacher; the difference of its cycles is what learning takes.
Rates are so small that no change survives the rounding: both runs then have the same weights and
the same spikes, while every row is visited as at any rate. Measured on two busy
cores: a quarter of an hour, nearly all of it the compilation of ten chips.
"""

import os
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import LIF, Device, Network, compile, learning, quantise
from spikeloom.learning_cycles import expected_learning_cycles, most_learning_cycles
from spikeloom_hw.program import Program
from spikeloom_sim.library import pick_engine

SIZES = (256, 128, 16)
RATE = 2e-5
PAIR = (RATE, RATE)
WINDOW = learning.RuleWindow(potential=0.5, up=(0.1, 8.0), down=(0.1, 4.0))

# What all rules have; those with errors have weights of both signs.
ALL: dict[str, Any] = {"rounding": "nearest", "low": -1.0, "high": 1.0}


def rules() -> dict[str, tuple[Any, Any]]:
    """Give each preset for the first and for the second projection, which errors go back along."""
    back = learning.RuleBack()
    feedback = np.random.default_rng(3).normal(0, 0.3, SIZES[1:]).clip(-1, 1)
    timed = {
        "pair STDP, additive": learning.pair_stdp(PAIR, **ALL),
        "pair STDP, multiplicative": learning.pair_stdp(PAIR, form="multiplicative", **ALL),
        "nearest-neighbour STDP": learning.nearest_stdp(PAIR, **ALL),
        "triplet STDP": learning.triplet_stdp(PAIR, PAIR, **ALL),
        "reward-modulated STDP": learning.reward_stdp(PAIR, **ALL),
        "modulated STDP": learning.modulated_stdp(PAIR, **ALL),
        "SDSP": learning.sdsp(RATE, WINDOW, **ALL),
        "Diehl and Cook": learning.diehl_cook(RATE, **ALL),
        "weight decay": learning.weight_decay(RATE, **ALL),
    }
    supervised: dict[str, tuple[Any, Any]] = {
        f"STOP, {form}": (
            learning.stop(form, RATE, **ALL),
            learning.stop(form, RATE, back=back, **ALL),
        )
        for form in ("W", "WT", "WTL")
    }
    for name, preset in {"OTTT": learning.ottt, "OSTL": learning.ostl}.items():
        supervised[name] = (preset(RATE, **ALL), preset(RATE, back=back, **ALL))
    for name, preset in {"e-prop": learning.e_prop, "ETLP": learning.etlp}.items():
        supervised[name] = (preset(RATE, **ALL), preset(RATE, feedback=feedback, **ALL))
    return {name: (rule, rule) for name, rule in timed.items()} | supervised


def make_program(pair: tuple[Any, Any], target: str) -> tuple[Program, Any]:
    """Compile the network with a pair of rules."""
    rng, names = np.random.default_rng(1), ("in", "hidden", "out")
    network = Network("cycles")
    network.add_input("in", SIZES[0])
    for name, size in zip(names[1:], SIZES[1:], strict=True):
        network.add_population(name, size, LIF(decay=0.8, threshold=1.0, reset="subtract"))
    for k, rule in enumerate(pair):
        weights = rng.normal(0, 0.15, SIZES[k : k + 2]).clip(-1, 1)
        network.connect(names[k], names[k + 1], weights, rule=rule)
    quantised = quantise(network)
    return compile(quantised, target), quantised


def measure(pair: tuple[Any, Any], target: str, steps: int, activity: float) -> tuple[Any, ...]:
    """Give cycles of a step without learning, those of learning measured, told and at most.

    Then the activity of the neurons.
    """
    program, network = make_program(pair, target)
    rng = np.random.default_rng(2)
    spikes = rng.random((steps, SIZES[0])) < activity
    teaching: dict[str, Any] = {"modulator": np.ones(steps, np.int64)}
    if pair[1].errors:
        teaching["errors"] = {"out": rng.integers(-1024, 1025, (steps, SIZES[2]))}
    with Device.simulate(program) as device:
        learns = device.run(spikes, **teaching)
        kept = device.learned(network)
        for projection in network.projections:
            device.switch_learning(projection.source, projection.target, False)
        rests = device.run(spikes)
    same = zip(kept.projections, network.projections, strict=True)
    if learns.difference(rests) or any(np.any(a.weights != b.weights) for a, b in same):
        raise SystemExit("A weight has changed: the two runs cannot be compared")
    rest = rests.counters["cycles"] / steps
    most = most_learning_cycles(program)
    added = learns.counters["cycles"] / steps - rest
    if added > most:
        raise SystemExit(f"Learning took {added} cycles a step, more than the bound of {most}")
    fired = {name: float(learns.spikes[name].mean()) for name in ("hidden", "out")}
    expected = expected_learning_cycles(program, network, {"in": activity, **fired})
    return (rest, added, expected, most), fired


@click.command(help=__doc__)
@click.option("--target", default="generic-16", show_default=True)
@click.option("--steps", default=200, show_default=True)
@click.option("--activity", default=0.05, show_default=True, help="Spikes per input and step.")
@click.option("--only", default="", help="Rules whose names hold this.")
def main(target: str, steps: int, activity: float, only: str) -> None:
    """Print the table."""
    table = Table("rule", title=f"{'-'.join(map(str, SIZES))} on {target}, {steps} steps")
    for column in ("inference", "learning adds", "expected", "at most"):
        table.add_column(column, justify="right")
    console, fired = Console(width=100), {"hidden": 0.0, "out": 0.0}
    for name, pair in rules().items():
        if only in name:
            cycles, fired = measure(pair, target, steps, activity)
            table.add_row(name, *(f"{number:,.0f}" for number in cycles))
            console.print(table)
    console.print(
        f"Cycles a step; {activity:.0%} of the inputs fire in a step, {fired['hidden']:.1%} of the "
        f"hidden and {fired['out']:.1%} of the output neurons; a modulator in every step, and for "
        f"rules with errors an error of each output neuron. Simulation by {pick_engine('auto')}, "
        f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}."
    )


if __name__ == "__main__":
    main()
