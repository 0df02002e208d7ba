"""Cycles, operations and memory of a program, told before anything is built."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from amaranth.hdl import Shape

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import regions

__all__ = ["Estimate", "estimate", "memory_bits"]

# What the stages take on top of the work, measured on the design: docs/guide/timing.md.
STEP = 2
PHASE = 11
POPULATION = 7
SWEEP = 6
DRAIN = 3
SEND = 2
AHEAD = 6
RETURN = 2
TOKEN = 4
LOOK_UP = 3

# Spikes leave in words of so many neurons, or of all update lanes if they are more.
_WORD = 16

# A frame of the host link: 62 words in 248 bytes, and 6 bytes around them.
_BYTES_PER_WORD = 254 / 62


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
        Cycles in which the host's words come in at a byte a cycle, the most that the byte stream
        takes.
    events : float
        Spikes of all populations and inputs.
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


def estimate(program: Program, activity: float | Mapping[str, float] = 0.1) -> Estimate:
    """Predict the cycles of an average time step.

    Parameters
    ----------
    program : Program
        Program of the network.
    activity : float or Mapping of str to float
        Spikes per neuron and step, from 0 to 1, of all populations or of each by name; those not
        named are silent.

    Returns
    -------
    Estimate
        Within 2 % of the counters on networks of hundreds of neurons (docs/guide/timing.md).

    Raises
    ------
    ValueError
        If an activity does not lie between 0 and 1, or names no population.
    """
    fired = _spikes(program, activity)
    core = program.config.core
    phases = _phases(program)
    groups = sum(-(-p.size // core.update_lanes) for p in program.neurons)
    populations = len(program.neurons)
    windows = _windows(program, phases, fired)
    sweeps = groups + PHASE * len(phases) + POPULATION * populations
    posts = dict.fromkeys(fired, 0)
    for projection in program.projections:
        posts[projection.source] += projection.shape[1]
    return Estimate(
        integrate=sum(window.mean(window.integrate) for window in windows),
        update=float(groups + SWEEP * populations),
        core=STEP + sweeps + sum(window.mean(window.cycles) for window in windows),
        link=(sum(fired[p.name] for p in program.inputs) + 1) * _BYTES_PER_WORD,
        events=sum(fired.values()),
        synaptic_operations=sum(fired[name] * posts[name] for name in fired),
    )


def memory_bits(config: ChipConfig) -> dict[str, int]:
    """Bits of each memory of the hardware, by the name of its region."""
    return {
        name: region.rows * Shape.cast(region.layout).width
        for name, region in regions(config).items()
    }


def _spikes(program: Program, activity: float | Mapping[str, float]) -> dict[str, float]:
    """Spikes per step of each population."""
    names = [p.name for p in program.populations]
    shares = activity if isinstance(activity, Mapping) else dict.fromkeys(names, activity)
    for name, share in shares.items():
        if name not in names:
            raise ValueError(
                f"Activity names {name!r}, but the populations are {', '.join(map(repr, names))}"
            )
        if not 0 <= share <= 1:
            raise ValueError(f"Activity of {name!r} must lie between 0 and 1, not {share!r}")
    return {p.name: float(shares.get(p.name, 0.0)) * p.size for p in program.populations}


def _phases(program: Program) -> list[list[PlacedPopulation]]:
    """Populations of each phase, read from the tables that the hardware reads."""
    known = regions(program.config)

    def column(table: str, name: str) -> np.ndarray:
        return unpack_rows(known[table].layout, program.images[table])[name]

    by_source = {p.source: p for p in program.neurons}
    order = [by_source[int(source)] for source in column("populations", "source")]
    spans = zip(column("phases", "first"), column("phases", "count"), strict=True)
    return [order[first : first + count] for first, count in spans]


@dataclass(frozen=True)
class _Window:
    """Events between two sweeps: those of the host, or those that a sweep has caused.

    Parameters
    ----------
    events : float
        How many there are on average.
    walk : float
        Cycles that walking one takes on average.
    walks : bool
        Whether any of their sources has a projection.
    early : bool
        Whether they leave while the sweep still runs.
    last : bool
        Whether the step ends here.
    """

    events: float
    walk: float
    walks: bool
    early: bool
    last: bool

    def cycles(self, events: int) -> float:
        """Cycles from sweep to sweep, beyond those of a window without events."""
        if not events:
            return 0.0
        tail = SEND
        if self.walks:
            tail = DRAIN - RETURN * self.last - AHEAD * self.early
        return max(0.0, events * self.walk + tail)

    def integrate(self, events: int) -> float:
        """Cycles in which events or the token behind them are looked up or integrated."""
        token = 0 if self.last else TOKEN
        if not events:
            return token
        work = events * self.walk
        # The token is looked up while the last of many events are still walked.
        hidden = 1 if self.early and work > LOOK_UP else 0
        return token + work + (LOOK_UP if self.walks else 1) - hidden

    def mean(self, cost: Callable[[int], float]) -> float:
        """Mean of a cost over the numbers of events, which are taken to be Poisson-distributed."""
        numbers = np.arange(int(self.events + 8 * np.sqrt(self.events)) + 2)
        factorials = np.concatenate([[0.0], np.cumsum(np.log(numbers[1:]))])
        shares = np.exp(numbers * np.log(max(self.events, 1e-300)) - self.events - factorials)
        return float(np.dot(shares, [cost(int(number)) for number in numbers]))


def _windows(
    program: Program, phases: list[list[PlacedPopulation]], fired: Mapping[str, float]
) -> list[_Window]:
    """Tell what happens before each sweep, and after the last."""
    core = program.config.core
    walks = dict.fromkeys(fired, 0)
    for projection in program.projections:
        walks[projection.source] += -(-projection.shape[1] // core.lanes)
    windows = []
    for number, populations in enumerate([list(program.inputs), *phases]):
        events = sum(fired[p.name] for p in populations)
        # An event without projections still passes the dispatcher.
        work = sum(fired[p.name] * max(1, walks[p.name]) for p in populations)
        window = _Window(
            events=events,
            walk=work / events if events else 0.0,
            walks=any(walks[p.name] for p in populations),
            early=number > 0 and any(p.size > max(_WORD, core.update_lanes) for p in populations),
            last=number == len(phases),
        )
        windows.append(window)
    return windows
