"""What the benchmarks of the trained examples share: accuracy, and what the Verilog counts."""

import importlib.util
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, Output, Program, QuantisedNetwork, Recording, compile
from spikeloom.estimate import Estimate, estimate
from spikeloom.walk_costs import walk_costs
from spikeloom_boards.target import TARGETS

__all__ = ["load", "report_accuracy", "report_hardware"]

EXAMPLES = Path(__file__).parents[1] / "examples"

Counters = dict[str, int]


def load(name: str) -> Any:
    """Import ``network.py`` of an example, which finds the modules beside it."""
    path = EXAMPLES / name / "network.py"
    spec = importlib.util.spec_from_file_location(f"{name}_network", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"There is no example {name!r}")
    sys.path.insert(0, str(path.parent))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report_accuracy(example: Any) -> None:
    """Print the accuracy of the golden model on the held-out recordings, if they are there."""
    start = time.perf_counter()
    try:
        spikes, labels = example.held_out()
    except SystemExit as error:
        print(f"All held-out recordings: left out. {error}")
        return
    told, activity = example.measure(example.quantised(), spikes)
    right = np.count_nonzero(told == labels)
    seconds = time.perf_counter() - start
    print(
        f"Golden: {right / len(labels):.2%} of {len(labels)} held-out recordings, {seconds:.1f} s"
    )
    print("Spikes of each: " + ", ".join(f"{name} {mean:.0f}" for name, mean in activity.items()))


def run_verilog(program: Program, spikes: np.ndarray, expected: Recording) -> list[Counters]:
    """Run samples one by one, each spike and value held against ``expected``: their counters."""
    counters = []
    with Device.simulate(program) as device:
        for k in range(spikes.shape[1]):
            recording = device.run(spikes[:, k])
            golden = Recording(
                {name: array[:, k : k + 1] for name, array in expected.spikes.items()},
                values={name: array[:, k : k + 1] for name, array in expected.values.items()},
            )
            difference = golden.difference(recording)
            if difference is not None:
                raise SystemExit(f"Sample {k} differs from the golden model: {difference}")
            counters.append(recording.counters)
    return counters


def predict(
    program: Program, spikes: np.ndarray, recording: Recording, rows: tuple[float, float]
) -> Estimate:
    """Estimate a step, from how often each neuron fired and the rows updated, of all rows."""
    shares: dict[str, np.ndarray] = {program.inputs[0].name: spikes.mean(axis=(0, 1))}
    shares |= {name: array.mean(axis=(0, 1)) for name, array in recording.spikes.items()}
    lanes = program.config.core.lanes
    whole = sum(-(-p.span // lanes) for p in program.neurons if p.output is Output.VALUE)
    processed = (rows[0] - whole) / (rows[1] - whole)
    return estimate(program, shares, processed=processed)


def occupancy(program: Program, recording: Recording, spikes: np.ndarray) -> float:
    """Lanes that have a synapse while a row of weights is walked: what the network leaves us."""
    costs = walk_costs(program)
    fired = {program.inputs[0].name: spikes, **recording.spikes}
    events = {name: array.sum(axis=(0, 1)) for name, array in fired.items()}
    cycles = sum(float(n @ costs[name].cycles) for name, n in events.items() if costs[name].walks)
    work = sum(float(n @ costs[name].operations) for name, n in events.items())
    return work / cycles / program.config.core.lanes


def measured(
    program: Program, counters: list[Counters], step: Estimate, steps: int
) -> list[tuple[str, str, str]]:
    """Tell the mean of each quantity in a recording: its name, as counted, as estimated."""
    mean = {name: float(np.mean([c[name] for c in counters])) for name in counters[0]}
    lanes = program.config.core.lanes
    busy = mean["cycles_integrate"] + mean["cycles_update"] + mean["cycles_control"]
    whole = [c["cycles"] for c in counters]
    pairs = [
        ("synaptic operations", mean["synaptic_operations"], step.synaptic_operations),
        ("cycles of integration", mean["cycles_integrate"], step.integrate),
        ("cycles of updates", mean["cycles_update"], step.update),
        ("cycles of the core", busy, step.core),
        ("cycles, waiting for the host too", mean["cycles"], step.cycles),
    ]
    return [
        *((name, f"{count:,.0f}", f"{steps * told:,.0f}") for name, count, told in pairs),
        ("least and most cycles", f"{min(whole):,} - {max(whole):,}", ""),
        ("rows updated", f"{mean['rows_updated']:,.0f}", ""),
        (
            "lanes at work in integration",
            f"{mean['synaptic_operations'] / mean['cycles_integrate'] / lanes:.1%}",
            f"{step.synaptic_operations / step.integrate / lanes:.1%}",
        ),
    ]


def report_hardware(example: Any, target: str) -> None:
    """Print what the emitted Verilog counts on the shipped samples, with and without skipping."""
    network: QuantisedNetwork = example.quantised()
    spikes, labels = example.samples()
    expected = Golden(network).run(spikes)
    programs = [compile(network, replace(TARGETS[target], skip=skip)) for skip in (True, False)]
    counted = [run_verilog(program, spikes, expected) for program in programs]
    rows = [float(np.mean([c["rows_updated"] for c in run])) / len(spikes) for run in counted]
    table = Table("a recording, on average", "with skip", "estimated", "without", "estimated")
    for column in table.columns[1:]:
        column.justify = "right"
    columns = [
        measured(program, run, predict(program, spikes, expected, (updated, rows[1])), len(spikes))
        for program, run, updated in zip(programs, counted, rows, strict=True)
    ]
    for skipping, whole in zip(*columns, strict=True):
        table.add_row(*skipping, *whole[1:])
    compared = sum(a.size for a in (*expected.spikes.values(), *expected.values.values()))
    right = np.count_nonzero(example.classes(expected) == labels)
    core = programs[0].config.core
    console = Console(width=110)
    console.print(
        f"Verilog ({target}: L = {core.lanes}, U = {core.update_lanes}; CXXRTL): "
        f"{len(labels)} shipped recordings of {len(spikes)} steps,\n{right} of them right; "
        f"{compared:,} spikes and values are as golden says, with and without skip.\n"
        f"Lanes that have a synapse in a row of weights: "
        f"{occupancy(programs[0], expected, spikes):.1%}.",
        table,
    )
