"""Random learning rules for holding implementations against the golden model."""

from typing import Any

import numpy as np

from spikeloom_hw.learning import (
    Backward,
    Dependence,
    Eligibility,
    Errors,
    LearningRule,
    NeuronLearning,
    Post,
    Pre,
    Rounding,
    Sdsp,
    Seen,
    Surrogate,
    Term,
    Trace,
    TraceKind,
)
from spikeloom_hw.number import Signed

__all__ = ["random_feedback", "random_rule"]


def random_rule(
    rng: np.random.Generator, width: int = 8, operand_width: int = 8, **fixed: Any
) -> LearningRule:
    """Draw a rule that uses anything that a rule may have.

    Parameters
    ----------
    rng : Generator
        Same state, same rule.
    width : int
        Bits of a weight.
    operand_width : int
        Bits of a trace that terms see.
    **fixed
        Parts of the rule that are not drawn.
    """
    number = Signed(width)
    low, high = sorted(int(n) for n in rng.integers(number.low, number.high + 1, 2))
    parts: dict[str, Any] = {
        "shift": int(rng.integers(0, 19)),
        "low": low,
        "high": high,
        "pre_traces": _traces(rng, int(rng.integers(0, 3))),
        "post_traces": _traces(rng, int(rng.integers(0, 4))),
        "rounding": Rounding(int(rng.integers(2))),
        "seed": int(rng.integers(1 << 16)),
        "gate": bool(rng.random() < 0.3),
        "operand_width": operand_width,
    }
    if rng.random() < 0.5:
        kind, spike_value = Surrogate(int(rng.integers(4))), int(rng.integers(0, 1000))
        parts["errors"] = Errors(kind, int(rng.integers(0, 9)), spike_value)
    if rng.random() < 0.3:
        parts["eligibility"] = Eligibility(
            int(rng.integers(0, 8)), int(rng.integers(3000, 4097)), int(rng.integers(1, 6))
        )
    if parts["post_traces"] and rng.random() < 0.3:
        most = (1 << operand_width) - 1
        window = [int(n) for n in rng.integers(0, most, 4)]
        parts["sdsp"] = Sdsp(int(rng.integers(-50, 300)), *window)
    parts |= fixed
    if parts.get("errors") and "neurons" not in fixed and rng.random() < 0.5:
        parts["neurons"] = NeuronLearning(
            int(rng.integers(10, 24)), int(rng.integers(10, 24)), leak_shift=int(rng.integers(9))
        )
    terms = tuple(_term(rng, parts) for _ in range(int(rng.integers(1, 5))))
    return LearningRule(**{"terms": terms, **parts})


def random_feedback(rng: np.random.Generator, shape: tuple[int, int], width: int = 8) -> Backward:
    """Draw fixed weights that carry errors backwards."""
    number = Signed(width)
    weights = rng.integers(number.low, number.high + 1, shape)
    return Backward(int(rng.integers(0, 12)), weights if rng.random() < 0.5 else None)


def _traces(rng: np.random.Generator, count: int) -> tuple[Trace, ...]:
    return tuple(
        Trace(
            int(rng.integers(2000, 4097)),
            int(rng.integers(1 << 16)),
            TraceKind(int(rng.integers(2))),
            Seen(int(rng.integers(2))),
        )
        for _ in range(count)
    )


def _term(rng: np.random.Generator, parts: dict[str, Any]) -> Term:
    before = [Pre(n) for n in range(len(parts["pre_traces"]) + 1)]
    after = [Post(n) for n in range(len(parts["post_traces"]) + 1)]
    after += [Post.DELTA] * 2 if parts.get("errors") else []
    after += [Post.SDSP] * 2 if parts.get("sdsp") else []
    pre, post = before[int(rng.integers(len(before)))], after[int(rng.integers(len(after)))]
    # Four terms must fit 32 bits together, and a factor before the weight 18.
    wide = pre is not Pre.ONE and post is Post.DELTA
    largest = 1 << (13 - parts["operand_width"]) if wide else 128
    modulated = bool(rng.random() < 0.2) and not wide
    narrow = pre is Pre.ONE or post in (Post.ONE, Post.SDSP)
    free = not modulated and narrow and post is not Post.DELTA
    free = free and parts["high"] - parts["low"] < 1 << 12
    return Term(
        int(rng.integers(-largest, largest)),
        pre,
        post,
        bool(rng.random() < 0.5),
        bool(rng.random() < 0.5),
        Dependence(int(rng.integers(3))) if free else Dependence.ONE,
        modulated,
    )
