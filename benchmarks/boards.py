"""Bitstreams of boards: what each takes, how fast it is, and how long the tools work.

    python benchmarks/boards.py                     # iCEBreaker, ULX3S-85F, Tang Nano 20K, Arty
    python benchmarks/boards.py ulx3s-12f --bits 4  # some board, the demo network in 4 bits
    python benchmarks/boards.py --write             # renew docs/reference/measured/boards.json

Each holds the network of the demo, 784-128-10, with weights of 8 bits where they fit, else of 4.
Files go to build/boards.
"""

import datetime
import json
import resource
import time
from pathlib import Path
from typing import Any

import click

from spikeloom import compile
from spikeloom.activity import activity_counts
from spikeloom.cli.cells import predict_cells
from spikeloom.demo.images import load_network
from spikeloom.errors import MappingError
from spikeloom_boards.board import Board
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.flow import BuildOptions, build_board
from spikeloom_boards.tools import BuildError

ROOT = Path(__file__).parent.parent
MEASURED = ROOT / "docs" / "reference" / "measured" / "boards.json"
DEFAULT = ("icebreaker", "ulx3s-85f", "tang-nano-20k", "arty-a7-35")


def measure(board: Board, bits: int, seeds: int) -> dict[str, Any]:
    """Build a board, print its report, and give the figures."""
    program = compile(load_network(bits), board.target)
    options = BuildOptions(
        seeds=seeds,
        predicted=predict_cells(program.config, board.device.family),
        activity=activity_counts(program),
    )
    before, start = cpu_seconds(), time.monotonic()
    built = build_board(program, board, ROOT / "build" / "boards" / board.name, options=options)
    print(built.report.to_text())
    print(f"{cpu_seconds() - before:.0f} s of CPU, {time.monotonic() - start:.0f} s\n", flush=True)
    return {
        "board": board.name,
        "network": f"784-128-10, weights of {bits} bits",
        "lanes": board.target.lanes,
        "command": f"python benchmarks/boards.py {board.name} --bits {bits} --seeds {seeds}",
        "date": datetime.date.today().isoformat(),
        "report": json.loads(built.report.to_json()),
    }


def cpu_seconds() -> float:
    """CPU time of this process and of those that it waited for."""
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def widest(board: Board) -> int:
    """Bits of a weight with which the demo network fits the memory of a board."""
    try:
        needed = board.weights_of(compile(load_network(8), board.target).config)
    except MappingError:
        return 4
    return 8 if needed <= board.weight_bits else 4


@click.command()
@click.argument("boards", nargs=-1, type=click.Choice(list(BOARDS)))
@click.option("--bits", type=click.Choice(["4", "8"]), help="8 where they fit, else 4.")
@click.option("--seeds", default=3, show_default=True, type=click.IntRange(min=1))
@click.option("--write", is_flag=True, help=f"Renew {MEASURED.name}.")
def main(boards: tuple[str, ...], bits: str | None, seeds: int, write: bool) -> None:
    """Build boards, and print their reports."""
    found = json.loads(MEASURED.read_text()) if MEASURED.exists() else {}
    for name in boards or DEFAULT:
        board = BOARDS[name]
        try:
            found[name] = measure(board, int(bits) if bits else widest(board), seeds)
        except (BuildError, MappingError) as error:
            print(f"{name}: {error}\n", flush=True)
    if write:
        MEASURED.parent.mkdir(exist_ok=True)
        known = {name: found[name] for name in BOARDS if name in found}
        MEASURED.write_text(json.dumps(known, indent=1) + "\n")


if __name__ == "__main__":
    main()
