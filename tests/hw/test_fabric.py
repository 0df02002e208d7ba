"""Core, bus and control together against the golden model, with stalls on both ends.

Here a share of the cores is drawn; benchmarks/equivalence.py sets SPIKELOOM_CASES, which draws all.
"""

import os
import random
from typing import Any

import numpy as np
import pytest

from spikeloom.mapping import place
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, pack, pack_values, unpack, unpack_values
from spikeloom_hw.fabric import Fabric
from spikeloom_hw.neuron import Constant, Fields, Leak, Output, Per, Reset, Synapse
from spikeloom_hw.number import DECAY_ONE
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_sim.bench import simulate
from spikeloom_sim.cutting import cut_program
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Convolution, Dense, Sparse
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.recording import Recording

STEPS = 7
FEW = 4
# Each choice of a core, a network or a neuron is in two of these, or in as many as of all.
SHARE = (4, 7, 8, 9, 19, 20, 22, 23, 26, 28, 30, 32, 37, 39, 43)
SEEDS = range(44) if "SPIKELOOM_CASES" in os.environ else SHARE
# Neuron fields that come together.
FEATURES = (
    ("output",),
    ("leak",),
    ("synapse", "current_decay"),
    ("adaptation_decay", "adaptation_step"),
    ("winner", "inhibition"),
    ("noise", "seed"),
)
Event = tuple[str, int, int]

SHARED: dict[str, Any] = {
    "weight_rows": 4096,
    "neuron_rows": 64,
    "populations": 4,
    "projections": 16,
    "sources": 8,
    "phases": 8,
}


def core_of(seed: int) -> CoreConfig:
    """A core whose shape, widths, options and places of parameters are drawn."""
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
    for names in FEATURES:
        if rng.random() < 0.25:
            places |= dict.fromkeys(names, Per.POPULATION)
    sparse, convolutions, graded = (rng.random() < 0.3 for _ in range(3))
    return CoreConfig(
        lanes=lanes,
        update_lanes=rng.choice([u for u in (1, 2, 4, 8, 16) if u <= lanes]),
        weight_width=rng.choice([4, 8, 8, 16]),
        accumulator_width=rng.choice([16, 18, 24]),
        fields=Fields(places, rng.choice([16, 18, 24])),
        weight_ports=rng.choice([1, 2]),
        delay_slots=rng.choice([1, 1, 2, 16]),
        payload_width=8 if graded else 0,
        value_groups=256 if "output" in places else 0,
        taps=64 if convolutions else 0,
        pointers=256 if sparse else 0,
        synapse_rows=256 if sparse else 0,
        skip=rng.random() < 0.5,
        **SHARED,
    )


def words_of(program: Program, spikes: dict[str, np.ndarray], steps: int) -> list[int]:
    """Event words of the host: the events of each step, then the step."""
    words = []
    for step in range(steps):
        for population in program.inputs:
            sent = spikes[population.name][step, 0]
            neurons = np.flatnonzero(sent)
            indices = population.to_index(neurons).tolist()
            for neuron, index in zip(neurons, indices, strict=True):
                if population.largest > 1:
                    value = int(pack_values(sent[neuron]))
                    words += [pack(Kind.GRADED, population.source, index), value]
                else:
                    words.append(pack(Kind.SPIKE, population.source, index))
        words.append(pack(Kind.STEP, 0, 1))
    return words


async def load(ctx: Any, dut: Fabric, program: Program) -> None:
    known = regions(program.config)
    for name, image in program.images.items():
        region = known[name]
        for row, words in enumerate(image):
            for word, value in enumerate(words):
                ctx.set(dut.access.address, region.base + row * region.stride + word)
                ctx.set(dut.access.value, int(value))
                await ctx.tick()
                if program.config.filtered:
                    await ctx.tick()
                ctx.set(dut.access.write, 1)
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


def decode(program: Program, words: list[tuple[int, bool]]) -> list[list[Event]]:
    """Name, index and value of the events of each step, as they came; checks every account."""
    names = {p.source: p.name for p in program.populations}
    steps, events = [], []
    stream = iter(words)
    for word, last in stream:
        kind, source, index = unpack(word)
        assert not last
        if kind == Kind.STEP:
            assert (source, index) == (0, len(steps))
            assert next(stream) == (len(events), True)
            steps.append(events)
            events = []
        elif kind == Kind.SPIKE:
            events.append((names[source], index, 1))
        else:
            assert kind in (Kind.GRADED, Kind.READOUT)
            value, last = next(stream)
            assert unpack(value)[0] == Kind.VALUE
            assert not last
            events.append((names[source], index, int(unpack_values(np.array(value)))))
    assert events == []
    return steps


def expected_of(program: Program, recording: Recording, step: int) -> dict[str, list[Event]]:
    """Events of each population in one step, by ascending index."""
    events: dict[str, list[Event]] = {}
    for name, sent in (recording.spikes | recording.values).items():
        population = program.population(name)
        now = sent[step, 0]
        whole = population.output is Output.VALUE
        neurons = np.arange(population.size) if whole else np.flatnonzero(now)
        indices = population.to_index(neurons)
        pairs = zip(indices.tolist(), now[neurons].tolist(), strict=True)
        events[name] = sorted((name, index, int(value)) for index, value in pairs)
    return events


@pytest.mark.parametrize("seed", SEEDS)
def test_the_fabric_computes_what_golden_does(seed: int) -> None:
    core = core_of(seed)
    case = random_case(seed, core, steps=STEPS, largest=24)
    check(case, place(case.network, ChipConfig(core)), seed)


@pytest.mark.parametrize("seed, cores", [(12, 3), (36, 2)])
def test_many_cores_compute_what_golden_does(seed: int, cores: int) -> None:
    core = core_of(seed)
    case = random_case(seed, core, steps=FEW, largest=24)
    check(case, cut_program(place(case.network, ChipConfig(core)), cores, seed), seed)


def check(case: Case, program: Program, seed: int) -> None:
    count = len(next(iter(case.spikes.values())))
    words = words_of(program, case.spikes, count)
    steps = decode(program, run(program, words, count, seed or None))
    golden = Golden(case.network).run(case.spikes)
    assert len(steps) == count
    for step, events in enumerate(steps):
        expected = expected_of(program, golden, step)
        for name, sent in expected.items():
            came = [event for event in events if event[0] == name]
            # Slices of a population send side by side.
            assert (sorted(came) if program.config.cores > 1 else came) == sent, (step, name)
        assert len(events) == sum(map(len, expected.values()))


def test_the_cases_reach_the_extremes() -> None:
    drawn = [random_case(seed, core_of(seed), steps=STEPS, largest=24) for seed in SEEDS]
    assert {case.mood for case in drawn} >= {"silent input", "all fire", "none fires", "mixed"}
    neurons = [p.neuron for c in drawn for p in c.network.neurons if p.neuron]
    assert {neuron.reset for neuron in neurons} == set(Reset)
    assert {neuron.output for neuron in neurons} == set(Output)
    assert {neuron.synapse for neuron in neurons} == set(Synapse)
    assert {neuron.leak for neuron in neurons} == set(Leak)
    assert any(n.winner for n in neurons) and any(n.noise for n in neurons)
    projections = [p for c in drawn for p in c.network.projections]
    assert {type(p) for p in projections} == {Convolution, Dense, Sparse}
    assert any(p.longest_delay for p in projections)
    assert any(p.largest > 1 for c in drawn for p in c.network.inputs)
    recordings = [Golden(c.network).run(c.spikes) for c in drawn]
    fired = [sum(int(s.sum()) for s in r.spikes.values()) for r in recordings]
    assert sum(count > 0 for count in fired) > len(SEEDS) // 2
    assert 0 in fired


def test_only_recorded_populations_are_heard() -> None:
    core = core_of(1)
    case = random_case(1, core, steps=STEPS, largest=24)
    chosen = (case.network.inputs[0].name, case.network.neurons[-1].name)
    program = place(case.network, ChipConfig(core), record=chosen)
    words = words_of(program, case.spikes, STEPS)
    steps = decode(program, run(program, words, STEPS, 1))
    golden = Golden(case.network).run(case.spikes, record=chosen)
    for step, events in enumerate(steps):
        expected = expected_of(program, golden, step)
        assert expected.keys() == set(chosen)
        assert sorted(events) == sorted(e for sent in expected.values() for e in sent)
    assert any(steps)


def test_one_step_word_advances_many_steps() -> None:
    core = core_of(2)
    case = random_case(2, core, steps=STEPS, largest=24)
    silent = {name: np.zeros_like(spikes) for name, spikes in case.spikes.items()}
    program = place(case.network, ChipConfig(core))
    steps = decode(program, run(program, [pack(Kind.STEP, 0, STEPS)], STEPS, None))
    golden = Golden(case.network).run(silent)
    assert [len(events) for events in steps] == [
        sum(map(len, expected_of(program, golden, step).values())) for step in range(STEPS)
    ]
