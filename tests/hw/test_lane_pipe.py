import random
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.lane_pipe import LanePipe, request_layout
from spikeloom_hw.memory import RowMem
from spikeloom_sim.bench import simulate


class Harness(wiring.Component):
    """A pipe between its two memories."""

    valid: Signal
    request: Any
    idle: Signal
    write: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        self.pipe = LanePipe(config)
        self.weights = RowMem(self.pipe.layouts.weights, config.weight_rows)
        self.sums = RowMem(self.pipe.layouts.accumulators, config.neuron_rows)
        super().__init__({
            "valid": In(1),
            "request": In(request_layout(config)),
            "idle": Out(1),
            "write": Out(1),
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
            weights.read_row.eq(pipe.i.payload.weight_row),
            pipe.weights.eq(weights.read_data),
            sums.read.eq(pipe.read),
            sums.read_row.eq(pipe.i.payload.row),
            pipe.accumulators.eq(sums.read_data),
            sums.write.eq(pipe.write),
            sums.write_row.eq(pipe.row),
            sums.write_data.eq(pipe.sums),
            self.idle.eq(pipe.idle),
            self.write.eq(pipe.write),
        ]
        return m


def requests_of(kind: str, rng: random.Random, config: CoreConfig) -> list[tuple[int, int] | None]:
    """Pairs of weight row and row; None is a cycle without a request."""
    count = 400
    rows: list[int] = [rng.randrange(config.neuron_rows) for _ in range(count)]
    if kind.isdigit():
        distance = int(kind)
        rows = [k % distance for k in range(count)]
    pairs: list[tuple[int, int] | None] = [(rng.randrange(config.weight_rows), row) for row in rows]
    if kind == "gaps":
        pairs = [pair if rng.random() < 0.5 else None for pair in pairs]
    return pairs


@pytest.mark.parametrize("kind", ["random", "gaps", "1", "2", "3", "4"])
@pytest.mark.parametrize("weight_width, accumulator_width", [(2, 8), (8, 9), (16, 18)])
def test_sums_are_those_of_numpy_at_one_request_a_cycle(
    kind: str, weight_width: int, accumulator_width: int
) -> None:
    config = CoreConfig(
        lanes=4,
        weight_width=weight_width,
        accumulator_width=accumulator_width,
        weight_rows=8,
        neuron_rows=4,
    )
    rng = random.Random(f"{kind} {weight_width}")
    weights = np.random.default_rng(weight_width).integers(
        config.weight.low, config.weight.high + 1, (8, 4)
    )
    dut = Harness(config)
    requests = requests_of(kind, rng, config)
    written = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.weights.write, 1)
        for row in range(8):
            ctx.set(dut.weights.write_row, row)
            ctx.set(dut.weights.write_data, weights[row].tolist())
            await ctx.tick()
        ctx.set(dut.weights.write, 0)
        assert ctx.get(dut.idle)

        # Each request is written two cycles after it came.
        for request in [*requests, None, None]:
            ctx.set(dut.valid, request is not None)
            if request is not None:
                ctx.set(dut.request, dict(zip(("weight_row", "row"), request, strict=True)))
                assert not ctx.get(dut.idle)
            *_, write = await ctx.tick().sample(dut.write)
            written.append(bool(write))
        assert ctx.get(dut.idle)

        for row in range(4):
            ctx.set(dut.sums.host_read, 1)
            for word in range(dut.sums.words):
                ctx.set(dut.sums.host_address, row << dut.sums.word_bits | word)
                await ctx.tick()
            total[row] = list(ctx.get(dut.sums.read_data))

    total: dict[int, list[int]] = {}
    simulate(dut, bench)
    assert written == [False, False, *(request is not None for request in requests)]
    expected = np.zeros((4, 4), np.int64)
    for weight_row, row in filter(None, requests):
        expected[row] += weights[weight_row]
    wraps = np.abs(expected).max() > config.accumulator.high
    assert wraps or accumulator_width != 9
    wrapped = config.accumulator.wrap(expected)
    assert [total[row] for row in range(4)] == wrapped.tolist()
