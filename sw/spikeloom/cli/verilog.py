"""Options that say what Verilog a network gets, and what writes it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from spikeloom_boards.flow import PROGRAM
from spikeloom_boards.target import TARGETS
from spikeloom_hw.emit import Emission, emit, emit_top
from spikeloom_hw.folder import staged
from spikeloom_hw.host.uart import break_cycles_at
from spikeloom_hw.program import Program
from spikeloom_hw.tops import LINES, LINKS
from spikeloom_hw.wrap.port import PORTS
from spikeloom_hw.wrap.single_core import SingleCore
from spikeloom_sim.quantised import QuantisedNetwork

from ..flow import compile
from .placing import describe_cores, say_cores
from .report import Outcome, Report

__all__ = ["TARGET", "refuse_verilog_options", "verilog_options", "write_verilog"]

TARGET = "generic-16"
"""What Verilog is written for, if nothing is said."""

_BAUD = 3_000_000


def verilog_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--target``, ``--link``, ``--line``, ``--single-core``, ``--clock``, ..."""
    options = (
        click.option(
            "--target",
            type=click.Choice(list(TARGETS)),
            help=f"Write Verilog for it; {TARGET} if no board.",
        ),
        click.option(
            "--link",
            type=click.Choice(list(LINKS)),
            help="What the host port of the Verilog speaks: a stream of bytes (default), a serial "
            "line, or the bus of a processor.",
        ),
        click.option(
            "--line",
            type=click.Choice(list(LINES)),
            help="What joins several chips: parallel lines with one clock (default) or with a "
            "clock of each chip, or two wires.",
        ),
        click.option(
            "--single-core",
            is_flag=True,
            help="Write the core alone, for an event network of one's own; needs the bus of a "
            "processor.",
        ),
        click.option(
            "--clock",
            type=click.FloatRange(min=1),
            help="Frequency of the clock in Hz, for a serial line.",
        ),
        click.option(
            "--baud",
            type=click.IntRange(min=1),
            help=f"Bits a second of the serial line; {_BAUD}.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def refuse_verilog_options(chosen: dict[str, Any]) -> None:
    """Raise ValueError if an option is given that means nothing for a board."""
    for option in ("line", "single_core"):
        if chosen[option]:
            name = option.replace("_", "-")
            raise ValueError(f"--{name} is for Verilog alone; leave it or --board out")


def write_verilog(
    report: Report,
    network: QuantisedNetwork,
    output: Path,
    how: dict[str, Any],
    chosen: dict[str, Any],
) -> Outcome:
    """Compile a network, and write program and Verilog into a folder.

    Parameters
    ----------
    report : Report
        Where to tell about it.
    network : QuantisedNetwork
        The network.
    output : Path
        The folder.
    how : dict
        Arguments of ``compile``.
    chosen : dict
        The options.

    Raises
    ------
    ValueError
        If options do not go together.
    """
    target, link = chosen["target"] or TARGET, chosen["link"] or "bytes"
    divisor = _divisor(link, chosen["clock"], chosen["baud"] or _BAUD)
    if chosen["single_core"] and link not in PORTS:
        raise ValueError("--single-core needs --link axi or --link wishbone, for its registers")
    program = compile(network, target, **how)
    with report.working("Writing the Verilog"), staged(output) as stage:
        emission = _emit(program, stage, link, divisor, chosen)
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
        "branches": [output / branch.name for branch in emission.branches],
        "configuration": f"{program.config.hash:016x}",
        "target": target,
        "link": link,
        **describe_cores(program, 0.1),
    })


def _emit(
    program: Program, stage: Path, link: str, divisor: float | None, chosen: dict[str, Any]
) -> Emission:
    if chosen["single_core"]:
        if chosen["line"] is not None:
            raise ValueError("--line joins chips; a single core has none, so leave it out")
        if (cores := program.config.all_cores) != 1:
            raise ValueError(f"--single-core needs a network on 1 core, but this is on {cores}")
        return emit_top(program, SingleCore(program.config, link), stage)
    pause = None if divisor is None else break_cycles_at(chosen["clock"])
    line = LINES[chosen["line"]] if chosen["line"] else None
    return emit(program, stage, link=link, divisor=divisor, break_cycles=pause, line=line)


def _divisor(link: str, clock: float | None, baud: int) -> float | None:
    """Clock cycles in a bit of the serial line; None if there is none."""
    if link != "uart":
        if clock is not None:
            raise ValueError("--clock is for a serial line; give --link uart with it")
        return None
    if clock is None:
        raise ValueError("--link uart needs --clock, the frequency of the clock in Hz")
    return clock / baud
