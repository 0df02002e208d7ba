"""Record 0008 said again, one neuron and one synapse at a time, in Python's own integers."""

from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import (
    Dependence,
    LearningRule,
    Post,
    Pre,
    Rounding,
    Seen,
    Surrogate,
    TraceKind,
)
from spikeloom_sim.learning import Neurons, Plastic, SparsePlastic, Step
from spikeloom_sim.projection import Dense, Sparse
from spikeloom_sim.random_rule import random_feedback, random_rule

MASK = (1 << 32) - 1
PRE, POST, WIDTH = 7, 6, 8


def rtz(number: int, divisor: int) -> int:
    return abs(number) // divisor * (1 if number >= 0 else -1)


def sat16(number: int) -> int:
    return max(-32768, min(32767, number))


def turned(word: int, by: int) -> int:
    return (word << by | word >> (32 - by)) & MASK


def mixed(word: int) -> int:
    word = word * 9 & MASK
    return word ^ turned(word, 7) ^ turned(word, 17)


def drawn(rule: LearningRule, seed: int, t: int, i: int, j: int, shift: int) -> int:
    if rule.rounding is Rounding.NEAREST:
        return 2 ** (shift - 1) if shift else 0
    word = mixed((t + 1) * 0x9E3779B9 & MASK ^ i) ^ (seed * 0x10001)
    for _ in range(3):
        word = mixed(word)
    for bit in range(20):
        if j >> bit & 1:
            word ^= mixed(mixed(1 << bit))
    return word % 2**shift


class Scalar:
    """A projection in lists of integers."""

    def __init__(self, rule: LearningRule, weights: np.ndarray) -> None:
        self.rule = rule
        self.w = weights.tolist()
        self.x = [[0] * PRE for _ in rule.pre_traces]
        self.y = [[0] * POST for _ in rule.post_traces]
        self.e = [[0] * POST for _ in range(PRE)]
        self.eps_theta, self.eps_leak = [0] * POST, [0] * POST
        self.s1, self.v1 = [0] * POST, [0] * POST

    def step(self, t: int, m: int, given: dict[str, list[int]], pre: list[int], post: Any) -> dict:
        rule = self.rule
        delta = [self.delta(j, m, given["b"][j], post) for j in range(POST)]
        if rule.back:
            carry = self.w if rule.back.feedback is None else rule.back.feedback.tolist()
            for i in range(PRE):
                total = sum(carry[i][j] * delta[j] for j in range(POST))
                given["a"][i] = sat16(given["a"][i] + rtz(total, 2**rule.back.shift))
        learned = self.parameters(t, m, delta, post)
        seen_x = self.advance(rule.pre_traces, self.x, pre)
        seen_y = self.advance(rule.post_traces, self.y, post["s"])
        if m or not rule.gate:
            for i in range(PRE):
                for j in range(POST):
                    self.synapse(t, m, i, j, (seen_x, seen_y, pre, post, delta))
        if rule.eligibility:
            self.reward(t, m)
        return learned

    def advance(self, traces: Any, values: list[list[int]], spikes: list[int]) -> list[list[int]]:
        seen = []
        for trace, kept in zip(traces, values, strict=True):
            seen.append([])
            for n, spike in enumerate(spikes):
                before = kept[n] * trace.decay // 4096
                after = min(before + trace.increment, 65535) if spike else before
                if spike and trace.kind is TraceKind.NEAREST:
                    after = trace.increment
                kept[n] = after
                value = after if trace.seen is Seen.AFTER else before
                seen[-1].append(value >> (16 - self.rule.operand_width))
        return seen

    def delta(self, j: int, m: int, given: int, post: Any) -> int:
        errors = self.rule.errors
        if errors is None:
            return 0
        u = abs(post["v"][j] - (0 if post["s"][j] else post["theta"][j])) >> errors.width
        if errors.surrogate is Surrogate.BOX:
            psi = 255 if u < 256 else 0
        elif errors.surrogate is Surrogate.TRIANGLE:
            psi = max(255 - u, 0)
        elif errors.surrogate is Surrogate.EXPONENTIAL:
            psi = min(255, (256 - (u % 256) // 2) // 2 ** (u // 256))
        else:
            psi = 255
        return rtz(psi * sat16(given - (errors.spike_value if post["s"][j] and m else 0)), 256)

    def parameters(self, t: int, m: int, delta: list[int], post: Any) -> dict:
        part, learned = self.rule.neurons, {"threshold": [], "decay": []}
        if part is None:
            return {}
        for j in range(POST):
            b = post["b"][j]
            before = self.eps_theta[j] - (256 if self.s1[j] else 0)
            self.eps_theta[j] = sat16(rtz(before * b, 4096))
            leak = rtz(self.eps_leak[j] * b, 4096) + self.v1[j] // 2**part.leak_shift
            self.eps_leak[j] = sat16(leak)
            for name, factor, shift, place, (low, high), now in (
                (
                    "threshold",
                    self.eps_theta[j] - 256,
                    part.threshold_shift,
                    0,
                    part.thresholds,
                    post["threshold"][j],
                ),
                ("decay", self.eps_leak[j], part.decay_shift, 1, part.decays, b),
            ):
                assert shift is not None
                r = drawn(self.rule, self.rule.seed, t, j, place, shift)
                moved = (delta[j] * factor + r) // 2**shift
                learned[name].append(max(low, min(high, now + moved)))
        self.s1, self.v1 = list(post["s"]), list(post["v"])
        return {} if self.rule.gate and not m else learned

    def synapse(self, t: int, m: int, i: int, j: int, known: Any) -> None:
        rule, w = self.rule, self.w[i][j]
        seen_x, seen_y, pre, post, delta = known
        total = 0
        for term in rule.terms:
            p = 1 if term.pre is Pre.ONE else seen_x[term.pre.value - 1][i]
            p *= m if term.modulated else term.coefficient
            if term.post is Post.ONE:
                q = 1
            elif term.post is Post.DELTA:
                q = delta[j]
            elif term.post is Post.SDSP:
                q = self.sdsp(post["v"][j], seen_y[0][j])
            else:
                q = seen_y[term.post.value - 1][j]
            if (term.on_pre and not pre[i]) or (term.on_post and not post["s"][j]):
                continue
            f = {Dependence.ABOVE: w - rule.low, Dependence.BELOW: rule.high - w}
            total += p * q * f.get(term.dependence, 1)
        moved = (total + drawn(rule, rule.seed, t, i, j, rule.shift)) // 2**rule.shift
        if rule.eligibility:
            self.e[i][j] = max(-128, min(127, self.e[i][j] + moved))
        else:
            self.w[i][j] = max(rule.low, min(rule.high, w + moved))

    def sdsp(self, v: int, y1: int) -> int:
        window = self.rule.sdsp
        assert window is not None
        if v >= window.potential:
            return 1 if window.up_low <= y1 < window.up_high else 0
        return -1 if window.down_low <= y1 < window.down_high else 0

    def reward(self, t: int, m: int) -> None:
        rule, part = self.rule, self.rule.eligibility
        assert part is not None
        for i in range(PRE):
            for j in range(POST):
                if (t + 1) % part.epoch == 0:
                    self.e[i][j] = rtz(self.e[i][j] * part.decay, 4096)
                if m:
                    r = drawn(rule, (rule.seed + 1) % 65536, t, i, j, part.reward_shift)
                    moved = (m * self.e[i][j] + r) // 2**part.reward_shift
                    self.w[i][j] = max(rule.low, min(rule.high, self.w[i][j] + moved))


def lively(rng: np.random.Generator, neurons: dict[str, list[int]]) -> dict[str, Any]:
    """A target after an update, near its threshold more often than not."""
    threshold, v = neurons["threshold"], rng.integers(-400, 400, POST)
    adaptation = rng.integers(0, 3, POST)
    return {
        "s": (rng.random(POST) < 0.4).astype(int).tolist(),
        "v": v.tolist(),
        "theta": [a + int(b) for a, b in zip(threshold, adaptation, strict=True)],
        "threshold": threshold,
        "b": neurons["decay"],
    }


def as_arrays(post: dict[str, Any]) -> Neurons:
    names = ("s", "v", "theta", "threshold", "b")
    spikes, *others = (np.array(post[name], np.int64) for name in names)
    return Neurons(spikes.astype(bool), *others)


@pytest.mark.parametrize("seed", range(60))
def test_a_random_rule_does_what_the_record_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rule = random_rule(rng, WIDTH, (6, 8, 10)[seed % 3])
    if rule.errors and rng.random() < 0.6:
        back = random_feedback(rng, (PRE, POST))
        rule = LearningRule(**{**vars(rule), "back": back})
    weights = rng.integers(rule.low, rule.high + 1, (PRE, POST))
    scalar, plastic = Scalar(rule, weights), Plastic(Dense("a", "b", weights, rule=rule), WIDTH)
    neurons = {"threshold": [300] * POST, "decay": [3900] * POST}
    for t in range(40):
        m = int(rng.integers(-128, 128)) if rng.random() < 0.5 else 0
        given = {"a": [0] * PRE, "b": rng.integers(-3000, 3000, POST).tolist()}
        pre, post = (rng.random(PRE) < 0.4).astype(int).tolist(), lively(rng, neurons)
        step = Step(t, m, {name: np.array(e, np.int64) for name, e in given.items()})
        learned = plastic.learn(step, np.array(pre, bool), as_arrays(post))
        assert {n: v.tolist() for n, v in learned.items()} == scalar.step(t, m, given, pre, post)
        neurons |= {name: list(values.tolist()) for name, values in learned.items()}
        assert step.errors["a"].tolist() == given["a"]
        assert plastic.weights.tolist() == scalar.w
        assert plastic.state.pre_traces.tolist() == scalar.x
        assert plastic.state.post_traces.tolist() == scalar.y
        if rule.eligibility:
            assert plastic.state.eligibility.tolist() == scalar.e


@pytest.mark.parametrize("seed", range(40))
def test_the_synapses_of_a_sparse_projection_do_each_what_the_record_says(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    rule = random_rule(rng, WIDTH, (6, 8, 10)[seed % 3], eligibility=None)
    # Neurons may be joined twice, with other delays and weights.
    there = rng.random((2, PRE, POST)) < rng.choice([0.2, 0.5, 1.0])
    weights = rng.integers(rule.low, rule.high + 1, there.shape)
    delays, before, after = np.nonzero(there)
    order = rng.permutation(len(before))
    columns: dict[str, Any] = {
        "pre": before[order],
        "post": after[order],
        "delays": delays[order],
    }
    sparse = Sparse("a", "b", weights[there][order], **columns, size=(PRE, POST), rule=rule)
    plastic, scalars = SparsePlastic(sparse, WIDTH), [Scalar(rule, w) for w in weights]
    neurons = {"threshold": [300] * POST, "decay": [3900] * POST}
    for t in range(40):
        m = int(rng.integers(-128, 128)) if rng.random() < 0.5 else 0
        given = {"a": [0] * PRE, "b": rng.integers(-3000, 3000, POST).tolist()}
        pre, post = (rng.random(PRE) < 0.4).astype(int).tolist(), lively(rng, neurons)
        step = Step(t, m, {name: np.array(e, np.int64) for name, e in given.items()})
        learned = plastic.learn(step, np.array(pre, bool), as_arrays(post))
        expected = [scalar.step(t, m, given, pre, post) for scalar in scalars]
        assert {n: v.tolist() for n, v in learned.items()} == expected[0]
        neurons |= {name: list(values.tolist()) for name, values in learned.items()}
        assert plastic.weights.tolist() == np.array([s.w for s in scalars])[there][order].tolist()


def test_most_random_rules_move_weights_and_parameters() -> None:
    moved = {"weights": 0, "neurons": 0, "eligibility": 0}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        rule = random_rule(rng, WIDTH)
        weights = rng.integers(rule.low, rule.high + 1, (PRE, POST))
        plastic = Plastic(Dense("a", "b", weights, rule=rule), WIDTH)
        neurons, learned = {"threshold": [300] * POST, "decay": [3900] * POST}, {}
        for t in range(10):
            errors = {"a": np.zeros(PRE, np.int64), "b": rng.integers(-3000, 3000, POST)}
            post, pre = as_arrays(lively(rng, neurons)), rng.random(PRE) < 0.4
            learned = plastic.learn(Step(t, 50, errors), pre, post)
        moved["weights"] += bool((plastic.weights != weights).any())
        moved["neurons"] += bool(learned and (learned["decay"] != 3900).any())
        moved["eligibility"] += bool(plastic.state.eligibility.any())
    assert moved["weights"] > 35 and moved["neurons"] > 8 and moved["eligibility"] > 4
