from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal, Value, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.neuron import (
    FIELDS,
    Constant,
    Fields,
    NeuronLane,
    Per,
    Reset,
    Synapse,
    charge,
    fire,
    lane,
)
from spikeloom_hw.neuron.stages import Stages
from spikeloom_hw.number import DECAY_FRACTION, DECAY_ONE
from spikeloom_sim.formal import prove

WIDTH = 8
LOW, HIGH = -(1 << (WIDTH - 1)), (1 << (WIDTH - 1)) - 1
WIDE = signed(32)
TRAVELLING = ("decay", "threshold", "bias", "reset_value", "minimum", "refractory")
SHARES = ("decay", "current_decay", "adaptation_decay")

PLAIN: dict[str, Constant | Per] = dict.fromkeys(TRAVELLING, Per.NEURON)
NO_LEAK = PLAIN | {"decay": Constant(DECAY_ONE)}
PLACES: dict[str, dict[str, Constant | Per]] = {
    "plain": PLAIN,
    "inhibition": NO_LEAK | {"inhibition": Per.POPULATION, "shift": Constant(1)},
    "current": NO_LEAK
    | {
        "synapse": Per.POPULATION,
        "current_decay": Per.NEURON,
        "shift": Constant(1),
        "reset": Constant(Reset.SUBTRACT.value),
    },
    "adaptation": NO_LEAK | {"adaptation_decay": Per.NEURON, "adaptation_step": Per.NEURON},
}


class LaneIsItsDefinition(wiring.Component):
    """A lane gives what the table in docs/design/0006 defines, for every neuron and parameter.

    The definition is written here in integers that never overflow. A lane has no state of its own
    beyond its stages, so that two cycles more than these show all that it can do.

    Parameters
    ----------
    name : str
        Which of ``PLACES``.
    """

    current: Signal
    state: Any
    fields: Any
    inhibited: Signal

    def __init__(self, name: str) -> None:
        self.places = Fields(PLACES[name], width=WIDTH)
        self.lane = NeuronLane(self.places, WIDTH)
        super().__init__({
            "current": In(signed(WIDTH)),
            "state": In(self.places.state),
            "fields": In(self.places.layout),
            "inhibited": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.lane = lane = self.lane
        m.d.comb += [
            lane.current.eq(self.current),
            lane.state.eq(self.state),
            lane.fields.eq(self.fields),
            lane.inhibited.eq(self.inhibited),
        ]
        m.d.comb += [Assume(self.fields[name] <= DECAY_ONE, "at most one") for name in SHARES]

        for name in FIELDS:
            place = self.places[name]
            if isinstance(place, Constant):
                value = Value.cast(self.fields[name])
                m.d.comb += Assume(value == place.value, "as it was built")

        # What is kept per population holds still.
        age = Signal(range(lane.latency + 1))
        with m.If(age < lane.latency):
            m.d.sync += age.eq(age + 1)
        for name in self.places.kept(Per.POPULATION):
            value = Value.cast(self.fields[name])
            before = Signal.like(value)
            m.d.sync += before.eq(value)
            with m.If(age > 0):
                m.d.comb += Assume(value == before, "held")

        # The definition, compared when the lane is done.
        expected: Any = Signal(self.places.state)
        spikes, above = self._define(m, expected)
        results = [(spikes, lane.fires), (spikes, lane.sends)]
        results += [(expected[n], lane.next_state[n]) for n in self.places.state.members]
        resting = self.state.refractory != 0
        for value, result in results:
            value = _later(m, Value.cast(value), lane.latency)
            with m.If(age == lane.latency):
                m.d.comb += Assert(result == value, "the lane agrees")
        above, resting = (_later(m, value, lane.latency) for value in (above, resting))
        with m.If((age == lane.latency) & lane.fires):
            m.d.comb += Assert(lane.margin == above, "the margin is how far it is above")
            m.d.comb += Assert(~resting, "a refractory neuron is silent")
        return m

    def _define(self, m: Module, expected: Any) -> tuple[Signal, Signal]:
        field, state = self.fields, self.state
        drive = self._pass(m, expected)
        leaked = _share(m, state.potential, field.decay) if self.places.leaks else state.potential

        # Charge, and saturate once.
        owed: Any = 0
        if "fired" in self.places.state.members:
            delayed = field.reset == Reset.SUBTRACT_DELAYED
            owed = Mux(state.fired & delayed, field.threshold, 0)
        taken = Mux(self.inhibited, field.inhibition, 0)
        held = _clip(m, leaked + drive + field.bias - owed - taken)

        # Fire, unless refractory.
        spikes, above, resting = Signal(), Signal(WIDE), state.refractory != 0
        adaptation = self._adapt(m, expected, spikes)
        m.d.comb += above.eq(held - field.threshold - adaptation)
        m.d.comb += spikes.eq(Mux(field.inclusive, above >= 0, above > 0) & ~resting)

        # Reset, and count.
        floored = Mux(held < field.minimum, field.minimum, held)
        with m.If(resting):
            m.d.comb += expected.potential.eq(field.reset_value)
        with m.Elif(~spikes):
            m.d.comb += expected.potential.eq(floored)
        with m.Elif(field.reset == Reset.TO_VALUE):
            m.d.comb += expected.potential.eq(field.reset_value)
        with m.Elif(field.reset == Reset.SUBTRACT):
            m.d.comb += expected.potential.eq(Mux(above > HIGH, HIGH, above))
        with m.Else():
            m.d.comb += expected.potential.eq(held)
        with m.If(spikes):
            m.d.comb += expected.refractory.eq(field.refractory)
        with m.Elif(resting):
            m.d.comb += expected.refractory.eq(state.refractory - 1)
        if "fired" in self.places.state.members:
            m.d.comb += expected.fired.eq(spikes)
        return spikes, above

    def _pass(self, m: Module, expected: Any) -> Value:
        """Pass the input through the current, if there is one."""
        drive = self.current << self.fields.shift
        if "current" not in self.places.state.members:
            return drive
        before, synapse = self.state.current, Value.cast(self.fields.synapse)
        updated = _clip(m, _share(m, before, self.fields.current_decay) + drive)
        m.d.comb += Assume(synapse <= Synapse.OLD, "a kind of synapse")
        m.d.comb += expected.current.eq(Mux(synapse == Synapse.NONE, 0, updated))
        later = Mux(synapse == Synapse.OLD, before, updated)
        return Mux(synapse == Synapse.NONE, drive, later)

    def _adapt(self, m: Module, expected: Any, spikes: Signal) -> Any:
        if "adaptation" not in self.places.state.members:
            return 0
        decays = _share(m, self.state.adaptation, self.fields.adaptation_decay)
        raised = decays + Mux(spikes, self.fields.adaptation_step, 0)
        m.d.comb += expected.adaptation.eq(Mux(raised > HIGH, HIGH, raised))
        return self.state.adaptation


def _later(m: Module, value: Value, cycles: int) -> Value:
    for _ in range(cycles):
        later = Signal(value.shape())
        m.d.sync += later.eq(value)
        value = later
    return value


def _share(m: Module, number: Value, share: Value) -> Signal:
    """Multiply, and round toward zero."""
    product, result = Signal(WIDE), Signal(WIDE)
    m.d.comb += product.eq(number * share)
    with m.If(product < 0):
        m.d.comb += result.eq(-((-product) >> DECAY_FRACTION))
    with m.Else():
        m.d.comb += result.eq(product >> DECAY_FRACTION)
    return result


def _clip(m: Module, number: Value) -> Signal:
    exact, result = Signal(WIDE), Signal(WIDE)
    m.d.comb += exact.eq(number)
    m.d.comb += result.eq(Mux(exact > HIGH, HIGH, Mux(exact < LOW, LOW, exact)))
    return result


def holds(harness: LaneIsItsDefinition) -> bool:
    return bool(prove(harness, cycles=harness.lane.latency + 2))


@pytest.mark.parametrize("name", PLACES)
def test_a_lane_computes_its_definition(name: str) -> None:
    assert holds(LaneIsItsDefinition(name))


@pytest.mark.parametrize("name", ["plain", "current"])
def test_the_proof_fails_when_a_decay_rounds_down(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(charge, "decayed", lambda product: product >> DECAY_FRACTION)
    assert not holds(LaneIsItsDefinition(name))


@pytest.mark.parametrize("late", [0, 3])
def test_the_proof_fails_when_a_field_comes_a_cycle_late(
    monkeypatch: pytest.MonkeyPatch, late: int
) -> None:
    field = Stages.field
    monkeypatch.setattr(Stages, "field", lambda s, name, n: field(s, name, n + (n == late)))
    assert not holds(LaneIsItsDefinition("inhibition"))


def test_the_proof_fails_when_the_old_current_is_the_new(monkeypatch: pytest.MonkeyPatch) -> None:
    select = charge._select

    def wrong(stages: Stages, name: str, choices: Any) -> Value:
        if name == "synapse":
            choices = choices | {Synapse.OLD: choices[Synapse.NEW]}
        return select(stages, name, choices)

    monkeypatch.setattr(charge, "_select", wrong)
    assert not holds(LaneIsItsDefinition("current"))


@pytest.mark.parametrize("which", [0, 1])
def test_the_proof_fails_when_the_adaptation_counts_too_early(
    monkeypatch: pytest.MonkeyPatch, which: int
) -> None:
    def wrong(stages: Stages, stage: int) -> tuple[Value, Value, Value]:
        _, *after = fire.adapt(stages, stage)
        return stages.field("threshold", stage) + after[which], after[0], after[1]

    monkeypatch.setattr(lane, "adapt", wrong)
    assert not holds(LaneIsItsDefinition("adaptation"))
