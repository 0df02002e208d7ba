"""The time of the learning engine, which goes on through clears."""

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from ..neuron.noise import FIRST_WORD, WORD_WIDTH, next_word

__all__ = ["Clock"]


class Clock(wiring.Component):
    """The noise word of the time step since the weights were loaded; the host may set it.

    Members
    -------
    advance : In(1)
        A time step is done.
    word : Out(32)
        Noise word of the present one.
    host_read, host_write, host_address, host_value, host_data
        As of :class:`~spikeloom_hw.memory.RowMem`.
    """

    advance: Signal
    word: Signal
    host_read: Signal
    host_write: Signal
    host_address: Signal
    host_value: Signal
    host_data: Signal

    def __init__(self) -> None:
        super().__init__({
            "advance": In(1),
            "word": Out(WORD_WIDTH),
            "host_read": In(1),
            "host_write": In(1),
            "host_address": In(1),
            "host_value": In(32),
            "host_data": Out(32),
        })

    def elaborate(self, platform: object) -> Module:
        """Build the register, which a reset leaves alone, as it does memories."""
        m = Module()
        word = Signal(WORD_WIDTH, init=FIRST_WORD, reset_less=True)
        m.d.comb += [self.word.eq(word), self.host_data.eq(word)]
        with m.If(self.host_write):
            m.d.sync += word.eq(self.host_value)
        with m.Elif(self.advance):
            m.d.sync += word.eq(next_word(word))
        return m
