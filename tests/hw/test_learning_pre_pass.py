from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module
from amaranth.lib.wiring import Component, In, Out

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning import Pre, Seen, Term, Trace, TraceKind
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.layout import built
from spikeloom_hw.learning.marks import Marks
from spikeloom_hw.learning.pre_pass import PrePass
from spikeloom_hw.memory import RowMem
from spikeloom_sim.bench import simulate
from spikeloom_sim.learning.changes import pre_factor
from spikeloom_sim.learning.traces import advance, operand

ROWS, BLOCKS = 8, 3


class Harness(Component):
    """A pre pass between its memories."""

    def __init__(self, config: CoreConfig) -> None:
        learning = built(config)
        self.pre_pass = PrePass(config)
        self.marks = Marks(learning.pre_rows, learning.pre_lanes)
        if learning.pre_traces:
            self.traces = RowMem(self.pre_pass.traces.read_data.shape(), learning.pre_rows)
        super().__init__({"here": In(1), "there": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.pre_pass, m.submodules.marks = part, marks = self.pre_pass, self.marks
        m.d.comb += [
            marks.read.eq(part.spike_read),
            marks.row.eq(part.spike_row),
            part.spikes.eq(marks.bits),
        ]
        if built(part.config).pre_traces:
            m.submodules.traces = traces = self.traces
            m.d.comb += [
                traces.read.eq(part.traces.read),
                traces.read_row.eq(part.traces.read_row),
                part.traces.read_data.eq(traces.read_data),
                traces.write.eq(part.traces.write),
                traces.write_row.eq(part.traces.write_row),
                traces.write_data.eq(part.traces.write_data),
            ]
        return m


@dataclass(frozen=True)
class Entry:
    """A projection: where it lies, and what of its rule the pre pass looks at."""

    pre_row: int
    size: int
    traces: list[Trace]
    terms: list[Term]
    weight_row: int = 2
    back_row: int = 5


def config_of(lanes: int = 4, **parts: Any) -> CoreConfig:
    return CoreConfig(
        lanes=4,
        update_lanes=1,
        weight_rows=256,
        neuron_rows=4,
        learning=LearningConfig(pre_lanes=lanes, pre_rows=ROWS, **parts),
    )


def entry_of(config: CoreConfig, rng: np.random.Generator) -> Entry:
    learning = built(config)
    pre_row = int(rng.integers(ROWS))
    size = int(rng.integers(1, (ROWS - pre_row) * learning.pre_lanes + 1))
    traces = [
        Trace(
            int(rng.choice([0, 4096, int(rng.integers(4097))])),
            int(rng.integers(1 << 16)),
            TraceKind(int(rng.integers(2))),
            Seen(int(rng.integers(2))),
        )
        for _ in range(learning.pre_traces)
    ]
    terms = [
        Term(
            int(rng.choice([0, int(rng.integers(-128, 128))])),
            Pre(int(rng.integers(learning.pre_traces + 1))),
            on_pre=bool(rng.random() < 0.7),
            modulated=bool(rng.integers(2)),
        )
        for _ in range(learning.terms)
    ]
    return Entry(pre_row, size, traces, terms)


def fields_of(config: CoreConfig, entry: Entry) -> dict[str, Any]:
    lanes = built(config).pre_lanes
    fields: dict[str, Any] = {
        "pre_row": entry.pre_row,
        "last_pre": -(-entry.size // lanes) - 1,
        "size": entry.size,
        "weight_row": entry.weight_row,
        "blocks": BLOCKS,
    }
    if built(config).back:
        fields["back_row"] = entry.back_row
    for n, trace in enumerate(entry.traces, 1):
        for name in ("decay", "increment", "kind", "seen"):
            fields[f"x{n}_{name}"] = getattr(trace, name)
    for k, term in enumerate(entry.terms):
        for name in ("coefficient", "pre", "on_pre", "modulated"):
            fields[f"term{k}_{name}"] = getattr(term, name)
    return fields


class Model:
    """Traces and spikes of all rows, and the visits that a pass gives."""

    def __init__(self, config: CoreConfig, rng: np.random.Generator) -> None:
        self.learning = learning = built(config)
        self.count = ROWS * learning.pre_lanes
        self.rng = rng
        self.traces = rng.integers(0, 1 << 16, (learning.pre_traces, self.count))
        self.spikes = np.zeros(self.count, bool)

    def run(self, entry: Entry, modulator: int) -> list[tuple[Any, ...]]:
        lanes, width = self.learning.pre_lanes, self.learning.operand_width
        first = entry.pre_row * lanes
        there = slice(first, first + -(-entry.size // lanes) * lanes)
        spikes, operands = self.spikes[there].copy(), []
        for n, trace in enumerate(entry.traces):
            advanced = advance(trace, self.traces[n, there], spikes)
            self.traces[n, there] = advanced.after
            operands.append(operand(trace, advanced, width))
        self.spikes[there] = False
        p = [pre_factor(term, spikes, operands, modulator) for term in entry.terms]
        visits = []
        for i in range(entry.size):
            live = sum(bool(factor[i]) << k for k, factor in enumerate(p))
            if live:
                row = entry.weight_row + i * BLOCKS
                visits.append((i, row, [int(x[i]) for x in operands], live, 0))
        return visits


async def fill(ctx: Any, dut: Harness, model: Model) -> None:
    lanes = model.learning.pre_lanes
    ctx.set(dut.marks.clear, 1)
    for row in range(ROWS):
        ctx.set(dut.marks.cleared, row)
        await ctx.tick()
    ctx.set(dut.marks.clear, 0)
    if not model.learning.pre_traces:
        return
    ctx.set(dut.traces.host_write, 1)
    for row in range(ROWS):
        values = model.traces[:, row * lanes : (row + 1) * lanes].T.reshape(-1)
        packed = sum(int(v) << 16 * k for k, v in enumerate(values))
        for word in range(dut.traces.words):
            ctx.set(dut.traces.host_address, row << dut.traces.word_bits | word)
            ctx.set(dut.traces.host_value, packed >> 32 * word & 0xFFFFFFFF)
            await ctx.tick()
    ctx.set(dut.traces.host_write, 0)


async def traces_in(ctx: Any, dut: Harness) -> np.ndarray:
    learning, rows = built(dut.pre_pass.config), []
    for row in range(ROWS):
        ctx.set(dut.traces.host_read, 1)
        ctx.set(dut.traces.host_address, row << dut.traces.word_bits)
        await ctx.tick()
        held = ctx.get(dut.traces.read_data.as_value())
        count = learning.pre_lanes * learning.pre_traces
        rows.append([held >> 16 * k & 0xFFFF for k in range(count)])
    ctx.set(dut.traces.host_read, 0)
    return np.array(rows).reshape(-1, learning.pre_traces).T


async def spike(ctx: Any, dut: Harness, model: Model, neurons: Any) -> None:
    model.spikes[neurons] = True
    ctx.set(dut.marks.put, 1)
    for neuron in neurons:
        ctx.set(dut.marks.neuron, int(neuron))
        await ctx.tick()
    ctx.set(dut.marks.put, 0)
    await ctx.tick().repeat(3)


def tuple_of(visit: Any, traces: int, back: bool) -> tuple[Any, ...]:
    operands = [int(visit.operands[n]) for n in range(traces)]
    live, backwards = int(visit.live), int(visit.back) if back else 0
    return int(visit.index), int(visit.weight_row), operands, live, backwards


async def run(ctx: Any, part: Any, seed: int | None) -> tuple[list[Any], int]:
    """Start a pass; give its visits, and its cycles."""
    given: list[Any] = []
    cycles = 0
    stalls = np.random.default_rng(seed)
    ctx.set(part.start, 1)
    await ctx.tick()
    ctx.set(part.start, 0)
    while True:
        ctx.set(part.o.ready, seed is None or int(stalls.integers(2)))
        *_, valid, ready, visit, busy = await ctx.tick().sample(
            part.o.valid, part.o.ready, part.o.payload, part.busy
        )
        if valid and ready:
            given.append(visit)
        if not busy:
            return given, cycles
        cycles += 1


KINDS: dict[str, tuple[int, dict[str, Any]]] = {
    "one trace": (4, {"terms": 2, "pre_traces": 1}),
    "no trace": (8, {"terms": 2, "pre_traces": 0}),
    "two traces": (2, {"terms": 4, "pre_traces": 2, "operand_width": 6}),
    "one lane": (1, {"terms": 1, "pre_traces": 1, "operand_width": 10}),
    "back": (4, {"terms": 3, "pre_traces": 2, "errors": True, "back": True}),
}


@pytest.mark.parametrize("stalls", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_neurons_that_have_a_term_are_given_with_what_it_sees(kind: str, stalls: bool) -> None:
    lanes, parts = KINDS[kind]
    config = config_of(lanes, **parts)
    learning = built(config)
    rng = np.random.default_rng(list(KINDS).index(kind))
    dut, model = Harness(config), Model(config, rng)
    part: Any = dut.pre_pass

    async def bench(ctx: Any) -> None:
        await fill(ctx, dut, model)
        total = 0
        for number in range(20):
            entry, modulator = entry_of(config, rng), int(rng.choice([0, -128, 5]))
            fired = np.flatnonzero(rng.random(model.count) < rng.choice([0, 0.3]))
            await spike(ctx, dut, model, fired)
            ctx.set(part.rule, fields_of(config, entry))
            ctx.set(part.modulator, modulator)
            expected = model.run(entry, modulator)
            given, cycles = await run(ctx, part, number if stalls else None)
            found = [tuple_of(visit, learning.pre_traces, learning.back) for visit in given]
            assert found == expected
            total += len(expected)
            if not stalls:
                rows = np.bincount(
                    [v[0] // lanes for v in found], minlength=-(-entry.size // lanes)
                )
                assert cycles <= np.maximum(rows, 1).sum() + 5
        assert total > 5
        if learning.pre_traces:
            assert np.array_equal(await traces_in(ctx, dut), model.traces)

    simulate(dut, bench)


@pytest.mark.parametrize("stalls", [False, True])
@pytest.mark.parametrize("kind", ["backwards", "sweeps"])
def test_every_neuron_is_given_and_traces_and_spikes_stay(kind: str, stalls: bool) -> None:
    backwards, sweeps = kind == "backwards", kind == "sweeps"
    config = config_of(4, terms=3, pre_traces=2, errors=True, back=True, eligibility=True)
    rng = np.random.default_rng(3)
    dut, model = Harness(config), Model(config, rng)
    part: Any = dut.pre_pass
    entry = Entry(1, 14, [Trace(4000, 300)] * 2, [Term(3, Pre.X1), Term(-2, on_pre=True)])
    first = entry.back_row if backwards else entry.weight_row

    async def bench(ctx: Any) -> None:
        await fill(ctx, dut, model)
        await spike(ctx, dut, model, np.arange(0, model.count, 3))
        ctx.set(part.rule, fields_of(config, entry))
        ctx.set(getattr(part, kind), 1)
        given, _ = await run(ctx, part, 1 if stalls else None)
        rows = [(int(v.index), int(v.weight_row), int(v.live), int(v.back)) for v in given]
        assert rows == [(i, first + i * BLOCKS, sweeps, backwards) for i in range(entry.size)]
        ctx.set(getattr(part, kind), 0)
        expected = model.run(entry, 0)
        given, _ = await run(ctx, part, None)
        assert [tuple_of(visit, 2, True) for visit in given] == expected
        assert expected
        assert np.array_equal(await traces_in(ctx, dut), model.traces)

    simulate(dut, bench)
