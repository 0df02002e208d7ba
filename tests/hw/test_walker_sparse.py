import random
from dataclasses import dataclass, field
from typing import Any

import pytest

from spikeloom_hw.config import CoreConfig, Walk
from spikeloom_hw.event import Operation
from spikeloom_hw.walker import Walker
from spikeloom_sim.bench import simulate

SPARSE = CoreConfig(
    lanes=4, weight_rows=64, neuron_rows=16, phases=4, pointers=128, synapse_rows=300
)
ALL = CoreConfig(
    lanes=4,
    weight_rows=64,
    neuron_rows=16,
    phases=4,
    delay_slots=8,
    payload_width=4,
    taps=16,
    pointers=128,
    synapse_rows=300,
)
TABLES = ("channel", "line", "column", "pointer")


@dataclass
class Case:
    """Rows of the tables, jobs, and what each gives."""

    tables: dict[str, list[dict[str, int]]]
    jobs: list[dict[str, int]] = field(default_factory=list)
    expected: list[list[dict[str, int]]] = field(default_factory=list)


def random_case(config: CoreConfig, seed: int, kinds: tuple[Walk, ...], count: int) -> Case:
    rng = random.Random(seed)
    pointers = []
    for _ in range(config.pointers):
        words = rng.choice([0, 1, 1, 2, 5, 9])
        first = rng.randint(0, config.synapse_rows - words)
        pointers.append({"first": first, "words": words, "size": 4 * words})
    # One line, and one column, are enough where the convolution is not what is tested.
    taps = [{"weight": k, "row": k % 4, "count": 1 + k % 3} for k in range(config.taps)]
    case = Case({"channel": taps, "line": taps, "column": taps, "pointer": pointers})
    for _ in range(count):
        job, requests = MAKE[rng.choice(kinds)](config, case, rng)
        if config.delay_slots > 1:
            job["slot"] = rng.randrange(config.delay_slots)
        if config.payload_width:
            job["value"] = rng.randrange(-8, 8)
        along = {name: job[name] for name in ("slot", "value") if name in job}
        case.jobs.append(job)
        case.expected.append([{**request, **along} for request in requests])
    return case


def dense(config: CoreConfig, case: Case, rng: random.Random) -> tuple[Any, Any]:
    blocks = rng.randint(1, 6)
    job = {"blocks": blocks, "weight_row": rng.randint(0, 58), "row": rng.randint(0, 10)}
    rows = [(job["weight_row"] + k, job["row"] + k) for k in range(blocks)]
    requests = [{"weight_row": w, "row": r, "sparse": 0} for w, r in rows]
    return {**job, "kind": Walk.DENSE, "size": rng.randint(1, 64)}, requests


def sparse(config: CoreConfig, case: Case, rng: random.Random) -> tuple[Any, Any]:
    place = rng.randrange(config.pointers)
    pointer = case.tables["pointer"][place]
    rows = range(pointer["first"], pointer["first"] + pointer["words"])
    requests = [{"weight_row": row, "sparse": 1} for row in rows]
    return {"kind": Walk.SPARSE, "weight_row": place, "row": 0, "blocks": 1}, requests


def convolution(config: CoreConfig, case: Case, rng: random.Random) -> tuple[Any, Any]:
    names = "channels", "lines", "columns"
    places = {name: rng.randrange(config.taps) for name in names}
    steps = {f"{axis}_{of}": rng.randrange(16) for axis in ("line", "column") for of in BASES}
    job = {**places, **steps, "weight_row": rng.randrange(64), "row": rng.randrange(16)}
    requests = []
    channel, line, column = (case.tables[name[:-1]][places[name]] for name in names)
    for i in range(line["count"]):
        for j in range(column["count"]):
            for b in range(channel["count"]):
                request = {"sparse": 0}
                for of, (name, depth) in BASES.items():
                    start = job[name] + channel[of] + line[of] + column[of]
                    steps_taken = i * job[f"line_{of}"] + j * job[f"column_{of}"] + b
                    request[name] = (start + steps_taken) % depth
                requests.append(request)
    return {**job, "kind": Walk.CONVOLUTION, "size": rng.randint(1, 64)}, requests


BASES = {"weight": ("weight_row", 64), "row": ("row", 16)}
MAKE = {Walk.DENSE: dense, Walk.CONVOLUTION: convolution, Walk.SPARSE: sparse}


@dataclass
class Run:
    requests: list[Any] = field(default_factory=list)
    cycles: list[int] = field(default_factory=list)
    operations: int = 0
    sparse: int = 0


def run(config: CoreConfig, case: Case, seed: int | None) -> Run:
    """Give jobs, answer table reads one cycle later, and take requests and steps."""
    dut = Walker(config)
    rng = random.Random(seed)
    waiting, result, pipe = list(case.jobs), Run(), [False] * 4
    built = [name for name in TABLES if hasattr(dut, name)]
    reads = [getattr(dut, f"{name}{end}") for name in built for end in ("_read", "")]

    async def bench(ctx: Any) -> None:
        offering, quiet, cycle = False, 0, 0
        while quiet < 6:
            offering = bool(waiting) and (offering or seed is None or rng.random() < 0.5)
            done = seed is None or rng.random() < 0.5
            ctx.set(dut.i.valid, offering)
            if offering:
                ctx.set(dut.i.payload, waiting[0])
            ctx.set(dut.steps.ready, done)
            ctx.set(dut.drained, not any(pipe) and not ctx.get(dut.o.valid))
            ends = dut.o.valid, dut.o.payload, dut.i.ready, dut.steps.valid, dut.steps.payload
            counts = dut.started, dut.size, dut.sparse
            sampled = await ctx.tick().sample(*ends, *counts, *reads)
            _, _, valid, request, ready, stepping, step, started, size, rare, *read = sampled
            pipe[:] = [bool(valid), *pipe[:-1]]
            for name, asked, row in zip(built, read[::2], read[1::2], strict=True):
                if asked:
                    ctx.set(getattr(dut, f"{name}_entry"), case.tables[name][row])
            if valid:
                result.requests.append(request)
                result.cycles.append(cycle)
            if stepping and done:
                result.requests.append(step)
            result.operations += int(size) * started
            result.sparse += rare
            if offering and ready:
                del waiting[0]
                offering = False
            cycle, quiet = cycle + 1, 0 if waiting or valid else quiet + 1
        assert ctx.get(dut.idle)

    simulate(dut, bench)
    return result


def agree(result: Run, case: Case) -> None:
    """All requests and steps are those expected, in order."""
    expected = [request for requests in case.expected for request in requests]
    found = [
        {name: int(request[name]) for name in want}
        for request, want in zip(result.requests, expected, strict=True)
    ]
    # A row of weights has fewer bits than one of synapses: the others do not count.
    for request in found:
        if request.get("sparse") == 0:
            request["weight_row"] %= 64
    assert found == expected


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_a_sparse_job_walks_the_words_of_its_pointer(seed: int | None) -> None:
    case = random_case(SPARSE, 3, (Walk.SPARSE,), 150)
    result = run(SPARSE, case, seed)
    agree(result, case)
    assert result.sparse == sum(bool(requests) for requests in case.expected)
    assert result.operations == sum(4 * len(requests) for requests in case.expected)
    if seed is None:
        empty = sum(not requests for requests in case.expected)
        gaps = result.cycles[-1] - result.cycles[0] + 1 - len(result.cycles)
        assert 0 < gaps <= empty


@pytest.mark.parametrize("seed", [None, 4, 5])
@pytest.mark.parametrize(
    "config, kinds", [(ALL, ALL.walks), (SPARSE, SPARSE.walks)], ids=["all", "dense and sparse"]
)
def test_kinds_of_jobs_follow_each_other_without_a_gap(
    config: CoreConfig, kinds: tuple[Walk, ...], seed: int | None
) -> None:
    case = random_case(config, 6, kinds, 150)
    kept = [k for k, requests in enumerate(case.expected) if requests]
    case.jobs = [case.jobs[k] for k in kept]
    result = run(config, case, seed)
    agree(result, case)
    if seed is None:
        assert result.cycles == list(range(4, 4 + len(result.cycles)))


@pytest.mark.parametrize("seed", [None, 7, 8])
def test_a_step_waits_for_the_requests_before_it(seed: int | None) -> None:
    rng = random.Random(seed)
    case = random_case(ALL, 9, ALL.walks, 60)
    for place in sorted(rng.sample(range(60), 15), reverse=True):
        step = {"operation": int(Operation.UPDATE), "phase": rng.randrange(4)}
        case.jobs.insert(place, {**step, "step": 1})
        case.expected.insert(place, [step])
    agree(run(ALL, case, seed), case)
