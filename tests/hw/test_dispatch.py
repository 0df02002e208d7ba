import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.dispatch import Dispatch
from spikeloom_hw.event import Kind
from spikeloom_sim.bench import simulate

CONFIG = CoreConfig(
    lanes=4, update_lanes=4, weight_rows=256, neuron_rows=8, sources=6, projections=8, phases=4
)
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


def run(events: list[dict[str, Any]], count: int, seed: int | None) -> Run:
    """Give events, answer table reads one cycle later, and take jobs."""
    dut = Dispatch(CONFIG)
    rng = random.Random(seed)
    result = Run()
    waiting = list(events)

    async def bench(ctx: Any) -> None:
        offering, cycle, quiet = False, 0, 0
        while len(result.jobs) < count or quiet < 12:
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
                ctx.set(dut.entry, SOURCES[source] if source < len(SOURCES) else {})
            if projection_read:
                ctx.set(dut.target, PROJECTIONS[projection])
            if offering and taken:
                del waiting[0]
                offering = False
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
    cycles = run(events, count, None).cycles
    assert cycles == list(range(cycles[0], cycles[0] + count))
    assert cycles[0] == 4
