"""``spikeloom program``: a bitstream into a board."""

import shlex
from pathlib import Path

import click

from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.programmer import find_bitstream, program_board, programmer_command

from .report import Outcome, Report, command

__all__ = ["program"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--board", type=click.Choice(list(BOARDS)), help="The one that was built for.")
@click.option("--flash", is_flag=True, help="Write the flash, to keep it without power.")
@click.option("--dry-run", is_flag=True, help="Print the command in place of running it.")
@command
def program(report: Report, folder: Path, board: str | None, flash: bool, dry_run: bool) -> Outcome:
    """Write the bitstream in FOLDER, which ``spikeloom build --board`` wrote, into the board."""
    built, bitstream = find_bitstream(folder, None if board is None else BOARDS[board])
    line = programmer_command(built, bitstream, flash=flash)
    report.say(shlex.join(line))
    if not dry_run:
        with report.working(f"Writing to {built.name}"):
            program_board(line)
        report.say(f"{built.name} holds the design of {folder}.")
    return Outcome({
        "board": built.name,
        "bitstream": bitstream,
        "command": line,
        "programmed": not dry_run,
    })
