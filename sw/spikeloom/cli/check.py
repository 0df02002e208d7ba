"""``spikeloom check``: does a network fit, and how fast will it be, before anything is built."""

from pathlib import Path
from typing import Any

import click

from spikeloom_boards.board import Board
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.program import Program
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..estimate import Estimate, estimate, memory_bits
from ..flow import compile
from ..learning_cycles import expected_learning_cycles, most_learning_cycles
from .cells import predict_cells
from .description import describe_populations, describe_projections, find_room
from .files import read_network
from .placing import describe_cores, placing_of, placing_options, say_cores
from .report import Outcome, Report, command

__all__ = ["check"]

_ROOM = {
    "weight_rows": "rows of weights",
    "synapse_rows": "rows of sparse synapses",
    "neuron_rows": "rows of neurons",
    "longest_delay": "steps of the longest delay",
    "weight_width": "bits of a weight",
    "accumulator_width": "bits of an accumulator",
    "potential_width": "bits of a potential",
}
_CELLS = {
    "lut": "lookup tables (predicted)",
    "ff": "flip-flops (predicted)",
    "block_ram": "blocks of RAM",
    "spram": "single-port RAM",
}


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--target", type=click.Choice(list(TARGETS)), help="generic-16 if there is no board.")
@click.option("--board", type=click.Choice(list(BOARDS)), help="A board, in place of a target.")
@click.option(
    "--activity",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Spikes per neuron and step, for the estimate of cycles.",
)
@placing_options
@command
def check(
    report: Report,
    network: Path,
    target: str | None,
    board: str | None,
    activity: float,
    **chosen: Any,
) -> Outcome:
    """Tell whether NETWORK fits a target, and what it will take there.

    NETWORK is a file that QuantisedNetwork.save wrote. The exit code is 0 if it fits, 1 if not.
    """
    if target is not None and board is not None:
        raise ValueError("Give --target or --board, not both: a board has a target of its own")
    target = board or target or "generic-16"
    placing = placing_of(chosen)
    quantised = read_network(network)
    shape = TARGETS[target]
    values: dict[str, Any] = {
        "network": network,
        "target": target,
        "room": {},
        "populations": describe_populations(quantised),
        "projections": describe_projections(quantised),
        "timing": quantised.timing,
        "phases": max(quantised.phases.values()) + 1,
    }
    report.say(f"{network} on {target} ({shape.summary})")
    report.table("Populations", *_columns(values["populations"]))
    report.table("Projections", *_columns(values["projections"]))
    report.say(f"Timing: {quantised.timing}; phases in a step: {values['phases']}")
    report.say()
    try:
        values["room"] = find_room(quantised, shape)
        report.table(
            "Room of a core", ("", "needed", "there", "fits"), _room_rows(values["room"], shape)
        )
        program = compile(quantised, shape, **placing)
        if target in BOARDS:
            _check_board(report, program, BOARDS[target], values)
    except MappingError as error:
        report.say(f"It does not fit: {error}")
        return Outcome({**values, "fits": False, "reason": str(error)}, fine=False)
    bits, expected = _memories(program), estimate(program, activity)
    say_cores(report, program, activity)
    _say_cost(report, program, bits, expected, activity)
    learning = _learning(program, quantised, activity)
    _say_end(report, program, expected, learning)
    return Outcome({
        **values,
        "fits": True,
        "configuration": f"{program.config.hash:016x}",
        **describe_cores(program, activity),
        "memory_bits": bits,
        "activity": activity,
        "per_step": _per_step(expected),
        **learning,
    })


def _weight_bits(program: Program) -> int:
    """Bits of the weights of all cores; the memory that holds them may be deeper."""
    rows = sum(len(rows) for name, rows in program.images.items() if name.startswith("weights"))
    return rows * program.config.core.lanes * program.config.core.weight_width


def _check_board(report: Report, program: Program, board: Board, values: dict[str, Any]) -> None:
    """Tell what the network takes of the device; raise if it is more than there is."""
    needed, there = _weight_bits(program), board.weight_bits
    told, has = predict_cells(program.config, board.device.family), board.device.resources
    values["board"] = {
        "name": board.name,
        "device": board.device.part,
        "weight_bits": {"needed": needed, "there": there},
        "cells": {name: {"predicted": told[name], "there": has[name]} for name in told},
    }
    rows = [("bits for weights", needed, there)]
    rows += [(_CELLS[name], number, has[name]) for name, number in told.items()]
    report.table(f"{board.device.part} of the {board.name}", ("", "needed", "there"), rows)
    if program.plastic or program.config.all_cores > 1:
        what = "learns" if program.plastic else "has several cores"
        report.say(f"Cells of a chip that {what} are not predicted: build it to know.")
    if needed > there:
        raise MappingError(
            f"The weights take {needed} bits, but {board.name} has {there} for them; quantise to "
            f"fewer bits, or take a larger board"
        )


def _memories(program: Program) -> dict[str, int]:
    """Bits of each memory, those of all cores together."""
    bits: dict[str, int] = {}
    for name, size in memory_bits(program.config).items():
        memory = name.partition("@")[0]
        bits[memory] = bits.get(memory, 0) + size
    return bits


def _room_rows(room: dict[str, dict[str, int]], target: Target) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for name, entry in room.items():
        fits = "yes" if entry["needed"] <= entry["there"] else "NO"
        if fits == "NO" and name.endswith("_rows") and target.cores * target.chips > 1:
            fits = "NO" if target.shared else "on several cores"
        rows.append((_ROOM[name], *entry.values(), fits))
    return rows


def _columns(entries: list[dict[str, Any]]) -> tuple[list[str], list[list[Any]]]:
    """Bring a list of entries into the form of a table."""
    names = [name.replace("_", " ") for name in entries[0]] if entries else []
    return names, [list(entry.values()) for entry in entries]


def _say_cost(
    report: Report, program: Program, bits: dict[str, int], expected: Estimate, activity: float
) -> None:
    report.table("Memory", ("memory", "bits"), [*bits.items(), ("all", sum(bits.values()))])
    rows = [(name.replace("_", " "), value) for name, value in _per_step(expected).items()]
    report.table(f"An average step at {activity:.1%} activity", ("", ""), rows)


def _say_end(
    report: Report, program: Program, expected: Estimate, learning: dict[str, float]
) -> None:
    if program.plastic:
        mean, most = learning.values()
        report.say(f"Learning adds to each step about {mean:,.0f} cycles, at most {most:,}.")
    bound = "the host link" if expected.link > expected.core else "the core"
    report.say(f"It fits; {bound} sets the pace (docs/guide/timing.md).")
    report.say(f"Configuration {program.config.hash:016x}")


def _learning(program: Program, network: QuantisedNetwork, activity: float) -> dict[str, float]:
    expected = expected_learning_cycles(program, network, activity)
    return {
        "expected_learning_cycles": round(expected, 1),
        "most_learning_cycles": most_learning_cycles(program),
    }


def _per_step(expected: Estimate) -> dict[str, float]:
    return {
        "cycles": round(expected.cycles, 1),
        "cycles_of_the_core": round(expected.core, 1),
        "cycles_of_the_link": round(expected.link, 1),
        "cycles_integrate": round(expected.integrate, 1),
        "cycles_update": round(expected.update, 1),
        "events": round(expected.events, 1),
        "synaptic_operations": round(expected.synaptic_operations, 1),
    }
