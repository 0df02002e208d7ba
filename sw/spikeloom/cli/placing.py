"""Options that say on how many cores a network is placed, and where; and the tables about it."""

from collections.abc import Callable
from dataclasses import asdict, astuple
from typing import Any

import click

from spikeloom_hw.program import Program

from ..core_report import CoreReport, report_chips, report_cores
from .report import Report

__all__ = ["describe_cores", "placing_of", "placing_options", "say_cores"]

_NAMES = ("cores", "chips", "pin")


def placing_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--cores``, ``--chips`` and ``--pin``."""
    options = (
        click.option(
            "--cores",
            type=click.IntRange(min=1),
            help="Cores of each chip; by default as few as hold the network.",
        ),
        click.option(
            "--chips",
            type=click.IntRange(min=1),
            help="Chips; by default as few as hold the network.",
        ),
        click.option(
            "--pin",
            multiple=True,
            metavar="NAME=CORE[,CORE]",
            help="Put a population on a core, or cut it over several.",
        ),
    )
    for option in reversed(options):
        function = option(function)
    return function


def placing_of(chosen: dict[str, Any]) -> dict[str, Any]:
    """Take the options out of those of a command, as arguments of ``compile``.

    Raises
    ------
    ValueError
        If a pin is no name and numbers.
    """
    cores, chips, pins = (chosen.pop(name) for name in _NAMES)
    return {"cores": cores, "chips": chips, "pins": dict(map(_pin, pins)) or None}


def describe_cores(program: Program, activity: float) -> dict[str, Any]:
    """Tell what each core holds and does, and what goes over links; fit for JSON."""
    return {
        "cores": [asdict(core) for core in report_cores(program, activity)],
        "links": [asdict(link) for link in report_chips(program, activity)],
    }


def say_cores(report: Report, program: Program, activity: float) -> None:
    """Print what each core holds and does, if there are several."""
    cores = report_cores(program, activity)
    if len(cores) == 1:
        return
    names = ("core", "chip", "holds", "weights", "neurons", "walk", "update", "in", "out")
    report.table(
        f"Cores, and their average step at {activity:.1%} activity",
        names,
        [
            (
                core.core,
                core.chip,
                ", ".join(f"{held.population} ({held.neurons})" for held in core.holds)
                or "nothing",
                _share(core, "weight_rows"),
                _share(core, "neuron_rows"),
                core.walk,
                core.update,
                core.events_in,
                core.events_out,
            )
            for core in cores
        ],
    )
    links = report_chips(program, activity)
    if links:
        columns = ("chip", "events up", "down", "words up", "down", "cycles", "turns")
        rows = [(f"{link.chip} to {link.parent}", *astuple(link)[2:]) for link in links]
        report.table("Links in a step, on parallel lines", columns, rows)


def _share(core: CoreReport, name: str) -> str:
    used, there = core.memories[name]
    return f"{used / there:.0%}"


def _pin(text: str) -> tuple[str, int | tuple[int, ...]]:
    name, equals, cores = text.rpartition("=")
    try:
        numbers = tuple(int(core) for core in cores.split(","))
    except ValueError:
        numbers = ()
    if not equals or not name or not numbers:
        raise ValueError(f"--pin takes NAME=CORE or NAME=CORE,CORE, not {text!r}")
    return name, numbers[0] if len(numbers) == 1 else numbers
