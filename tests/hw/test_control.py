import random
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.control import StepControl
from spikeloom_hw.event import Kind, Operation, pack_values, unpack
from spikeloom_sim.bench import simulate

SCHEDULE = [
    {"operation": Operation.UPDATE, "phase": 0, "last": 0},
    {"operation": Operation.UPDATE, "phase": 2, "last": 0},
    {"operation": Operation.LEARN, "phase": 1, "last": 1},
]


class Bench:
    """Host, bus and cores around the control; a core answers a step after some cycles."""

    def __init__(
        self,
        words: list[dict[str, Any]],
        count: int,
        seed: int | None,
        core: CoreConfig | None = None,
        *,
        checked: bool = False,
    ) -> None:
        self.dut = StepControl(core or CoreConfig(), checked=checked)
        self.words, self.count, self.seed = words, count, seed
        self.events: list[tuple[int, int, int]] = []
        self.values: list[int] = []
        self.bad = self.bad_sources = 0
        self.clear_at = -1
        self.entered: list[int] = []

    async def run(self, ctx: Any) -> None:
        dut, rng, waiting = self.dut, random.Random(self.seed), list(self.words)
        offering, answer, cycle = False, -1, 0
        while len(self.events) < self.count or not ctx.get(dut.idle) or waiting:
            offering = bool(waiting) and (offering or self.seed is None or rng.random() < 0.6)
            ready = self.seed is None or rng.random() < 0.6
            ctx.set(dut.i.valid, offering)
            if offering:
                ctx.set(dut.i.payload, waiting[0])
            ctx.set(dut.o.ready, ready)
            ctx.set(dut.end, answer == 0)
            ctx.set(dut.clear, cycle == self.clear_at)
            outputs = dut.i.ready, dut.o.valid, dut.o.payload, dut.schedule_read, dut.entry_number
            _, _, taken, valid, event, read, number, bad, stray = await ctx.tick().sample(
                *outputs, dut.bad_word, dut.bad_source
            )
            self.bad_sources += stray
            answer -= 1
            if read:
                ctx.set(dut.entry, SCHEDULE[number])
            if valid and ready:
                self.events.append((int(event.kind), int(event.source), int(event.index)))
                if event.kind == Kind.GRADED:
                    self.values.append(int(event.value))
                if event.kind == Kind.STEP and event.source != Operation.DONE:
                    assert answer < 0, "a step before the answer to the one before it"
                    answer = 0 if self.seed is None else rng.randrange(12)
            if offering and taken:
                del waiting[0]
                offering = False
            self.bad += bad
            cycle += 1
            assert cycle < 4000
        self.steps = ctx.get(dut.steps)


def spike(source: int, index: int) -> dict[str, Any]:
    return {"kind": Kind.SPIKE, "source": source, "index": index}


def step(count: int) -> dict[str, Any]:
    return {"kind": Kind.STEP, "source": 0, "index": count}


def schedule(number: int) -> list[tuple[int, int, int]]:
    """Events of time step ``number``."""
    entries = [(Kind.STEP.value, e["operation"].value, e["phase"]) for e in SCHEDULE]
    return [*entries, (Kind.STEP.value, Operation.DONE.value, number)]


@pytest.mark.parametrize("seed", [None, 1, 2, 3])
def test_spikes_pass_and_a_step_runs_the_schedule(seed: int | None) -> None:
    rng = random.Random(seed)
    words, expected, number = [], [], 0
    for _ in range(12):
        for _ in range(rng.randrange(4)):
            source, index = rng.randrange(512), rng.randrange(1 << 20)
            words.append(spike(source, index))
            expected.append((Kind.SPIKE.value, source, index))
        count = rng.choice([0, 1, 1, 2, 5])
        words.append(step(count))
        for _ in range(max(count, 1)):
            expected += schedule(number)
            number += 1
    bench = Bench(words, len(expected), seed)
    simulate(bench.dut, bench.run)
    assert bench.events == expected
    assert bench.steps == number
    assert bench.bad == 0


@pytest.mark.parametrize("seed", [None, 4])
def test_a_word_of_another_kind_is_dropped_and_told(seed: int | None) -> None:
    kinds = [kind for kind in Kind if kind not in {Kind.SPIKE, Kind.STEP}]
    words = [{"kind": kind, "source": 1, "index": 2} for kind in kinds]
    bench = Bench([spike(3, 4), *words, spike(5, 6)], 2, seed)
    simulate(bench.dut, bench.run)
    assert bench.events == [(0, 3, 4), (0, 5, 6)]
    assert bench.bad == len(kinds)


@pytest.mark.parametrize("seed, cycle", [(None, 0), (5, 0), (None, 5), (6, 30)])
def test_a_clear_follows_the_step_under_way_and_time_starts_anew(
    seed: int | None, cycle: int
) -> None:
    words = [step(2), step(1)]
    bench = Bench(words, 13, seed)
    bench.clear_at = cycle
    simulate(bench.dut, bench.run)
    clear = (Kind.STEP.value, Operation.CLEAR.value, 0)
    assert bench.events.count(clear) == 1
    before = bench.events.index(clear)
    done = bench.events[:before].count(schedule(0)[-1])
    assert before % 4 == 0
    steps = before // 4
    assert done == (1 if steps else 0)
    expected = [event for number in range(steps) for event in schedule(number)]
    expected += [clear, *(event for number in range(3 - steps) for event in schedule(number))]
    assert bench.events == expected
    assert bench.steps == 3 - steps


def value_word(value: int) -> dict[str, Any]:
    kind, source, index = unpack(int(pack_values(np.array([value]))[0]))
    return {"kind": Kind(kind), "source": source, "index": index}


@pytest.mark.parametrize("seed", [None, 7, 8])
def test_a_graded_event_takes_its_value_from_the_next_word(seed: int | None) -> None:
    rng = random.Random(seed)
    words, expected, values = [], [], []
    for _ in range(40):
        source, index, value = rng.randrange(512), rng.randrange(1 << 20), rng.randrange(-128, 128)
        if rng.random() < 0.5:
            words += [{"kind": Kind.GRADED, "source": source, "index": index}, value_word(value)]
            expected.append((Kind.GRADED.value, source, index))
            values.append(value)
        else:
            words.append(spike(source, index))
            expected.append((Kind.SPIKE.value, source, index))
    words.append(step(1))
    expected += schedule(0)
    bench = Bench(words, len(expected), seed, CoreConfig(payload_width=8))
    simulate(bench.dut, bench.run)
    assert bench.events == expected
    assert bench.values == values
    assert bench.bad == 0


@pytest.mark.parametrize("seed", [None, 9])
def test_a_graded_event_without_its_value_is_dropped_and_told(seed: int | None) -> None:
    graded = {"kind": Kind.GRADED, "source": 1, "index": 2}
    words = [graded, spike(3, 4), value_word(5), spike(6, 7), graded, value_word(-8)]
    bench = Bench(words, 3, seed, CoreConfig(payload_width=8))
    simulate(bench.dut, bench.run)
    assert bench.events == [(0, 3, 4), (0, 6, 7), (Kind.GRADED.value, 1, 2)]
    assert bench.values == [-8]
    assert bench.bad == 2


@pytest.mark.parametrize("seed", [None, 1])
def test_where_filters_are_an_event_without_a_source_is_dropped_and_told(seed: int | None) -> None:
    core = CoreConfig(sources=4, payload_width=8)
    words = [spike(3, 7), spike(4, 1), step(1), spike(511, 2), spike(0, 5), step(1)]
    bench = Bench(words, 10, seed, core, checked=True)
    simulate(bench.dut, bench.run)
    assert [e for e in bench.events if e[0] == Kind.SPIKE] == [(0, 3, 7), (0, 0, 5)]
    assert (bench.bad, bench.bad_sources) == (0, 2)
