"""``spikeloom build``: from a quantised network to Verilog, or to the bitstream of a board."""

import json
from pathlib import Path
from typing import Any

import click

from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.flow import PROGRAM, BuildOptions, build_board
from spikeloom_hw.program import Program

from ..activity import activity_counts
from ..flow import compile
from .asic import ASIC, build_asic
from .cells import predict_cells
from .files import read_network
from .placing import describe_cores, placing_of, placing_options, say_cores
from .report import Outcome, Report, command
from .verilog import TARGET, refuse_verilog_options, verilog_options, write_verilog

__all__ = ["build"]


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--board",
    type=click.Choice([*BOARDS, ASIC]),
    help="Make the bitstream of a board; or Verilog for an ASIC, whose memories are macros.",
)
@click.option(
    "--liberty",
    type=click.Path(path_type=Path),
    help="Library of standard cells to map an ASIC to, for its area and longest path.",
)
@click.option(
    "--seeds",
    default=3,
    show_default=True,
    type=click.IntRange(min=1),
    help="Most placements to try until the clock of the board is reached.",
)
@click.option("--seed", default=1, show_default=True, type=int, help="First of them.")
@verilog_options
@click.option("--record", multiple=True, help="Population that the host gets the events of.")
@placing_options
@command
def build(
    report: Report,
    network: Path,
    output: Path,
    board: str | None,
    record: tuple[str, ...],
    **chosen: Any,
) -> Outcome:
    """Compile NETWORK, and write its program and its Verilog into a folder.

    NETWORK is a file that QuantisedNetwork.save wrote. All files are written, or none. With
    --board, the bitstream and its report are there too; the exit code is 1 if the design is
    slower than the clock of the board.
    """
    how = {"record": record or None, **placing_of(chosen)}
    if chosen["liberty"] is not None and board != ASIC:
        raise ValueError(f"--liberty is for an ASIC; give --board {ASIC} with it")
    if board is not None:
        refuse_verilog_options(chosen)
    if board == ASIC:
        for option in ("link", "clock", "baud"):
            if chosen[option] is not None:
                raise ValueError(f"--{option} is for a serial line, which an ASIC has not")
        target = chosen["target"] or TARGET
        program = compile(read_network(network), target, **how)
        return build_asic(report, program, output, chosen["liberty"])
    if board is not None:
        for option in ("target", "link", "clock", "baud"):
            if chosen[option] is not None:
                raise ValueError(f"--{option} is set by the board; leave it or --board out")
        seeds = {name: chosen[name] for name in ("seed", "seeds")}
        program = compile(read_network(network), BOARDS[board].target, **how)
        return _build_board(report, program, output, board, **seeds)
    return write_verilog(report, read_network(network), output, how, chosen)


def _build_board(report: Report, program: Program, output: Path, name: str, **how: Any) -> Outcome:
    """Build the bitstream of a board."""
    board = BOARDS[name]
    options = BuildOptions(
        predicted=predict_cells(program.config, board.device.family),
        activity=activity_counts(program),
        **how,
    )
    with report.working(f"Building for {name}: synthesis, place and route"):
        built = build_board(program, board, output, options=options)
    for title, (columns, rows) in built.report.tables().items():
        report.table(title, columns, rows)
    report.say(built.report.verdict)
    say_cores(report, program, 0.1)
    if built.bitstream is None:
        report.say(f"Vivado makes the bitstream: vivado -mode batch -source top.tcl, in {output}")
    report.say(f"Configuration {built.report.configuration}, in {output}")
    return Outcome(
        {
            "folder": output,
            "board": name,
            "files": [file.name for file in built.files],
            "bitstream": built.bitstream,
            "program": output / PROGRAM,
            "configuration": built.report.configuration,
            "report": json.loads(built.report.to_json()),
            **describe_cores(program, 0.1),
        },
        fine=built.report.met is not False,
    )
