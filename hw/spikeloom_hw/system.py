"""The system block: registers, performance counters, and the host's way to the memories."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .access import AccessSignature
from .config import ChipConfig
from .core import activity_layout
from .link import request_layout
from .registers import ID, VERSION, Control, Errors, Register, Status

__all__ = ["System"]


class System(wiring.Component):
    """Answer the host's accesses in order.

    Accesses to memories and to the registers from ERRORS on wait until all events and steps before
    them are done.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.

    Members
    -------
    requests : In(stream.Signature(request_layout()))
        Accesses.
    responses : Out(stream.Signature(unsigned(32)))
        What was read, one for each read.
    access : Out(AccessSignature())
        Access to the memories.
    idle : In(1)
        No event is under way and no step.
    stepping : In(1)
        A step is under way.
    word : In(1)
        The host gave an event word.
    done : In(1)
        A time step ends.
    recorded : In(1)
        An event was passed on to the host.
    bad_word : In(1)
        A word of the host was dropped.
    steps : In(32)
        Time steps done.
    activity : In(activity_layout(config))
        What the core does.
    reset : Out(1)
        Reset all but memories, registers and host port.
    clear : Out(1)
        Zero all states.
    """

    requests: stream.Interface
    responses: stream.Interface
    access: Any
    idle: Signal
    stepping: Signal
    word: Signal
    done: Signal
    recorded: Signal
    bad_word: Signal
    steps: Signal
    activity: Any
    reset: Signal
    clear: Signal

    def __init__(self, config: ChipConfig) -> None:
        self.config = config
        super().__init__({
            "requests": In(stream.Signature(request_layout())),
            "responses": Out(stream.Signature(unsigned(32))),
            "access": Out(AccessSignature()),
            "idle": In(1),
            "stepping": In(1),
            "word": In(1),
            "done": In(1),
            "recorded": In(1),
            "bad_word": In(1),
            "steps": In(32),
            "activity": In(activity_layout(config)),
            "reset": Out(1),
            "clear": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the block."""
        m = Module()
        request = self.requests.payload
        inside, at_once = Signal(), Signal()
        register = Signal(32)
        errors, seen = Signal(len(Errors)), Signal(len(Errors))
        zero = Signal()
        m.d.comb += [
            inside.eq(request.address[24:] == 0),
            at_once.eq(request.address < Register.ERRORS),
            self.access.address.eq(request.address),
            self.access.value.eq(request.data),
            seen.eq(Cat(self.activity.bad_source, self.bad_word)),
        ]
        m.d.sync += errors.eq(errors | seen)
        read_memory = Signal()

        with m.FSM():
            # Take an access: the first registers at once, all else once the chip is idle.
            with m.State("IDLE"), m.If(self.requests.valid & (at_once | self.idle)):
                with m.If(inside & request.write):
                    self._write(m, zero, errors, seen)
                with m.Elif(inside):
                    m.d.sync += read_memory.eq(0)
                    m.next = "ANSWER"
                with m.Else():
                    m.d.comb += [
                        self.access.write.eq(request.write),
                        self.access.read.eq(~request.write),
                        self.requests.ready.eq(request.write),
                    ]
                    m.d.sync += read_memory.eq(1)
                    with m.If(~self.access.known):
                        m.d.sync += errors.eq(errors | seen | Errors.BAD_ADDRESS.value)
                    with m.If(~request.write):
                        m.next = "MEMORY"

            # The memory needs two cycles.
            with m.State("MEMORY"):
                m.next = "ANSWER"

            # Hand over what was read.
            with m.State("ANSWER"):
                m.d.comb += [
                    self.responses.valid.eq(1),
                    self.responses.payload.eq(register),
                    self.requests.ready.eq(self.responses.ready),
                ]
                with m.If(read_memory):
                    m.d.comb += self.responses.payload.eq(self.access.data)
                with m.If(self.responses.ready):
                    m.next = "IDLE"

        self._read(m, register, errors, self._counters(m, zero))
        return m

    def _write(self, m: Module, zero: Signal, errors: Signal, seen: Signal) -> None:
        """Write a register; a clear waits for the events before it."""
        request = self.requests.payload
        m.d.comb += self.requests.ready.eq(1)
        with m.Switch(request.address[:8]):
            with m.Case(Register.CONTROL):
                clear = request.data[Control.CLEAR.value.bit_length() - 1]
                reset = request.data[Control.RESET.value.bit_length() - 1]
                with m.If(clear & ~reset):
                    m.d.comb += self.requests.ready.eq(self.idle)
                m.d.comb += [
                    self.reset.eq(reset),
                    self.clear.eq(clear & self.requests.ready),
                    zero.eq(request.data[Control.ZERO_COUNTERS.value.bit_length() - 1]),
                ]
            with m.Case(Register.ERRORS):
                m.d.sync += errors.eq((errors | seen) & ~request.data)

    def _counters(self, m: Module, zero: Signal) -> dict[Register, Any]:
        """Build the performance counters."""
        if not self.config.counters:
            return {}
        activity = self.activity
        events = {
            Register.EVENTS_IN: activity.event,
            Register.EVENTS_OUT: self.recorded,
            Register.SPIKES: activity.spike,
            Register.ROWS: activity.row,
            Register.CYCLES_INTEGRATE: activity.integrating,
            Register.CYCLES_UPDATE: activity.updating,
            Register.CYCLES_CONTROL: self.stepping & ~activity.integrating & ~activity.updating,
        }
        counters: dict[Register, Any] = {}
        for register, event in events.items():
            counters[register] = count = Signal(32, name=register.name.lower())
            m.d.sync += count.eq(count + event)
        synaptic, open_cycles, cycles = Signal(48), Signal(32), Signal(32)
        running = Signal()
        with m.If(activity.job):
            m.d.sync += synaptic.eq(synaptic + activity.size)
        with m.If(self.word):
            m.d.sync += running.eq(1)
        m.d.sync += open_cycles.eq(open_cycles + (running | self.word))
        with m.If(self.done):
            m.d.sync += cycles.eq(open_cycles + 1)
        with m.If(zero):
            every = (*counters.values(), synaptic, open_cycles, cycles, running)
            m.d.sync += [count.eq(0) for count in every]
        counters[Register.SYNAPTIC_LOW] = synaptic[:32]
        counters[Register.SYNAPTIC_HIGH] = synaptic[32:]
        counters[Register.CYCLES] = cycles
        return counters

    def _read(
        self, m: Module, register: Signal, errors: Signal, counters: dict[Register, Any]
    ) -> None:
        """Select a register; it holds still while it is handed over."""
        values = {
            Register.ID: ID,
            Register.VERSION: VERSION,
            Register.HASH_LOW: self.config.hash & 0xFFFFFFFF,
            Register.HASH_HIGH: self.config.hash >> 32,
            Register.STATUS: ~self.idle * Status.BUSY.value,
            Register.ERRORS: errors,
            Register.STEPS: self.steps,
            **counters,
        }
        with m.If(~self.responses.valid):
            m.d.sync += register.eq(0)
            with m.Switch(self.requests.payload.address[:8]):
                for number, value in values.items():
                    with m.Case(number):
                        m.d.sync += register.eq(value)
