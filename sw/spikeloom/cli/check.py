"""``spikeloom check``: does a network fit, and how fast will it be, before anything is built."""

from pathlib import Path
from typing import Any

import click
import numpy as np

from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.program import Program
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..estimate import Estimate, estimate, memory_bits
from ..flow import compile
from .files import read_network
from .report import Outcome, Report, command

__all__ = ["check"]


@click.command()
@click.argument("network", type=click.Path(path_type=Path))
@click.option("--target", default="generic-16", show_default=True, type=click.Choice(list(TARGETS)))
@click.option(
    "--activity",
    default=0.1,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Spikes per neuron and step, for the estimate of cycles.",
)
@command
def check(report: Report, network: Path, target: str, activity: float) -> Outcome:
    """Tell whether NETWORK fits a target, and what it will take there.

    NETWORK is a file that QuantisedNetwork.save wrote. The exit code is 0 if it fits, 1 if not.
    """
    quantised = read_network(network)
    chosen = TARGETS[target]
    room = _room(quantised, chosen)
    populations = _populations(quantised)
    values: dict[str, Any] = {
        "network": network,
        "target": target,
        "room": room,
        "populations": populations,
        "projections": _projections(quantised),
        "phases": max(quantised.phases.values()) + 1,
    }
    report.say(f"{network} on {target} ({chosen.summary})")
    report.table("Room", ("", "needed", "there"), _room_rows(room))
    report.table("Populations", *_columns(populations))
    report.table("Projections", *_columns(values["projections"]))
    try:
        program = compile(quantised, chosen)
    except MappingError as error:
        report.say(f"It does not fit: {error}")
        return Outcome({**values, "fits": False, "reason": str(error)}, fine=False)
    bits, expected = memory_bits(program.config), estimate(program, activity)
    _say_cost(report, program, bits, expected, activity)
    return Outcome({
        **values,
        "fits": True,
        "configuration": f"{program.config.hash:016x}",
        "memory_bits": bits,
        "activity": activity,
        "per_step": _per_step(expected),
    })


def _room(quantised: QuantisedNetwork, target: Target) -> dict[str, dict[str, int]]:
    """What the network needs of the target, and what there is."""
    lanes = target.lanes
    weight_rows = sum(
        len(p.weights) * -(-p.weights.shape[1] // lanes) for p in quantised.projections
    )
    neuron_rows = sum(-(-p.size // lanes) for p in quantised.neurons)
    potential = max(p.neuron.width for p in quantised.neurons if p.neuron is not None)
    pairs = {
        "weight_rows": (weight_rows, target.weight_rows),
        "neuron_rows": (neuron_rows, target.neuron_rows),
        "weight_width": (quantised.weight_width, target.weight_width),
        "accumulator_width": (quantised.accumulator_width, target.accumulator_width),
        "potential_width": (potential, target.potential_width),
    }
    return {name: {"needed": needed, "there": there} for name, (needed, there) in pairs.items()}


def _room_rows(room: dict[str, dict[str, int]]) -> list[tuple[Any, ...]]:
    names = {
        "weight_rows": "rows of weights",
        "neuron_rows": "rows of neurons",
        "weight_width": "bits of a weight",
        "accumulator_width": "bits of an accumulator",
        "potential_width": "bits of a potential",
    }
    return [(names[name], entry["needed"], entry["there"]) for name, entry in room.items()]


def _populations(quantised: QuantisedNetwork) -> list[dict[str, Any]]:
    """Size, phase and head-room of the accumulators of each population; None for inputs."""
    listed = []
    for population in quantised.populations:
        phase = largest = bits = None
        if population.neuron is not None:
            phase = quantised.phases[population.name]
            largest = int(np.max(quantised.largest_input(population.name)))
            bits = largest.bit_length() + 1
        listed.append({
            "name": population.name,
            "neurons": population.size,
            "phase": phase,
            "largest_input": largest,
            "accumulator_bits_needed": bits,
            "accumulator_bits": quantised.accumulator_width if bits else None,
        })
    return listed


def _projections(quantised: QuantisedNetwork) -> list[dict[str, Any]]:
    """Size of each projection, and how many of its weights are not 0."""
    return [
        {
            "source": p.source,
            "target": p.target,
            "pre": p.weights.shape[0],
            "post": p.weights.shape[1],
            "weights": p.weights.size,
            "weights_not_0": int(np.count_nonzero(p.weights)),
        }
        for p in quantised.projections
    ]


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
    bound = "the host link" if expected.link > expected.core else "the core"
    report.say(f"It fits; {bound} sets the pace (docs/guide/timing.md).")
    report.say(f"Configuration {program.config.hash:016x}")


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
