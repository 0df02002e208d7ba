from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Mux, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from spikeloom_hw.config import CoreConfig, Walk
from spikeloom_hw.dispatch import job_layout
from spikeloom_hw.layout import Layouts
from spikeloom_hw.walker import loops
from spikeloom_hw.walker.lookup import AXES, Lookup
from spikeloom_hw.walker.loops import Loops, place_layout, walk_layout
from spikeloom_sim.formal import prove

SIZES: dict[str, Any] = {"lanes": 1, "update_lanes": 1, "taps": 2}
WALKED = CoreConfig(**SIZES, weight_rows=4, neuron_rows=2)
TABLED = CoreConfig(
    **SIZES, weight_rows=4, neuron_rows=4, delay_slots=4, pointers=2, synapse_rows=2
)


class RequestsAreThoseOfTheWalk(wiring.Component):
    """A walk gives lines x columns x blocks requests, one a cycle, in steps, and no other."""

    valid: Signal
    walk: Any

    def __init__(self) -> None:
        super().__init__({"valid": In(1), "walk": In(walk_layout(WALKED))})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.loops = dut = Loops(WALKED)
        walk = self.walk
        m.d.comb += dut.i.valid.eq(self.valid)
        m.d.comb += [dut.i.payload[name].eq(walk[name]) for name in walk.shape().members]
        counts = walk.blocks, walk.column_count, walk.line_count
        m.d.comb += [Assume(count != 0, "a walk has requests") for count in counts]

        # The walk under way, how far each loop is, and what the outer loops have added.
        current: Any = Signal.like(walk)
        block, column, line = (Signal.like(count) for count in counts)
        under_way, accepted, tap_ends, ends = Signal(), Signal(), Signal(), Signal()
        line_ends = column + 1 == current.column_count
        m.d.comb += [
            accepted.eq(self.valid & dut.i.ready),
            tap_ends.eq(under_way & (block + 1 == current.blocks)),
            ends.eq(tap_ends & line_ends & (line + 1 == current.line_count)),
        ]
        along, down = Signal(place_layout(WALKED)), Signal(place_layout(WALKED))
        steps = {"weight_row": "weight", "row": "row"}
        with m.If(under_way):
            m.d.sync += [block.eq(block + 1), under_way.eq(~ends)]
        with m.If(tap_ends):
            m.d.sync += [block.eq(0), column.eq(column + 1)]
            for name, step in steps.items():
                m.d.sync += along[name].eq(along[name] + current[f"column_{step}"])
        with m.If(tap_ends & line_ends):
            m.d.sync += [column.eq(0), along.eq(0), line.eq(line + 1)]
            for name, step in steps.items():
                m.d.sync += down[name].eq(down[name] + current[f"line_{step}"])
        with m.If(accepted):
            m.d.sync += [under_way.eq(1), block.eq(0), column.eq(0), line.eq(0), current.eq(walk)]
            m.d.sync += [along.eq(0), down.eq(0)]

        m.d.comb += [
            Assert(dut.o.valid == under_way, "a request in each cycle of a walk"),
            Assert(dut.idle == ~under_way, "idle without a walk"),
            Assert(dut.i.ready == (~under_way | ends), "no bubble, and no walk is cut short"),
            Assert(dut.started == (accepted | (tap_ends & ~ends)), "a tap starts"),
        ]
        with m.If(under_way):
            for name in steps:
                whole = current[name] + down[name] + along[name] + block
                place = dut.o.payload[name]
                m.d.comb += Assert(place == whole[: len(place)], "the place is right")
        with m.If(dut.started):
            size = Mux(accepted, walk.size, current.size)
            m.d.comb += Assert(dut.size == size, "the size goes along")
        return m


def test_a_walk_gives_exactly_its_requests_for_all_time() -> None:
    assert prove(RequestsAreThoseOfTheWalk())


@pytest.mark.parametrize(
    "member, bits", [("blocks", 1), ("line_count", 1), ("column_count", 1), ("line_weight", 1)]
)
def test_the_proof_fails_when_a_loop_has_too_few_bits(
    monkeypatch: pytest.MonkeyPatch, member: str, bits: int
) -> None:
    layout = walk_layout(WALKED)
    narrow = data.StructLayout({**layout.members, member: bits})
    monkeypatch.setattr(loops, "walk_layout", lambda config: narrow)
    assert not prove(RequestsAreThoseOfTheWalk())


class WalksAreThoseOfTheTables(wiring.Component):
    """A job that the solver marks gives one walk, as the tables say, in its turn; or none.

    The slot tells the marked job from those before and after it. What the tables say is free,
    and holds until the next read.

    Parameters
    ----------
    reads_always : bool
        Whether the tables are read in every cycle: a fault.
    """

    valid: Signal
    job: Any
    ready: Signal
    free: Any

    def __init__(self, *, reads_always: bool = False) -> None:
        self.reads_always = reads_always
        layouts = Layouts(TABLED)
        tables = {**dict.fromkeys(AXES, layouts.taps), "pointer": layouts.pointers}
        super().__init__({
            "valid": In(1),
            "job": In(job_layout(TABLED)),
            "ready": In(1),
            "free": In(data.StructLayout(tables)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.lookup = dut = Lookup(TABLED)
        m.d.comb += [
            dut.i.valid.eq(self.valid),
            dut.i.payload.eq(self.job),
            dut.o.ready.eq(self.ready),
        ]
        entries: Any = Signal(self.free.shape())
        for name in (*AXES, "pointer"):
            with m.If(1 if self.reads_always else getattr(dut, f"{name}_read")):
                m.d.sync += entries[name].eq(self.free[name])
            m.d.comb += getattr(dut, f"{name}_entry").eq(entries[name])

        # Slot 1 is the marked job, 0 those before it, 2 those after it.
        marked, given, captured = Signal(), Signal(), Signal()
        job, says = Signal.like(self.job), Signal.like(entries)
        accepted, mark = Signal(), Signal()
        m.d.comb += [
            accepted.eq(self.valid & dut.i.ready),
            mark.eq(accepted & (self.job.slot == 1)),
            Assume(self.job.kind <= Walk.SPARSE, "the kind exists"),
            Assume(Mux(marked, self.job.slot == 2, self.job.slot <= 1), "one job is marked"),
        ]
        with m.If(mark):
            m.d.sync += [marked.eq(1), captured.eq(1), job.eq(self.job)]
        with m.Else():
            m.d.sync += captured.eq(0)
        with m.If(captured):
            m.d.sync += says.eq(entries)

        # It comes out once, unless there is no tap or no synapse.
        told: Any = Signal.like(entries)
        m.d.comb += told.eq(Mux(captured, entries, says))
        want, exists = walk_of(job, told)
        own = Signal()
        m.d.comb += own.eq(dut.o.valid & (dut.o.payload.slot == 1))
        with m.If(own & self.ready):
            m.d.sync += given.eq(1)
        pending = marked & exists & ~given
        m.d.comb += [
            Assert(~own | (marked & exists & ~given), "it comes once, if at all"),
            Assert(~(pending & dut.o.valid) | (dut.o.payload.slot != 2), "no job overtakes it"),
            Assert(~(pending & dut.idle), "it does not get lost"),
        ]
        with m.If(own):
            m.d.comb += [
                Assert(dut.o.payload[name] == value, f"{name} is right")
                for name, value in want.items()
            ]
        return m


def walk_of(job: Any, told: Any) -> tuple[dict[str, Any], Any]:
    """What a walk must be, and whether there must be one."""
    convolves, sparse = job.kind == Walk.CONVOLUTION, job.kind == Walk.SPARSE
    taps = [told[axis] for axis in AXES]
    weight = job.weight_row + sum(tap.weight for tap in taps)
    row = job.row + sum(tap.row for tap in taps)
    blocks = Mux(convolves, told.channel.count, Mux(sparse, told.pointer.words, job.blocks))
    lines = Mux(convolves, told.line.count, 1)
    columns = Mux(convolves, told.column.count, 1)
    want = {
        "weight_row": Mux(convolves, weight, Mux(sparse, told.pointer.first, job.weight_row))[:2],
        "row": Mux(convolves, row, job.row)[:2],
        "blocks": blocks,
        "line_count": lines,
        "column_count": columns,
        "size": Mux(sparse, told.pointer.size, job.size),
        "sparse": sparse,
        "slot": job.slot,
    }
    steps = [f"{axis}_{of}" for axis in ("line", "column") for of in ("weight", "row")]
    want |= {name: job[name] for name in steps}
    return want, (blocks != 0) & (lines != 0) & (columns != 0)


def test_a_job_gives_the_walk_of_its_tables_for_all_time() -> None:
    assert prove(WalksAreThoseOfTheTables())


def test_the_proof_fails_when_tables_do_not_hold() -> None:
    assert not prove(WalksAreThoseOfTheTables(reads_always=True))


@pytest.mark.parametrize("exists", [0, 1])
def test_the_proof_fails_when_walks_are_lost_or_made_up(
    monkeypatch: pytest.MonkeyPatch, exists: int
) -> None:
    made = Lookup._walk

    def careless(self: Lookup, m: Module, job: Any, entries: Any) -> Any:
        return exists, *made(self, m, job, entries)[1:]

    monkeypatch.setattr(Lookup, "_walk", careless)
    assert not prove(WalksAreThoseOfTheTables())
