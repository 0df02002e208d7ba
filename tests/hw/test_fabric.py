"""Core, bus and control together against the golden model, with stalls on both ends."""

import random
from typing import Any

import numpy as np
import pytest

from spikeloom.mapping import place
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, pack, unpack
from spikeloom_hw.fabric import Fabric
from spikeloom_hw.neuron import Constant, Fields, Per, Reset
from spikeloom_hw.number import DECAY_ONE
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_sim.bench import simulate
from spikeloom_sim.golden import Golden
from spikeloom_sim.random_network import random_case

STEPS = 7
CASES = 44
SHARED = {
    "weight_rows": 4096,
    "neuron_rows": 64,
    "populations": 4,
    "projections": 16,
    "sources": 8,
    "phases": 8,
}


def core_of(seed: int) -> CoreConfig:
    """A core whose shape, widths and places of parameters are drawn."""
    rng = random.Random(seed)
    lanes = rng.choice([4, 8, 16])
    travelling = ("threshold", "decay", "bias", "reset_value", "refractory")
    places: dict[str, Constant | Per] = {
        name: Per.NEURON for name in travelling if rng.random() < 0.3
    }
    constants = {
        "reset": rng.choice(list(Reset)).value,
        "refractory": rng.choice([0, 3, 7]),
        "decay": rng.choice([DECAY_ONE, 3686]),
        "inclusive": rng.randrange(2),
        "shift": rng.randrange(4),
    }
    for name, value in constants.items():
        if name not in places and rng.random() < 0.3:
            places[name] = Constant(value)
    return CoreConfig(
        lanes=lanes,
        update_lanes=rng.choice([u for u in (1, 2, 4, 8, 16) if u <= lanes]),
        weight_width=rng.choice([4, 8, 8, 16]),
        accumulator_width=rng.choice([16, 18, 24]),
        fields=Fields(places, rng.choice([16, 18, 24])),
        weight_ports=rng.choice([1, 2]),
        **SHARED,
    )


def words_of(program: Program, spikes: dict[str, np.ndarray], steps: int) -> list[int]:
    """Event words of the host: the spikes of each step, then the step."""
    words = []
    for step in range(steps):
        for population in program.inputs:
            fired = np.flatnonzero(spikes[population.name][step, 0])
            words += [pack(Kind.SPIKE, population.source, int(index)) for index in fired]
        words.append(pack(Kind.STEP, 0, 1))
    return words


async def load(ctx: Any, dut: Fabric, program: Program) -> None:
    known = regions(program.config)
    ctx.set(dut.access.write, 1)
    for name, image in program.images.items():
        region = known[name]
        for row, words in enumerate(image):
            for word, value in enumerate(words):
                ctx.set(dut.access.address, region.base + row * region.stride + word)
                ctx.set(dut.access.value, int(value))
                assert ctx.get(dut.access.known)
                await ctx.tick()
    ctx.set(dut.access.write, 0)
    ctx.set(dut.clear, 1)
    await ctx.tick()
    ctx.set(dut.clear, 0)
    while not ctx.get(dut.idle):
        await ctx.tick()


def run(program: Program, words: list[int], steps: int, seed: int | None) -> list[tuple[int, bool]]:
    """Load, then give words and take words with stalls drawn from ``seed``."""
    dut = Fabric(program.config)
    given, seen = random.Random(seed), []
    loaded = [False]

    async def host(ctx: Any) -> None:
        await load(ctx, dut, program)
        loaded[0] = True
        for word in words:
            while seed is not None and given.random() < 0.2:
                await ctx.tick()
            ctx.set(dut.i_words.payload, word)
            ctx.set(dut.i_words.valid, 1)
            await ctx.tick().until(dut.i_words.ready)
            ctx.set(dut.i_words.valid, 0)

    async def sink(ctx: Any) -> None:
        stalls, done, cycle = random.Random(seed), 0, 0
        while done < steps:
            # A third of the time hardly anything is taken, so that all queues fill up.
            slow = seed is not None and cycle % 300 < 100
            ready = loaded[0] and stalls.random() < (0.05 if slow else 0.8 if seed else 1.1)
            ctx.set(dut.o_words.ready, ready)
            _, _, valid, word = await ctx.tick().sample(dut.o_words.valid, dut.o_words.payload)
            cycle += 1
            if ready and valid:
                seen.append((int(word.word), bool(word.last)))
                done += word.last
        assert not ctx.get(dut.bad_word)

    simulate(dut, host, sink, deadline=60_000)
    return seen


def decode(program: Program, words: list[tuple[int, bool]]) -> list[list[tuple[str, int]]]:
    """Spikes of each step, in the order in which they came; checks the account of the step."""
    names = {p.source: p.name for p in program.populations}
    steps, spikes = [], []
    stream = iter(words)
    for word, last in stream:
        kind, source, index = unpack(word)
        assert not last
        if kind == Kind.STEP:
            assert (source, index) == (0, len(steps))
            assert next(stream) == (len(spikes), True)
            steps.append(spikes)
            spikes = []
        else:
            assert kind == Kind.SPIKE
            spikes.append((names[source], index))
    assert spikes == []
    return steps


@pytest.mark.parametrize("seed", range(CASES))
def test_the_fabric_computes_what_golden_does(seed: int) -> None:
    core = core_of(seed)
    case = random_case(seed, core, steps=STEPS, largest=24)
    program = place(case.network, ChipConfig(core))
    words = words_of(program, case.spikes, STEPS)
    steps = decode(program, run(program, words, STEPS, seed or None))
    golden = Golden(case.network).run(case.spikes)
    for step, spikes in enumerate(steps):
        for name, fired in golden.spikes.items():
            indices = [index for population, index in spikes if population == name]
            assert indices == np.flatnonzero(fired[step, 0]).tolist(), (step, name)
        assert len(spikes) == sum(int(fired[step, 0].sum()) for fired in golden.spikes.values())


def test_the_cases_reach_the_extremes() -> None:
    cases = [random_case(seed, core_of(seed), steps=STEPS, largest=24) for seed in range(CASES)]
    assert {case.mood for case in cases} >= {"silent input", "all fire", "none fires", "mixed"}
    resets = {p.neuron.reset for c in cases for p in c.network.neurons if p.neuron}
    assert resets == set(Reset)
    fired = [sum(s.sum() for s in Golden(c.network).run(c.spikes).spikes.values()) for c in cases]
    assert sum(int(count) > 0 for count in fired) > CASES // 2
    assert 0 in fired


def test_only_recorded_populations_are_heard() -> None:
    core = core_of(1)
    case = random_case(1, core, steps=STEPS, largest=24)
    chosen = case.network.neurons[-1].name
    source = case.network.inputs[0].name
    program = place(case.network, ChipConfig(core), record=(chosen, source))
    words = words_of(program, case.spikes, STEPS)
    steps = decode(program, run(program, words, STEPS, 1))
    golden = Golden(case.network).run(case.spikes)
    expected = [
        {(chosen, int(k)) for k in np.flatnonzero(golden.spikes[chosen][step, 0])}
        | {(source, int(k)) for k in np.flatnonzero(case.spikes[source][step, 0])}
        for step in range(STEPS)
    ]
    assert [set(spikes) for spikes in steps] == expected
    assert [len(spikes) for spikes in steps] == [len(spikes) for spikes in expected]


def test_one_step_word_advances_many_steps() -> None:
    core = core_of(2)
    case = random_case(2, core, steps=STEPS, largest=24)
    silent = {name: np.zeros_like(spikes) for name, spikes in case.spikes.items()}
    program = place(case.network, ChipConfig(core))
    steps = decode(program, run(program, [pack(Kind.STEP, 0, STEPS)], STEPS, None))
    golden = Golden(case.network).run(silent)
    assert [len(spikes) for spikes in steps] == [
        sum(int(fired[step].sum()) for fired in golden.spikes.values()) for step in range(STEPS)
    ]
