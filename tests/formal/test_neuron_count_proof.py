from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.neuron import MOST_SPIKES, Constant, Fields, NeuronLane, Output, Per, Reset
from spikeloom_hw.neuron.stages import Stages
from spikeloom_hw.number import DECAY_ONE
from spikeloom_sim.formal import prove

WIDTH = 8
LOW, HIGH = -(1 << (WIDTH - 1)), (1 << (WIDTH - 1)) - 1
WIDE = signed(32)
COUNTING: dict[str, Constant | Per] = {
    "decay": Constant(DECAY_ONE),
    "threshold": Per.NEURON,
    "bias": Constant(0),
    "reset": Constant(Reset.SUBTRACT.value),
    "refractory": Constant(0),
    "shift": Constant(0),
    "output": Constant(Output.COUNT.value),
}


class CountIsAQuotient(wiring.Component):
    """A lane counts as many spikes as the potential has room for, and takes their thresholds."""

    current: Signal
    state: Any
    fields: Any

    def __init__(self) -> None:
        self.places = Fields(COUNTING, width=WIDTH)
        self.lane = NeuronLane(self.places, WIDTH)
        super().__init__({
            "current": In(signed(WIDTH)),
            "state": In(self.places.state),
            "fields": In(self.places.layout),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.lane = lane = self.lane
        m.d.comb += [
            lane.current.eq(self.current),
            lane.state.eq(self.state),
            lane.fields.eq(self.fields),
            Assume(self.fields.threshold > 0, "a threshold that can be counted"),
        ]
        age = Signal(range(lane.latency + 1))
        with m.If(age < lane.latency):
            m.d.sync += age.eq(age + 1)
        inclusive, before, floor = self.fields.inclusive, Signal(), Signal(signed(WIDTH))
        m.d.sync += [before.eq(inclusive), floor.eq(self.fields.minimum)]
        with m.If(age > 0):
            m.d.comb += Assume((before == inclusive) & (floor == self.fields.minimum), "held")

        # Only as many thresholds are taken as were crossed, and as many as may be.
        total, held, threshold = Signal(WIDE), Signal(WIDE), self.fields.threshold
        m.d.comb += [
            total.eq(self.state.potential + self.current),
            held.eq(Mux(total > HIGH, HIGH, Mux(total < LOW, LOW, total))),
        ]
        held, threshold = (_later(m, value, lane.latency) for value in (held, threshold))
        left = Signal(WIDE)
        m.d.comb += left.eq(held - lane.value * threshold)

        def crosses(number: Value) -> Value:
            return Mux(inclusive, number >= threshold, number > threshold)

        with m.If((age == lane.latency) & lane.fires):
            m.d.comb += [
                Assert((lane.value > 0) & crosses(left + threshold), "the last spike is due"),
                Assert((lane.value == MOST_SPIKES) | ~crosses(left), "no spike is left out"),
                Assert(lane.next_state.potential == left, "the thresholds are taken"),
            ]
        with m.Elif(age == lane.latency):
            m.d.comb += [
                Assert(~crosses(held), "no spike is due"),
                Assert(lane.next_state.potential == Mux(held < floor, floor, held), "it is kept"),
            ]
        return m


def _later(m: Module, value: Value, cycles: int) -> Value:
    for _ in range(cycles):
        later = Signal(value.shape())
        m.d.sync += later.eq(value)
        value = later
    return value


def holds() -> bool:
    harness = CountIsAQuotient()
    return bool(prove(harness, cycles=harness.lane.latency + 2))


def test_spikes_are_counted_as_a_quotient() -> None:
    assert holds()


@pytest.mark.parametrize("stage", [3, 7])
def test_the_proof_fails_when_a_stage_takes_equality_wrongly(
    monkeypatch: pytest.MonkeyPatch, stage: int
) -> None:
    field = Stages.field

    def wrong(stages: Stages, name: str, n: int) -> Value:
        value = field(stages, name, n)
        return ~value if name == "inclusive" and n == stage else value

    monkeypatch.setattr(Stages, "field", wrong)
    assert not holds()
