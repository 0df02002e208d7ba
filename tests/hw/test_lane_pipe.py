import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.lane_pipe import LanePipe, request_layout
from spikeloom_hw.memory import BankedMem, RowMem
from spikeloom_sim.bench import simulate

Request = dict[str, int]
LANES, ROWS = 4, 4


class Harness(wiring.Component):
    """A pipe between its memories."""

    valid: Signal
    request: Any
    idle: Signal
    write: Signal
    touched: Signal
    touched_row: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.pipe = pipe = LanePipe(config)
        depth = config.accumulator_rows
        captured = pipe.lead == 1
        self.weights = RowMem(pipe.layouts.weights, config.weight_rows, captured=captured)
        if pipe.banked:
            self.sums: RowMem | BankedMem = BankedMem(pipe.layouts.accumulators, depth)
            self.synapses = RowMem(pipe.layouts.synapses, config.synapse_rows)
        else:
            self.sums = RowMem(pipe.layouts.accumulators, depth)
        super().__init__({
            "valid": In(1),
            "request": In(request_layout(config)),
            "idle": Out(1),
            "write": Out(1),
            "touched": Out(1),
            "touched_row": Out(range(depth)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.pipe, m.submodules.weights, m.submodules.sums = (
            self.pipe,
            self.weights,
            self.sums,
        )
        pipe, weights, sums = self.pipe, self.weights, self.sums
        m.d.comb += [
            pipe.i.valid.eq(self.valid),
            pipe.i.payload.eq(self.request),
            weights.read.eq(pipe.read),
            weights.read_row.eq(pipe.weight_row),
            pipe.weights.eq(weights.read_data),
            sums.read.eq(pipe.accumulator_read),
            pipe.accumulators.eq(sums.read_data),
            sums.write.eq(pipe.write),
            sums.write_data.eq(pipe.sums),
            self.idle.eq(pipe.idle),
            self.write.eq(pipe.write),
            self.touched.eq(pipe.touched),
            self.touched_row.eq(pipe.touched_row),
        ]
        if isinstance(sums, BankedMem):
            m.submodules.synapses = synapses = self.synapses
            m.d.comb += [
                sums.read_rows.eq(pipe.accumulator_rows),
                sums.write_rows.eq(pipe.rows),
                synapses.read.eq(pipe.synapse_read),
                synapses.read_row.eq(pipe.synapse_row),
                pipe.synapses.eq(synapses.read_data),
            ]
        else:
            m.d.comb += [
                sums.read_row.eq(pipe.accumulator_row),
                sums.write_row.eq(pipe.row),
            ]
        return m


def requests_of(kind: str, rng: random.Random, config: CoreConfig) -> list[Request | None]:
    """None is a cycle without a request."""
    requests: list[Request | None] = []
    distance = int(kind) if kind.isdigit() else 0
    for k in range(400):
        row = k % distance if distance else rng.randrange(ROWS)
        request = {"weight_row": rng.randrange(config.weight_rows), "row": row}
        if config.delay_slots > 1:
            request["slot"] = 1 if distance else rng.randrange(config.delay_slots)
        if config.payload_width:
            limit = 1 << (config.payload_width - 1)
            request["value"] = rng.choice([1, -limit, limit - 1, rng.randrange(-limit, limit)])
        if config.pointers and rng.random() < 0.5:
            request |= {"sparse": 1, "weight_row": rng.randrange(config.synapse_rows)}
        requests.append(None if kind == "gaps" and rng.random() < 0.5 else request)
    return requests


def memory_of(config: CoreConfig, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Random weights; for synapses, with rows and delays, of which few differ."""
    low, high = config.weight.low, config.weight.high + 1
    rows = config.synapse_rows, LANES
    return {
        "weights": rng.integers(low, high, (config.weight_rows, LANES)),
        "weight": rng.integers(low, high, rows),
        "row": rng.integers(0, ROWS, rows),
        "delay": rng.integers(0, min(2, config.delay_slots), rows),
    }


def expected_of(
    config: CoreConfig, held: dict[str, np.ndarray], requests: list[Request | None]
) -> np.ndarray:
    """Accumulators (slots, rows, lanes) after all requests."""
    total = np.zeros((config.delay_slots, ROWS, LANES), np.int64)
    lanes = np.arange(LANES)
    for request in filter(None, requests):
        at, slot, value = request["weight_row"], request.get("slot", 0), request.get("value", 1)
        if request.get("sparse"):
            slots = (slot + held["delay"][at]) % config.delay_slots
            total[slots, held["row"][at], lanes] += held["weight"][at] * value
        else:
            total[slot, request["row"]] += held["weights"][at] * value
    return total


async def fill(ctx: Any, memory: RowMem, rows: list[Any]) -> None:
    ctx.set(memory.write, 1)
    for row, content in enumerate(rows):
        ctx.set(memory.write_row, row)
        ctx.set(memory.write_data, content)
        await ctx.tick()
    ctx.set(memory.write, 0)


async def read(ctx: Any, memory: RowMem | BankedMem, row: int) -> list[int]:
    ctx.set(memory.host_read, 1)
    ctx.set(memory.host_address, row << memory.word_bits)
    await ctx.tick()
    return list(ctx.get(memory.read_data))


def run(
    dut: Harness, held: dict[str, np.ndarray], requests: list[Request | None]
) -> tuple[np.ndarray, list[bool], list[int]]:
    """Accumulators after the requests, whether each cycle wrote, and the rows touched."""
    config = dut.config
    total: list[list[int]] = []
    written, touched = [], []

    async def bench(ctx: Any) -> None:
        await fill(ctx, dut.weights, held["weights"].tolist())
        if config.pointers:
            members = ["weight", "row", "delay"][: 3 if config.delay_slots > 1 else 2]
            words = [
                [{name: int(held[name][k, lane]) for name in members} for lane in range(LANES)]
                for k in range(config.synapse_rows)
            ]
            await fill(ctx, dut.synapses, words)
        assert ctx.get(dut.idle)

        for request in [*requests, *[None] * (2 + dut.pipe.lead)]:
            ctx.set(dut.valid, request is not None)
            if request is not None:
                ctx.set(dut.request, request)
                assert not ctx.get(dut.idle)
            outputs = dut.write, dut.touched, dut.touched_row
            *_, write, touch, row = await ctx.tick().sample(*outputs)
            written.append(bool(write))
            if touch:
                touched.append(int(row))
        assert ctx.get(dut.idle)
        for row in range(config.delay_slots * ROWS):
            total.append(await read(ctx, dut.sums, row))

    simulate(dut, bench)
    return np.array(total).reshape(config.delay_slots, ROWS, LANES), written, touched


WIDTHS = [(2, 8), (8, 9), (16, 18)]
FEATURES: dict[str, dict[str, Any]] = {
    "plain": {},
    "one port": {"weight_ports": 1},
    "delayed": {"delay_slots": 4},
    "graded": {"payload_width": 6},
    "graded and delayed": {"payload_width": 16, "delay_slots": 2},
    "sparse": {"pointers": 2, "synapse_rows": 12},
    "all": {"pointers": 2, "synapse_rows": 12, "payload_width": 5, "delay_slots": 4, "taps": 2},
}


@pytest.mark.parametrize("kind", ["random", "gaps", "1", "2", "3", "4"])
@pytest.mark.parametrize("weight_width, accumulator_width", WIDTHS)
@pytest.mark.parametrize("features", FEATURES)
def test_sums_are_those_of_numpy_at_one_request_a_cycle(
    kind: str, weight_width: int, accumulator_width: int, features: str
) -> None:
    config = CoreConfig(
        lanes=LANES,
        weight_width=weight_width,
        accumulator_width=accumulator_width,
        weight_rows=8,
        neuron_rows=ROWS,
        **FEATURES[features],
    )
    held = memory_of(config, np.random.default_rng(weight_width))
    requests = requests_of(kind, random.Random(f"{kind} {weight_width} {features}"), config)
    dut = Harness(config)
    total, written, touched = run(dut, held, requests)

    # Each request is written two cycles after it came, or three, or four.
    multiplied_or_sparse = set(FEATURES[features]) & {"payload_width", "pointers"}
    lead = 2 if multiplied_or_sparse else 0 if features == "one port" else 1
    assert dut.pipe.lead == lead
    assert written == [False] * (2 + lead) + [request is not None for request in requests]
    plain = [request for request in requests if request and not request.get("sparse")]
    assert touched == [request.get("slot", 0) * ROWS + request["row"] for request in plain]

    expected = expected_of(config, held, requests)
    assert np.abs(expected).max() > config.accumulator.high or accumulator_width != 9
    assert np.array_equal(total, config.accumulator.wrap(expected))
