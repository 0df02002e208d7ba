"""Cycles, operations and memory of a program, told before anything is built."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Shape

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.neuron import Output
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions

from .core_work import CoreWork, phases_of
from .link_costs import LinkCosts, depths, passing
from .step_windows import BYTES_PER_WORD

__all__ = ["Activity", "Estimate", "Shares", "estimate", "events_of", "memory_bits", "works"]

# Events that the bus takes in the overhead of a phase.
_PASSED = 8

Shares = float | Mapping[str, float]
"""A number from 0 to 1 for all populations, or for each by name."""

Activity = float | Mapping[str, float | np.ndarray]
"""A number from 0 to 1 for all populations; or for each by name, or for each of its neurons."""


@dataclass(frozen=True)
class Estimate:
    """An average time step of a program, at some activity of its populations.

    Parameters
    ----------
    integrate, update : float
        Cycles of integration and of update sweeps, as the counters ``cycles_integrate`` and
        ``cycles_update`` count them: on the root, if there are several chips.
    core : float
        Cycles of all cores from the first event of a step to that of the next, if the events are
        there in time; links between chips are among them.
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


def estimate(
    program: Program,
    activity: Activity = 0.1,
    *,
    processed: Shares = 1.0,
    links: LinkCosts | None = None,
) -> Estimate:
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
    links : LinkCosts or None
        Of several chips, what their links cost; by default parallel lines.

    Returns
    -------
    Estimate
        Within 2 % of the counters on networks of hundreds of neurons on one core
        (docs/guide/timing.md).

    Raises
    ------
    ValueError
        If a share does not lie between 0 and 1, or names no population.
    """
    config = program.config
    fired = events_of(program, activity)
    cores = works(program, fired, processed)
    costs = links or LinkCosts.of(config)
    shared = _shared(program, fired, costs, len(cores[0].windows))
    # Counters of cycles are those of the root.
    near = cores[: config.cores]
    sweeps = zip(*(work.sweeps for work in near), strict=True)
    windows = zip(*(work.windows for work in near), strict=True)
    return Estimate(
        integrate=sum(max(w.mean(w.integrate) for w in every) for every in windows),
        update=sum(max(every, key=lambda sweep: sweep.cycles).counted for every in sweeps),
        core=_together(cores, shared, [costs.turn * depth for depth in depths(config)]),
        link=_words(program, fired) * BYTES_PER_WORD,
        events=sum(float(events.sum()) for events in fired.values()),
        synaptic_operations=sum(work.operations for work in cores),
    )


def _together(cores: Sequence[CoreWork], shared: Sequence[float], turns: Sequence[float]) -> float:
    """Cycles of a step of all cores, which wait for one another at the end of each phase.

    Parameters
    ----------
    cores : sequence of CoreWork
        The cores.
    shared : sequence of float
        Least cycles of each window, whatever the cores do.
    turns : sequence of float
        Cycles of the way to each chip and back.
    """
    of, each = cores[0].overheads, cores[0].program.config.cores
    windows = [[window.mean(window.cycles) for window in work.windows] for work in cores]
    total = of.step + max(shared[-1], *(own[-1] for own in windows))
    for phase, least in enumerate(shared[:-1]):
        total += of.phase + max(
            max(own[phase], least) + work.sweeps[phase].cycles + turns[work.core // each]
            for work, own in zip(cores, windows, strict=True)
        )
    return total


def _shared(
    program: Program, fired: Mapping[str, np.ndarray], costs: LinkCosts, count: int
) -> list[float]:
    """Cycles for which buses and links carry the events of each of ``count`` windows."""
    phases = phases_of(program)
    if program.config.all_cores == 1:
        return [0.0] * count
    over = [words for link in passing(program, fired) for words in (link.up, link.down)]
    found = []
    for number in range(count):
        here = [p.name for p in program.populations if phases.get(p.name, -1) == number - 1]
        # The bus takes an event a cycle, whoever hears it; the first pass while cores come to rest.
        bus = sum(float(fired[name].sum()) for name in here) - _PASSED
        ways = [costs.cycles(sum(words.get(name, 0.0) for name in here)) for words in over]
        found.append(max([0.0, bus, *ways]))
    return found


def works(
    program: Program, fired: Mapping[str, np.ndarray], processed: Shares = 1.0
) -> list[CoreWork]:
    """Tell what each core does in a step with so many events of each neuron.

    Raises
    ------
    ValueError
        If a share does not lie between 0 and 1, or names no population.
    """
    known = [p.name for p in program.neurons]
    every = processed if isinstance(processed, Mapping) else dict.fromkeys(known, processed)
    _check("Share of rows", every, known)
    return [CoreWork(program, core, fired, every) for core in range(program.config.all_cores)]


def memory_bits(config: ChipConfig) -> dict[str, int]:
    """Bits of each memory of the hardware, by the name of its region."""
    return {
        name: region.rows * Shape.cast(region.layout).width
        for name, region in regions(config).items()
    }


def events_of(program: Program, activity: Activity) -> dict[str, np.ndarray]:
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
