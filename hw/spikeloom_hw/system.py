"""The system block: registers, performance counters, and the host's way to the memories."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from .access import AccessSignature, latency_of, lies_in
from .activity import chip_activity_layout
from .config import ChipConfig
from .counter_bank import CounterBank
from .link import request_layout
from .registers import CHIP_BITS, ID, VERSION, Control, Errors, Register, Status
from .tree.remote import hand_down

__all__ = ["System"]


class System(wiring.Component):
    """Answer the host's accesses in order.

    Accesses to memories and to the registers from ERRORS on wait until all events and steps before
    them are done. A write to a memory takes three cycles and a read eight or more.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    chip : int
        Number of the chip: its registers are at ``chip << 16``.

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
    activity : In(chip_activity_layout(config))
        What the cores do.
    remote : Out(stream.Signature(request_layout())).array(children)
        Accesses to each child and what is below it; absent if there is none, as the next is.
    answers : In(stream.Signature(unsigned(32))).array(children)
        What was read there.
    lost : In(1)
        A link to a child, or one below it, has given up; absent if there is none.
    reset : Out(1)
        Reset all but memories, registers and host port: in the cycle after the host wrote it.
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
    remote: Any
    answers: Any
    lost: Signal
    reset: Signal
    clear: Signal

    def __init__(self, config: ChipConfig, chip: int = 0) -> None:
        self.config, self.chip, self.children = config, chip, config.children(chip)
        members: dict[str, Any] = {}
        if self.children:
            below = len(self.children)
            members["remote"] = Out(stream.Signature(request_layout())).array(below)
            members["answers"] = In(stream.Signature(unsigned(32))).array(below)
            members["lost"] = In(1)
        super().__init__({
            **members,
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
            "activity": In(chip_activity_layout(config)),
            "reset": Out(1),
            "clear": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the block."""
        m = Module()
        request = self.requests.payload
        errors, seen = Signal(len(Errors)), Signal(len(Errors))
        m.d.comb += [self.access.address.eq(request.address), self.access.value.eq(request.data)]
        m.d.sync += [
            seen.eq(Cat(self.activity.bad_source, self.bad_word)),
            errors.eq(errors | seen),
            self.reset.eq(0),
        ]

        # What kind of access it is, which is a cycle old when it is needed.
        inside, at_once, counter, asked = Signal(), Signal(), Signal(), Signal(len(Control))
        offset, below = request.address[:8], Signal(len(self.children))
        place = request.address ^ (self.chip << CHIP_BITS)
        m.d.sync += [
            below.eq(Cat(lies_in(request.address, self.config, c) for c in self.children)),
            inside.eq(~place[8:].any()),
            at_once.eq(~place[3:].any()),
            counter.eq((offset >= Register.EVENTS_IN) & (offset <= max(Register))),
            asked.eq((offset == Register.CONTROL).replicate(len(asked)) & request.data),
        ]
        zero = Signal()
        bank = self._bank(m, zero)
        found = bank.found if bank else Const(1)
        latency = latency_of(self.config)
        waited = Signal(range(latency))

        with m.FSM():
            with m.State("IDLE"):
                m.d.sync += waited.eq(0)
                with m.If(self.requests.valid):
                    m.next = "DECIDE"

            # The first registers are there at once, all else once the chip is idle.
            with m.State("DECIDE"), m.If(at_once | self.idle):
                m.next = "IDLE"
                with m.If(inside & request.write):
                    m.d.comb += zero.eq(self._control(m, asked))
                    with m.If(offset == Register.ERRORS):
                        m.d.sync += errors.eq((errors | seen) & ~request.data)
                with m.Elif(inside):
                    m.next = "READ"
                with m.Else():
                    m.next = "ACCESS"
                if self.children:
                    with m.If(below.any()):
                        m.next = "REMOTE"

            # The strobes reach every memory, so they come straight from the state.
            with m.State("ACCESS"):
                m.d.comb += [
                    self.access.write.eq(request.write),
                    self.access.read.eq(~request.write),
                    self.requests.ready.eq(request.write),
                ]
                # A chip that has lost a link is held in reset, and knows no address.
                stray = ~self.access.known
                if self.children:
                    stray = stray & ~self.lost
                with m.If(stray):
                    m.d.sync += errors.eq(errors | seen | Errors.BAD_ADDRESS.value)
                m.next = "IDLE"
                with m.If(~request.write):
                    m.next = "READ"

            # A memory takes its time, a counter until its turn.
            with m.State("READ"):
                with m.If(waited != latency - 1):
                    m.d.sync += waited.eq(waited + 1)
                with m.Elif(~(inside & counter) | found):
                    m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += self.responses.valid.eq(1)
                with m.If(self.responses.ready):
                    m.next = "TAKE"
            with m.State("TAKE"):
                m.d.comb += self.requests.ready.eq(1)
                m.next = "IDLE"

            told = hand_down(m, self, below) if self.children else Const(0)
        self._read(m, inside, counter, errors, bank, (below.any(), told))
        return m

    def _control(self, m: Module, asked: Signal) -> Value:
        """Do what a write of CONTROL asks for; a clear waits for the events before it.

        Gives whether counters are to be zeroed.
        """
        clear, reset, zero = (
            asked[bit.value.bit_length() - 1]
            for bit in (Control.CLEAR, Control.RESET, Control.ZERO_COUNTERS)
        )
        waits = clear & ~reset & ~self.idle
        with m.If(waits):
            m.next = "DECIDE"
        m.d.comb += [self.requests.ready.eq(~waits), self.clear.eq(clear & ~waits)]
        m.d.sync += self.reset.eq(reset)
        return zero

    def _bank(self, m: Module, zero: Signal) -> CounterBank | None:
        """Build the performance counters, which see everything a cycle late, a zero too."""
        if not self.config.counters:
            return None
        core = self.config.core
        most = core.neuron_rows * core.lanes
        m.submodules.bank = bank = CounterBank(most, self.config.cores)
        activity = self.activity
        working = activity.integrating | activity.updating
        pulses = {
            Register.EVENTS_IN: activity.event,
            Register.EVENTS_OUT: self.recorded,
            Register.SPIKES: activity.spike,
            Register.ROWS: activity.row,
            Register.CYCLES_INTEGRATE: activity.integrating,
            Register.CYCLES_UPDATE: activity.updating,
            Register.CYCLES_CONTROL: self.stepping & ~working,
        }
        seen, size = Signal.like(bank.pulses), Signal.like(bank.synaptic)
        word, done, running = Signal(), Signal(), Signal()
        m.d.sync += [
            *(bank.pulse(seen, register).eq(pulses[register]) for register in bank.PULSES),
            size.eq(Mux(activity.job, activity.size, 0)),
            word.eq(self.word),
            done.eq(self.done),
            bank.zero.eq(zero),
            running.eq((running | word) & ~bank.zero),
        ]
        m.d.comb += [
            bank.pulses.eq(seen),
            bank.synaptic.eq(size),
            bank.open.eq(running | word),
            bank.done.eq(done),
            bank.wanted.eq(self.requests.payload.address[:8]),
        ]
        return bank

    def _read(
        self,
        m: Module,
        inside: Signal,
        counter: Signal,
        errors: Signal,
        bank: CounterBank | None,
        remote: tuple[Value, Value],
    ) -> None:
        """Select what was read; it holds still while it is handed over."""
        address = self.requests.payload.address[:8]
        fixed = {
            Register.ID: ID,
            Register.VERSION: VERSION,
            Register.HASH_LOW: self.config.hash & 0xFFFFFFFF,
            Register.HASH_HIGH: self.config.hash >> 32,
        }
        constant, status = Signal(32), Signal(len(Errors))
        with m.Switch(address):
            for register, number in fixed.items():
                with m.Case(register):
                    m.d.comb += constant.eq(number)
            with m.Case(Register.STATUS):
                m.d.comb += status.eq(~self.idle * Status.BUSY.value)
            with m.Case(Register.ERRORS):
                m.d.comb += status.eq(errors)
                if self.children:
                    m.d.comb += status.eq(errors | self.lost * Errors.LINK_ERR.value)

        # Each source is masked by what is a cycle old, then they are joined.
        choices = [
            (~inside, self.access.data),
            (inside & (address == Register.STEPS), self.steps),
            (inside & (address[3:] == 0), constant),
            (inside & (address[4:] == 0), status),
            (inside & counter, bank.value if bank else Const(0)),
            *([remote] if self.children else []),
        ]
        value: Any = Const(0, 32)
        for number, (wanted, source) in enumerate(choices):
            chosen = Signal(name=f"answer_{number}")
            m.d.sync += chosen.eq(wanted)
            value = value | (source & chosen.replicate(32))
        with m.If(~self.responses.valid):
            m.d.sync += self.responses.payload.eq(value)
