"""The parts of a time step: what the stages of a core take on top of the work."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.dispatch import Dispatch
from spikeloom_hw.lane_pipe import LanePipe
from spikeloom_hw.update.pipeline import Pipeline
from spikeloom_hw.walker import Walker

__all__ = ["BYTES_PER_WORD", "Overheads", "Window"]

BYTES_PER_WORD = 254 / 62
"""Bytes of the host link for a word: a frame has 62 of them, and 6 bytes around them."""

# Words for the host that the recorder keeps before the bus stands still, and events that the
# core takes while a sweep keeps it from walking them.
_KEPT = 28
_TAKEN = 36


@dataclass(frozen=True)
class Overheads:
    """Cycles on top of the work, measured on the design: docs/guide/timing.md.

    Parameters
    ----------
    step, phase, population : int
        Of each step, of each phase, of each population.
    sweep : int
        Cycles of a population's sweep beyond its groups, as ``cycles_update`` counts them.
    begin : int
        Between steps, where the host sends events.
    drain : int
        The lanes run empty before a sweep, less what its token saves behind events.
    send : int
        A window whose events have no projections.
    ahead : int
        Saved where events leave while the sweep still runs.
    back : int
        Saved where the step ends after the window.
    token, done, look_up : int
        A STEP, the DONE that ends a step, and an event in the dispatcher, as
        ``cycles_integrate`` counts them.
    """

    step: int
    phase: int
    population: int
    sweep: int
    begin: int
    drain: int
    send: int
    ahead: int
    back: int
    token: int
    done: int
    look_up: int

    @classmethod
    def of(cls, config: ChipConfig) -> "Overheads":
        """Overheads of a core, from the latencies of its stages."""
        core = config.core
        looked_up = Dispatch.latency_of(core)
        walked = Walker.latency_of(core) + LanePipe.lead_of(core)
        several = config.all_cores > 1
        return cls(
            step=4 + several,
            # Cores end a phase one after the other; a STEP passes two borders more to them.
            phase=11 + looked_up + (config.cores + 2) * several,
            population=2,
            sweep=Pipeline.latency_of(core) + (3 if core.skip else 0),
            begin=2,
            drain=walked,
            send=2,
            ahead=6,
            back=2,
            token=1 + looked_up,
            done=2,
            look_up=2 + walked,
        )


@dataclass(frozen=True)
class Window:
    """Events between two sweeps: those of the host, or those that a sweep has caused.

    Parameters
    ----------
    overheads : Overheads
        Of the core.
    events : float
        How many there are on average.
    walk : float
        Cycles that walking one takes on average.
    words : float
        Words for the host that one makes on average.
    readouts : float
        Words for the host beside those of the events.
    walks : bool
        Whether any of their sources has a projection.
    sweep : float
        Cycles of the sweep from which they leave.
    first : bool
        Whether they are those of the host.
    early : bool
        Whether they leave while the sweep still runs.
    last : bool
        Whether the step ends here.
    """

    overheads: Overheads
    events: float
    walk: float
    words: float
    readouts: float
    walks: bool
    sweep: float
    first: bool
    early: bool
    last: bool

    def cycles(self, events: int) -> float:
        """Cycles from sweep to sweep, beyond those of a window without events."""
        of = self.overheads
        tail = of.drain - of.back * self.last - of.ahead * self.early if self.walks else of.send
        # Nothing waits for the last walks of a step, but END waits for its last event.
        least = of.send if self.last else 0.0
        begin = of.begin * self.first
        busy = begin + max(least, events * self.walk + tail) if events else 0.0
        # Readouts go to the host alone, a word in each cycle.
        return max(0.0, busy, self.readouts - 1, self._send(events))

    def integrate(self, events: int) -> float:
        """Cycles in which events or the token behind them are looked up or integrated."""
        of = self.overheads
        token = of.done if self.last else of.token
        if not events:
            return token
        work = events * self.walk
        # The token is looked up while the last of many events are still walked.
        hidden = 1 if self.early and work > of.look_up else 0
        return token + max(work, self._send(events)) + (of.look_up if self.walks else 1) - hidden

    def _send(self, events: int) -> float:
        """Cycles until what the events made for the host fits in what is kept for it."""
        words = events * self.words + self.readouts - _KEPT
        gone = min(self.sweep, _TAKEN * BYTES_PER_WORD) if self.early else 0.0
        return words * BYTES_PER_WORD - gone

    def mean(self, cost: Callable[[int], float]) -> float:
        """Mean of a cost over the numbers of events, which are taken to be Poisson-distributed."""
        numbers = np.arange(int(self.events + 8 * np.sqrt(self.events)) + 2)
        factorials = np.concatenate([[0.0], np.cumsum(np.log(numbers[1:]))])
        shares = np.exp(numbers * np.log(max(self.events, 1e-300)) - self.events - factorials)
        return float(np.dot(shares, [cost(int(number)) for number in numbers]))
