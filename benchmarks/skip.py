"""What it gains to skip rows of neurons that would reproduce themselves.

Measured on two cores: two minutes, nearly all of it the compilation of two chips.
"""

from dataclasses import dataclass, replace

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import (
    Convolution,
    Dense,
    Golden,
    NeuronParameters,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    Recording,
    Synapse,
    compile,
)
from spikeloom.host.script import read_run, script_of
from spikeloom_boards.target import TARGETS
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.projection import Projection

STEPS = 100
SIZE = 256
MAPS = (2, 32, 32)
SEED = 1
PATIENCE = 50_000
TAU = 10.0
KEPT = round(4096 * np.exp(-1 / TAU))
CURRENT_KEPT = round(4096 * np.exp(-1 / 5.0))


@dataclass(frozen=True, eq=False)
class Case:
    """A layer, and what it sees.

    Parameters
    ----------
    layer, sees : str
        Names for the table.
    network : QuantisedNetwork
        Input and layer.
    spikes : (steps, inputs) bool array
        Spikes of the input.
    """

    layer: str
    sees: str
    network: QuantisedNetwork
    spikes: np.ndarray


def convolution(tag: str = "") -> QuantisedNetwork:
    """Build 16 x 32 x 32 integrate-and-fire neurons behind a convolution of 3 x 3."""
    shape = (16, *MAPS[1:])
    weights = np.random.default_rng(SEED).integers(-20, 30, (16, MAPS[0], 3, 3))
    padding = ((1, 1), (1, 1))
    neuron = NeuronParameters(threshold=150)
    return QuantisedNetwork(
        (
            QuantisedPopulation(f"events{tag}", int(np.prod(MAPS)), shape=MAPS),
            QuantisedPopulation(f"maps{tag}", int(np.prod(shape)), neuron, shape=shape),
        ),
        (Convolution(f"events{tag}", f"maps{tag}", weights, input_shape=MAPS, padding=padding),),
    )


def dense(neuron: NeuronParameters, tag: str = "") -> QuantisedNetwork:
    """Build a dense layer of 256 x 256."""
    weights = np.random.default_rng(SEED).integers(-60, 64, (SIZE, SIZE))
    return QuantisedNetwork(
        (
            QuantisedPopulation(f"input{tag}", SIZE),
            QuantisedPopulation(f"neurons{tag}", SIZE, neuron),
        ),
        (Dense(f"input{tag}", f"neurons{tag}", weights),),
    )


def lif() -> NeuronParameters:
    """Give a neuron whose potential leaks with a time constant of 10 steps."""
    return NeuronParameters(threshold=1000, decay=KEPT)


def current_based() -> NeuronParameters:
    """Give the same, charged by a current that decays with a time constant of 5 steps."""
    return NeuronParameters(
        threshold=3000, decay=KEPT, synapse=Synapse.NEW, current_decay=CURRENT_KEPT
    )


def moving_spot() -> np.ndarray:
    """Draw events of a spot of 6 x 6 pixels that moves over the image, on 40 % of its pixels."""
    rng = np.random.default_rng(SEED)
    spikes = np.zeros((STEPS, *MAPS), bool)
    for step in range(STEPS):
        line, column = (round(13 * (1 + np.sin(step / k))) for k in (9, 13))
        spikes[step, :, line : line + 6, column : column + 6] = rng.random((2, 6, 6)) < 0.4
    return spikes.reshape(STEPS, -1)


def steady(activity: float) -> np.ndarray:
    """Draw spikes of 256 inputs in every step."""
    return np.random.default_rng(SEED).random((STEPS, SIZE)) < activity


def burst() -> np.ndarray:
    """Draw 10 steps of spikes, and none after them."""
    return steady(0.1) & (np.arange(STEPS) < 10)[:, None]


def cases() -> list[Case]:
    """Give the rows of the table."""
    dense_lif, dense_current = dense(lif()), dense(current_based())
    return [
        Case("IF, 3 x 3 to 16 x 32 x 32", "a moving spot", convolution(), moving_spot()),
        Case("LIF, dense 256 x 256", "10 % in each step", dense_lif, steady(0.1)),
        Case("LIF, dense 256 x 256", "10 steps of 10 %, 90 of none", dense_lif, burst()),
        Case("current-based, dense 256 x 256", "10 % in each step", dense_current, steady(0.1)),
        Case(
            "current-based, dense 256 x 256", "10 steps of 10 %, 90 of none", dense_current, burst()
        ),
    ]


def everything() -> QuantisedNetwork:
    """Join all layers in one network, whose hardware runs each of them."""
    parts = [convolution("_a"), dense(lif(), "_b"), dense(current_based(), "_c")]
    populations: list[QuantisedPopulation] = []
    projections: list[Projection] = []
    for part in parts:
        populations += part.populations
        projections += part.projections
    return QuantisedNetwork(tuple(populations), tuple(projections))


def run(chip: CompiledChip, program: Program, case: Case, expected: Recording) -> dict[str, int]:
    """Count a run of the Verilog, spike for spike that of the golden model."""
    (source,) = case.network.inputs
    script = script_of(program, {source.name: case.spikes})
    recording = read_run(program, chip.exchange(script, patience=PATIENCE).output, STEPS)
    difference = expected.difference(recording)
    if difference is not None:
        raise SystemExit(f"The Verilog differs from the golden model: {difference}")
    return recording.counters


@click.command()
@click.option("--target", default="generic-16", show_default=True)
def main(target: str) -> None:
    """Print the table."""
    both = {
        skip: compile(everything(), replace(TARGETS[target], skip=skip)).config
        for skip in (False, True)
    }
    chips = {skip: CompiledChip(config) for skip, config in both.items()}
    table = Table("layer", "input", "skip", "cycles", "of these updates", "rows updated", "gain")
    for column in table.columns[2:]:
        column.justify = "right"
    for case in cases():
        (source,) = case.network.inputs
        expected = Golden(case.network).run({source.name: case.spikes})
        before = 0
        for skip, config in both.items():
            # Only what the host must know leaves: the layer's spikes, held against golden.
            program = compile(case.network, config)
            counters = run(chips[skip], program, case, expected)
            before = before or counters["cycles"]
            table.add_row(
                *(("", "", "on") if skip else (case.layer, case.sees, "off")),
                *(f"{counters[n]:,}" for n in ("cycles", "cycles_update", "rows_updated")),
                f"{before / counters['cycles']:.2f} x" if skip else "",
            )
    console = Console(width=140)
    core = both[True].core
    console.print(
        f"Shape of {target}: {core.lanes} lanes, {core.update_lanes} update lanes; the emitted "
        f"Verilog in CXXRTL, {STEPS} steps (seed {SEED}).\nOne chip for all rows, and the same "
        "without skip; in each row every spike of both equals golden.\nThe potential keeps "
        f"{KEPT} / 4096 of itself in a step, the current {CURRENT_KEPT} / 4096."
    )
    console.print(table)


if __name__ == "__main__":
    main()
