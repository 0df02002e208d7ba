from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from amaranth.hdl import Array, Assert, Assume, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.neuron import Constant, Fields, Reset
from spikeloom_hw.update import Update, due, pipeline, row_bits, update
from spikeloom_hw.update.pipeline import Pipeline
from spikeloom_hw.update.time import Time
from spikeloom_sim.formal import prove

PLACES = {
    "reset": Constant(Reset.TO_VALUE.value),
    "refractory": Constant(0),
    **dict.fromkeys(("decay", "threshold", "bias", "reset_value", "minimum"), Constant(0)),
    **dict.fromkeys(("inclusive", "shift"), Constant(0)),
}
CONFIG = CoreConfig(
    lanes=2,
    update_lanes=1,
    accumulator_width=8,
    fields=Fields(PLACES, 2),
    neuron_rows=4,
    populations=2,
    projections=2,
    sources=2,
    phases=2,
    delay_slots=2,
    skip=True,
)
TABLE = Signal(8, name="table")
"""The next state and whether a neuron sends, for each state and input, of one bit each."""


class AnyNeuron(wiring.Component):
    """A neuron that does what the solver chooses, but always the same."""

    latency = 1

    def __init__(self, places: Fields, current_width: int) -> None:
        super().__init__({
            "current": In(current_width),
            "state": In(places.state),
            "fields": In(places.layout),
            "next_state": Out(places.state),
            "sends": Out(1),
            "margin": Out(places.width + 1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        self_any: Any = self
        state, current = self_any.state.potential[0], self_any.current[0]
        after = TABLE.word_select(Cat(state, current), 2)
        m.d.sync += [self_any.next_state.potential.eq(after[0]), self_any.sends.eq(after[1])]
        return m


class SkippedRowsReproduce(wiring.Component):
    """A group of neurons that an update skips would have kept its state and sent nothing.

    The environment: time steps with one population, of two whole rows and a half; between steps,
    input to any row and slot, which the update is told of, and any change at all once there was
    ``wake``. The solver chooses the group that is watched; what the memories give for others is
    arbitrary.
    """

    FIRST, LAST = 2, 6

    def __init__(self) -> None:
        super().__init__({
            "valid": In(1),
            "clear": In(1),
            "touched": In(1),
            "touched_row": In(range(CONFIG.accumulator_rows)),
            "wake": In(1),
            "changed": In(1),
            "changed_slot": In(1),
            "anything": In(3),
            "choice": In(range(CONFIG.groups)),
            "table": In(8),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        me: Any = self
        m.submodules.dut = dut = Update(CONFIG)

        # The neuron and the group that is watched are chosen in the first cycle.
        started, constants = Signal(), Cat(me.choice, me.table)
        kept, watched = Signal(len(constants)), Signal(range(CONFIG.groups))
        m.d.comb += Cat(watched, TABLE).eq(Mux(started, kept, constants))
        m.d.sync += [started.eq(1), kept.eq(Cat(watched, TABLE))]
        m.d.comb += Assume(
            (watched >= self.FIRST) & (watched <= self.LAST), "a group of the population"
        )
        self._steps(m, dut)
        state, sums = self._memories(m, dut, watched)

        # The group is processed once, or that makes no difference.
        writes = dut.state_write & (dut.written_group == watched) & ~dut.clearing
        written = Signal()
        m.d.sync += written.eq((written | writes) & ~dut.i.ready)
        with m.If(writes):
            m.d.comb += Assert(~written, "a group is processed once")
        is_update = dut.i.payload.operation == Operation.UPDATE
        with m.If(dut.i.valid & dut.i.ready & is_update & ~(written | writes)):
            given = sums[dut.slot]
            after = TABLE.word_select(Cat(state, given), 2)
            m.d.comb += [
                Assert(~given, "a group with input is processed"),
                Assert(after[0] == state, "a group that changes is processed"),
                Assert(~after[1], "a group that sends is processed"),
            ]
        return m

    def _steps(self, m: Module, dut: Update) -> None:
        """Give UPDATE and DONE in turns, and CLEAR before an UPDATE."""
        me: Any = self
        updated, waits, was_clear, clears = Signal(), Signal(), Signal(), Signal()
        step = dut.i.payload
        m.d.comb += [
            dut.i.valid.eq(me.valid),
            clears.eq(me.clear & ~updated),
            step.operation.eq(Mux(updated, Operation.DONE, Operation.UPDATE)),
            dut.wake.eq(me.wake),
            dut.touched.eq(me.touched),
            dut.touched_row.eq(me.touched_row),
        ]
        with m.If(clears):
            m.d.comb += step.operation.eq(Operation.CLEAR)
        with m.If(me.valid & dut.i.ready & ~clears):
            m.d.sync += updated.eq(~updated)
        m.d.sync += [waits.eq(me.valid & ~dut.i.ready), was_clear.eq(me.clear)]
        m.d.comb += [
            Assume(~waits | (me.valid & (me.clear == was_clear)), "a step holds until it is done"),
            Assume(~(me.valid & (me.touched | me.wake | me.changed)), "one after the other"),
        ]

        # The tables.
        descriptor = dut.descriptor
        m.d.comb += [
            dut.phase_entry.count.eq(1),
            descriptor.row.eq(self.FIRST // CONFIG.groups_per_row),
            descriptor.last_group.eq(self.LAST - self.FIRST),
            descriptor.period.eq(~0),
            descriptor.full.eq(CONFIG.groups),
        ]

    def _memories(self, m: Module, dut: Update, watched: Signal) -> tuple[Signal, Any]:
        """Keep state and accumulators of the watched group."""
        me: Any = self
        state, sums = Signal(), Array([Signal(name="sum_0"), Signal(name="sum_1")])

        # A read takes a cycle; what it gives for others may change in every cycle.
        seen, shown, row_seen, sums_shown = Signal(), Signal(), Signal(), Signal()
        with m.If(dut.group_read):
            m.d.sync += [seen.eq(dut.group == watched), shown.eq(state)]
        with m.If(dut.row_read):
            m.d.sync += [
                row_seen.eq(dut.row[:2] == watched[1:]),
                sums_shown.eq(sums[dut.row[2]]),
            ]
        for lane in range(CONFIG.lanes):
            mine = row_seen & (watched[0] == lane)
            m.d.comb += dut.accumulators[lane].eq(Mux(mine, sums_shown, me.anything[lane]))
        m.d.comb += dut.state[0].potential.eq(Mux(seen, shown, me.anything[2]))

        # The update writes, and others do between the steps.
        with m.If(dut.state_write & (dut.written_group == watched)):
            m.d.sync += state.eq(dut.next_state[0].potential[0])
        with m.If(dut.row_clear & (dut.cleared_row[:2] == watched[1:])):
            m.d.sync += sums[dut.cleared_row[2]].eq(0)
        with m.If(me.touched & (me.touched_row[:2] == watched[1:])):
            m.d.sync += sums[me.touched_row[2]].eq(me.anything[0])
        awake = Signal()
        m.d.sync += awake.eq((awake | me.wake) & ~me.valid)
        with m.If((awake | me.wake) & me.changed):
            m.d.sync += [sums[me.changed_slot].eq(me.anything[0]), state.eq(me.anything[1])]
        return state, sums


@pytest.fixture(autouse=True)
def any_neuron(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Words of two rows; memories that say at first that nothing needs to be done."""
    built: list[Any] = []

    def memory(shape: Any, depth: int, init: Any) -> Memory:
        built.append(shape)
        return Memory(shape=shape, depth=depth, init=[3] * depth if len(built) == 1 else [])

    monkeypatch.setattr(due, "_WORD", 2)
    monkeypatch.setattr(pipeline, "NeuronLane", AnyNeuron)
    monkeypatch.setattr(row_bits, "Memory", memory)
    yield
    assert len(built) == 2


@pytest.mark.slow
def test_a_row_that_is_skipped_would_have_reproduced_itself() -> None:
    assert prove(SkippedRowsReproduce(), seconds=400)


@pytest.mark.parametrize("forgotten", ["exists", "current"])
def test_the_proof_fails_when_quiet_heeds_not_the_state_or_not_the_input(
    monkeypatch: pytest.MonkeyPatch, forgotten: str
) -> None:
    judge = Pipeline._judge

    def careless(self: Pipeline, m: Module, **seen: Any) -> None:
        judge(self, m, **{**seen, forgotten: Signal.like(seen[forgotten])})

    monkeypatch.setattr(Pipeline, "_judge", careless)
    assert not prove(SkippedRowsReproduce())


def test_the_proof_fails_without_the_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []

    def forgetful(condition: Any, newer: Any, older: Any) -> Any:
        calls.append(len(calls))
        return older if calls[-1] % 2 == 0 else Mux(condition, newer, older)

    monkeypatch.setattr(row_bits, "Mux", forgetful)
    assert not prove(SkippedRowsReproduce())
    assert len(calls) == 4


def test_the_proof_fails_when_the_rows_are_awake_for_one_step_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Hasty(Time):
        def __init__(self, config: CoreConfig) -> None:
            super().__init__(config)
            self.config = replace(config, delay_slots=1)

    monkeypatch.setattr(update, "Time", Hasty)
    assert not prove(SkippedRowsReproduce())
