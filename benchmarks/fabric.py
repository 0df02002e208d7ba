"""Many cores on one bus: synaptic operations per cycle, and a chip of them placed and routed.

    python benchmarks/fabric.py            # table of 1, 2, 4, 8 cores: the emitted Verilog
    python benchmarks/fabric.py --place    # 4 cores of 16 lanes on ECP5-85F, one seed

The table takes about ten minutes of a core, most of it compiling; a placement five to ten.
"""

import json
import tempfile
import time
from pathlib import Path
from typing import Any

import click
import numpy as np
from rich.console import Console
from rich.table import Table

from spikeloom import Device, Golden, QuantisedNetwork, compile
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.synthesis import TOP, count_cells, synthesise_for
from spikeloom_boards.tools import run_tool
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.neuron import Constant, Fields, NeuronParameters, Per, Reset
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedPopulation

LANES = 16
SENDERS, RECEIVERS, STEPS = 1024, 256, 10
GOAL, CLOCK_GOAL = 0.95, 90
# Weights of 8 bits that the block RAM of the device gives in a cycle: 208 of 36 bits, as cores.py.
LIMIT = 208 * 36 // 8


def dense_work() -> QuantisedNetwork:
    """Build neurons that all fire in every step, with all neurons of another population behind."""
    rng = np.random.default_rng(1)
    weights = rng.integers(-7, 8, (SENDERS, RECEIVERS))
    sender = NeuronParameters(threshold=50, bias=100)
    receiver = NeuronParameters(threshold=60_000, decay=3686)
    return QuantisedNetwork(
        (
            QuantisedPopulation("input", 1),
            QuantisedPopulation("senders", SENDERS, sender),
            QuantisedPopulation("receivers", RECEIVERS, receiver),
        ),
        (
            Dense("input", "senders", np.ones((1, SENDERS), np.int64)),
            Dense("senders", "receivers", weights),
        ),
    )


def measure(cores: int) -> dict[str, float]:
    """Run the work on so many cores, hold it against golden, and give rates."""
    network, start = dense_work(), time.monotonic()
    program = compile(
        network, f"generic-{LANES}", cores=cores, record=("receivers",), pins=_everywhere(cores)
    )
    silence = np.zeros((STEPS, 1), bool)
    with Device.simulate(program) as device:
        built = time.monotonic() - start
        recording = device.run(silence)
    difference = Golden(network).run(silence, record=("receivers",)).difference(recording)
    if difference is not None:
        raise SystemExit(f"The Verilog differs from the golden model: {difference}")
    counted = recording.counters
    step = sum(counted[f"cycles_{part}"] for part in ("integrate", "update", "control"))
    operations = counted["synaptic_operations"]
    return {
        "operations": operations,
        "integrate": counted["cycles_integrate"],
        "step": step,
        "rate": operations / counted["cycles_integrate"],
        "whole": operations / step,
        "seconds": built,
    }


def _everywhere(cores: int) -> dict[str, tuple[int, ...]] | None:
    """Cut both populations over all cores."""
    if cores == 1:
        return None
    return dict.fromkeys(("senders", "receivers"), tuple(range(cores)))


def print_scaling(console: Console, counts: tuple[int, ...]) -> None:
    """Print the table of rates."""
    console.print(
        f"{SENDERS} neurons that fire in every step, into {RECEIVERS}, both cut over all cores of "
        f"{LANES} lanes; {STEPS} steps\nof the emitted Verilog, every spike equal to golden. "
        "Cycles from the counters of the chip."
    )
    columns = ("synaptic operations", "cycles integrating", "per cycle", "of the lanes")
    table = Table("cores", *columns, "cycles of steps", "per cycle", "of the lanes", "speed-up")
    first = 0.0
    for cores in counts:
        found = measure(cores)
        lanes = cores * LANES
        first = first or found["step"] * cores
        table.add_row(
            str(cores),
            f"{found['operations']:,.0f}",
            f"{found['integrate']:,.0f}",
            f"{found['rate']:.1f}",
            f"{found['rate'] / lanes:.1%} {'met' if found['rate'] >= GOAL * lanes else '-'}",
            f"{found['step']:,.0f}",
            f"{found['whole']:.1f}",
            f"{found['whole'] / lanes:.1%}",
            f"{first / found['step']:.2f}",
        )
        console.print(table)


def chip_of(cores: int) -> ChipConfig:
    """Chip of cores of 64 k synapses each, of plain leaky integrate-and-fire neurons."""
    places: dict[str, Constant | Per] = {
        "reset": Constant(Reset.SUBTRACT.value),
        "reset_value": Constant(0),
        "minimum": Constant(-(1 << 17)),
        "refractory": Constant(0),
        "inclusive": Constant(0),
        "shift": Constant(4),
    }
    core = CoreConfig(
        lanes=LANES,
        update_lanes=4,
        fields=Fields(places, 18),
        weight_rows=65536 // LANES,
        neuron_rows=256 // LANES,
        populations=4,
        projections=8,
        sources=16,
        phases=4,
        bases=64,
    )
    return ChipConfig(core, cores=cores)


def place(cores: int, seeds: int) -> dict[str, Any]:
    """Synthesise, place and route a whole chip behind its byte stream."""
    device = BOARDS["ulx3s-85f"].device
    parts = ["--85k", "--package", "CABGA381", "--speed", "6", "--out-of-context"]
    with tempfile.TemporaryDirectory(prefix="spikeloom-fabric-") as temporary:
        folder = Path(temporary)
        netlist = netlist_of(Chip(chip_of(cores)), TOP, defined_collisions=False)
        (folder / "design.il").write_text(netlist)
        cells, _ = synthesise_for(device, ["design.il"], folder)
        counted = count_cells(device, cells)
        clocks = []
        for seed in range(1, seeds + 1):
            wanted = ["--json", f"{TOP}.json", "--freq", f"{1.15 * CLOCK_GOAL}"]
            wanted += ["--seed", str(seed), "--report", "report.json"]
            _, said = run_tool("nextpnr-ecp5", [*parts, *wanted], folder)
            if not (folder / "report.json").exists():
                raise click.ClickException(f"nextpnr failed: {said.splitlines()[-1]}")
            report = json.loads((folder / "report.json").read_text())
            (clock,) = report["fmax"].values()
            clocks.append(float(clock["achieved"]))
            _print_path(report)
    return {**counted, "with carry": counted["lut"] + 2 * cells.get("CCU2C", 0), "MHz": clocks}


def _print_path(report: dict[str, Any]) -> None:
    """Print where the longest path begins and ends."""
    for path in report.get("critical_paths", [])[:1]:
        ends = [path["path"][k][side]["cell"] for k, side in ((0, "from"), (-1, "to"))]
        print("longest path:", " -> ".join(ends))


@click.command()
@click.option("--cores", multiple=True, type=int, default=(1, 2, 4, 8), show_default=True)
@click.option("--place", "placed", is_flag=True, help="Place and route 4 cores instead.")
@click.option("--seeds", default=1, show_default=True, help="Placements.")
def main(cores: tuple[int, ...], placed: bool, seeds: int) -> None:
    """Print the figures."""
    console = Console(width=150)
    if not placed:
        print_scaling(console, cores)
        return
    found = place(4, seeds)
    console.print(f"4 cores of {LANES} lanes, 64 k synapses each, and the host port, on ECP5-85F:")
    for name in ("lut", "with carry", "ff", "block_ram", "dsp"):
        console.print(f"  {name}: {found[name]:,}")
    clock, lanes = max(found["MHz"]), 4 * LANES
    clocks = ", ".join(f"{c:.1f}" for c in found["MHz"])
    verdict = "met" if clock >= CLOCK_GOAL else "missed"
    console.print(f"  MHz by seed: {clocks} (goal {CLOCK_GOAL}: {verdict})")
    console.print(f"  {lanes * clock:,.0f} M synaptic operations a second at most")
    console.print(f"  {lanes / LIMIT:.1%} of the {LIMIT} weights that the device can read a cycle")


if __name__ == "__main__":
    main()
