import random
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect

from spikeloom_hw.interchip import ChipLink, ParallelLine
from spikeloom_hw.interchip.link import LinkParameters
from spikeloom_sim.bench import collect, drive, simulate
from spikeloom_sim.link_compiled import CompiledTrial
from spikeloom_sim.link_task import Task

# An event with a value of 16 bits, and what it takes to tell it from requests and answers.
EVENTS = LinkParameters(56)
SMALL = LinkParameters(width=12, window=8, batch=4, timeout=80, retries=3)


class Pair(wiring.Component):
    """Two ends on parallel lines; each line can be cut, and each end reset."""

    def __init__(self, parameters: LinkParameters, lines: int = 8) -> None:
        self.parameters = parameters
        self.ends = [ChipLink(parameters) for _ in range(2)]
        self.lines = [ParallelLine(lines) for _ in range(2)]
        super().__init__({"cut": In(2)})
        self.cut: Signal

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for number, (end, line) in enumerate(zip(self.ends, self.lines, strict=True)):
            m.submodules[f"end{number}"] = end
            m.submodules[f"line{number}"] = line
            there = self.lines[1 - number]
            connect(m, end.tx, line.tx)
            connect(m, line.rx, end.rx)
            m.d.comb += [
                there.strobe_in.eq(line.strobe_out & ~self.cut[number]),
                there.data_in.eq(line.data_out),
            ]
        return m


@cache
def trial() -> CompiledTrial:
    return CompiledTrial(EVENTS)


@pytest.mark.parametrize("lines", [8, 4])
def test_words_pass_in_both_directions_in_order(lines: int) -> None:
    pair = Pair(SMALL, lines)
    source = random.Random(lines)
    words = [[source.randrange(1 << 12) for _ in range(40)] for _ in range(2)]
    received: list[list[int]] = [[], []]
    simulate(
        pair,
        drive(pair.ends[0].i, words[0], seed=1),
        drive(pair.ends[1].i, words[1], seed=2),
        collect(pair.ends[0].o, received[1], 40, seed=3),
        collect(pair.ends[1].o, received[0], 40, seed=4),
        deadline=3000,
    )
    assert received == words


def test_a_clean_line_is_used_as_far_as_the_frames_allow() -> None:
    words = 5000
    outcome = trial().run(Task(seed=1, rate=0, words=words))
    assert outcome.complete and not outcome.wrong and outcome.delivered == (words, words)
    # Cycles in which the last words are on their way count too.
    share = words * EVENTS.width / (8 * outcome.cycles)
    assert 0.98 * EVENTS.efficiency < share <= EVENTS.efficiency


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2])
def test_faults_of_the_line_never_make_a_wrong_word(rate: float) -> None:
    faults = 0
    for seed in range(1, 21):
        pauses = (seed % 3 * 40, seed % 4 * 40)
        outcome = trial().run(Task(seed, rate, 300, *pauses))
        assert not outcome.wrong
        assert outcome.complete and outcome.delivered == (300, 300)
        faults += outcome.faults
    assert faults > 0


def test_on_a_line_that_is_too_bad_the_link_gives_up_and_no_word_is_wrong() -> None:
    for seed in range(1, 5):
        outcome = trial().run(Task(seed, rate=0.25, words=300))
        assert outcome.errors
        assert not outcome.wrong and not outcome.complete


def test_a_cut_line_is_an_error_at_both_ends_after_the_retries() -> None:
    pair = Pair(SMALL)
    seen: list[int] = []

    async def bench(ctx: Any) -> None:
        while not all(ctx.get(end.up) for end in pair.ends):
            await ctx.tick()
        ctx.set(pair.cut, 1)
        for end in pair.ends:
            ctx.set(end.o.ready, 1)
        for cycle in range(1000):
            await ctx.tick()
            seen.extend([cycle] * (len(seen) < sum(ctx.get(end.error) for end in pair.ends)))
            assert not any(ctx.get(end.o.valid) for end in pair.ends)

    simulate(pair, bench)
    # The first timeout had begun when the line was cut.
    least, most = (SMALL.retries - 1) * SMALL.timeout, (SMALL.retries + 2) * SMALL.timeout
    assert least <= seen[0] <= most and seen[1] - seen[0] <= most


def test_a_sink_that_stands_still_is_no_error_and_loses_nothing() -> None:
    pair = Pair(SMALL)
    received: list[int] = []
    first, second = pair.ends

    async def late(ctx: Any) -> None:
        for _ in range((SMALL.retries + 3) * SMALL.timeout):
            await ctx.tick()
        assert not ctx.get(first.error) and not ctx.get(second.error)
        await collect(second.o, received, 30)(ctx)

    simulate(pair, drive(first.i, range(30)), late)
    assert received == list(range(30))


@pytest.mark.parametrize("late", [5, 37, 150])
def test_a_reset_of_both_ends_begins_anew_without_words_from_before(late: int) -> None:
    pair = Pair(SMALL)
    received: list[int] = []

    async def bench(ctx: Any) -> None:
        async def words(base: int, count: int) -> None:
            for number in range(count):
                ctx.set(pair.ends[0].i.payload, base + number)
                ctx.set(pair.ends[0].i.valid, 1)
                await ctx.tick().until(pair.ends[0].i.ready)
            ctx.set(pair.ends[0].i.valid, 0)

        # Words are on the line, and in both ends, when the first end is reset and then the other.
        for base in (0, 100, 200):
            await words(base, 11)
            for end, wait in zip(pair.ends, (late, 3), strict=True):
                ctx.set(end.reset, 1)
                await ctx.tick()
                ctx.set(end.reset, 0)
                for _ in range(wait):
                    await ctx.tick()
        assert not ctx.get(pair.ends[0].error)
        await words(300, 20)

    simulate(pair, bench, collect_until(pair.ends[1], received, 319))
    last = received.index(300)
    assert received[last:] == list(range(300, 320))
    assert received[:last] == sorted(set(received[:last]))


def collect_until(end: ChipLink, into: list[int], last: int) -> Callable[[Any], Any]:
    async def bench(ctx: Any) -> None:
        ctx.set(end.o.ready, 1)
        while not into or into[-1] != last:
            (word,) = await ctx.tick().sample(end.o.payload).until(end.o.valid)
            into.append(word)

    return bench


def test_an_end_whose_other_end_was_reset_takes_it_for_an_error() -> None:
    pair = Pair(SMALL)

    async def bench(ctx: Any) -> None:
        first, second = pair.ends
        while not ctx.get(first.up) or not ctx.get(second.up):
            await ctx.tick()
        ctx.set(first.reset, 1)
        await ctx.tick()
        ctx.set(first.reset, 0)
        for _ in range(2 * SMALL.timeout):
            await ctx.tick()
        assert ctx.get(second.error) and not ctx.get(first.up) and not ctx.get(first.error)

    simulate(pair, bench)


def test_the_share_of_a_line_that_words_get() -> None:
    # 16 words of 7 bytes, a header and a checksum of 4 bytes each, and a pause of one.
    assert EVENTS.frame_bytes == 120
    assert EVENTS.efficiency == 112 / 121


WRONG = {
    "Link width must be an integer, not '8'": {"width": "8"},
    "Link retries must be at least 1, not 0": {"retries": 0},
    "Link window must be a power of two from 2 to 64, not 48": {"window": 48},
    "Link batch must be at most the window of 8 words, not 9": {"window": 8, "batch": 9},
    "A frame of 64 words of 32 bits has 264 bytes, but 253 are the most: choose a smaller batch": {
        "batch": 64
    },
}


@pytest.mark.parametrize("message", WRONG)
def test_sizes_that_cannot_be_are_refused(message: str) -> None:
    sizes: dict[str, Any] = {"width": 32} | WRONG[message]
    with pytest.raises((TypeError, ValueError), match=f"^{message}$"):
        LinkParameters(**sizes)
