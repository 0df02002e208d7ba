"""What each core of a program holds and does, and what goes over the links."""

from dataclasses import dataclass

import numpy as np

from spikeloom_hw.neuron import Output
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core

from .core_work import CoreWork, phases_of
from .estimate import Activity, events_of, works
from .link_costs import LinkCosts, passing

__all__ = ["ChipTraffic", "CoreReport", "HeldSlice", "report_chips", "report_cores"]

_MEMORIES = {
    "weights": "weight_rows",
    "synapses": "synapse_rows",
    "projections": "projections",
    "populations": "populations",
}


@dataclass(frozen=True)
class HeldSlice:
    """A slice of a population.

    Parameters
    ----------
    population : str
        Name of the population.
    neurons : int
        Neurons of the slice.
    base, rows : int
        Row of the population in which it begins, and its rows.
    """

    population: str
    neurons: int
    base: int
    rows: int


@dataclass(frozen=True)
class CoreReport:
    """What a core holds, and what it does in an average step.

    Parameters
    ----------
    core, chip : int
        The core, and the chip that it is on.
    holds : tuple of HeldSlice
        Its slices.
    memories : dict of str to pair of int
        Rows that are used, and rows that there are, by the names of
        :class:`~spikeloom_hw.config.CoreConfig`; memories that are not built are absent.
    walk, update : float
        Cycles in which it adds weights, and in which it updates neurons.
    events_in, events_out : float
        Events that it takes from the bus, and that it puts there.
    """

    core: int
    chip: int
    holds: tuple[HeldSlice, ...]
    memories: dict[str, tuple[int, int]]
    walk: float
    update: float
    events_in: float
    events_out: float


@dataclass(frozen=True)
class ChipTraffic:
    """What goes between a chip and its parent in an average step.

    Parameters
    ----------
    chip, parent : int
        The two.
    up, down : float
        Events from the chip to its parent, and the other way.
    words_up, words_down : float
        Words of the link: events, potentials of read-outs, and what tells the time.
    busy : float
        Cycles that the words take which go the busier way.
    turns : float
        Cycles of the way there and back on which the step waits, once in each phase.
    """

    chip: int
    parent: int
    up: float
    down: float
    words_up: float
    words_down: float
    busy: float
    turns: float


def report_cores(program: Program, activity: Activity = 0.1) -> list[CoreReport]:
    """Tell what each core holds, and what it does in an average step.

    Parameters
    ----------
    program : Program
        Program of the network.
    activity : float or Mapping of str to float or (neurons,) array
        As of :func:`~spikeloom.estimate.estimate`.

    Raises
    ------
    ValueError
        If a share does not lie between 0 and 1, or names no population.
    """
    return [_core(program, work) for work in works(program, events_of(program, activity))]


def report_chips(
    program: Program, activity: Activity = 0.1, *, links: LinkCosts | None = None
) -> list[ChipTraffic]:
    """Tell what goes over each link in an average step; a single chip has none.

    Parameters
    ----------
    program : Program
        Program of the network.
    activity : float or Mapping of str to float or (neurons,) array
        As of :func:`~spikeloom.estimate.estimate`.
    links : LinkCosts or None
        What a link costs; by default a parallel line.

    Raises
    ------
    ValueError
        If a share does not lie between 0 and 1, or names no population.
    """
    fired, costs = events_of(program, activity), links or LinkCosts.of(program.config)
    phases, found = 1 + max(phases_of(program).values(), default=-1), []
    senders = {p.name for p in program.populations if p.output is not Output.VALUE}
    for link in passing(program, fired):
        up, down = (
            sum(words for name, words in way.items() if name in senders)
            for way in (link.up, link.down)
        )
        # A STEP for each phase and DONE go down, and an END for each phase comes up.
        words_up = sum(link.up.values()) + phases
        words_down = sum(link.down.values()) + phases + 1
        busy = costs.cycles(max(words_up, words_down))
        found.append(
            ChipTraffic(
                *(link.chip, link.parent, up, down, words_up, words_down),
                busy=busy,
                turns=phases * costs.turn,
            )
        )
    return found


def _core(program: Program, work: CoreWork) -> CoreReport:
    config, number = program.config, work.core
    pieces = [(p, piece) for p in program.neurons if (piece := p.on(number))]
    holds = tuple(
        HeldSlice(p.name, len(p.members(piece, config.core.lanes)), piece.base, piece.rows)
        for p, piece in pieces
    )
    used = {"neuron_rows": sum(piece.rows for _, piece in pieces)}
    for memory, name in _MEMORIES.items():
        used[name] = len(program.images.get(on_core(memory, number), ()))
    there = {name: int(getattr(config.core, name)) for name in used}
    return CoreReport(
        number,
        number // config.cores,
        holds,
        {name: (used[name], there[name]) for name in used if there[name]},
        walk=work.walked,
        update=float(np.sum([sweep.cycles for sweep in work.sweeps])),
        events_in=work.events_in,
        events_out=work.events_out,
    )
