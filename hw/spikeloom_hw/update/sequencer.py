"""The sequencer of the update: which population is swept when, and when all is zeroed."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..event import Operation
from ..layout import Layouts
from ..walker import step_layout

__all__ = ["Sequencer"]


class Sequencer(wiring.Component):
    """Take steps, and go through the populations of a phase, one after the other.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(step_layout(config)))
        Steps; ready when done.
    phase_read, phase, phase_entry
        Port of the phase table: read, row, row read one cycle later.
    population_read, population : Out
        Read the population table.
    start : Out(1)
        The population is there: begin with its groups.
    over : Out(1)
        All is done with the population.
    idle : In(1)
        No group of the population is left to be given, or in a stage before the last; from the
        cycle after ``start`` on.
    clearing, cleared : Out
        Zero the row of this number, in memories that have one.
    finished : Out(1)
        A step is done that END answers: any but DONE.
    done : Out(1)
        The time step is done.
    """

    i: stream.Interface
    phase_read: Signal
    phase: Signal
    phase_entry: Any
    population_read: Signal
    population: Signal
    start: Signal
    over: Signal
    idle: Signal
    clearing: Signal
    cleared: Signal
    finished: Signal
    done: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.depth = self.depth_of(config)
        super().__init__({
            "i": In(stream.Signature(step_layout(config))),
            "phase_read": Out(1),
            "phase": Out(range(config.phases)),
            "phase_entry": In(Layouts(config).phases),
            "population_read": Out(1),
            "population": Out(range(config.populations)),
            "start": Out(1),
            "over": Out(1),
            "idle": In(1),
            "clearing": Out(1),
            "cleared": Out(range(self.depth)),
            "finished": Out(1),
            "done": Out(1),
        })

    @staticmethod
    def depth_of(config: CoreConfig) -> int:
        """Rows of the deepest memory that CLEAR zeroes."""
        earlier_slots = config.accumulator_rows * (config.delay_slots - 1) // config.delay_slots
        contested = config.populations if config.fields.may("winner", 1) else 0
        learning = config.learning
        traced = max(learning.pre_rows, learning.post_rows) if learning else 0
        return max(config.groups, earlier_slots + config.neuron_rows, contested, traced)

    def elaborate(self, platform: Any) -> Module:
        """Build the state machine."""
        m = Module()
        left = Signal(range(self.config.populations + 1))
        following = Signal(range(self.config.populations))
        with m.FSM() as states:
            # Wait for a step; all but UPDATE and CLEAR are done in the next cycle.
            with m.State("IDLE"), m.If(self.i.valid):
                m.d.sync += self.cleared.eq(0)
                m.d.comb += [self.phase_read.eq(1), self.phase.eq(self.i.payload.phase)]
                with m.Switch(self.i.payload.operation):
                    with m.Case(Operation.UPDATE):
                        m.next = "PHASE"
                    with m.Case(Operation.CLEAR):
                        m.next = "CLEAR"
                    with m.Default():
                        m.next = "ANSWER"

            # The row of the phase table is there.
            with m.State("PHASE"):
                m.d.sync += [left.eq(self.phase_entry.count), following.eq(self.phase_entry.first)]
                m.next = "READ"

            # Read the next population.
            with m.State("READ"):
                m.d.comb += self.population_read.eq(1)
                m.d.sync += [left.eq(left - 1), following.eq(following + 1)]
                m.next = "POPULATION"
                with m.If(left == 0):
                    m.next = "ANSWER"

            # The population is there.
            with m.State("POPULATION"):
                m.d.comb += self.start.eq(1)
                m.next = "SWEEP"

            # It must hold until its last group leaves the pipeline.
            with m.State("SWEEP"):
                m.d.comb += self.over.eq(self.idle)
                with m.If(self.idle):
                    m.next = "READ"

            # Zero all that holds over steps.
            with m.State("CLEAR"):
                m.d.sync += self.cleared.eq(self.cleared + 1)
                with m.If(self.cleared == self.depth - 1):
                    m.next = "ANSWER"

            # The step is done.
            with m.State("ANSWER"):
                m.d.comb += self.i.ready.eq(1)
                m.next = "IDLE"

            m.d.comb += [
                self.population.eq(following),
                self.clearing.eq(states.ongoing("CLEAR")),
            ]

        self._answer(m)
        return m

    def _answer(self, m: Module) -> None:
        """Tell when a step is done, and whether END answers it."""
        ended = self.i.valid & self.i.ready
        is_done = self.i.payload.operation == Operation.DONE
        m.d.comb += [self.done.eq(ended & is_done), self.finished.eq(ended & ~is_done)]
