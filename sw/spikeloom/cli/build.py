"""``spikeloom build``: from a quantised network to Verilog, or to the bitstream of a board."""

import json
from pathlib import Path
from typing import Any

import click

from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.flow import PROGRAM, BuildOptions, build_board
from spikeloom_boards.target import TARGETS
from spikeloom_hw.emit import emit
from spikeloom_hw.folder import staged
from spikeloom_hw.host.uart import break_cycles_at
from spikeloom_hw.program import Program
from spikeloom_hw.tops import LINKS

from ..activity import activity_counts
from ..flow import compile
from .asic import ASIC, build_asic
from .cells import predict_cells
from .files import read_network
from .placing import describe_cores, placing_of, placing_options, say_cores
from .report import Outcome, Report, command

__all__ = ["build"]

_DEFAULTS = {"target": "generic-16", "link": "bytes", "baud": 3_000_000}


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
@click.option(
    "--target",
    type=click.Choice(list(TARGETS)),
    help="Write Verilog for it; generic-16 if no board.",
)
@click.option(
    "--link",
    type=click.Choice(list(LINKS)),
    help="What the host port of the Verilog speaks: a stream of bytes (default), a serial line, "
    "or the bus of a processor.",
)
@click.option(
    "--clock", type=click.FloatRange(min=1), help="Frequency of the clock in Hz, for a serial line."
)
@click.option(
    "--baud", type=click.IntRange(min=1), help="Bits a second of the serial line; 3000000."
)
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
    if board == ASIC:
        for option in ("link", "clock", "baud"):
            if chosen[option] is not None:
                raise ValueError(f"--{option} is for a serial line, which an ASIC has not")
        target = chosen["target"] or _DEFAULTS["target"]
        program = compile(read_network(network), target, **how)
        return build_asic(report, program, output, chosen["liberty"])
    if board is not None:
        for option in ("target", "link", "clock", "baud"):
            if chosen[option] is not None:
                raise ValueError(f"--{option} is set by the board; leave it or --board out")
        seeds = {name: chosen[name] for name in ("seed", "seeds")}
        program = compile(read_network(network), BOARDS[board].target, **how)
        return _build_board(report, program, output, board, **seeds)
    target, link, baud = (chosen[name] or default for name, default in _DEFAULTS.items())
    divisor = _divisor(link, chosen["clock"], baud)
    program = compile(read_network(network), target, **how)
    with report.working("Writing the Verilog"), staged(output) as stage:
        pause = None if divisor is None else break_cycles_at(chosen["clock"])
        emission = emit(program, stage, link=link, divisor=divisor, break_cycles=pause)
        program.save(stage / PROGRAM)
        names = sorted(file.name for file in stage.iterdir())
        sizes = {name: (stage / name).stat().st_size for name in names}
    report.table(f"{output}", ("file", "bytes"), list(sizes.items()))
    say_cores(report, program, 0.1)
    report.say(f"Configuration {program.config.hash:016x}, target {target}, link {link}")
    return Outcome({
        "folder": output,
        "files": names,
        "module": emission.name,
        "program": output / PROGRAM,
        "verilog": output / emission.verilog.name,
        "configuration": f"{program.config.hash:016x}",
        "target": target,
        "link": link,
        **describe_cores(program, 0.1),
    })


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


def _divisor(link: str, clock: float | None, baud: int) -> float | None:
    """Clock cycles in a bit of the serial line; None if there is none."""
    if link != "uart":
        if clock is not None:
            raise ValueError("--clock is for a serial line; give --link uart with it")
        return None
    if clock is None:
        raise ValueError("--link uart needs --clock, the frequency of the clock in Hz")
    return clock / baud
