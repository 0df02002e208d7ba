"""``spikeloom targets`` and ``spikeloom doctor``: what can be had, and what is there."""

import dataclasses

import click

from spikeloom_boards.target import TARGETS

from ..doctor import examine
from .report import Outcome, Report, command

__all__ = ["doctor", "targets"]


@click.command()
@command
def targets(report: Report) -> Outcome:
    """List the hardware that networks can be compiled for."""
    listed = [dataclasses.asdict(target) for target in TARGETS.values()]
    rows = ("weight_rows", "synapse_rows", "neuron_rows")
    columns = ("name", "lanes", "update_lanes", *rows, "delay_slots", "summary")
    names = [column.replace("_", " ") for column in columns]
    report.table("", names, [[target[column] for column in columns] for target in listed])
    return Outcome({"targets": listed})


@click.command()
@command
def doctor(report: Report) -> Outcome:
    """Tell which tools are present, and how to get the rest.

    The exit code is 1 if something is missing that compiling and simulating by default needs.
    """
    found = examine()
    rows = []
    for tool in found:
        state = tool.version or ("MISSING" if tool.needed else "not there")
        rows.append((tool.name, state, tool.purpose, "" if tool.version else tool.remedy))
    report.table("", ("tool", "version", "what for", "how to get it"), rows)
    missing = [tool.name for tool in found if tool.needed and not tool.version]
    if missing:
        report.say(f"Missing: {', '.join(missing)}")
    else:
        report.say("All that is needed is there.")
    values = {"tools": [dataclasses.asdict(tool) for tool in found], "missing": missing}
    return Outcome(values, fine=not missing)
