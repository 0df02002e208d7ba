"""Performance counters: small counts beside the work, drained into one memory."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from .registers import Register

__all__ = ["CounterBank"]

# The high word of a sum follows its low word, and CYCLES the open cycles, of which it is a copy.
_SLOTS = (
    Register.EVENTS_IN,
    Register.EVENTS_OUT,
    Register.SPIKES,
    Register.SYNAPTIC_LOW,
    Register.SYNAPTIC_HIGH,
    Register.CYCLES_INTEGRATE,
    Register.CYCLES_UPDATE,
    Register.CYCLES_CONTROL,
    Register.ROWS,
    None,
    Register.CYCLES,
)


class CounterBank(wiring.Component):
    """Count exactly, in words of 32 bits that lie in a memory.

    What happens is counted in a few bits. One word after the other is read, takes up its few bits
    and is written back; no count can overflow in the meantime.

    Parameters
    ----------
    most : int
        Most synaptic operations of a core in a cycle.
    cores : int
        Cores, for each of which something may happen in a cycle.

    Members
    -------
    pulses : In(width * len(CounterBank.PULSES))
        How often it happens in this cycle, in the order of :attr:`PULSES`: see :meth:`pulse`.
    synaptic : In(range(cores * most + 1))
        Synaptic operations that begin in this cycle.
    open : In(1)
        This cycle counts for CYCLES once a step ends.
    done : In(1)
        A step ends: CYCLES becomes all open cycles, this one included.
    zero : In(1)
        Zero all counters; what happens in this cycle is not counted.
    wanted : In(8)
        Address of a counter to read.
    value, found : Out(32), Out(1)
        In a cycle with ``found``, the wanted counter; it counts what happened up to three
        cycles before, and comes up again every 11 cycles.
    """

    PULSES = (
        Register.EVENTS_IN,
        Register.EVENTS_OUT,
        Register.SPIKES,
        Register.CYCLES_INTEGRATE,
        Register.CYCLES_UPDATE,
        Register.CYCLES_CONTROL,
        Register.ROWS,
    )
    """Counters of what happens at most once in a cycle in a core, or of cycles of all cores."""

    ROUND = len(_SLOTS)
    """Cycles after which every counter came up."""

    pulses: Signal
    synaptic: Signal
    open: Signal
    done: Signal
    zero: Signal
    wanted: Signal
    value: Signal
    found: Signal

    def __init__(self, most: int, cores: int = 1) -> None:
        self.most, self.cores = cores * most, cores
        self.width = cores.bit_length()
        super().__init__({
            "pulses": In(self.width * len(self.PULSES)),
            "synaptic": In(range(self.most + 1)),
            "open": In(1),
            "done": In(1),
            "zero": In(1),
            "wanted": In(8),
            "value": Out(32),
            "found": Out(1),
        })

    def pulse(self, pulses: Signal, register: Register) -> Value:
        """Part of ``pulses`` that belongs to a counter."""
        return pulses.word_select(self.PULSES.index(register), self.width)

    def elaborate(self, platform: Any) -> Module:
        """Visit the words in turn: read one, add to the one before, write the one before that."""
        m = Module()
        m.submodules.words = words = Memory(shape=32, depth=16, init=[])
        reading, writing = words.read_port(), words.write_port()
        slot, adding, summed = Signal(4), Signal(4), Signal(4)
        m.d.sync += [
            slot.eq(Mux(slot == self.ROUND - 1, 0, slot + 1)),
            adding.eq(slot),
            summed.eq(adding),
        ]

        # After power-up and after a zero, one round writes zeros and takes up nothing.
        left = Signal(range(self.ROUND + 1), init=self.ROUND)
        clears = Signal()
        m.d.comb += clears.eq(left != 0)
        with m.If(self.zero):
            m.d.sync += left.eq(self.ROUND)
        with m.Elif(clears):
            m.d.sync += left.eq(left - 1)

        # The sum of the open cycles is written twice if a step has ended.
        ended, copied, copies, carry = Signal(), Signal(), Signal(), Signal()
        chosen = self._more(m, slot, clears, ended)
        more = Signal.like(chosen)
        m.d.sync += [
            more.eq(chosen),
            copied.eq(ended & ~clears & (slot == _SLOTS.index(None))),
            copies.eq(copied),
        ]
        high = (adding == _SLOTS.index(Register.SYNAPTIC_HIGH)) & carry
        total = Signal(33)
        m.d.comb += total.eq(reading.data + more + high)
        with m.If(clears):
            m.d.sync += [self.value.eq(0), carry.eq(0)]
        with m.Elif(~copies):
            m.d.sync += [self.value.eq(total[:32]), carry.eq(total[32])]
        m.d.comb += [
            reading.addr.eq(slot),
            reading.en.eq(1),
            writing.addr.eq(summed),
            writing.data.eq(self.value),
            writing.en.eq(1),
        ]

        # Tell the reader which one it is.
        with m.Switch(self.wanted):
            for number, register in enumerate(_SLOTS):
                if register is not None:
                    with m.Case(register):
                        late = (ended | copied) if register == Register.CYCLES else 0
                        m.d.comb += self.found.eq((summed == number) & ~late)
        return m

    def _most_of(self, register: Register | None) -> int:
        """Tell by how much a counter may grow in a cycle."""
        if register == Register.SYNAPTIC_LOW:
            return self.most
        in_cores = (Register.EVENTS_IN, Register.SPIKES, Register.ROWS)
        return self.cores if register in in_cores else 1

    def _more(self, m: Module, slot: Signal, clears: Signal, ended: Signal) -> Value:
        """Count what happens in this cycle; give what the word of ``slot`` takes up."""
        wait = 2 * self.ROUND + 2
        comes: dict[Register | None, Value] = {
            register: self.pulse(self.pulses, register) for register in self.PULSES
        }
        comes |= {None: self.open, Register.SYNAPTIC_LOW: self.synaptic}
        more: Value = Const(0)

        # A step's end is remembered, and the cycles since, which are left for the next visit.
        since = Signal(range(wait))
        left = Mux(ended, since, 0)
        visited = (slot == _SLOTS.index(None)) & ~clears
        m.d.sync += since.eq(since + self.open)
        with m.If(visited | self.zero):
            m.d.sync += ended.eq(0)
        with m.If(self.done & ~self.zero):
            m.d.sync += [ended.eq(1), since.eq(0)]

        for number, register in enumerate(_SLOTS):
            if register not in comes:
                continue
            turn = (slot == number) & ~clears
            most = self._most_of(register)
            count = Signal(range(wait * most), name=register.name.lower() if register else "open")
            m.d.sync += count.eq(count + comes[register])
            with m.If(turn):
                m.d.sync += count.eq((0 if register else left) + comes[register])
            with m.If(self.zero):
                m.d.sync += count.eq(0)
            offered = count if register else (count - left)[: len(count)]
            more = more | (offered & turn.replicate(len(count)))
        return more
