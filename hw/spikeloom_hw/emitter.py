"""The emitter: from spike bits to events, each exactly once, in ascending order."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .config import CoreConfig
from .event import Event, Kind
from .queue import Queue
from .update import spikes_layout

__all__ = ["Emitter"]

_WORD = 16


class Emitter(wiring.Component):
    """Collect spike bits in words, and send an event for each bit, then END.

    The spike map has room for every neuron of the core, so the update never waits for the bus;
    words without spikes are not kept. Once ``finish`` is given, END follows the last spike.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(spikes_layout(config), always_ready=True))
        Spike bits of a group; groups of a population in ascending order.
    o : Out(stream.Signature(Event))
        Events for the bus: spikes, and one END for each ``finish``.
    finish : In(1)
        The step is done: no more spike bits come until END is sent.
    spiked : Out(1)
        A spike is sent in this cycle.
    idle : Out(1)
        Nothing is left to be sent.
    """

    i: stream.Interface
    o: stream.Interface
    finish: Signal
    spiked: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.word = max(_WORD, config.update_lanes)
        self.words = -(-config.neuron_rows * config.lanes // self.word) + config.populations
        self.entry = data.StructLayout({
            "bits": self.word,
            "source": range(config.sources),
            "place": range(max(2, self.words)),
        })
        super().__init__({
            "i": In(stream.Signature(spikes_layout(config), always_ready=True)),
            "o": Out(stream.Signature(Event)),
            "finish": In(1),
            "spiked": Out(1),
            "idle": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build collection, spike map and encoder."""
        m = Module()
        m.submodules.map = spike_map = Queue(self.entry, self.words)
        self._collect(m, spike_map)

        # Take the next word as soon as the last bit of this one is sent.
        busy = Signal()
        word: Any = Signal(self.entry)
        rest = Signal(self.word)
        last, sent = Signal(), Signal()
        m.d.comb += [
            rest.eq(word.bits & (word.bits - 1)),
            last.eq(rest == 0),
            sent.eq(busy & self.o.ready),
            spike_map.o.ready.eq(~busy | (sent & last)),
            self.spiked.eq(sent),
        ]
        with m.If(sent):
            m.d.sync += word.bits.eq(rest)
        with m.If(spike_map.o.ready):
            m.d.sync += [busy.eq(spike_map.o.valid), word.eq(spike_map.o.payload)]

        # Encode the lowest bit of the word.
        position = Signal(range(self.word))
        for bit in reversed(range(self.word)):
            with m.If(word.bits[bit]):
                m.d.comb += position.eq(bit)

        # END closes the step, once no word is left.
        ending, empty = Signal(), Signal()
        m.d.comb += empty.eq(~busy & spike_map.empty)
        with m.If(self.finish):
            m.d.sync += ending.eq(1)
        with m.Elif(ending & empty & self.o.ready):
            m.d.sync += ending.eq(0)
        m.d.comb += [
            self.o.valid.eq(busy | (ending & empty)),
            self.o.payload.kind.eq(Mux(busy, Kind.SPIKE, Kind.END)),
            self.o.payload.source.eq(word.source),
            self.o.payload.index.eq(word.place * self.word + position),
            self.idle.eq(empty & ~ending),
        ]

        return m

    def _collect(self, m: Module, spike_map: Queue) -> None:
        """Gather groups into words, and keep the words that hold a spike."""
        groups_per_word = self.word // self.config.update_lanes
        slot_bits = (groups_per_word - 1).bit_length()
        group = self.i.payload.group
        gathered, added = Signal(self.word), Signal(self.word)
        slot = group[:slot_bits] if slot_bits else Const(0, 1)
        whole = Signal()
        m.d.comb += [
            added.eq(gathered),
            added.word_select(slot, self.config.update_lanes).eq(self.i.payload.bits),
            whole.eq(self.i.valid & (self.i.payload.last | (slot == groups_per_word - 1))),
            spike_map.i.valid.eq(whole & (added != 0)),
        ]
        entry = spike_map.i.payload
        m.d.comb += [
            entry.bits.eq(added),
            entry.source.eq(self.i.payload.source),
            entry.place.eq(group >> slot_bits),
        ]
        with m.If(self.i.valid):
            m.d.sync += gathered.eq(Mux(whole, 0, added))
