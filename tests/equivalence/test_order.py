"""Random order of service, short queues and links of random latency never change a spike.

With SPIKELOOM_RUNS, which benchmarks/order.py sets, so many runs are made on every tree.
"""

import os
import random
from collections.abc import Sequence
from functools import cache, partial

import pytest

from spikeloom import Golden, Program, Recording, compile
from spikeloom.host.script import read_run, script_of
from spikeloom.host.words import StepDecoder
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.host.frame import Frame, FrameReader, FrameType, Pong
from spikeloom_hw.neuron import Fields, Per
from spikeloom_hw.registers import Control, Register
from spikeloom_hw.tree.joined import Joined
from spikeloom_sim.compiled import CompiledChip, kept_verilog
from spikeloom_sim.cut_tree import cut_over_chips
from spikeloom_sim.jitter import Lag, jittered
from spikeloom_sim.random_network import random_case

STEPS = 6
PATIENCE = 20_000  # more than the longest silence of chips at work on these networks
CASES = 20
ALL = "SPIKELOOM_RUNS" in os.environ
RESETS = 12
LIMIT = 1_000_000  # more cycles than anything here takes
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


@cache
def tree(name: str, depth: int) -> CompiledChip:
    """Compile a tree whose time and order are random; all networks here have one structure."""
    cut = cut_over_chips(expected(0)[0], *TREES[name], 0)
    with jittered(depth):
        key = f"{cut.config.hash:016x} in random order, {depth}"
        return CompiledChip(kept_verilog(key, partial(Joined, cut.config, Lag)))


@pytest.mark.parametrize(("name", "depth"), SHARE)
def test_time_and_order_of_the_fabric_change_nothing(name: str, depth: int) -> None:
    chip = tree(name, depth)
    spikes, cycles = 0, set()
    for run in range(RUNS):
        program, sample, golden = expected(run % CASES)
        cut = cut_over_chips(program, *TREES[name], run)
        exchange = chip.exchange(script_of(cut, sample), patience=PATIENCE)
        recording = read_run(cut, exchange.output, STEPS)
        assert golden.difference(recording) is None, f"run {run}"
        spikes += sum(int(array.sum()) for array in golden.spikes.values())
        cycles.add(recording.counters["cycles"])
    assert spikes > RUNS
    assert len(cycles) > RUNS // 2


def session(frames: Sequence[Frame], nonce: int) -> bytes:
    """Bytes of a session with other frames behind its PING."""
    frames = [Frame.of_words(FrameType.PING, 0, nonce), *frames]
    return b"".join(f._replace(sequence=k & 0xFF).encode() for k, f in enumerate(frames))


@pytest.mark.parametrize("loads", [True, False], ids=["loaded again", "cleared alone"])
def test_a_reset_in_the_middle_of_a_step_leaves_nothing_behind(loads: bool) -> None:
    name, depth = SHARE[0]
    chip, rng, cut_short = tree(name, depth), random.Random(loads), 0
    reset = Frame.of_words(FrameType.WRITE, 0, Register.CONTROL.value, Control.RESET.value)
    for run in range(RESETS):
        program, sample, golden = expected(run % CASES)
        cut = cut_over_chips(program, *TREES[name], run)
        _, *frames = FrameReader().feed(script_of(cut, sample))
        begins = next(k for k, f in enumerate(frames) if f.type == FrameType.EVENTS) - 1

        # One run is reset, often more than once, at any time after its last words have come.
        chip.reset()
        output = chip.run(session(frames[:-2], 1), cycles=LIMIT, quiet=1)[0]
        for number in range(rng.choice((1, 1, 2, 3))):
            output += chip.run(cycles=rng.randrange(400))[0]
            output += chip.run(session([reset], 2 + number), cycles=LIMIT, quiet=1)[0]
        before = StepDecoder(cut.recorded, STEPS, 0)
        for frame in FrameReader().feed(output):
            if frame.type == FrameType.DEVICE_EVENTS:
                before.feed(frame.words)
        cut_short += before.done < STEPS

        # Another run is as if there had been none; the memories have kept what they had.
        script = session(frames if loads else frames[begins:], 9)
        output += chip.run(script, cycles=LIMIT, quiet=PATIENCE)[0]
        answers = FrameReader().feed(output)
        last = max(k for k, f in enumerate(answers) if f.type == FrameType.PONG)
        assert answers[last].words[Pong._fields.index("nonce")] == 9
        recording = read_run(cut, b"".join(f.encode() for f in answers[last:]), STEPS)
        assert golden.difference(recording) is None, f"run {run}"
    assert cut_short > RESETS // 2
