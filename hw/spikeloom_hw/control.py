"""The step control: time is in the stream of events, and the schedule says what a step is."""

from typing import Any

from amaranth.hdl import Const, Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .event import INDEX_WIDTH, Kind, Operation, event_layout
from .layout import schedule_layout

__all__ = ["StepControl"]


class StepControl(wiring.Component):
    """Put the host's events on the bus, and at its STEP run the schedule.

    Each entry of the schedule becomes a STEP on the bus; the next one follows when all cores have
    answered END. DONE closes a time step. STEP with an index n > 1 advances n time steps.

    Parameters
    ----------
    config : CoreConfig
        Structure of the cores.
    checked : bool
        Whether events of sources beyond the table are dropped here; if not, the core does it.

    Members
    -------
    i : In(stream.Signature(event_layout()))
        Words of the host: spikes, graded events, rewards and errors with their values, and steps.
    o : Out(stream.Signature(event_layout(config.value_width)))
        Events for the bus.
    end : In(1)
        All cores have answered the last STEP.
    clear : In(1)
        Zero all states and ``steps``, before the next word of the host.
    schedule_read, entry_number, entry
        Port of the schedule: read, row, row read one cycle later.
    steps : Out(32)
        Time steps done since the last clear.
    bad_word : Out(1)
        A word of the host was dropped: it was no event that the cores take, and no step.
    bad_source : Out(1)
        An event was dropped because its source does not exist.
    stepping : Out(1)
        A time step is under way.
    idle : Out(1)
        Nothing is under way.
    """

    i: stream.Interface
    o: stream.Interface
    end: Signal
    clear: Signal
    schedule_read: Signal
    entry_number: Signal
    entry: Any
    steps: Signal
    bad_word: Signal
    bad_source: Signal
    stepping: Signal
    idle: Signal

    def __init__(self, config: CoreConfig, *, checked: bool = False) -> None:
        self.config, self.checked = config, checked
        super().__init__({
            "i": In(stream.Signature(event_layout())),
            "o": Out(stream.Signature(event_layout(config.value_width))),
            "end": In(1),
            "clear": In(1),
            "schedule_read": Out(1),
            "entry_number": Out(range(config.phases)),
            "entry": In(schedule_layout(config)),
            "steps": Out(32),
            "bad_word": Out(1),
            "bad_source": Out(1),
            "stepping": Out(1),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the control."""
        m = Module()
        left = Signal(unsigned(INDEX_WIDTH))
        clearing = Signal()
        valued: Any = Signal(event_layout())
        carriers = self._carriers()
        with m.If(self.clear):
            m.d.sync += clearing.eq(1)

        with m.FSM() as states:
            # The host's events go to the bus, until it asks for a step.
            word: Any = self.i.payload
            with m.State("HOST"):
                self._put(m, word)
                with m.If(clearing):
                    m.next = "CLEAR"
                with m.Else(), m.Switch(word.kind):
                    with m.Case(Kind.SPIKE):
                        self._pass(m, word)
                    if carriers:
                        with m.Case(*carriers):
                            m.d.comb += self.i.ready.eq(1)
                            m.d.sync += valued.eq(word)
                            with m.If(self.i.valid):
                                m.next = "VALUE"
                    with m.Case(Kind.STEP):
                        m.d.comb += [self.i.ready.eq(1), self.schedule_read.eq(self.i.valid)]
                        m.d.sync += left.eq(word.index)
                        with m.If(self.i.valid):
                            m.next = "STEP"
                    with m.Default():
                        m.d.comb += [self.i.ready.eq(1), self.bad_word.eq(self.i.valid)]

            # The value of an event follows it.
            if carriers:
                with m.State("VALUE"):
                    self._put(m, valued)
                    m.d.comb += self.o.payload.value.eq(word.as_value())
                    with m.If(word.kind == Kind.VALUE):
                        self._pass(m, valued)
                    with m.Elif(self.i.valid):
                        m.d.comb += self.bad_word.eq(1)
                        m.next = "HOST"
                    with m.If(self.i.valid & self.i.ready):
                        m.next = "HOST"

            # The entry of the schedule is there: it goes to the cores.
            with m.State("STEP"):
                self._send(m, self.entry.operation, self.entry.phase)
                with m.If(self.o.ready):
                    m.d.sync += self.entry_number.eq(self.entry_number + 1)
                    m.next = "WAIT"

            # The cores are at work; the next entry is read meanwhile.
            with m.State("WAIT"), m.If(self.end):
                with m.If(self.entry.last):
                    m.d.sync += self.entry_number.eq(0)
                    m.next = "DONE"
                with m.Else():
                    m.d.comb += self.schedule_read.eq(1)
                    m.next = "STEP"

            # The time step ends; the number of this one goes with it.
            with m.State("DONE"):
                self._send(m, Operation.DONE, self.steps)
                with m.If(self.o.ready):
                    m.d.sync += [self.steps.eq(self.steps + 1), left.eq(left - 1)]
                    m.next = "HOST"
                    with m.If(left > 1):
                        m.d.comb += self.schedule_read.eq(1)
                        m.next = "STEP"

            # Every core zeroes its state.
            with m.State("CLEAR"):
                self._send(m, Operation.CLEAR, 0)
                with m.If(self.o.ready):
                    m.d.sync += clearing.eq(0)
                    m.next = "CLEARED"

            # Time starts anew.
            with m.State("CLEARED"), m.If(self.end):
                m.d.sync += self.steps.eq(0)
                m.next = "HOST"

            clears = states.ongoing("CLEAR") | states.ongoing("CLEARED")
            m.d.comb += [
                self.idle.eq(states.ongoing("HOST") & ~clearing),
                self.stepping.eq(~states.ongoing("HOST") & ~clears),
            ]

        return m

    def _carriers(self) -> list[Kind]:
        """Kinds of events with a value that the cores take from the host."""
        learning = self.config.learning
        taken = {
            Kind.GRADED: self.config.payload_width > 0,
            Kind.REWARD: learning is not None,
            Kind.ERROR: learning is not None and learning.errors,
        }
        return [kind for kind, wanted in taken.items() if wanted]

    def _put(self, m: Module, word: Any) -> None:
        """Offer an event of the host to the bus."""
        payload: Any = self.o.payload
        for name in ("kind", "source", "index"):
            m.d.comb += payload[name].eq(word[name])

    def _pass(self, m: Module, event: Any) -> None:
        """Let the event go that the present word ends, unless its source does not exist."""
        stray: Value = Const(0)
        if self.checked:
            synaptic = (event.kind == Kind.SPIKE) | (event.kind == Kind.GRADED)
            stray = synaptic & (event.source >= self.config.sources)
        m.d.comb += [
            self.o.valid.eq(self.i.valid & ~stray),
            self.i.ready.eq(self.o.ready | stray),
            self.bad_source.eq(self.i.valid & stray),
        ]

    def _send(self, m: Module, operation: Any, index: Any) -> None:
        """Put a STEP on the bus."""
        m.d.comb += [
            self.o.valid.eq(1),
            self.o.payload.kind.eq(Kind.STEP),
            self.o.payload.source.eq(operation),
            self.o.payload.index.eq(index),
        ]
