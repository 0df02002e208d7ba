from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.neuron import LIF, Constant, Fields, Per, Reset, lif
from spikeloom_hw.number import DECAY_FRACTION, DECAY_ONE
from spikeloom_sim.formal import prove

WIDTH = 8
LOW, HIGH = -(1 << (WIDTH - 1)), (1 << (WIDTH - 1)) - 1
WIDE = signed(32)
TRAVELLING = ("decay", "threshold", "bias", "reset_value", "minimum", "refractory")


class LaneIsItsDefinition(wiring.Component):
    """A lane gives what section 3.5 of the architecture defines, for every neuron and parameter.

    The definition is written here in integers that never overflow. A lane has no state of its own
    beyond its four stages, so that six cycles show all that it can do.

    Parameters
    ----------
    decays : bool
        Whether any decay factor is taken; else the potential does not leak.
    """

    current: Signal
    state: Any
    fields: Any

    def __init__(self, *, decays: bool) -> None:
        places: dict[str, Constant | Per] = dict.fromkeys(TRAVELLING, Per.NEURON)
        if not decays:
            places["decay"] = Constant(DECAY_ONE)
        self.places = Fields(places, width=WIDTH)
        super().__init__({
            "current": In(signed(WIDTH)),
            "state": In(self.places.state),
            "fields": In(self.places.layout),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.lane = lane = LIF(self.places, WIDTH)
        m.d.comb += [
            lane.current.eq(self.current),
            lane.state.eq(self.state),
            lane.fields.eq(self.fields),
            Assume(self.fields.decay <= DECAY_ONE, "decay is at most one"),
        ]

        # What is kept per population holds still.
        age = Signal(range(LIF.LATENCY + 1))
        with m.If(age < LIF.LATENCY):
            m.d.sync += age.eq(age + 1)
        for name in self.places.kept(Per.POPULATION):
            value = getattr(self.fields, name)
            before = Signal.like(Value.cast(value))
            m.d.sync += before.eq(value)
            with m.If(age > 0):
                m.d.comb += Assume(value == before, "held")

        # The definition, compared four cycles later.
        expected: Any = Signal(self.places.state)
        spikes = self._define(m, expected)
        results = (
            (expected.potential, lane.next_state.potential),
            (expected.refractory, lane.next_state.refractory),
            (spikes, lane.next_state.fired),
            (spikes, lane.fires),
        )
        for value, result in results:
            for _ in range(LIF.LATENCY):
                later = Signal(value.shape())
                m.d.sync += later.eq(value)
                value = later
            with m.If(age == LIF.LATENCY):
                m.d.comb += Assert(result == value, "the lane agrees")

        # A refractory neuron does not spike.
        resting = self.state.refractory != 0
        for _ in range(LIF.LATENCY):
            later = Signal()
            m.d.sync += later.eq(resting)
            resting = later
        with m.If((age == LIF.LATENCY) & resting):
            m.d.comb += Assert(~lane.fires, "a refractory neuron is silent")
        return m

    def _define(self, m: Module, expected: Any) -> Signal:
        field, state = self.fields, self.state

        # Decay toward zero, charge, saturate once.
        product, leaked, charged, held = (Signal(WIDE, name=n) for n in ("p", "l", "c", "h"))
        if self.places.leaks:
            m.d.comb += product.eq(state.potential * field.decay)
        else:
            m.d.comb += product.eq(state.potential << DECAY_FRACTION)
        with m.If(product < 0):
            m.d.comb += leaked.eq(-((-product) >> DECAY_FRACTION))
        with m.Else():
            m.d.comb += leaked.eq(product >> DECAY_FRACTION)
        owed = Mux(state.fired & (field.reset == Reset.SUBTRACT_DELAYED), field.threshold, 0)
        m.d.comb += [
            charged.eq(leaked + (self.current << field.shift) + field.bias - owed),
            held.eq(Mux(charged > HIGH, HIGH, Mux(charged < LOW, LOW, charged))),
        ]

        # Fire, unless refractory.
        spikes, resting = Signal(), state.refractory != 0
        above = Mux(field.inclusive, held >= field.threshold, held > field.threshold)
        m.d.comb += spikes.eq(above & ~resting)

        # Reset, and count.
        less = Signal(WIDE)
        m.d.comb += less.eq(held - field.threshold)
        floored = Mux(held < field.minimum, field.minimum, held)
        with m.If(resting):
            m.d.comb += expected.potential.eq(field.reset_value)
        with m.Elif(~spikes):
            m.d.comb += expected.potential.eq(floored)
        with m.Elif(field.reset == Reset.TO_VALUE):
            m.d.comb += expected.potential.eq(field.reset_value)
        with m.Elif(field.reset == Reset.SUBTRACT):
            m.d.comb += expected.potential.eq(Mux(less > HIGH, HIGH, less))
        with m.Else():
            m.d.comb += expected.potential.eq(held)
        with m.If(spikes):
            m.d.comb += expected.refractory.eq(field.refractory)
        with m.Elif(resting):
            m.d.comb += expected.refractory.eq(state.refractory - 1)
        return spikes


@pytest.mark.parametrize("decays", [False, True])
def test_a_lane_computes_its_definition(decays: bool) -> None:
    assert prove(LaneIsItsDefinition(decays=decays), cycles=LIF.LATENCY + 2)


def test_the_proof_fails_when_the_leak_rounds_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lif, "decayed", lambda product: product >> DECAY_FRACTION)
    assert not prove(LaneIsItsDefinition(decays=True), cycles=LIF.LATENCY + 2)


@pytest.mark.parametrize("stages", [1, 3])
def test_the_proof_fails_when_a_field_comes_a_cycle_late(
    monkeypatch: pytest.MonkeyPatch, stages: int
) -> None:
    delayed = lif._delayed
    monkeypatch.setattr(
        lif, "_delayed", lambda m, value, n: delayed(m, value, n + 1 if n == stages else n)
    )
    assert not prove(LaneIsItsDefinition(decays=False), cycles=LIF.LATENCY + 2)
