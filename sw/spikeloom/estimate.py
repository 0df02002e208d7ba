"""Cycles, operations and memory of a program, told before anything is built."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Shape

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.neuron import Constant, Output
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import regions

from .step_windows import BYTES_PER_WORD, Overheads, Window
from .walk_costs import WalkCost, walk_costs

__all__ = ["Estimate", "estimate", "memory_bits"]

Shares = float | Mapping[str, float]
"""A number from 0 to 1 for all populations, or for each by name."""

Activity = float | Mapping[str, float | np.ndarray]
"""A number from 0 to 1 for all populations; or for each by name, or for each of its neurons."""

# Spikes leave in words of so many neurons, or of all update lanes if they are more.
_WORD = 16


@dataclass(frozen=True)
class Estimate:
    """An average time step of a program, at some activity of its populations.

    Parameters
    ----------
    integrate, update : float
        Cycles of integration and of update sweeps, as the counters ``cycles_integrate`` and
        ``cycles_update`` count them.
    core : float
        Cycles of the core from the first event of a step to that of the next, if the events are
        there in time.
    link : float
        Cycles in which the host's words come in, or those for the host go out, at a byte a cycle,
        the most that the byte stream takes; the larger of the two.
    events : float
        Events of all populations and inputs.
    synaptic_operations : float
        Weights applied because a presynaptic neuron fired.
    """

    integrate: float
    update: float
    core: float
    link: float
    events: float
    synaptic_operations: float

    @property
    def cycles(self) -> float:
        """Cycles from step to step: the core works while the words of the next step come in."""
        return max(self.core, self.link)


def estimate(program: Program, activity: Activity = 0.1, *, processed: Shares = 1.0) -> Estimate:
    """Predict the cycles of an average time step.

    Parameters
    ----------
    program : Program
        Program of the network.
    activity : float or Mapping of str to float or (neurons,) array
        Events per neuron and step, from 0 to 1, of all populations or of each by name; those not
        named are silent. Neurons that send no events to synapses have none. A number stands for
        all neurons of a population; an array tells which of them are busy, which matters where
        they have not equally many synapses, as at the borders of a convolution.
    processed : float or Mapping of str to float
        Share of the rows of neurons that are not skipped, from 0 to 1, of all populations or of
        each by name; those not named are processed whole, and so are all on hardware that does
        not skip.

    Returns
    -------
    Estimate
        Within 2 % of the counters on networks of hundreds of neurons (docs/guide/timing.md).

    Raises
    ------
    ValueError
        If a share does not lie between 0 and 1, or names no population.
    """
    costs, of = walk_costs(program), Overheads.of(program.config)
    fired = _events(program, activity)
    phases = _phases(program)
    windows = _windows(program, phases, fired, costs)
    update, beside = _sweeps(program, processed, of)
    overhead = of.step + of.phase * len(phases) + beside
    return Estimate(
        integrate=sum(window.mean(window.integrate) for window in windows),
        update=update,
        core=overhead + update + sum(window.mean(window.cycles) for window in windows),
        link=_words(program, fired) * BYTES_PER_WORD,
        events=sum(float(events.sum()) for events in fired.values()),
        synaptic_operations=sum(
            float(events @ costs[name].operations) for name, events in fired.items()
        ),
    )


def memory_bits(config: ChipConfig) -> dict[str, int]:
    """Bits of each memory of the hardware, by the name of its region."""
    return {
        name: region.rows * Shape.cast(region.layout).width
        for name, region in regions(config).items()
    }


def _events(program: Program, activity: Activity) -> dict[str, np.ndarray]:
    """Events of each neuron in a step, by population."""
    names = [p.name for p in program.populations]
    shares = activity if isinstance(activity, Mapping) else dict.fromkeys(names, activity)
    _check("Activity", shares, names)
    return {
        p.name: np.broadcast_to(
            shares.get(p.name, 0.0) if p.output in (Output.SPIKE, Output.COUNT) else 0.0, p.size
        )
        for p in program.populations
    }


def _check(what: str, shares: Mapping[str, Any], names: list[str]) -> None:
    for name, share in shares.items():
        if name not in names:
            raise ValueError(
                f"{what} names {name!r}, but the populations are {', '.join(map(repr, names))}"
            )
        values = np.atleast_1d(share)
        wrong = values[~((values >= 0) & (values <= 1))]
        if wrong.size:
            raise ValueError(f"{what} of {name!r} must lie between 0 and 1, not {wrong[0]}")


def _descriptors(program: Program) -> dict[str, np.ndarray]:
    """Table of populations, with the fields that are constant."""
    core = program.config.core
    layout = regions(program.config)["populations"].layout
    table = unpack_rows(layout, program.images["populations"])
    count = len(table["source"])
    for name in ("winner", "noise", "output"):
        place = core.fields[name]
        if isinstance(place, Constant):
            table[name] = np.full(count, place.value)
    return table


def _sweeps(program: Program, processed: Shares, of: Overheads) -> tuple[float, float]:
    """Cycles of all sweeps, as ``cycles_update`` counts them, and those that it does not count."""
    core = program.config.core
    table = _descriptors(program)
    names = {p.source: p.name for p in program.neurons}
    known = list(names.values())
    every = processed if isinstance(processed, Mapping) else dict.fromkeys(known, processed)
    _check("Share of rows", every, known)
    # What noise or a contest decides is processed whole, and so is what is sent in every step.
    whole = (table["winner"] | table["noise"] | (table["output"] == Output.VALUE)) > 0
    # The winner of a contest is found by a tree over the lanes, and its spike follows the sweep.
    beside = float(np.count_nonzero(table["winner"]))
    counted = beside * (core.update_lanes - 1).bit_length()
    for source, last, always in zip(table["source"], table["last_group"], whole, strict=True):
        rows = 1 + last // core.groups_per_row
        share = every.get(names[int(source)], 1.0) if core.skip and not always else 1.0
        # In some steps there is no such row: words of 32 rows are then read for nothing.
        none = (1 - share) ** rows
        counted += share * (last + 1) + (1 - none) * of.sweep + none * (1 + -(-rows // 32))
        beside += of.population + none
    return counted, beside


def _words(program: Program, fired: Mapping[str, np.ndarray]) -> float:
    """Words of the host link in a step: those that come in, or those that go out."""
    taken = sum(fired[p.name].sum() * (2 if p.largest > 1 else 1) for p in program.inputs)
    sent = sum(
        fired[p.name].sum() * (2 if p.output is Output.COUNT else 1)
        + (2 * p.size if p.output is Output.VALUE else 0)
        for p in program.recorded
    )
    # The STEP of the host is one word, that of the device has a count.
    return float(max(taken + 1, sent + 2))


def _phases(program: Program) -> list[list[PlacedPopulation]]:
    """Populations of each phase, read from the tables that the hardware reads."""
    table = unpack_rows(regions(program.config)["phases"].layout, program.images["phases"])
    by_source = {p.source: p for p in program.neurons}
    order = [by_source[int(source)] for source in _descriptors(program)["source"]]
    spans = zip(table["first"], table["count"], strict=True)
    return [order[first : first + count] for first, count in spans]


def _windows(
    program: Program,
    phases: list[list[PlacedPopulation]],
    fired: Mapping[str, np.ndarray],
    costs: Mapping[str, WalkCost],
) -> list[Window]:
    """Tell what happens before each sweep, and after the last."""
    core, overheads = program.config.core, Overheads.of(program.config)
    heard = program.recorded
    word = max(_WORD, core.update_lanes)
    windows = []
    for number, populations in enumerate([list(program.inputs), *phases]):
        events = sum(float(fired[p.name].sum()) for p in populations)
        work = sum(float(fired[p.name] @ costs[p.name].cycles) for p in populations)
        words = sum(
            float(fired[p.name].sum()) * (2 if p.output is Output.COUNT else 1)
            for p in populations
            if p in heard
        )
        readouts = sum(2 * p.size for p in populations if p in heard and p.output is Output.VALUE)
        window = Window(
            overheads,
            events=events,
            walk=work / events if events else 0.0,
            words=words / events if events else 0.0,
            readouts=readouts,
            walks=any(costs[p.name].walks for p in populations),
            sweep=sum(-(-p.span // core.update_lanes) for p in populations),
            first=number == 0,
            early=number > 0 and any(p.size > word for p in populations),
            last=number == len(phases),
        )
        windows.append(window)
    return windows
