"""Random order of service, short queues and links of random latency never change a spike.

benchmarks/order.py makes many more of these runs, on every tree and with queues of every depth.
"""

import random
from collections.abc import Sequence
from contextlib import suppress
from functools import cache, partial
from itertools import dropwhile

from spikeloom import Golden, Program, Recording, compile
from spikeloom.errors import LinkError
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.host.frame import Frame, FrameReader, FrameType, Pong
from spikeloom_hw.neuron import Fields, Per
from spikeloom_hw.registers import Control, Register
from spikeloom_hw.tree.joined import Joined, TwoWays
from spikeloom_sim.compiled import CompiledChip, kept_verilog
from spikeloom_sim.cut_tree import cut_over_chips
from spikeloom_sim.jitter import Lag, jittered
from spikeloom_sim.random_network import random_case

STEPS = 6
QUIET = 1000  # cycles without a byte after which it is looked whether all has come
PATIENCE = 20_000  # more than the longest silence of chips at work on these networks
CASES = 20
RESETS = 24
LIMIT = 10_000_000  # more cycles than anything here takes
RUNS = 40
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
SHARE = ("a chain of three", 1)


@cache
def expected(seed: int) -> tuple[Program, dict, Recording]:
    """Draw a network for one core, its input, and what the golden model makes of it."""
    case = random_case(seed, CORE, steps=STEPS, largest=24)
    program = compile(case.network, ChipConfig(CORE))
    sample = {name: array[:, 0] for name, array in case.spikes.items()}
    return program, sample, Golden(case.network).run(case.spikes)


def spread(program: Program, name: str, seed: int) -> Program:
    """Cut a program over the chips of a tree."""
    cores, parents = TREES[name]
    return cut_over_chips(program, cores, parents, seed)


@cache
def tree(name: str, depth: int) -> CompiledChip:
    """Compile a tree whose time and order are random; all networks here have one structure."""
    cut = spread(expected(0)[0], name, 0)
    with jittered(depth):
        key = f"{cut.config.hash:016x} in random order, {depth}"
        link = partial(TwoWays, way=Lag)
        return CompiledChip(kept_verilog(key, partial(Joined, cut.config, link)))


def ran(chip: CompiledChip, name: str, run: int) -> tuple[Recording, Recording]:
    """Make a run on a tree; give what came of it, and what the golden model makes of it.

    Raises
    ------
    LinkError
        If it came to no end.
    """
    program, sample, golden = expected(run % CASES)
    cut = spread(program, name, run)
    output = chip.exchange(script_of(cut, sample), patience=QUIET).output
    with suppress(LinkError):
        return read_run(cut, output, STEPS), golden
    output += chip.run(cycles=LIMIT, quiet=PATIENCE)[0]
    return read_run(cut, output, STEPS), golden


def test_time_and_order_of_the_fabric_change_nothing() -> None:
    chip = tree(*SHARE)
    spikes, cycles = 0, set()
    for run in range(RUNS):
        recording, golden = ran(chip, SHARE[0], run)
        assert golden.difference(recording) is None, f"run {run}"
        spikes += sum(int(array.sum()) for array in golden.spikes.values())
        cycles.add(recording.counters["cycles"])
    assert spikes > RUNS
    assert len(cycles) > RUNS // 2


class Talk:
    """Sessions with a chip, each of which begins with a PING of a new nonce."""

    def __init__(self, chip: CompiledChip) -> None:
        self.chip, self.nonce = chip, 0
        chip.reset()

    def say(self, frames: Sequence[Frame], answers: int = 0) -> list[Frame]:
        """Begin a session; give what comes in it until so many READs are answered."""
        self.nonce += 1
        frames = [Frame.of_words(FrameType.PING, 0, self.nonce), *frames]
        data = b"".join(f._replace(sequence=k & 0xFF).encode() for k, f in enumerate(frames))
        output = self.chip.run(data, cycles=LIMIT, quiet=1)[0]
        while True:
            came = list(dropwhile(self._is_old, FrameReader().feed(output)))
            if came and sum(frame.type == FrameType.DATA for frame in came) == answers:
                return came
            assert self.chip.cycles < LIMIT, "the chip is silent"
            output += self.chip.run(cycles=100)[0]

    def _is_old(self, frame: Frame) -> bool:
        nonce = Pong._fields.index("nonce")
        return frame.type != FrameType.PONG or frame.words[nonce] != self.nonce


def test_a_reset_in_the_middle_of_a_step_leaves_nothing_behind() -> None:
    name, depth = SHARE
    chip, rng, cut_short = tree(name, depth), random.Random(6), 0
    talk = Talk(chip)
    status = Frame.of_words(FrameType.READ, 0, Register.STATUS.value, 1)
    reset = Frame.of_words(FrameType.WRITE, 0, Register.CONTROL.value, Control.RESET.value)
    for trial in range(RESETS):
        program, sample, golden = expected(trial % CASES)
        cut = spread(program, name, trial)
        _, *frames = FrameReader().feed(script_of(cut, sample))
        chips = cut.config.chips
        loaded = next(k for k, f in enumerate(frames) if f.type == FrameType.EVENTS) - chips

        # A run is reset, at times more than once, at any time after its last words have come.
        talk.say(frames[: -2 * chips])
        chip.run(cycles=rng.randrange(400))
        told = [f for f in talk.say([status, reset], 1) if f.type == FrameType.DATA]
        cut_short += int(told[0].words[1])
        for _ in range(rng.choice((0, 0, 0, 2))):
            chip.run(cycles=rng.randrange(50))
            talk.say([reset])

        # Another run is as if there had been none; the memories have kept what they had.
        came = talk.say(frames[0 if trial % 4 == 0 else loaded :], 2 * chips)
        recording = read_run(cut, b"".join(frame.encode() for frame in came), STEPS)
        assert golden.difference(recording) is None, f"trial {trial}"
    assert cut_short > RESETS // 2
