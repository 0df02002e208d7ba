import random
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.event import Kind, Operation, pack, pack_values
from spikeloom_hw.recorder import Recorder
from spikeloom_sim.bench import simulate

CONFIG = CoreConfig(sources=70)


def run(
    events: list[dict[str, Any]],
    record: list[int],
    seed: int | None,
    count: int,
    core: CoreConfig = CONFIG,
) -> Any:
    dut, rng = Recorder(core), random.Random(seed)
    waiting, words = list(events), []
    recorded, cycles = [0], [0]

    async def bench(ctx: Any) -> None:
        offering, quiet = False, 0
        while quiet < 8:
            offering = bool(waiting) and (offering or seed is None or rng.random() < 0.7)
            # Long stalls fill the queue.
            ready = seed is None or cycles[0] % 120 > 60 or rng.random() < 0.1
            ctx.set(dut.i.valid, offering)
            if offering:
                ctx.set(dut.i.payload, waiting[0])
            ctx.set(dut.o.ready, ready)
            outputs = dut.i.ready, dut.o.valid, dut.o.payload, dut.recorded
            _, _, taken, valid, word, passed, read, row = await ctx.tick().sample(
                *outputs, dut.record_read, dut.record_row
            )
            if read:
                ctx.set(dut.record, [record[32 * row + k] for k in range(32)])
            if offering and taken:
                del waiting[0]
                offering = False
            if valid and ready:
                words.append((int(word.word), int(word.last)))
            recorded[0] += passed
            quiet = 0 if waiting or len(words) < count else quiet + 1
            cycles[0] += 1
            assert cycles[0] < 8000
        assert ctx.get(dut.idle)

    simulate(dut, bench)
    return words, recorded[0], cycles[0]


def spike(source: int, index: int) -> dict[str, Any]:
    return {"kind": Kind.SPIKE, "source": source, "index": index}


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_recorded_spikes_pass_and_each_step_is_accounted_for(seed: int | None) -> None:
    rng = random.Random(11)
    record = [int(rng.random() < 0.5) for _ in range(96)]
    events, expected = [], []
    for number in range(12):
        count = 0
        for _ in range(rng.choice([0, 1, 20, 60])):
            source, index = rng.randrange(70), rng.randrange(1 << 20)
            events.append(spike(source, index))
            if record[source]:
                expected.append((pack(Kind.SPIKE, source, index), 0))
                count += 1
        step = (1 << 20) - 3 + number & 0xFFFFF
        events.append({"kind": Kind.STEP, "source": Operation.DONE.value, "index": step})
        expected += [(pack(Kind.STEP, 0, step), 0), (count, 1)]
    words, recorded, _ = run(events, record, seed, len(expected))
    assert words == expected
    assert recorded == len(expected) - 2 * 12


def test_a_spike_passes_in_every_cycle() -> None:
    events = [spike(3, k) for k in range(200)]
    words, recorded, cycles = run(events, [1] * 96, None, 200)
    assert [word for word, _ in words] == [pack(Kind.SPIKE, 3, k) for k in range(200)]
    assert recorded == 200
    assert cycles <= 200 + 3 + 8


@pytest.mark.parametrize("seed", [None, 3, 4])
def test_a_value_follows_its_event_and_counts_with_it(seed: int | None) -> None:
    rng = random.Random(12)
    record = [int(rng.random() < 0.5) for _ in range(96)]
    events, expected = [], []
    for number in range(8):
        count = 0
        for _ in range(rng.choice([0, 1, 30])):
            source, index = rng.randrange(70), rng.randrange(1 << 20)
            kind = rng.choice([Kind.SPIKE, Kind.GRADED, Kind.READOUT])
            value = 0 if kind is Kind.SPIKE else rng.randrange(-512, 512)
            events.append({"kind": kind, "source": source, "index": index, "value": value})
            if not record[source]:
                continue
            expected.append((pack(kind, source, index), 0))
            count += 1
            if kind is not Kind.SPIKE:
                expected.append((int(pack_values(np.array([value]))[0]), 0))
        events.append({"kind": Kind.STEP, "source": Operation.DONE.value, "index": number})
        expected += [(pack(Kind.STEP, 0, number), 0), (count, 1)]
    core = CoreConfig(sources=70, payload_width=10)
    words, recorded, _ = run(events, record, seed, len(expected), core)
    assert words == expected
    assert recorded == sum(count for count, last in expected if last)
