"""Random order of service, short queues and links of random latency never change a spike.

With SPIKELOOM_RUNS, which benchmarks/order.py sets, so many runs are made on every tree.
"""

import os
from functools import cache, partial

import pytest

from spikeloom import Golden, Program, Recording, compile
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import Fields, Per
from spikeloom_hw.tree.joined import Joined
from spikeloom_sim.compiled import CompiledChip, kept_verilog
from spikeloom_sim.cut_tree import cut_over_chips
from spikeloom_sim.jitter import Lag, jittered
from spikeloom_sim.random_network import random_case

STEPS = 6
PATIENCE = 20_000  # more than the longest silence of chips at work on these networks
CASES = 20
ALL = "SPIKELOOM_RUNS" in os.environ
RUNS = int(os.environ.get("SPIKELOOM_RUNS", "40"))
CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    accumulator_width=16,
    weight_rows=2048,
    neuron_rows=32,
    populations=4,
    projections=16,
    sources=8,
    phases=8,
    delay_slots=2,
    skip=True,
    fields=Fields({"threshold": Per.NEURON, "noise": Per.POPULATION, "seed": Per.POPULATION}, 18),
)
TREES = {
    "two chips of two cores": (2, (0,)),
    "a root with three leaves": (1, (0, 0, 0)),
    "a chain of three": (1, (0, 1)),
    "four chips, one below a leaf": (1, (0, 0, 1)),
}
DEPTHS = (1, 2, 8)
SHARE = [(name, depth) for name in TREES for depth in DEPTHS] if ALL else [("a chain of three", 1)]


@cache
def expected(seed: int) -> tuple[Program, dict, Recording]:
    """Draw a network for one core, its input, and what the golden model makes of it."""
    case = random_case(seed, CORE, steps=STEPS, largest=24)
    program = compile(case.network, ChipConfig(CORE))
    sample = {name: array[:, 0] for name, array in case.spikes.items()}
    return program, sample, Golden(case.network).run(case.spikes)


@pytest.mark.parametrize(("name", "depth"), SHARE)
def test_time_and_order_of_the_fabric_change_nothing(name: str, depth: int) -> None:
    cores, parents = TREES[name]
    chip: CompiledChip | None = None
    spikes, cycles = 0, set()
    for run in range(RUNS):
        program, sample, golden = expected(run % CASES)
        cut = cut_over_chips(program, cores, parents, run)
        if chip is None:
            with jittered(depth):
                key = f"{cut.config.hash:016x} in random order, {depth}"
                chip = CompiledChip(kept_verilog(key, partial(Joined, cut.config, Lag)))
        exchange = chip.exchange(script_of(cut, sample), patience=PATIENCE)
        recording = read_run(cut, exchange.output, STEPS)
        assert golden.difference(recording) is None, f"run {run}"
        spikes += sum(int(array.sum()) for array in golden.spikes.values())
        cycles.add(recording.counters["cycles"])
    assert spikes > RUNS
    assert len(cycles) > RUNS // 2
