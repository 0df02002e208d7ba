"""One core as a whole: its throughput, and that it never waits for the bus."""

from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.core import Core
from spikeloom_hw.event import Kind, Operation
from spikeloom_hw.neuron import Constant, Fields
from spikeloom_hw.packing import pack_rows
from spikeloom_hw.registers import regions
from spikeloom_sim.bench import simulate

BLOCKS = 8
INPUTS = 4


def config_of(lanes: int) -> ChipConfig:
    places = {"refractory": Constant(0), "inclusive": Constant(0), "shift": Constant(0)}
    places |= {"reset": Constant(0), "minimum": Constant(-(1 << 15)), "reset_value": Constant(0)}
    return ChipConfig(
        CoreConfig(
            lanes=lanes,
            update_lanes=4,
            fields=Fields(places, 16),
            weight_rows=2 * INPUTS * BLOCKS,
            neuron_rows=BLOCKS,
            populations=2,
            projections=2,
            sources=2,
            phases=2,
        )
    )


def images_of(config: ChipConfig) -> dict[str, np.ndarray]:
    """Inputs with weights 1 into a population that fills the core; its threshold is 0."""
    size = BLOCKS * config.core.lanes
    tables = {
        "sources": {"first": [0, 0], "count": [1, 0], "size": [INPUTS, size]},
        "projections": {"weight_row": [0], "row": [0], "blocks": [BLOCKS], "size": [size]},
        "phases": {"first": [0], "count": [1]},
        "populations": {
            "row": [0],
            "last_group": [size // 4 - 1],
            "period": [-1],
            "full": [size // 4],
            "tail": [0],
            "source": [1],
            "decay": [4096],
            "threshold": [0],
            "bias": [0],
        },
    }
    known = regions(config)
    images = {
        name: pack_rows(known[name].layout, {k: np.array(v) for k, v in columns.items()})
        for name, columns in tables.items()
    }
    weights = np.ones((INPUTS * BLOCKS, config.core.lanes), np.int64)
    return {**images, "weights": pack_rows(known["weights"].layout, weights)}


async def load(ctx: Any, dut: Core) -> None:
    known = regions(dut.config)
    for name, image in images_of(dut.config).items():
        for row, words in enumerate(image):
            for word, value in enumerate(words):
                region = known[name]
                ctx.set(dut.access.address, region.base + row * region.stride + word)
                ctx.set(dut.access.value, int(value))
                await ctx.tick()
                ctx.set(dut.access.write, 1)
                await ctx.tick()
                ctx.set(dut.access.write, 0)


def spike(k: int) -> dict[str, Any]:
    return {"kind": Kind.SPIKE, "source": 0, "index": k % INPUTS}


def step() -> dict[str, Any]:
    return {"kind": Kind.STEP, "source": Operation.UPDATE.value, "index": 0}


@pytest.mark.parametrize("lanes", [8, 16, 32])
def test_nearly_every_cycle_of_integration_uses_every_lane(lanes: int) -> None:
    dut, events = Core(config_of(lanes)), 120
    counted = {"operations": 0, "cycles": 0, "events": 0}

    async def bench(ctx: Any) -> None:
        await load(ctx, dut)
        for k in range(events):
            ctx.set(dut.i.payload, spike(k))
            ctx.set(dut.i.valid, 1)
            await ctx.tick().until(dut.i.ready)
        ctx.set(dut.i.valid, 0)
        while not ctx.get(dut.activity.idle):
            await ctx.tick()

    async def count(ctx: Any) -> None:
        while not ctx.get(dut.activity.idle) or counted["events"] < events:
            _, _, activity = await ctx.tick().sample(dut.activity)
            counted["cycles"] += activity.integrating
            counted["events"] += activity.event
            counted["operations"] += int(activity.size) if activity.job else 0

    simulate(dut, bench, count)
    assert counted["operations"] == events * BLOCKS * lanes
    assert counted["operations"] / counted["cycles"] >= 0.99 * lanes


def test_a_core_takes_its_events_while_the_bus_takes_none() -> None:
    dut = Core(config_of(8))
    size = BLOCKS * 8
    longest, sent = [0], []

    async def bench(ctx: Any) -> None:
        await load(ctx, dut)
        ctx.set(dut.o.ready, 0)
        # Every neuron spikes in the step; then more events come than the queue holds.
        for event in [spike(0), step(), *(spike(k) for k in range(100))]:
            ctx.set(dut.i.payload, event)
            ctx.set(dut.i.valid, 1)
            waited, taken = 0, False
            while not taken:
                _, _, taken = await ctx.tick().sample(dut.i.ready)
                waited += 1
                # No event takes longer than a sweep, the longest work that may lie before it.
                assert waited <= size // 4 + 20
            longest[0] = max(longest[0], waited)
        ctx.set(dut.i.valid, 0)
        for _ in range(BLOCKS * 40):
            await ctx.tick()
        assert not ctx.get(dut.activity.integrating)
        assert not ctx.get(dut.activity.idle)
        ctx.set(dut.o.ready, 1)
        while not ctx.get(dut.activity.idle):
            _, _, valid, event = await ctx.tick().sample(dut.o.valid, dut.o.payload)
            if valid:
                sent.append((int(event.kind), int(event.source), int(event.index)))

    simulate(dut, bench)
    assert longest[0] > 1
    spikes = [(Kind.SPIKE.value, 1, index) for index in range(size)]
    assert sent[:-1] == spikes
    assert sent[-1][0] == Kind.END
