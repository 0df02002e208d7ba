from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning import Backward, Eligibility, LearningRule, Post, Term, Trace
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.row_pass_kind import PassKind
from spikeloom_sim.bench import drive, simulate
from spikeloom_sim.learning.changes import (
    change_eligibility,
    decay_eligibility,
    reward_weights,
    term_sum,
)
from spikeloom_sim.row_pass_bench import RowCase, RowPassBench, random_case, random_rules

BLOCKS, NEURONS = 4, 12
SEED = 7
ORDER = np.random.default_rng(SEED).permutation(NEURONS)
KINDS: dict[str, dict[str, Any]] = {
    "pair": {"terms": 2},
    "one term": {"terms": 1, "pre_traces": 0},
    "triplet": {"terms": 4, "pre_traces": 2, "operand_width": 10},
    "dependent": {"terms": 2, "dependence": True},
    "errors": {"terms": 3, "errors": True},
    "all": {"terms": 4, "pre_traces": 2, "dependence": True, "errors": True, "back": True},
}
SHAPES = {"pair": (8, 4), "triplet": (4, 16), "errors": (1, 8)}


def config_of(lanes: int = 4, weight_width: int = 8, ports: int = 2, **parts: Any) -> CoreConfig:
    return CoreConfig(
        lanes=lanes,
        update_lanes=1,
        weight_width=weight_width,
        weight_ports=ports,
        weight_rows=NEURONS * BLOCKS,
        neuron_rows=BLOCKS,
        learning=LearningConfig(**parts),
    )


def run(config: CoreConfig, cases: list[RowCase], seed: int | None) -> list[list[Any]]:
    """Writes of each case: cycle, row and weights."""
    dut = RowPassBench(config)
    part = dut.row_pass
    written: list[list[Any]] = [[]]
    done: list[bool] = []

    async def bench(ctx: Any) -> None:
        for case in cases:
            await dut.load(ctx, case)
            await drive(part.i, dut.visits(case, ORDER), seed=seed)(ctx)
            await ctx.tick().until(part.idle)
            written.append([])
        done.append(True)

    async def watch(ctx: Any) -> None:
        cycle = 0
        while not done:
            *_, write, row, data = await ctx.tick().sample(
                part.weights.write, part.weights.write_row, part.weights.write_data
            )
            cycle += 1
            if write:
                written[-1].append((cycle, int(row), [int(w) for w in data]))

    simulate(dut, bench, watch)
    return written[:-1]


@pytest.mark.parametrize("ports", [1, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_weights_are_those_of_the_golden_model_and_written_once(kind: str, ports: int) -> None:
    lanes, weight_width = SHAPES.get(kind, (4, 8))
    config = config_of(lanes, weight_width, ports, **KINDS[kind])
    rng = np.random.default_rng([ports, lanes, list(KINDS).index(kind)])
    rules = random_rules(config, rng)
    cases = [random_case(config, next(rules), rng, NEURONS) for _ in range(6)]
    changed = 0
    for case, writes in zip(cases, run(config, cases, seed=3), strict=True):
        after, before = case.after.reshape(-1, lanes), case.weights.reshape(-1, lanes)
        rows = [row for _, row, _ in writes]
        assert len(set(rows)) == len(rows)
        for _, row, weights in writes:
            assert weights == after[row].tolist()
        still = np.setdiff1d(np.arange(len(after)), rows)
        assert np.array_equal(after[still], before[still])
        changed += int((after != before).sum())
    assert changed


def pairs_of(case: RowCase) -> list[list[int]]:
    """Terms of each block that live, of each neuron in the order of its visit."""
    there = np.array([q.reshape(BLOCKS, -1).any(1) for q in case.q])
    live = np.array(case.p, bool)[:, ORDER]
    counts = np.einsum("kn,kb->nb", live.astype(int), there.astype(int))
    return [[int(count) for count in counted if count] for counted in counts]


@pytest.mark.parametrize("kind", ["one term", "pair", "all"])
def test_a_pair_of_block_and_term_takes_a_cycle_and_nothing_else_more_than_one(kind: str) -> None:
    config = config_of(**KINDS[kind])
    rng = np.random.default_rng(SEED)
    rules = random_rules(config, rng)
    cases = [random_case(config, next(rules), rng, NEURONS) for _ in range(6)]
    seen = 0
    for case, writes in zip(cases, run(config, cases, seed=None), strict=True):
        counts = pairs_of(case)
        filled = [n for n, blocks in enumerate(counts) if blocks]
        flat = [count for blocks in counts for count in blocks]
        cycles = [cycle for cycle, _, _ in writes]
        assert len(cycles) == len(flat)
        if flat:
            empty = sum(not blocks for blocks in counts[filled[0] : filled[-1]])
            assert sum(flat[1:]) <= cycles[-1] - cycles[0] <= sum(flat[1:]) + empty
            seen += len(flat)
    assert seen


@pytest.mark.parametrize("ports", [1, 2])
def test_a_block_with_one_term_takes_a_cycle_for_each_access_of_a_port(ports: int) -> None:
    config = config_of(ports=ports, terms=1, pre_traces=0)
    rule = LearningRule((Term(3, post=Post.Y1),), 2, -100, 100, post_traces=(Trace(0, 0),))
    case = random_case(config, rule, np.random.default_rng(SEED), NEURONS)
    case = replace(case, q=[np.full(BLOCKS * config.lanes, 9)])
    (writes,) = run(config, [case], seed=None)
    assert len(writes) == NEURONS * BLOCKS
    gaps = np.diff([cycle for cycle, _, _ in writes])
    assert gaps.sum() <= (3 - ports) * len(writes)
    if ports == 2:
        assert (gaps == 1).all()


@pytest.mark.parametrize(
    "lanes, dependence, ports", [(4, False, 2), (4, False, 1), (8, True, 1), (1, True, 2)]
)
def test_errors_backwards_are_rounded_toward_zero(ports: int, lanes: int, dependence: bool) -> None:
    parts = {"terms": 2, "errors": True, "back": True, "dependence": dependence}
    config = config_of(lanes, ports=ports, **parts)
    rng = np.random.default_rng([ports, lanes])
    dut = RowPassBench(config)
    part = dut.row_pass
    rule = next(rule for rule in random_rules(config, rng) if rule.errors)
    there = np.repeat([1, 0, 1, 1], lanes)
    received: list[tuple[int, int]] = []
    expected: list[tuple[int, int]] = []
    done: list[bool] = []

    async def bench(ctx: Any) -> None:
        for shift in (0, 3, 9, 24):
            case = random_case(config, replace(rule, back=Backward(shift)), rng, NEURONS)
            delta = rng.integers(-(1 << 15), 1 << 15, BLOCKS * lanes) * there >> rng.integers(12)
            await dut.load(ctx, replace(case, delta=delta))
            sums = case.weights @ delta
            divided = np.sign(sums) * (np.abs(sums) >> shift)
            clipped = np.clip(divided, -(1 << 16), (1 << 16) - 1)
            expected.extend((int(i), int(clipped[i])) for i in ORDER)
            visits = [{**visit, "live": 0, "back": 1} for visit in dut.visits(case, ORDER)]
            await drive(part.i, visits, seed=shift or None)(ctx)
            await ctx.tick().until(part.idle)
        done.append(True)

    async def watch(ctx: Any) -> None:
        while not done:
            *_, valid, error, write = await ctx.tick().sample(
                part.errors.valid, part.errors.payload, part.weights.write
            )
            assert not write
            if valid:
                received.append((int(error.index), int(error.value)))

    simulate(dut, bench, watch)
    assert received == expected
    assert len({value for _, value in received}) > 10


@pytest.mark.parametrize(
    "kind, weight_width, ports",
    [("pair", 8, 2), ("dependent", 16, 2), ("dependent", 8, 1), ("errors", 4, 1)],
)
def test_eligibilities_change_decay_and_are_rewarded(
    kind: str, weight_width: int, ports: int
) -> None:
    config = config_of(2, weight_width, ports, eligibility=True, **KINDS[kind])
    rng = np.random.default_rng([ports, weight_width])
    rules = random_rules(config, rng)
    dut = RowPassBench(config)
    part = dut.row_pass
    found: dict[str, np.ndarray] = {}
    count: Counter[str] = Counter()
    done: list[bool] = []

    async def bench(ctx: Any) -> None:
        for shift, decay in ((0, 4096), (3, 3000), (9, 1), (24, 0)):
            kept = Eligibility(shift, decay)
            rule = replace(next(rules), eligibility=kept)
            case = random_case(config, rule, rng, NEURONS)
            eligibility = rng.integers(
                config.weight.low, config.weight.high + 1, case.weights.shape
            )
            await dut.load(ctx, replace(case, eligibility=eligibility))
            found["weights"] = case.weights.reshape(-1, config.lanes).copy()
            found["eligibilities"] = eligibility.reshape(-1, config.lanes).copy()
            sums = term_sum(rule, case.p, case.q, case.weights)
            rows, columns = (np.arange(n) for n in case.weights.shape)
            wanted = change_eligibility(
                rule, eligibility, sums, case.time, rows, columns, weight_width
            )
            weights, visits = case.weights, dut.visits(case, ORDER)
            for kind in PassKind:
                ctx.set(part.kind, kind)
                await ctx.tick().repeat(4)
                await drive(part.i, visits, seed=decay or None)(ctx)
                await ctx.tick().until(part.idle)
                if kind is PassKind.DECAY:
                    wanted = decay_eligibility(kept, wanted, 0)
                elif kind is PassKind.REWARD:
                    weights = reward_weights(rule, weights, wanted, case.modulator, case.time)
                assert np.array_equal(found["eligibilities"].reshape(wanted.shape), wanted)
                assert np.array_equal(found["weights"].reshape(weights.shape), weights)
                visits = [{**visit, "live": 1} for visit in visits]
        done.append(True)

    async def watch(ctx: Any) -> None:
        while not done:
            for name in found:
                port = getattr(part, name)
                if ctx.get(port.write):
                    found[name][ctx.get(port.write_row)] = ctx.get(port.write_data)
                    count[name] += 1
            await ctx.tick()

    simulate(dut, bench, watch)
    assert count["weights"] == 4 * NEURONS * BLOCKS < count["eligibilities"]
