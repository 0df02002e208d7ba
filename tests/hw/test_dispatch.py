import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig, Walk
from spikeloom_hw.dispatch import Dispatch
from spikeloom_hw.event import Kind
from spikeloom_sim.bench import simulate

SIZES: dict[str, Any] = {
    "lanes": 4,
    "update_lanes": 4,
    "weight_rows": 256,
    "neuron_rows": 8,
    "sources": 6,
    "projections": 8,
    "phases": 4,
}
CONFIG = CoreConfig(**SIZES)
PROJECTIONS = [
    {"weight_row": 16 * k, "row": k % 4, "blocks": 1 + k % 3, "size": 3 + k} for k in range(8)
]
# Source 2 has no projections, source 4 has three; sources 6 and above do not exist.
SOURCES = [
    {"first": 0, "count": 1, "size": 5},
    {"first": 1, "count": 2, "size": 7},
    {"first": 0, "count": 0, "size": 4},
    {"first": 3, "count": 1, "size": 1},
    {"first": 4, "count": 3, "size": 6},
    {"first": 7, "count": 1, "size": 2},
]


@dataclass
class Run:
    jobs: list[dict[str, int]] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    bad: int = 0
    latency: int = 0


def run(
    events: list[dict[str, Any]],
    count: int,
    seed: int | None,
    tables: tuple[Any, Any] = (SOURCES, PROJECTIONS),
    config: CoreConfig = CONFIG,
) -> Run:
    """Give events, answer table reads one cycle later, and take jobs."""
    dut = Dispatch(config)
    sources, projections = tables
    rng = random.Random(seed)
    result = Run(latency=dut.latency)
    waiting = list(events)

    async def bench(ctx: Any) -> None:
        offering, cycle, quiet, slot = False, 0, 0, 0
        while len(result.jobs) < count or quiet < 16:
            offering = bool(waiting) and (offering or seed is None or rng.random() < 0.6)
            ready = seed is None or rng.random() < 0.6
            ctx.set(dut.i.valid, offering)
            if offering:
                ctx.set(dut.i.payload, waiting[0])
            ctx.set(dut.o.ready, ready)
            reads = dut.source_read, dut.source, dut.projection_read, dut.projection
            ends = dut.i.ready, dut.o.valid, dut.o.payload, dut.bad_source
            sampled = await ctx.tick().sample(*reads, *ends)
            _, _, source_read, source, projection_read, projection, taken, valid, job, bad = sampled
            if source_read:
                ctx.set(dut.entry, sources[source] if source < len(sources) else {})
            if projection_read:
                ctx.set(dut.target, projections[projection])
            if offering and taken:
                del waiting[0]
                offering = False
            if valid and ready and job.step and config.delay_slots > 1:
                # A time step ends: later jobs go to later slots.
                slot = (slot + 1) % config.delay_slots
                ctx.set(dut.slot, slot)
            if valid and ready:
                result.jobs.append({name: int(job[name]) for name in job.shape().members})
                result.cycles.append(cycle)
            result.bad += bad
            cycle, quiet = cycle + 1, quiet + 1 if not waiting else 0
            assert cycle < 3000
        assert ctx.get(dut.idle)

    simulate(dut, bench)
    return result


def spike(source: int, index: int) -> dict[str, Any]:
    return {"kind": Kind.SPIKE, "source": source, "index": index}


def jobs_of(event: dict[str, Any]) -> list[dict[str, int]]:
    """Jobs that the event must give."""
    if event["kind"] is Kind.STEP:
        return [{"step": 1, "operation": event["source"], "phase": event["index"]}]
    if event["source"] >= len(SOURCES) or event["index"] >= SOURCES[event["source"]]["size"]:
        return []
    entry = SOURCES[event["source"]]
    targets = PROJECTIONS[entry["first"] : entry["first"] + entry["count"]]
    return [
        {**t, "step": 0, "weight_row": t["weight_row"] + event["index"] * t["blocks"]}
        for t in targets
    ]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_an_event_gives_its_projections_in_order(seed: int | None) -> None:
    rng = random.Random(seed)
    events = []
    for _ in range(150):
        source = rng.randrange(len(SOURCES))
        events.append(spike(source, rng.randrange(SOURCES[source]["size"])))
        if rng.random() < 0.1:
            events.append({
                "kind": Kind.STEP,
                "source": rng.randrange(8),
                "index": rng.randrange(4),
            })
    expected = [job for event in events for job in jobs_of(event)]
    result = run(events, len(expected), seed)
    assert [
        {name: job[name] for name in want} for job, want in zip(result.jobs, expected, strict=True)
    ] == expected
    assert result.bad == 0


@pytest.mark.parametrize("seed", [None, 4, 5])
def test_an_event_that_does_not_exist_is_dropped_and_told(seed: int | None) -> None:
    rng = random.Random(seed)
    bad = [
        spike(6, 0),
        spike(511, 0),
        spike(0, 5),
        spike(3, 1),
        spike(4, (1 << 20) - 1),
        spike(2, 4),
    ]
    good = [spike(0, 4), spike(4, 5), spike(2, 3), spike(5, 0)]
    events = rng.choices(good, k=30) + rng.choices(bad, k=30)
    rng.shuffle(events)
    expected = [job for event in events for job in jobs_of(event)]
    result = run(events, len(expected), seed)
    assert [job["weight_row"] for job in result.jobs] == [job["weight_row"] for job in expected]
    assert result.bad == 30


@pytest.mark.parametrize("source", [0, 1, 4])
def test_a_job_leaves_in_every_cycle(source: int) -> None:
    events = [spike(source, k % SOURCES[source]["size"]) for k in range(40)]
    count = 40 * SOURCES[source]["count"]
    result = run(events, count, None)
    assert result.cycles == list(range(6, 6 + count))
    assert result.latency == 6


# Two kinds of sources: in pixels of up to 4 channels, lines of 5; flat.
FULL = CoreConfig(**SIZES, delay_slots=8, payload_width=5, taps=64, pointers=64, synapse_rows=16)
STEPS = {"line_weight": 9, "line_row": 3, "column_weight": 250, "column_row": 7}
SIX = [
    {"kind": Walk.DENSE, "weight_row": 3, "row": 2, "blocks": 4, "size": 14, "delay": 0},
    {"kind": Walk.SPARSE, "weight_row": 11, "row": 0, "blocks": 1, "size": 0, "delay": 2},
    {"kind": Walk.CONVOLUTION, "weight_row": 100, "row": 1, "size": 6, "delay": 7, **STEPS}
    | {"channels": 10, "lines": 20, "columns": 30},
    {"kind": Walk.CONVOLUTION, "weight_row": 200, "row": 5, "size": 5, "delay": 1, **STEPS}
    | {"channels": 40, "lines": 41, "columns": 50},
]
PIXELS = {"channel_bits": 2, "width": 5, "reciprocal": (1 << 18) // 5}
MIXED = [
    {"first": 2, "count": 2, "size": 80, **PIXELS},
    {"first": 0, "count": 4, "size": 50, **PIXELS},
    {"first": 0, "count": 2, "size": 50},
    {"first": 1, "count": 1, "size": 40},
]


def mixed_jobs(events: list[dict[str, Any]]) -> list[dict[str, int]]:
    """Jobs of projections of all kinds, with the slot counted by the steps between them."""
    jobs, slot = [], 0
    for event in events:
        if event["kind"] is Kind.STEP:
            jobs.append({"step": 1, "phase": event["index"]})
            slot += 1
            continue
        entry, index = MIXED[event["source"]], event["index"]
        value = event["value"] if event["kind"] is Kind.GRADED else 1
        for target in SIX[entry["first"] : entry["first"] + entry["count"]]:
            job = {name: int(target[name]) for name in target if name != "delay"}
            job |= {"step": 0, "value": value, "slot": (target["delay"] + slot) % 8}
            if target["kind"] is Walk.CONVOLUTION:
                line, column = divmod(index >> 2, 5)
                places = {"channels": index & 3, "lines": line, "columns": column}
                job |= {name: target[name] + place for name, place in places.items()}
            else:
                job["weight_row"] += index * target["blocks"]
            jobs.append(job)
    return jobs


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_jobs_of_all_kinds_have_their_rows_value_and_slot(seed: int | None) -> None:
    rng = random.Random(seed)
    events = []
    for _ in range(150):
        source = rng.randrange(len(MIXED))
        event = spike(source, rng.randrange(MIXED[source]["size"]))
        graded = {"kind": Kind.GRADED, "value": rng.randrange(-16, 16)}
        events.append(event | (graded if rng.random() < 0.5 else {"value": -7}))
        if rng.random() < 0.2:
            events.append({"kind": Kind.STEP, "source": 7, "index": rng.randrange(4)})
    expected = mixed_jobs(events)
    result = run(events, len(expected), seed, (MIXED, SIX), FULL)
    assert [
        {name: job[name] for name in want} for job, want in zip(result.jobs, expected, strict=True)
    ] == expected
    assert {job["kind"] for job in result.jobs if not job["step"]} == set(Walk)


def test_a_job_with_a_pixel_leaves_in_every_cycle_too() -> None:
    events = [spike(k % 2, k) for k in range(40)]
    result = run(events, 120, None, (MIXED, SIX), FULL)
    assert result.cycles == list(range(10, 10 + 120))
    assert result.latency == 10
