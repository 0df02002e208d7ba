"""The time of the update: the slot of the accumulators, the noise word, and who is awake."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..config import CoreConfig
from ..memory import host_port
from ..neuron.noise import FIRST_WORD, WORD_WIDTH, next_word

__all__ = ["Time"]


class Time(wiring.Component):
    """Keep what changes from time step to time step.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    done : In(1)
        The time step is done.
    clear : In(1)
        Begin anew.
    wake : In(1)
        Anything may have changed.
    slot : Out(range(delay_slots))
        Time steps so far, modulo the slots.
    word : Out(32)
        Noise word of the time step.
    awake : Out(1)
        Each row must be processed: from a reset, ``clear`` or ``wake`` to the end of the time
        step, and ``delay_slots`` time steps more.
    """

    done: Signal
    clear: Signal
    wake: Signal
    slot: Signal
    word: Signal
    awake: Signal
    host: Any

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "done": In(1),
            "clear": In(1),
            "wake": In(1),
            "slot": Out(range(config.delay_slots)),
            "word": Out(WORD_WIDTH),
            "awake": Out(1),
            "host": Out(wiring.Signature(host_port(1, 1))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the registers."""
        m = Module()

        # What a job has added just now may be taken as late as in so many steps.
        most = self.config.delay_slots + 1
        left = Signal(range(most + 1), init=most)
        m.d.comb += self.awake.eq(left != 0)
        with m.If(self.wake | self.clear):
            m.d.sync += left.eq(most)
        with m.Elif(self.done & self.awake):
            m.d.sync += left.eq(left - 1)

        # Slot and noise word follow the time steps.
        word = Signal(WORD_WIDTH, init=FIRST_WORD)
        m.d.comb += self.word.eq(word)
        with m.If(self.clear):
            m.d.sync += [self.slot.eq(0), word.eq(FIRST_WORD)]
        with m.Elif(self.done):
            m.d.sync += [self.slot.eq(self.slot + 1), word.eq(next_word(word))]
        with m.Elif(self.host.host_write & self.host.host_address[0]):
            m.d.sync += self.slot.eq(self.host.host_value)
        with m.Elif(self.host.host_write):
            m.d.sync += word.eq(self.host.host_value)

        return m
