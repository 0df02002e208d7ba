from typing import Any

import numpy as np
import pytest

from spikeloom_hw.config import CoreConfig
from spikeloom_hw.learning import (
    Errors,
    LearningRule,
    Post,
    Sdsp,
    Seen,
    Surrogate,
    Term,
    Trace,
    TraceKind,
)
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_hw.learning.post_lane import PostLane
from spikeloom_sim.bench import simulate
from spikeloom_sim.learning.changes import post_factor
from spikeloom_sim.learning.postsynaptic import error_delta, sdsp_sign
from spikeloom_sim.learning.traces import advance, operand

COUNT = 300
CONFIG = CoreConfig(
    learning=LearningConfig(terms=4, post_traces=3, errors=True, sdsp=True, operand_width=8)
)
TERMS = (Term(1, post=Post.DELTA), Term(1, post=Post.Y2, on_post=True), Term(1, post=Post.SDSP))


def rule_of(surrogate: Surrogate, gate: bool) -> LearningRule:
    return LearningRule(
        (*TERMS, Term(1, post=Post.Y3)),
        shift=3,
        low=-100,
        high=100,
        post_traces=(
            Trace(3000, 40_000, seen=Seen.BEFORE),
            Trace(3900, 50_000, TraceKind.NEAREST),
            Trace(4096, 60_000),
        ),
        errors=Errors(surrogate, 3, 500),
        sdsp=Sdsp(50, 20, 120, 60, 200),
        gate=gate,
    )


def fields_of(rule: LearningRule) -> dict[str, int]:
    """Members of an entry that the lane looks at."""
    assert rule.errors is not None
    assert rule.sdsp is not None
    members: dict[str, Any] = {"gate": rule.gate, "surrogate": rule.errors.surrogate}
    members |= {"width": rule.errors.width, "spike_value": rule.errors.spike_value}
    for name in ("potential", "up_low", "up_high", "down_low", "down_high"):
        members[name] = getattr(rule.sdsp, name)
    for k, term in enumerate(rule.terms):
        members |= {f"term{k}_post": term.post, f"term{k}_on_post": term.on_post}
    for n, trace in enumerate(rule.post_traces, 1):
        for name in ("decay", "increment", "kind", "seen"):
            members[f"y{n}_{name}"] = getattr(trace, name)
    return {name: int(value) for name, value in members.items()}


@pytest.mark.parametrize("surrogate", Surrogate)
@pytest.mark.parametrize(("gate", "modulator"), [(False, 0), (False, 3), (True, 0), (True, -1)])
def test_a_lane_gives_traces_delta_and_factors(
    surrogate: Surrogate, gate: bool, modulator: int
) -> None:
    dut, rule = PostLane(CONFIG), rule_of(surrogate, gate)
    rng = np.random.default_rng(modulator + 10)
    spikes, exists = rng.random(COUNT) < 0.4, rng.random(COUNT) < 0.9
    potentials, bars = rng.integers(-3000, 3000, COUNT), rng.integers(0, 3000, COUNT)
    errors = rng.integers(-(1 << 15), 1 << 15, COUNT)
    traces = rng.integers(0, 1 << 16, (3, COUNT))
    rows: list[tuple[int, ...]] = []

    async def bench(ctx: Any) -> None:
        for name, value in fields_of(rule).items():
            ctx.set(dut.rule[name], value)
        ctx.set(dut.modulated, modulator != 0)
        for k in range(COUNT + dut.latency):
            n = min(k, COUNT - 1)
            ctx.set(dut.spike, bool(spikes[n]))
            ctx.set(dut.exists, bool(exists[n]))
            ctx.set(dut.potential, int(potentials[n]))
            ctx.set(dut.bar, int(bars[n]))
            ctx.set(dut.error, int(errors[n]))
            ctx.set(dut.traces, {f"y{m + 1}": int(traces[m, n]) for m in range(3)})
            kept = [ctx.get(dut.next_traces[f"y{m + 1}"]) for m in range(3)]
            rows.append((*kept, ctx.get(dut.delta), *(ctx.get(dut.factors[t]) for t in range(4))))
            await ctx.tick()

    simulate(dut, bench)
    found = np.array(rows)
    advanced = [advance(t, v, spikes) for t, v in zip(rule.post_traces, traces, strict=True)]
    kept = np.stack([a.after for a in advanced], axis=1)
    assert np.array_equal(found[2 : COUNT + 2, :3], kept)

    assert rule.errors is not None
    distance = potentials - np.where(spikes, 0, bars)
    delta = error_delta(rule.errors, errors, spikes, distance, modulator)
    seen = [operand(t, a, 8) for t, a in zip(rule.post_traces, advanced, strict=True)]
    assert rule.sdsp is not None
    sign = sdsp_sign(rule.sdsp, potentials, seen[0])
    assert len(np.unique(sign)) == 3
    counts = exists & (bool(modulator) or not gate)
    late = found[dut.latency : COUNT + dut.latency]
    assert np.array_equal(late[:, 3], np.where(exists, delta, 0))
    for k, term in enumerate(rule.terms):
        factor = post_factor(term, spikes, seen, delta, sign)
        assert np.array_equal(late[:, 4 + k], np.where(counts, factor, 0)), f"term {k}"
