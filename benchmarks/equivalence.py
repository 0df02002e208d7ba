"""Random networks of every structure through every simulator, each held against the golden model.

Cores of random structure follow, in Amaranth; it takes more than half an hour on two cores. The
tests run a quarter of the same networks, and a third of these cores.
"""

import os
import sys
from pathlib import Path

import click
import pytest
from rich.console import Console

from spikeloom_sim.structures import STRUCTURES

TESTS = Path(__file__).parents[1] / "tests"
FILES = (TESTS / "equivalence" / "test_simulators.py", TESTS / "hw" / "test_fabric.py")


@click.command()
@click.option("--cases", default=40, show_default=True, help="Networks of each structure.")
@click.option("--jobs", default=2, show_default=True, help="Processes.")
def main(cases: int, jobs: int) -> None:
    """Run the networks, and tell how many there were."""
    os.environ["SPIKELOOM_CASES"] = str(cases)
    code = pytest.main(["-q", f"--numprocesses={jobs}", "--dist=worksteal", *map(str, FILES)])
    if code:
        sys.exit(int(code))
    Console().print(
        f"{cases * len(STRUCTURES)} networks ({len(STRUCTURES)} structures x {cases}): golden = "
        f"CXXRTL (with and without stalls) = Icarus = Verilator (with stalls), "
        f"and a quarter of them in Amaranth: events and counters"
    )


if __name__ == "__main__":
    main()
