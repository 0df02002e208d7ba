"""Random order of service, short queues, links of random latency: runs held against golden.

Random networks, cut at random over the cores of four trees of chips, in the emitted Verilog, with
queues of 1, 2 and 8 events besides those under way. The runs are those of the test of the same
name, and many more: each has a cut of its own, and goes on with other random numbers of the fabric.
"""

import runpy
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from spikeloom.errors import LinkError

TESTS = Path(__file__).parents[1] / "tests" / "equivalence" / "test_order.py"


@dataclass
class Row:
    """What came of the runs on one tree.

    Parameters
    ----------
    tree : str
        Name of the tree.
    depth : int
        Events in a queue.
    runs, mismatches, deadlocks : int
        How many there were; a run that comes to no end is a deadlock.
    spikes, cycles : int
        Spikes that the golden model expects, and cycles of the steps, in all runs.
    """

    tree: str
    depth: int
    runs: int = 0
    mismatches: int = 0
    deadlocks: int = 0
    spikes: int = 0
    cycles: int = 0


def measure(name: str, depth: int, runs: int) -> Row:
    """Make so many runs on one tree."""
    order: dict[str, Any] = runpy.run_path(str(TESTS))
    chip, row = order["tree"](name, depth), Row(name, depth)
    for run in range(runs):
        row.runs += 1
        try:
            recording, golden = order["ran"](chip, name, run)
        except LinkError as error:
            row.deadlocks += 1
            print(f"{name}, {depth}, run {run}: {error}", file=sys.stderr, flush=True)
            continue
        row.spikes += sum(int(array.sum()) for array in golden.spikes.values())
        row.cycles += recording.counters["cycles"]
        if difference := golden.difference(recording):
            row.mismatches += 1
            print(f"{name}, {depth}, run {run}: {difference}", file=sys.stderr, flush=True)
    return row


@click.command()
@click.option("--runs", default=100, show_default=True, help="Runs of each tree and depth.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
def main(runs: int, jobs: int) -> None:
    """Make the runs, and tell what came of them."""
    order = runpy.run_path(str(TESTS))
    console = Console(width=120)
    names = ("runs", "mismatches", "deadlocks", "spikes", "cycles")
    table, total = Table("tree", "queues", *names), dict.fromkeys(names, 0)
    with ProcessPoolExecutor(jobs) as pool:
        shares = [
            pool.submit(measure, name, depth, runs)
            for name in order["TREES"]
            for depth in order["DEPTHS"]
        ]
        for share in as_completed(shares):
            row = share.result()
            console.print(row)
            table.add_row(row.tree, str(row.depth), *(f"{getattr(row, n):,}" for n in names))
            total = {name: total[name] + getattr(row, name) for name in names}
    table.add_section()
    table.add_row("all", "", *(f"{total[name]:,}" for name in names))
    console.print(table)
    if total["mismatches"] or total["deadlocks"]:
        raise SystemExit("The fabric is wrong")


if __name__ == "__main__":
    main()
