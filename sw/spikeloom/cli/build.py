"""``spikeloom build``: from a quantised network to a program and its Verilog."""

from pathlib import Path
from typing import Any

import click

from spikeloom_boards.target import TARGETS
from spikeloom_hw.emit import emit

from ..flow import compile
from .files import read_network, staged
from .report import Outcome, Report, command

__all__ = ["PROGRAM", "build"]

PROGRAM = "program.spikeloom"
"""Name of the program file in the folder that is written."""


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR")
@click.option("--target", default="generic-16", show_default=True, type=click.Choice(list(TARGETS)))
@click.option(
    "--link",
    default="bytes",
    show_default=True,
    type=click.Choice(["bytes", "uart"]),
    help="What the host port speaks: a stream of bytes, or a serial line.",
)
@click.option(
    "--clock", type=click.FloatRange(min=1), help="Frequency of the clock in Hz, for a serial line."
)
@click.option(
    "--baud",
    default=3_000_000,
    show_default=True,
    type=click.IntRange(min=1),
    help="Bits a second of the serial line.",
)
@click.option("--record", multiple=True, help="Population that the host gets the events of.")
@command
def build(
    report: Report,
    network: Path,
    output: Path,
    target: str,
    link: str,
    record: tuple[str, ...],
    **line: Any,
) -> Outcome:
    """Compile NETWORK, and write its program and its Verilog into a folder.

    NETWORK is a file that QuantisedNetwork.save wrote. All files are written, or none.
    """
    divisor = _divisor(link, line["clock"], line["baud"])
    program = compile(read_network(network), target, record=record or None)
    with report.working("Writing the Verilog"), staged(output) as stage:
        emission = emit(program, stage, link=link, divisor=divisor)
        program.save(stage / PROGRAM)
        names = sorted(file.name for file in stage.iterdir())
        sizes = {name: (stage / name).stat().st_size for name in names}
    report.table(f"{output}", ("file", "bytes"), list(sizes.items()))
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
    })


def _divisor(link: str, clock: float | None, baud: int) -> float | None:
    """Clock cycles in a bit of the serial line; None for a stream of bytes."""
    if link == "bytes":
        if clock is not None:
            raise ValueError("--clock is for a serial line; give --link uart with it")
        return None
    if clock is None:
        raise ValueError("--link uart needs --clock, the frequency of the clock in Hz")
    return clock / baud
