"""The emitter: from spike bits and values to events, each exactly once, in ascending order."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from .config import CoreConfig
from .event import INDEX_WIDTH, Kind, event_layout
from .queue import Queue
from .skid import Skid
from .update import spikes_layout, values_layout

__all__ = ["Emitter"]

_WORD = 16


class Emitter(wiring.Component):
    """Collect spike bits in words, and send an event for each bit and each value, then END.

    The spike map has room for every neuron of the core, and the queue of values for every group
    that sends some, so the update never waits for the bus; words without spikes are not kept.
    Spikes go before values. Once ``finish`` is given, END follows the last of both.

    Parameters
    ----------
    config : CoreConfig
        Structure of the core.

    Members
    -------
    i : In(stream.Signature(spikes_layout(config), always_ready=True))
        Spike bits of a group; groups of a population in ascending order.
    values : In(stream.Signature(values_layout(config), always_ready=True))
        Values of a group, in the same order; absent unless there are ``config.value_groups``.
    o : Out(stream.Signature(event_layout(config.value_width)))
        Events for the bus: spikes, graded events, readouts, and one END for each ``finish``.
    finish : In(1)
        The step is done: no more spike bits come until END is sent.
    spiked : Out(1)
        A spike or a graded event is on its way out, to which it comes in the next cycle.
    idle : Out(1)
        Nothing is left to be sent.
    """

    i: stream.Interface
    values: stream.Interface
    o: stream.Interface
    finish: Signal
    spiked: Signal
    idle: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.word = max(_WORD, config.update_lanes)
        if config.skip or config.bases:
            # A row is there or not, so no word is spread over two.
            self.word = min(self.word, config.lanes)
        self.lane_bits = (config.update_lanes - 1).bit_length()
        self.words = -(-config.neuron_rows * config.lanes // self.word) + config.populations
        numbers = config.numbers * config.update_lanes // self.word if config.bases else self.words
        self.map_entry = data.StructLayout({
            "bits": self.word,
            "source": range(config.sources),
            "place": range(max(2, numbers)),
        })
        entry: dict[str, Any] = {
            "bits": self.word,
            "source": range(config.sources),
            "first": INDEX_WIDTH,
        }
        if config.value_groups:
            entry |= {"kind": Kind, "values": values_layout(config)["values"].shape}
        self.entry = data.StructLayout(entry)
        members: dict[str, Any] = {
            "i": In(stream.Signature(spikes_layout(config), always_ready=True)),
            "o": Out(stream.Signature(event_layout(config.value_width))),
            "finish": In(1),
            "spiked": Out(1),
            "idle": Out(1),
        }
        if config.value_groups:
            members["values"] = In(stream.Signature(values_layout(config), always_ready=True))
        super().__init__(members)

    def elaborate(self, platform: Any) -> Module:
        """Build collection, the queues, and the encoder."""
        m = Module()
        following: Any = Signal(self.entry)
        take = Signal()
        valid, queued = self._queues(m, following, take)

        # Take the next entry as soon as the last bit of this one is sent, which is told ahead.
        busy, sent, last, rest = Signal(), Signal(), Signal(), Signal(self.word)
        entry: Any = Signal(self.entry)
        m.submodules.skid = skid = Skid(self.o.payload.shape())
        connect(m, skid.o, flipped(self.o))
        m.d.comb += [
            rest.eq(entry.bits & (entry.bits - 1)),
            sent.eq(busy & skid.i.ready),
            take.eq(~busy | (skid.i.ready & last)),
        ]
        with m.If(sent):
            m.d.sync += [entry.bits.eq(rest), last.eq(~_at_least(entry.bits)[3])]
        with m.If(take):
            m.d.sync += [
                busy.eq(valid),
                entry.eq(following),
                last.eq(~_at_least(following.bits)[2]),
            ]

        # Encode the lowest bit of the entry.
        position = Signal(range(self.word))
        for bit in reversed(range(self.word)):
            with m.If(entry.bits[bit]):
                m.d.comb += position.eq(bit)

        # END closes the step, once nothing is left.
        empty, ending = Signal(), Signal()
        m.d.comb += empty.eq(~busy & ~queued)
        with m.If(self.finish):
            m.d.sync += ending.eq(1)
        with m.Elif(ending & empty & skid.i.ready):
            m.d.sync += ending.eq(0)
        event: Any = skid.i.payload
        kind = entry.kind if self.config.value_groups else Kind.SPIKE
        m.d.comb += [
            skid.i.valid.eq(busy | (ending & empty)),
            event.kind.eq(Mux(busy, kind, Kind.END)),
            event.source.eq(entry.source),
            event.index.eq(entry.first | position),
            self.spiked.eq(sent & (event.kind != Kind.READOUT)),
            self.idle.eq(empty & ~ending & ~self.o.valid),
        ]
        if self.config.value_groups:
            m.d.comb += event.value.eq(entry.values[position[: self.lane_bits]])

        return m

    def _queues(self, m: Module, entry: Any, take: Signal) -> tuple[Value, Value]:
        """Give the next entry; whether there is one; and whether any is left, sooner."""
        m.submodules.map = spike_map = Queue(self.map_entry, self.words)
        self._collect(m, spike_map)
        spikes = spike_map.o.payload
        m.d.comb += [
            spike_map.o.ready.eq(take),
            entry.bits.eq(spikes.bits),
            entry.source.eq(spikes.source),
            entry.first.eq(spikes.place * self.word),
        ]
        if not self.config.value_groups:
            return spike_map.o.valid, ~spike_map.empty

        # The queue takes entries one behind the other only if it has three or more.
        depth = max(3, self.config.value_groups)
        m.submodules.queue = queue = Queue(values_layout(self.config), depth)
        values = queue.o.payload
        m.d.comb += [
            queue.i.valid.eq(self.values.valid),
            queue.i.payload.eq(self.values.payload),
            queue.o.ready.eq(take & ~spike_map.o.valid),
            entry.kind.eq(Kind.SPIKE),
            entry.values.eq(values.values),
        ]
        with m.If(~spike_map.o.valid):
            m.d.comb += [
                entry.kind.eq(Mux(values.readout, Kind.READOUT, Kind.GRADED)),
                entry.bits.eq(values.mask),
                entry.source.eq(values.source),
                entry.first.eq(values.group << self.lane_bits),
            ]
        return spike_map.o.valid | queue.o.valid, ~spike_map.empty | ~queue.empty

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


def _at_least(bits: Value) -> tuple[Value, Value, Value, Value]:
    """Whether 0, 1, 2 and 3 bits are set, or more; without carries, which take their time."""
    if len(bits) == 1:
        return Const(1), bits[0], Const(0), Const(0)
    half = len(bits) // 2
    low, high = _at_least(bits[:half]), _at_least(bits[half:])
    found = [Cat(low[k] & high[n - k] for k in range(n + 1)).any() for n in range(4)]
    return found[0], found[1], found[2], found[3]
