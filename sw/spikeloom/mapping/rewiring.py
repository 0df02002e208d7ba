"""Other synapses for sparse projections of a program, in the memories that it has."""

from dataclasses import replace

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.packing import pack_rows, unpack_rows
from spikeloom_hw.program import PlacedPart, PlacedProjection, Program
from spikeloom_hw.registers import on_core, regions
from spikeloom_sim.quantised import QuantisedNetwork

from ..errors import MappingError
from ..structure import check_fit
from .layout import lay_out
from .part import Part
from .plan import Plan, make_plan

__all__ = ["rewired_program"]


def rewired_program(program: Program, network: QuantisedNetwork) -> Program:
    """Give the sparse projections of a program the synapses of a network.

    The words of a presynaptic neuron stay where they are if there are no more of them than
    before; else they come to lie behind, or where others have left room, and only if that is too
    scattered all words of the projection move together. All other memories stay as they are.

    Parameters
    ----------
    program : Program
        Program of a network.
    network : QuantisedNetwork
        The same network, but for the synapses of sparse projections.

    Raises
    ------
    MappingError
        If there is no room for the synapses, or the network differs in anything else.
    """
    config = program.config
    plan = _plan(program, network)
    known = regions(config)
    names = [on_core(n, core) for core in range(config.all_cores) for n in ("pointers", "synapses")]
    tables = {
        name: unpack_rows(known[name].layout, program.images[name])
        for name in names
        if name in program.images
    }
    placed = list(program.projections)
    for number, (at, other) in enumerate(zip(program.projections, plan.projections, strict=True)):
        if at.kind is Walk.SPARSE:
            for place in at.parts:
                part = plan.cores[place.core].joints[place.number].part
                first = _arranged(program, at, place, part)
                _replace(tables, place, part, first)
            placed[number] = replace(at, shape=other.shape)
    check_fit(network, plan.needs(config.core.update_lanes), config)
    images = {name: pack_rows(known[name].layout, columns) for name, columns in tables.items()}
    return replace(
        program,
        images=program.images | images,
        projections=tuple(placed),
        network=network.fingerprint,
    )


def _plan(program: Program, network: QuantisedNetwork) -> Plan:
    """Plan a network where a program has it; refuse one that has more than other synapses."""
    core = program.config.core
    there, here = program.populations, lay_out(network, core.lanes)
    if [(p.name, p.size) for p in there] == [(p.name, p.size) for p in here.values()]:
        placed = {p.name: replace(here[p.name], slices=p.slices) for p in there}
        plan = make_plan(network, placed, core.lanes, program.config.all_cores, core.synapse_rows)
        ends = [
            [(p.source, p.target, p.kind, p.kind is Walk.SPARSE or p.shape) for p in projections]
            for projections in (program.projections, plan.projections)
        ]
        if ends[0] == ends[1]:
            return plan
    raise MappingError(
        "Only synapses of sparse projections can be replaced, but the network has other "
        "populations or projections than the program; compile it for the hardware and load it"
    )


def _arranged(program: Program, at: PlacedProjection, place: PlacedPart, part: Part) -> np.ndarray:
    """First word of each presynaptic neuron among those of a part of the projection."""
    words, before = part.pointers["words"], program.words_of(at, place)
    total, lanes = int(words.sum()), program.config.core.lanes
    if total > place.rows:
        source, target = program.population(at.source), program.population(at.target)
        worst = int((words - before[1]).argmax())
        neuron = int(source.to_neuron(np.array(worst)))
        where = "" if target.whole else f" on core {place.core}"
        raise MappingError(
            f"The synapses of projection {at.source!r} -> {at.target!r} take {total} words of "
            f"{lanes} slots{where}, {place.rows} are kept for it: neuron {neuron} takes most "
            f"more, {words[worst]} words, as so many of its targets have the same number modulo "
            f"{lanes} in {target.name!r}; create fewer synapses, or compile with more 'spare'"
        )
    moved = _fitted(*before, words, place.rows)
    return np.cumsum(words) - words if moved is None else moved


def _fitted(
    first: np.ndarray, before: np.ndarray, words: np.ndarray, rows: int
) -> np.ndarray | None:
    """Find places for neurons that have more words than before; None if they are too scattered."""
    first = first.copy()
    taken = np.zeros(rows, bool)
    for neuron in np.flatnonzero((words <= before) & (words > 0)):
        taken[first[neuron] : first[neuron] + words[neuron]] = True
    growing = np.flatnonzero(words > before)
    for neuron in growing[np.argsort(-words[growing], kind="stable")]:
        count = int(words[neuron])
        begin = int(first[neuron])
        if not before[neuron] or begin + count > rows or taken[begin : begin + count].any():
            sums = np.cumsum(np.concatenate([[0], taken]))
            free = np.flatnonzero(sums[count:] == sums[:-count])
            if not len(free):
                return None
            begin = int(free[0])
        first[neuron] = begin
        taken[begin : begin + count] = True
    return first


def _replace(
    tables: dict[str, dict[str, np.ndarray]], at: PlacedPart, part: Part, first: np.ndarray
) -> None:
    """Write the synapses of a part of a projection into the columns of the memories."""
    words = part.pointers["words"]
    pointers = tables[on_core("pointers", at.core)]
    span = slice(at.pointer, at.pointer + len(words))
    pointers["first"][span] = np.where(words > 0, first, 0) + at.weight_row
    pointers["words"][span] = words
    pointers["size"][span] = part.pointers["size"]
    begins = np.cumsum(words) - words
    into = at.weight_row + np.repeat(first - begins, words) + np.arange(words.sum())
    empty = {"row": part.home}
    for name, column in tables[on_core("synapses", at.core)].items():
        column[at.weight_row : at.weight_row + at.rows] = empty.get(name, 0)
        column[into] = part.synapses[name][: len(into)]
