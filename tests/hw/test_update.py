from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.neuron import Fields, NeuronParameters, Output, Per, Reset, Synapse
from spikeloom_sim.bench import simulate
from spikeloom_sim.update_bench import SweptPopulation, UpdateBench

PHASES = [(0, 2), (2, 2), (0, 0)]
PLAIN = Fields({"threshold": Per.NEURON, "bias": Per.NEURON}, 12)
MANY = ("output", "winner", "inhibition", "synapse", "current_decay", "adaptation_step")
RICH = Fields({**PLAIN.places, **dict.fromkeys((*MANY, "adaptation_decay"), Per.POPULATION)}, 12)
NOISY = Fields({"noise": Per.POPULATION, "seed": Per.POPULATION}, 12)

FLAT = ((1, 13), (1, 5), (1, 22), (1, 1))
PIXELS = ((4, 5), (1, 9), (3, 12), (5, 17))
LONG = ((1, 45), (1, 70), (1, 20), (1, 60))
"""Pixels, and channels in each."""


def config_of(lanes: int, update_lanes: int, fields: Fields = PLAIN, **more: Any) -> CoreConfig:
    structure = {"neuron_rows": 64, "value_groups": 64 * (fields is RICH), **more}
    return CoreConfig(
        lanes=lanes,
        update_lanes=update_lanes,
        fields=fields,
        populations=4,
        projections=2,
        sources=8,
        phases=3,
        **structure,
    )


def draw(config: CoreConfig, rng: np.random.Generator, shape: tuple[int, int]) -> SweptPopulation:
    """A population of which many neurons come to rest without input."""
    pixels, channels = shape
    neurons = pixels * channels
    drawn: dict[str, Any] = {
        "threshold": int(rng.integers(40, 200)),
        "decay": int(rng.choice([0, 1500, 3000, 4096])),
        "reset": Reset(int(rng.integers(4))),
        "reset_value": int(rng.integers(-5, 5)),
        "minimum": -100,
        "refractory": int(rng.integers(0, 4)),
        "inclusive": bool(rng.integers(2)),
        "width": config.fields.width,
    }
    if config.fields is not NOISY:
        drawn["threshold"] = rng.integers(40, 200, neurons)
        drawn["bias"] = rng.integers(0, 20, neurons) * (rng.random(neurons) < 0.02)
    elif pixels == 1:
        drawn |= {"noise": int(rng.integers(0, 9)), "seed": int(rng.integers(1 << 16))}
    if config.fields is RICH:
        output = Output(int(rng.integers(4)))
        drawn |= {"synapse": Synapse(int(rng.integers(3))), "output": output, "current_decay": 2000}
        if output is Output.COUNT:
            drawn["reset"] = Reset.SUBTRACT
        elif output is Output.SPIKE:
            drawn |= {"adaptation_step": 30, "adaptation_decay": 2500}
            if pixels == 1 and rng.integers(4):
                drawn |= {"winner": True, "inhibition": 60}
    return SweptPopulation(NeuronParameters(**drawn), pixels, channels)


def bench_of(config: CoreConfig, seed: int, shapes: Sequence[tuple[int, int]]) -> UpdateBench:
    rng = np.random.default_rng(seed)
    populations = [draw(config, rng, shape) for shape in shapes]
    return UpdateBench(config, populations, PHASES, row=int(rng.integers(3)))


async def update(bench: UpdateBench, ctx: Any, phase: int) -> int:
    """Update a phase, and compare it with the model; give the rows processed."""
    assert await bench.do(ctx, Operation.UPDATE, phase)
    spikes, values, rows = bench.expect(phase)
    assert (bench.spikes, bench.values, bench.rows) == (spikes, values, rows)
    assert bench.differences() == []
    return rows


async def end(bench: UpdateBench, ctx: Any) -> None:
    """End a time step, to which END is no answer."""
    assert not await bench.do(ctx, Operation.DONE)
    assert ctx.get(bench.dut.slot) == bench.time % bench.config.delay_slots


async def stimulate(bench: UpdateBench, ctx: Any, rng: np.random.Generator, count: int) -> None:
    """Add input to random rows, often to the same one, in any slot."""
    rows = rng.choice(np.concatenate([p.rows for p in bench.populations]), 1 + count // 2)
    for row in map(int, rng.choice(rows, count)):
        slot = int(rng.integers(bench.config.delay_slots))
        await bench.add(ctx, slot, row, rng.integers(-20, 120, bench.config.lanes))
        if rng.random() < 0.3:
            await bench.tick(ctx)


CONFIGS = [
    (config_of(4, 1), FLAT),
    (config_of(8, 2), PIXELS),
    (config_of(8, 8, delay_slots=4), FLAT),
    (config_of(4, 2, skip=True), FLAT),
    (config_of(4, 4, skip=True, neuron_rows=70), PIXELS),
    (config_of(8, 2, skip=True, delay_slots=4), PIXELS),
    (config_of(4, 2, RICH), FLAT),
    (config_of(8, 4, RICH, skip=True, delay_slots=2), PIXELS),
    (config_of(4, 4, RICH, skip=True), FLAT),
    (config_of(4, 2, NOISY, skip=True), FLAT),
    (config_of(1, 1, skip=True, neuron_rows=200), LONG),
]


@pytest.mark.parametrize("config, shapes", CONFIGS)
@pytest.mark.parametrize("seed", [1, 2])
def test_sweeps_compute_what_the_model_does(config: CoreConfig, shapes: Any, seed: int) -> None:
    bench = bench_of(config, seed, shapes)
    rng = np.random.default_rng(seed)
    rows: list[int] = []

    async def steps(ctx: Any) -> None:
        assert await bench.do(ctx, Operation.CLEAR)
        for step in range(12):
            for phase in (0, 1):
                if rng.random() < 0.6:
                    await stimulate(bench, ctx, rng, int(rng.integers(6)))
                rows.append(await update(bench, ctx, phase))
            await end(bench, ctx)
            if step == 8:
                await bench.do(ctx, Operation.CLEAR)
                assert bench.differences() == []

    simulate(bench.dut, steps)
    whole = sum(len(p.rows) for p in bench.populations)
    assert (sum(rows) < 12 * whole) == config.skip or config.fields is NOISY


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_all_rows_are_processed_after_a_change_that_the_update_was_not_told_of(slots: int) -> None:
    config = config_of(4, 2, skip=True, delay_slots=slots)
    bench = bench_of(config, 3, FLAT)
    rng = np.random.default_rng(3)
    whole = sum(len(p.rows) for p in bench.populations)

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, Operation.CLEAR)
        for step in range(24):
            # A sparse job adds to any slot, the one of this update too, which is then far ahead.
            if step == 12:
                await update(bench, ctx, 0)
                for slot in range(slots):
                    bench.touch(slot, int(rng.choice(bench.populations[0].rows)), np.full(4, 50))
                await bench.wake(ctx)
            rows = [await update(bench, ctx, phase) for phase in (0, 1)]
            assert (sum(rows) == whole) == (step <= slots or 12 <= step <= 12 + slots)
            await end(bench, ctx)

    simulate(bench.dut, steps)


@pytest.mark.parametrize("lanes, update_lanes", [(4, 1), (8, 2), (16, 4), (16, 16), (4, 4)])
@pytest.mark.parametrize("channels", [1, 13, 70])
def test_a_sweep_takes_six_cycles_more_than_it_has_groups(
    lanes: int, update_lanes: int, channels: int
) -> None:
    config = config_of(lanes, update_lanes)
    bench = bench_of(config, 3, ((1, 7), (1, 3), (1, channels), (1, 5)))
    groups = [-(-neurons // update_lanes) for neurons in (channels, 5)]

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, Operation.CLEAR)
        assert bench.cycles == config.groups + 2
        for _ in range(2):
            await update(bench, ctx, 1)
            assert bench.busy == sum(n + 6 for n in groups)
            assert bench.cycles == 4 + sum(n + 8 for n in groups)

    simulate(bench.dut, steps)


@pytest.mark.parametrize("lanes, update_lanes", [(1, 1), (4, 1), (2, 2)])
def test_a_sweep_with_skip_takes_nine_cycles_more_or_one_for_each_idle_word(
    lanes: int, update_lanes: int
) -> None:
    config = config_of(lanes, update_lanes, skip=True, neuron_rows=300)
    at_rest = NeuronParameters(threshold=500, decay=0, width=12)
    neurons = np.array([3, 33, 130, 100]) * lanes
    populations = [SweptPopulation(at_rest, 1, int(n)) for n in neurons]
    bench = UpdateBench(config, populations, PHASES, row=7)
    rng = np.random.default_rng(1)
    words = [int(p.rows[-1] // 32 - p.rows[0] // 32 + 1) for p in populations]
    assert words[2:] == [5, 4]

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, Operation.CLEAR)
        for _ in range(2):
            for phase in (0, 1):
                await update(bench, ctx, phase)
                groups = neurons[2 * phase : 2 * phase + 2] // update_lanes
                assert bench.busy == sum(int(n) + 9 for n in groups)
                assert bench.cycles == 4 + sum(int(n) + 11 for n in groups)
            await end(bench, ctx)
        for _ in range(2):
            for phase in (0, 1):
                await update(bench, ctx, phase)
                there = words[2 * phase : 2 * phase + 2]
                assert bench.busy == sum(n + 1 for n in there)
                assert bench.cycles == 4 + sum(n + 4 for n in there)
            await end(bench, ctx)
        for count in range(1, 20):
            await stimulate(bench, ctx, rng, count)
            for phase in (0, 1):
                await update(bench, ctx, phase)
                there, groups = words[2 * phase : 2 * phase + 2], bench.rows * lanes // update_lanes
                assert bench.busy <= groups + sum(n + 9 for n in there)

    simulate(bench.dut, steps)


def test_the_first_of_equals_wins_and_all_others_are_inhibited() -> None:
    config = config_of(8, 4, RICH, skip=True)
    contest = NeuronParameters(
        threshold=10, reset=Reset.SUBTRACT, winner=True, inhibition=7, width=12
    )
    populations = [SweptPopulation(contest, 1, channels) for channels in (30, 5, 9, 1)]
    bench = UpdateBench(config, populations, PHASES)
    rng = np.random.default_rng(1)
    wins: list[tuple[int, ...]] = []

    async def steps(ctx: Any) -> None:
        await bench.do(ctx, Operation.CLEAR)
        for step in range(30):
            for row in np.concatenate([p.rows for p in populations]) if step % 4 else ():
                await bench.add(ctx, 0, int(row), rng.integers(0, 4, 8) * 4)
            for phase in (0, 1):
                await update(bench, ctx, phase)
                wins.extend(bench.spikes)
            await end(bench, ctx)

    simulate(bench.dut, steps)
    assert len({index for source, index in wins if source == 3}) > 5


@pytest.mark.parametrize(
    "operation, phase", [(Operation.UPDATE, 2), (Operation.LEARN, 0), (Operation.DONE, 1)]
)
def test_a_step_without_neurons_changes_nothing(operation: Operation, phase: int) -> None:
    bench = bench_of(config_of(8, 2, skip=True), 5, FLAT)
    before = {name: list(rows) for name, rows in bench.memories.items()}

    async def steps(ctx: Any) -> None:
        assert await bench.do(ctx, operation, phase) == (operation is not Operation.DONE)

    simulate(bench.dut, steps)
    assert bench.memories == before
    assert (bench.spikes, bench.values, bench.rows) == ([], [], 0)
    assert bench.cycles <= 4
