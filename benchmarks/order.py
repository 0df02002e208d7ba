"""Random order of service, short queues, links of random latency: runs held against golden.

Random networks, cut at random over the cores of four trees of chips, in the emitted Verilog, with
queues of 1, 2 and 8 events besides those under way.
"""

import os
import sys
from pathlib import Path

import click
import pytest
from rich.console import Console

TESTS = Path(__file__).parents[1] / "tests" / "equivalence" / "test_order.py"


@click.command()
@click.option("--runs", default=100, show_default=True, help="Runs of each tree and depth.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
def main(runs: int, jobs: int) -> None:
    """Make the runs, and tell how many there were."""
    os.environ["SPIKELOOM_RUNS"] = str(runs)
    code = pytest.main(["-q", f"--numprocesses={jobs}", "--dist=worksteal", str(TESTS)])
    if code:
        sys.exit(int(code))
    Console().print(
        f"{12 * runs} runs (4 trees x queues of 1, 2 and 8 events x {runs}): the spikes of the "
        f"golden model in each, and each came to its end"
    )


if __name__ == "__main__":
    main()
