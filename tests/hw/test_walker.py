import random
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.walker import Walker
from spikeloom_sim.bench import simulate

CONFIG = CoreConfig(lanes=4, update_lanes=4, weight_rows=256, neuron_rows=8, phases=4)


def random_jobs(seed: int, count: int) -> list[dict[str, int]]:
    rng = random.Random(seed)
    jobs = []
    for _ in range(count):
        blocks = rng.randint(1, 8)
        jobs.append({
            "step": 0,
            "blocks": blocks,
            "row": rng.randint(0, 8 - blocks),
            "weight_row": rng.randint(0, 256 - blocks),
            "size": 4 * blocks - rng.randrange(4),
        })
    return jobs


def run(jobs: list[dict[str, int]], seed: int | None) -> tuple[list[Any], int]:
    """Give jobs; take requests and steps, the pipe behind being empty two cycles later."""
    dut = Walker(CONFIG)
    rng = random.Random(seed)
    waiting, seen, pipe = list(jobs), [], [False, False]
    cycles = 0

    async def bench(ctx: Any) -> None:
        nonlocal cycles
        offering, quiet = False, 0
        while quiet < 4:
            offering = bool(waiting) and (offering or seed is None or rng.random() < 0.5)
            taken = seed is None or rng.random() < 0.3
            ctx.set(dut.i.valid, offering)
            if offering:
                ctx.set(dut.i.payload, waiting[0])
            ctx.set(dut.steps.ready, taken)
            ctx.set(dut.drained, not any(pipe) and not ctx.get(dut.o.valid))
            outputs = dut.o.valid, dut.o.payload, dut.steps.valid, dut.steps.payload
            sampled = await ctx.tick().sample(*outputs, dut.i.ready, dut.started, dut.size)
            _, _, valid, request, stepping, step, ready, started, size = sampled
            pipe[:] = [bool(valid), pipe[0]]
            if started:
                assert size == waiting[0]["size"]
            if valid:
                seen.append((int(request.weight_row), int(request.row)))
            if stepping and taken:
                assert not valid
                seen.append(("step", int(step.operation), int(step.phase)))
            if offering and ready:
                del waiting[0]
                offering = False
            cycles, quiet = cycles + 1, 0 if waiting or valid else quiet + 1
            assert cycles < 5000
        assert ctx.get(dut.idle)

    simulate(dut, bench)
    return seen, cycles


def rows_of(job: dict[str, int]) -> list[Any]:
    if job["step"]:
        return [("step", job["operation"], job["phase"])]
    return [(job["weight_row"] + k, job["row"] + k) for k in range(job["blocks"])]


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_job_walks_exactly_its_rows(seed: int | None) -> None:
    jobs = random_jobs(3, 60)
    seen, cycles = run(jobs, seed)
    assert seen == [row for job in jobs for row in rows_of(job)]
    # Without gaps in the jobs there are none in the requests: one to start, four to be sure.
    if seed is None:
        assert cycles == len(seen) + 1 + 4


@pytest.mark.parametrize("seed", [None, 4, 5])
def test_a_step_waits_for_the_requests_before_it(seed: int | None) -> None:
    rng = random.Random(seed)
    jobs = random_jobs(6, 40)
    for place in sorted(rng.sample(range(40), 12), reverse=True):
        step = {"step": 1, "operation": int(Operation.UPDATE), "phase": rng.randrange(4)}
        jobs.insert(place, step)
    seen, _ = run(jobs, seed)
    assert seen == [row for job in jobs for row in rows_of(job)]
