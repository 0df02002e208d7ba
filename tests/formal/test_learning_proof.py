from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning import lane, row_pass_walk
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.draw import DRAW_STAGES, Draw, drawn_for
from spikeloom_hw.learning.lane import LaneTiming, LearningLane
from spikeloom_hw.learning.row_pass import RowPass
from spikeloom_hw.learning.row_pass_walk import RowWalk, visit_layout
from spikeloom_sim.formal import prove

SIZES: dict[str, Any] = {
    "lanes": 1,
    "update_lanes": 1,
    "weight_width": 4,
    "weight_rows": 4,
    "neuron_rows": 2,
}
PARTS: dict[str, dict[str, Any]] = {
    "plain": {"terms": 2, "pre_traces": 0},
    "dependent": {"terms": 2, "pre_traces": 0, "dependence": True},
}


def config_of(kind: str, ports: int = 2) -> CoreConfig:
    learning = LearningConfig(operand_width=6, pre_rows=2, **PARTS[kind])
    return CoreConfig(**SIZES, weight_ports=ports, learning=learning)


def held(m: Module, value: Any) -> Value:
    """What an input was in the first cycle."""
    started, kept, chosen = Signal(), Signal.like(value), Signal.like(value)
    m.d.sync += [started.eq(1), kept.eq(chosen)]
    m.d.comb += chosen.eq(value)
    with m.If(started):
        m.d.comb += chosen.eq(kept)
    return chosen


class WeightsStayInRange(wiring.Component):
    """A lane moves no weight out of its range, and none at all if the sum of its terms is 0."""

    weight: Signal
    low: Signal
    high: Signal
    shift: Signal
    stochastic: Signal
    q: Signal
    p: Signal
    mixed: Signal
    first: Signal

    def __init__(self, config: CoreConfig, *, zero: bool) -> None:
        self.config = config
        self.zero = zero
        self.lane = made = LearningLane(config)
        super().__init__({
            **{name: In(made.low.shape()) for name in ("weight", "low", "high")},
            "shift": In(made.shift.shape()),
            "stochastic": In(1),
            "q": In(made.q.shape()),
            "p": In(made.p.shape()),
            "mixed": In(32),
            "first": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.lane, m.submodules.draw = made, drawing = self.lane, Draw(2, 1)
        weight, low, high = (held(m, value) for value in (self.weight, self.low, self.high))
        shift, stochastic = held(m, self.shift), held(m, self.stochastic)
        m.d.comb += [
            Assume((low <= weight) & (weight <= high), "the weight is in its range"),
            Assume(shift <= 24, "a rule shifts no further"),
            drawing.mixed.eq(self.mixed),
            drawing.shift.eq(shift),
            drawing.stochastic.eq(stochastic),
            made.offset.eq(drawn_for(1, drawing.plain, drawing.flipped)),
            made.p.eq(self.p),
            made.q.eq(0 if self.zero else self.q),
            made.before.eq(weight),
            made.counts.eq(1),
            made.first.eq(1 if self.zero else self.first),
            made.shift.eq(shift),
            made.low.eq(low),
            made.high.eq(high),
        ]
        age, last = Signal(range(32)), DRAW_STAGES + LaneTiming.of(self.config).moved
        with m.If(age < last):
            m.d.sync += age.eq(age + 1)
        with m.Else():
            m.d.comb += [
                Assert(made.moved >= low, "not too low"),
                Assert(made.moved <= high, "not too high"),
            ]
            if self.zero:
                m.d.comb += Assert(made.moved == weight, "nothing moves without a sum")
        return m


@pytest.mark.parametrize("zero", [False, True])
def test_weights_stay_in_range_and_those_without_a_sum_where_they_are(zero: bool) -> None:
    assert prove(WeightsStayInRange(config_of("plain"), zero=zero))


def test_the_proof_fails_if_more_is_drawn_than_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Draw, "_ones", lambda self: (2 << self.shift) - 1)
    assert not prove(WeightsStayInRange(config_of("plain"), zero=True))


def test_the_proof_fails_if_weights_are_not_clipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lane, "Mux", lambda _, limit, value: value)
    assert not prove(WeightsStayInRange(config_of("plain"), zero=False))


class LivePairsComeOnce(wiring.Component):
    """A block of which a term lives on both sides has one last request, and no other block has.

    The ghost looks at one row of weights, which the solver chooses, and which comes once.
    """

    valid: Signal
    ready: Signal
    visit: Any
    q_live: Any
    choice: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.walk = walk = RowWalk(config)
        super().__init__({
            "valid": In(1),
            "ready": In(1),
            "visit": In(visit_layout(config)),
            "q_live": In(walk.q_live.shape()),
            "choice": In(range(config.weight_rows)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.walk = walk = self.walk
        choice, live = held(m, self.choice), held(m, Value.cast(self.q_live))
        m.d.comb += [
            walk.i.valid.eq(self.valid),
            walk.i.payload.eq(self.visit),
            Value.cast(walk.q_live).eq(live),
            walk.o.ready.eq(self.ready),
        ]

        # The row is one of the two blocks of a neuron.
        visit, taken = self.visit, Signal()
        came, wanted, done = Signal(), Signal(), Signal()
        m.d.comb += [
            Assume(visit.weight_row[0] == 0, "neurons begin at even rows"),
            taken.eq(self.valid & walk.i.ready & (visit.weight_row[1] == choice[1])),
            Assume(~(taken & came), "a row comes once"),
        ]
        alive = live.word_select(choice[0], len(live) // 2) & visit.live
        with m.If(taken):
            m.d.sync += [came.eq(1), wanted.eq(alive.any())]

        goes = walk.o.valid & walk.o.ready & (walk.o.payload.weight_row == choice)
        with m.If(goes):
            m.d.sync += done.eq(walk.o.payload.last)
            m.d.comb += Assert(wanted & ~done, "only what lives comes, and nothing after its last")
        with m.If(walk.idle):
            m.d.comb += Assert(~came | (wanted == done), "what lives comes")
        return m


def test_a_live_block_comes_once() -> None:
    assert prove(LivePairsComeOnce(config_of("plain")))


def test_the_proof_fails_if_a_neuron_is_not_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(row_pass_walk, "Mux", lambda _, value, other: value)
    assert not prove(LivePairsComeOnce(config_of("plain")))


class OnePortOneAccess(wiring.Component):
    """A weight memory with one port is never read and written in the same cycle."""

    valid: Signal
    visit: Any
    q_live: Any

    def __init__(self, config: CoreConfig) -> None:
        self.row_pass = part = RowPass(config)
        super().__init__({
            "valid": In(1),
            "visit": In(visit_layout(config)),
            "q_live": In(part.q_live.shape()),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.row_pass = part = self.row_pass
        m.d.comb += [
            part.i.valid.eq(self.valid),
            part.i.payload.eq(self.visit),
            part.q_live.eq(self.q_live),
            Assert(~(part.weights.write & part.weights.read), "one port, one access"),
        ]
        return m


@pytest.mark.parametrize("kind", ["plain", "dependent"])
def test_reads_wait_for_writes_at_one_port(kind: str) -> None:
    assert prove(OnePortOneAccess(config_of(kind, 1)))


@pytest.mark.parametrize("kind", ["plain", "dependent"])
def test_the_proof_fails_if_reads_do_not_wait(monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr(RowPass, "_holds", lambda *_: Const(0))
    assert not prove(OnePortOneAccess(config_of(kind, 1)))
