from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, signed
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from spikeloom_hw.neuron import FIRST_WORD, Fields, NeuronParameters, Per, next_word, word_at
from spikeloom_hw.neuron.noise import NOISE_STAGES, noise, noise_of
from spikeloom_hw.neuron.stages import Stages
from spikeloom_sim.bench import simulate

STEPS, NEURONS = 512, 512
# Chi-square and correlations are given in standard deviations; some 70 are looked at.
MOST = 5.0

Draw = Callable[[int, Any, Any], np.ndarray]


def hashed(seed: int, times: Any, index: Any) -> np.ndarray:
    return noise(seed, word_at(times), index, 16)


def uneven(numbers: np.ndarray) -> float:
    """Deviation of bytes from uniform, by the chi-square test."""
    counts = np.bincount(numbers.ravel() & 255, minlength=256)
    expected = numbers.size / 256
    square = float(((counts - expected) ** 2 / expected).sum())
    return (square - 255) / np.sqrt(2 * 255)


def correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float((a * b).mean() / (a.std() * b.std()) * np.sqrt(a.size))


def deviations(draw: Draw) -> dict[str, float]:
    """Deviations of 16-bit noise from independence, in units of what chance gives."""
    times, index = np.arange(STEPS)[:, None], np.arange(NEURONS)[None, :]
    here = draw(1234, times, index)
    scale = np.sqrt(12 * here.size) / 65536
    found = {
        "mean": (here.mean() + 0.5) * scale,
        # The variance of a square of a uniform number is 4 / 45 of its limit to the fourth.
        "variance": (here.astype(float).var() / (65536**2 / 12) - 1) * np.sqrt(1.25 * here.size),
        "over neurons": (here.mean(axis=1).var() * NEURONS * 12 / 65536**2 - 1)
        * np.sqrt(STEPS / 2),
        "over steps": (here.mean(axis=0).var() * STEPS * 12 / 65536**2 - 1) * np.sqrt(NEURONS / 2),
        "low byte": uneven(here),
        "high byte": uneven(here >> 8),
    }
    pairs = {f"neuron + {d}": (here[:, d:], here[:, :-d]) for d in (1, 2, 3, 16, 255)}
    pairs |= {f"step + {d}": (here[d:], here[:-d]) for d in (1, 2, 3, 10)}
    pairs |= {f"seed ^ {1 << b}": (here, draw(1234 ^ 1 << b, times, index)) for b in (0, 5, 15)}
    pairs["a square"] = (here[1:, 1:] ^ here[:-1, 1:], here[1:, :-1] ^ here[:-1, :-1])
    for name, (a, b) in pairs.items():
        found[f"{name}: product"] = correlation(a, b)
        for part, shift in (("low", 0), ("high", 8)):
            found[f"{name}: {part} difference"] = uneven((a >> shift) - (b >> shift))
            found[f"{name}: {part} exclusive or"] = uneven((a ^ b) >> shift)
    return found


def test_noise_passes_for_uniform_and_independent() -> None:
    found = deviations(hashed)
    assert {name: value for name, value in found.items() if abs(value) > MOST} == {}


def scrambled(numbers: Any) -> np.ndarray:
    """Scramble numbers as a good hash of one word does (the finaliser of MurmurHash3)."""
    numbers = np.asarray(numbers, np.uint64)
    for factor, shift in ((0xFF51AFD7ED558CCD, 33), (0xC4CEB9FE1A85EC53, 33)):
        numbers = (numbers ^ numbers >> np.uint64(shift)) * np.uint64(factor)
    return (numbers >> np.uint64(48)).astype(np.int64) - 32768


# Poor in ways that a look at one neuron, or at one step, does not show.
POOR: dict[str, Draw] = {
    "exclusive or of two hashes": lambda seed, times, index: (
        scrambled(times + (seed << 32)) ^ scrambled(index)
    ),
    "sum of two hashes": lambda seed, times, index: (
        (scrambled(times + (seed << 32)) + scrambled(index) + 32768) % 65536 - 32768
    ),
    "index added to the time": lambda seed, times, index: scrambled((seed << 32) + times + index),
    "top of the word": lambda seed, times, index: (
        (((word_at(times) ^ index) + seed) >> 16 & 65535) - 32768
    ),
    "one neuron's": lambda seed, times, index: scrambled((seed << 32) + times + 0 * index),
}


@pytest.mark.parametrize("name", POOR)
def test_the_test_of_noise_fails_poor_noise(name: str) -> None:
    assert max(abs(value) for value in deviations(POOR[name]).values()) > 10 * MOST


@pytest.mark.parametrize("bits", range(17))
def test_noise_is_uniform_among_the_numbers_of_its_bits(bits: int) -> None:
    drawn = noise(7, word_at(np.arange(400))[:, None], np.arange(1000), bits)
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if bits else (0, 0)
    assert drawn.min() >= low
    assert drawn.max() <= high
    # At least so many of the numbers come; of the fewer of few bits, equally often.
    assert len(np.unique(drawn)) > 0.99 * (1 << bits)
    counts = np.bincount((drawn - low).ravel(), minlength=1 << bits)
    spread = np.sqrt(drawn.size / (1 << bits))
    assert bits > 8 or abs(counts - drawn.size / (1 << bits)).max() < MOST * spread


def test_words_come_one_after_the_other() -> None:
    word = FIRST_WORD
    for time in range(1000):
        assert word == word_at(time)
        word = next_word(word)
    assert word_at(1 << 32) == FIRST_WORD
    times = np.array([0, 1, 5, (1 << 32) - 2, (1 << 32) - 1, 1 << 32])
    assert word_at(times).tolist() == [word_at(int(time)) for time in times]


class Noise(wiring.Component):
    """The gateware of the hash on its own."""

    fields: Any
    word: Signal
    index: Signal
    following: Signal
    noise: Signal

    def __init__(self) -> None:
        self.places = Fields({"noise": Per.POPULATION, "seed": Per.POPULATION})
        super().__init__({
            "fields": In(self.places.layout),
            "word": In(32),
            "index": In(20),
            "following": Out(32),
            "noise": Out(signed(16)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stages = Stages(m, self.places, self)
        m.d.comb += [
            self.noise.eq(noise_of(stages, self.word, self.index)),
            self.following.eq(next_word(self.word)),
        ]
        return m


@pytest.mark.parametrize("bits", range(17))
def test_gateware_draws_the_same_noise(bits: int) -> None:
    rng = np.random.default_rng(bits)
    dut, seed = Noise(), int(rng.integers(1 << 16))
    index = rng.integers(1 << 20, size=50)
    time = int(rng.integers(1 << 32))
    results = []

    async def bench(ctx: Any) -> None:
        ctx.set(dut.fields.noise, bits)
        ctx.set(dut.fields.seed, seed)
        ctx.set(dut.word, word_at(time))
        for cycle in range(len(index) + NOISE_STAGES - 1):
            ctx.set(dut.index, int(index[min(cycle, len(index) - 1)]))
            await ctx.tick()
            if cycle >= NOISE_STAGES - 1:
                results.append(ctx.get(dut.noise))
        assert ctx.get(dut.following) == word_at(time + 1)

    simulate(dut, bench)
    assert results == noise(seed, word_at(time), index, bits).tolist()


def test_noise_depends_on_time_and_neuron_and_not_on_the_sample() -> None:
    parameters = NeuronParameters(threshold=100, decay=0, noise=6, seed=3)
    potentials = np.empty((200, 3, 40), np.int64)
    sent = np.empty(potentials.shape, bool)
    state = parameters.rest((3, 40))
    parameters.advance(state, np.zeros(potentials.shape, np.int64), sent, potentials, time=9)
    expected = noise(3, word_at(np.arange(9, 209))[:, None], np.arange(40), 6)
    assert np.array_equal(potentials, np.broadcast_to(expected[:, None], potentials.shape))
