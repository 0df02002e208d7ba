from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, EnableInserter, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

import spikeloom_hw.walker
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.dispatch import job_layout
from spikeloom_hw.layout import Layouts
from spikeloom_hw.walker import Walker, loops
from spikeloom_sim.formal import prove

CONFIG = CoreConfig(lanes=8, update_lanes=8, weight_rows=64, neuron_rows=8)
ALL = CoreConfig(
    lanes=1, update_lanes=1, weight_rows=4, neuron_rows=2, taps=2, pointers=2, synapse_rows=2
)


def holds_job(m: Module, walker: Walker, valid: Signal, job: Any) -> None:
    """Assume that a job that is offered stays, as it is, until it is taken."""
    waits, before = Signal(), Signal.like(job)
    m.d.sync += [waits.eq(valid & ~walker.i.ready), before.eq(job)]
    m.d.comb += Assume(~waits | (valid & (job == before)), "a job holds until it is taken")


class RowsAreRight(wiring.Component):
    """A job gives one request for each of its rows, in order and without a gap, and no other.

    Parameters
    ----------
    freeze : bool
        Whether the walker may stop at any time while its surroundings go on: a fault.
    """

    valid: Signal
    job: Any
    drained: Signal
    taken: Signal
    enable: Signal

    def __init__(self, *, freeze: bool = False) -> None:
        self.freeze = freeze
        super().__init__({
            "valid": In(1),
            "job": In(job_layout(CONFIG)),
            "drained": In(1),
            "taken": In(1),
            "enable": In(1),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        walker = Walker(CONFIG)
        m.submodules.walker = EnableInserter(self.enable)(walker) if self.freeze else walker
        job = self.job
        m.d.comb += [
            walker.i.valid.eq(self.valid),
            walker.i.payload.eq(job),
            walker.drained.eq(self.drained),
            walker.steps.ready.eq(self.taken),
        ]

        # The compiler sees to it that a projection has rows, and that they are there.
        m.d.comb += [
            Assume(job.blocks != 0, "a projection has rows"),
            Assume(job.row + job.blocks <= CONFIG.neuron_rows, "its neurons are there"),
            Assume(job.weight_row + job.blocks <= CONFIG.weight_rows, "its weights are there"),
        ]

        # A job holds until it is taken, as the proof of the dispatcher says.
        holds_job(m, walker, self.valid, job)

        # The job under way, and its next row.
        current: Any = Signal(job_layout(CONFIG))
        place, under_way = Signal(range(CONFIG.neuron_rows + 1)), Signal()
        ends = under_way & (place + 1 == current.blocks)
        accepted = self.valid & walker.i.ready
        with m.If(under_way):
            m.d.sync += [place.eq(place + 1), under_way.eq(~ends)]
        with m.If(accepted & ~job.step):
            m.d.sync += [under_way.eq(1), place.eq(0), current.eq(job)]

        # One request a cycle, in the rows of the job; the next job comes right behind.
        request = walker.o.payload
        m.d.comb += [
            Assert(walker.o.valid == under_way, "a request in each cycle of a job"),
            Assert(walker.idle == ~under_way, "idle without a job"),
            Assert(walker.started == (accepted & ~job.step), "a job starts as it is taken"),
        ]
        with m.If(under_way):
            m.d.comb += [
                Assert(request.row == current.row + place, "neurons in order"),
                Assert(request.weight_row == current.weight_row + place, "weights in order"),
                Assert(~accepted | ends, "no job is cut short"),
            ]
        with m.If(self.valid & ~job.step & (~under_way | ends)):
            m.d.comb += [
                Assert(accepted, "no bubble before a job"),
                Assert(walker.size == job.size, "the size goes along"),
            ]

        # A step passes when all before it is done, and only then: a cycle later, until it is taken.
        step = self.valid & job.step & ~under_way & self.drained
        passes = Signal()
        m.d.sync += passes.eq(Mux(passes, ~self.taken, step))
        m.d.comb += [
            Assert(walker.steps.valid == passes, "a step waits"),
            Assert((accepted & job.step) == (passes & job.step & self.taken), "taken when done"),
        ]
        with m.If(walker.steps.valid):
            m.d.comb += [
                Assert(walker.steps.payload.operation == job.operation, "the operation goes along"),
                Assert(walker.steps.payload.phase == job.phase, "the phase goes along"),
            ]
        return m


def test_a_job_gives_exactly_its_rows_for_all_time() -> None:
    assert prove(RowsAreRight())


def test_the_proof_fails_when_the_walker_may_stop() -> None:
    assert not prove(RowsAreRight(freeze=True))


def test_the_proof_fails_when_the_walker_counts_too_few_rows(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = loops.walk_layout

    def narrow(config: CoreConfig) -> data.StructLayout:
        members: dict[str, Any] = dict(made(config).members)
        return data.StructLayout(members | {"blocks": range(5)})

    monkeypatch.setattr(loops, "walk_layout", narrow)
    assert not prove(RowsAreRight())


class StepsWait(wiring.Component):
    """Once a step passes, no request comes until the next job, whatever the tables say."""

    valid: Signal
    job: Any
    drained: Signal
    taken: Signal
    channel: Any
    line: Any
    column: Any
    pointer: Any

    def __init__(self) -> None:
        taps = Layouts(ALL).taps
        super().__init__({
            "valid": In(1),
            "job": In(job_layout(ALL)),
            "drained": In(1),
            "taken": In(1),
            "channel": In(taps),
            "line": In(taps),
            "column": In(taps),
            "pointer": In(Layouts(ALL).pointers),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.walker = walker = Walker(ALL)
        m.d.comb += [
            walker.i.valid.eq(self.valid),
            walker.i.payload.eq(self.job),
            walker.drained.eq(self.drained),
            walker.steps.ready.eq(self.taken),
            walker.channel_entry.eq(self.channel),
            walker.line_entry.eq(self.line),
            walker.column_entry.eq(self.column),
            walker.pointer_entry.eq(self.pointer),
        ]
        holds_job(m, walker, self.valid, self.job)

        # The pipe stays empty until a request comes.
        was_drained = Signal()
        m.d.sync += was_drained.eq(self.drained)
        m.d.comb += Assume(self.drained | ~was_drained | walker.o.valid, "the pipe stays empty")
        accepted, passed = self.valid & walker.i.ready, Signal()
        with m.If(accepted & ~self.job.step):
            m.d.sync += passed.eq(0)
        with m.Elif(walker.steps.valid):
            m.d.sync += passed.eq(1)
        m.d.comb += [
            Assert(~walker.steps.valid | self.drained, "the pipe is empty"),
            Assert(~walker.steps.valid | ~accepted | self.taken, "nothing passes a step"),
            Assert(~((walker.steps.valid | passed) & walker.o.valid), "no request after it"),
        ]
        return m


def test_a_step_waits_for_all_kinds_of_jobs() -> None:
    assert prove(StepsWait())


@pytest.mark.parametrize("stage", ["Lookup", "Loops"])
def test_the_proof_fails_when_a_stage_is_thought_idle(
    monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    made: Any = getattr(spikeloom_hw.walker, stage)

    class Hasty(made):
        def elaborate(self, platform: Any) -> Module:
            m = super().elaborate(platform)
            m.d.comb += self.idle.eq(1)
            return m

    monkeypatch.setattr(spikeloom_hw.walker, stage, Hasty)
    assert not prove(StepsWait())
