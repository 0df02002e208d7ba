from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Const, Module, Mux, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw import emitter
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.emitter import Emitter
from spikeloom_hw.event import Kind
from spikeloom_hw.neuron import Constant, Fields, Output, Reset
from spikeloom_sim.formal import prove

WORD = 4  # bits of a word of the spike map, in place of 16
# Three groups: a population can have a whole word and then a part of one. Four take minutes.
CONFIG = CoreConfig(lanes=2, update_lanes=2, neuron_rows=3, populations=2, sources=2, projections=2)
GROUPS = CONFIG.groups
PLACES = {"output": Constant(Output.VALUE.value), "reset": Constant(Reset.NONE.value)}
VALUED = replace(CONFIG, fields=Fields(PLACES, 2), value_groups=GROUPS)


class Wire(wiring.Component):
    """Stands for the skid buffer of the emitter, which has a proof of its own."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: Any) -> None:
        super().__init__({"i": In(stream.Signature(shape)), "o": Out(stream.Signature(shape))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        connect(m, flipped(self.i), flipped(self.o))
        return m


class SpikesAreKept(wiring.Component):
    """Each spike bit becomes one event, in ascending order, and END comes after the last.

    The environment is an update: up to two populations a step, groups in order, each neuron of
    the core at most once, then ``finish``; nothing more until END was sent. A ghost watches one
    neuron that the solver chooses. If the core sends values, the second population does.
    """

    valid: Signal
    bits: Signal
    last: Signal
    finish: Signal
    ready: Signal
    choice: Signal
    sums: Signal

    def __init__(self, config: CoreConfig = CONFIG) -> None:
        self.config = config
        super().__init__({
            "valid": In(1),
            "bits": In(CONFIG.update_lanes),
            "last": In(1),
            "finish": In(1),
            "ready": In(1),
            "choice": In(4),
            "sums": In(4),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.emitter = self.emitter = emitter = Emitter(self.config)
        group, swept = Signal(range(GROUPS + 1)), Signal(range(GROUPS + 1))
        population, waiting = Signal(2), Signal()
        spikes, event = emitter.i.payload, emitter.o.payload
        m.d.comb += [
            emitter.i.valid.eq(self.valid),
            spikes.bits.eq(Mux(self._valued(population), 0, self.bits)),
            spikes.group.eq(group),
            spikes.source.eq(population),
            spikes.last.eq(self.last),
            emitter.finish.eq(self.finish),
            emitter.o.ready.eq(self.ready),
        ]
        if self.config.value_groups:
            values = emitter.values.payload
            m.d.comb += [
                emitter.values.valid.eq(self.valid & population[0] & self.bits.any()),
                values.mask.eq(self.bits),
                values.values.eq(self.sums),
                values.readout.eq(1),
                values.source.eq(population),
                values.group.eq(group),
            ]
        sent = emitter.o.valid & self.ready
        ended = sent & (event.kind == Kind.END)

        # The environment.
        m.d.comb += [
            Assume(
                ~(self.valid & ((population == 2) | (swept == GROUPS) | waiting)),
                "at most two populations, and every neuron once",
            ),
            Assume(
                ~(self.finish & (waiting | Mux(self.valid, ~self.last, group != 0))),
                "finish comes with the last group, or later",
            ),
        ]
        with m.If(self.valid):
            m.d.sync += [group.eq(Mux(self.last, 0, group + 1)), swept.eq(swept + 1)]
            m.d.sync += population.eq(population + self.last)
        with m.If(self.finish):
            m.d.sync += waiting.eq(1)
        with m.If(ended):
            m.d.sync += [waiting.eq(0), population.eq(0), swept.eq(0)]
            m.d.comb += Assert(waiting, "END answers a finish")

        self._watch(m, group, population, ended)
        self._order(m, sent, ended)
        return m

    def _watch(self, m: Module, group: Signal, population: Signal, ended: Any) -> None:
        """Assert that what one neuron sends is what it was given."""
        emitter, event = self.emitter, self.emitter.o.payload
        sent = emitter.o.valid & self.ready

        # The neuron that is watched is chosen in the first cycle.
        started, chosen, kept = Signal(), Signal(4), Signal(4)
        m.d.comb += chosen.eq(Mux(started, kept, self.choice))
        m.d.sync += [started.eq(1), kept.eq(chosen)]
        in_group = Cat(group[:2], population[0]) == chosen[1:]
        fired = self.valid & in_group & self.bits.bit_select(chosen[0], 1)
        is_watched = Cat(event.index[:3], event.source[0]) == chosen
        seen = sent & (event.kind != Kind.END) & is_watched
        pending, value = Signal(), Signal(2)
        with m.If(fired):
            m.d.sync += [pending.eq(1), value.eq(self.sums.word_select(chosen[0], 2))]
        with m.Elif(seen):
            m.d.sync += pending.eq(0)
        with m.If(seen):
            m.d.comb += Assert(pending, "no spike is invented or doubled")
            if self.config.value_groups:
                right = ~chosen[3] | (event.value.as_unsigned() == value)
                m.d.comb += Assert(right, "a value is not changed")
        with m.If(ended | (emitter.idle & (group == 0))):
            m.d.comb += Assert(~pending, "no spike is lost")

    def _valued(self, source: Any) -> Any:
        """Whether a population sends values."""
        return source[0] if self.config.value_groups else Const(0)

    def _order(self, m: Module, sent: Any, ended: Any) -> None:
        """Assert the order of events, and that an event stays until it is taken."""
        event = self.emitter.o.payload
        last = Signal.like(event)
        some, waits = Signal(), Signal()
        kind = Mux(self._valued(event.source), Kind.READOUT, Kind.SPIKE)
        m.d.comb += Assert((event.kind == kind) | (event.kind == Kind.END), "nothing else is sent")
        m.d.sync += waits.eq(self.emitter.o.valid & ~self.ready)
        with m.If(sent):
            m.d.sync += some.eq(~ended)
        with m.If(self.emitter.o.valid):
            m.d.sync += last.eq(event)
        with m.If(waits):
            m.d.comb += Assert(
                self.emitter.o.valid & (event == last), "an event holds until it is taken"
            )
        alike = self._valued(event.source) == self._valued(last.source)
        with m.If(sent & ~waits & some & ~ended & alike):
            m.d.comb += Assert(
                Cat(event.index, event.source) > Cat(last.index, last.source), "spikes ascend"
            )


@pytest.fixture(autouse=True)
def small_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emitter, "_WORD", WORD)
    monkeypatch.setattr(emitter, "Skid", Wire)


@pytest.mark.slow
@pytest.mark.parametrize("config", [CONFIG, VALUED])
def test_no_spike_or_value_is_lost_or_doubled_and_end_is_last(config: CoreConfig) -> None:
    assert prove(SpikesAreKept(config), seconds=400)


def test_the_proof_fails_when_a_word_is_not_cleared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        emitter, "Mux", lambda condition, a, b: b if type(a) is int else Mux(condition, a, b)
    )
    assert not prove(SpikesAreKept())


@pytest.mark.parametrize("config", [CONFIG, VALUED])
def test_the_proof_fails_when_a_queue_is_too_small(
    monkeypatch: pytest.MonkeyPatch, config: CoreConfig
) -> None:
    whole = emitter.Queue
    is_small = "values" if config is VALUED else "bits"

    def small(shape: Any, depth: int) -> Any:
        return whole(shape, 2 if is_small in shape.members else depth)

    monkeypatch.setattr(emitter, "Queue", small)
    assert not prove(SpikesAreKept(config))
