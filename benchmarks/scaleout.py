"""Two chips on links with faults: golden's spikes or LINK_ERR; and what links cost in cycles.

Random networks, cut at random over two chips, in the emitted Verilog; the wires have a delay of
four cycles. A fault inverts one of them for a byte of the parallel form, a bit of the serial one,
and half of the faults of the parallel form are at the strobe, so that bytes are lost and frames
cut.
"""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Golden, Program, compile
from spikeloom.errors import DeviceError, LinkError
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.tree.joined import Joined
from spikeloom_sim.compiled import CompiledChip, kept_verilog
from spikeloom_sim.cut_tree import cut_over_chips
from spikeloom_sim.noisy_tree import CompiledNoisyTree
from spikeloom_sim.random_network import random_case

STEPS = 8
CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    accumulator_width=16,
    weight_rows=2048,
    neuron_rows=64,
    populations=4,
    projections=16,
    sources=8,
    phases=8,
)
RATES = (1e-4, 1e-3, 1e-2)
# Cycles in a bit of the line, and cycles without a byte after which a run is over: longer than a
# link takes to give up.
FORMS = {"parallel, 8 lines": (0, 20_000), "serial, 4 cycles a bit": (4, 300_000)}


@dataclass(frozen=True)
class Case:
    """A network on one chip, and what it makes of its input.

    Parameters
    ----------
    program : Program
        For one chip.
    sample : dict of str to (steps, neurons) array
        Input.
    golden : Recording
        What the golden model makes of it.
    """

    program: Program
    sample: dict[str, Any]
    golden: Any


def cases(count: int) -> list[Case]:
    """Draw networks, of which every population fires."""
    found, seed = [], 0
    while len(found) < count:
        seed += 1
        case = random_case(seed, CORE, steps=STEPS, largest=32)
        golden = Golden(case.network).run(case.spikes)
        if all(np.any(array) for array in golden.spikes.values()):
            sample = {name: array[:, 0] for name, array in case.spikes.items()}
            found.append(Case(compile(case.network, ChipConfig(CORE)), sample, golden))
    return found


def outcome(case: Case, cut: Program, output: bytes) -> str:
    """Tell what came of a run."""
    try:
        recording = read_run(cut, output, STEPS)
    except DeviceError:
        return "LINK_ERR"
    except LinkError:
        return "neither"
    return "wrong" if case.golden.difference(recording) else "exact"


def cycles(case: Case, program: Program, output: bytes) -> float:
    """Cycles of a step on clean wires."""
    recording = read_run(program, output, STEPS)
    if case.golden.difference(recording):
        raise SystemExit("The spikes are not those of the golden model")
    return recording.counters["cycles"] / STEPS


def disturbed(drawn: list[Case], runs: int, console: Console) -> dict[str, list[float]]:
    """Print what faults do; give the cycles of a step on clean wires."""
    columns = ("form", "rate", "runs", "faults", "sent again", "exact", "LINK_ERR", "wrong")
    table, costs = Table(*columns), {}
    for form, (divisor, patience) in FORMS.items():
        tree = CompiledNoisyTree(cut_over_chips(drawn[0].program, 1, (0,), 0).config, divisor)
        costs[form] = []
        for number, case in enumerate(drawn):
            cut = cut_over_chips(case.program, 1, (0,), number)
            exchange, _ = tree.exchange(script_of(cut, case.sample), 1, 0.0, patience)
            costs[form].append(cycles(case, cut, exchange.output))
        for rate in RATES:
            seen, faults, resent = Counter(), 0, 0
            for run in range(runs):
                case = drawn[run % len(drawn)]
                cut = cut_over_chips(case.program, 1, (0,), run)
                script = script_of(cut, case.sample)
                exchange, trouble = tree.exchange(script, run + 1, rate, patience)
                seen[outcome(case, cut, exchange.output)] += 1
                faults, resent = faults + trouble.faults, resent + trouble.resent
            if seen["neither"]:
                raise SystemExit(f"{seen['neither']} runs came to no end")
            told = [str(seen[word]) for word in ("exact", "LINK_ERR", "wrong")]
            table.add_row(form, f"{rate:g}", str(runs), f"{faults:,}", f"{resent:,}", *told)
    console.print(table)
    return costs


@click.command()
@click.option("--runs", default=40, show_default=True, help="Runs for each form and rate.")
def main(runs: int) -> None:
    """Print the tables."""
    console, drawn = Console(width=120), cases(10)
    costs = disturbed(drawn, runs, console)
    one = CompiledChip(ChipConfig(CORE))
    config = cut_over_chips(drawn[0].program, 1, (0,), 0).config
    joined = CompiledChip(kept_verilog(f"{config.hash:016x}", lambda: Joined(config)))
    costs |= {"one chip": [], "two chips in one": []}
    for number, case in enumerate(drawn):
        cut = cut_over_chips(case.program, 1, (0,), number)
        for name, chip, program in (
            ("one chip", one, case.program),
            ("two chips in one", joined, cut),
        ):
            exchange = chip.exchange(script_of(program, case.sample), patience=20_000)
            costs[name].append(cycles(case, program, exchange.output))
    table = Table("chips", "cycles a step", "more than one chip")
    for name in ("one chip", "two chips in one", *FORMS):
        mean, more = np.mean(costs[name]), np.mean(np.subtract(costs[name], costs["one chip"]))
        table.add_row(name, f"{mean:,.0f}", f"{more:,.0f}")
    console.print(table)
    console.print(f"{len(drawn)} random networks of up to 32 neurons a population, {STEPS} steps")


if __name__ == "__main__":
    main()
