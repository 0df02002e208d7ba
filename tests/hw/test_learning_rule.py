import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

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
    Surrogate,
    Term,
    Trace,
    TraceKind,
)

TRACE = Trace(3900, 12000)
TERM = Term(100, pre=Pre.X1, on_post=True)


def rule(*terms: Any, **changes: Any) -> LearningRule:
    given: dict[str, Any] = {"shift": 10, "low": -128, "high": 127, "pre_traces": (TRACE,)}
    return LearningRule(terms or (TERM,), **{**given, **changes})


def wrong(**values: Any) -> dict[str, Any]:
    return values


PARTS: dict[str, tuple[Any, str]] = {
    "decay": (
        lambda: Trace(4097, 1),
        "Decay of Trace must lie between 0 and 4096, not 4097",
    ),
    "increment": (
        lambda: Trace(1, 65536),
        "Increment of Trace must lie between 0 and 65535, not 65536",
    ),
    "kind": (
        lambda: Trace(1, 1, **wrong(kind=0)),
        "Kind of Trace must be a TraceKind, not 0",
    ),
    "coefficient": (
        lambda: Term(128),
        "Coefficient of Term must lie between -128 and 127, not 128",
    ),
    "an array of coefficients": (
        lambda: Term(**wrong(coefficient=[1])),
        "Coefficient of Term must be one integer, not [1]",
    ),
    "flag": (
        lambda: Term(1, **wrong(on_pre=1)),
        "On pre of Term must be a bool, not 1",
    ),
    "width of a surrogate": (
        lambda: Errors(Surrogate.BOX, 25),
        "Width of Errors must lie between 0 and 24, not 25",
    ),
    "value of a spike": (
        lambda: Errors(spike_value=-1),
        "Spike value of Errors must lie between 0 and 32767, not -1",
    ),
    "window": (
        lambda: Sdsp(0, -1, 1, 1, 1),
        "Up low of Sdsp must lie between 0 and 65535, not -1",
    ),
    "shift back": (
        lambda: Backward(25),
        "Shift of Backward must lie between 0 and 24, not 25",
    ),
    "feedback": (
        lambda: Backward(2, np.zeros((2, 2))),
        "Feedback of Backward must be a (pre, post) integer array",
    ),
    "epoch": (
        lambda: Eligibility(4, epoch=0),
        "Epoch of Eligibility must lie between 1 and 65535, not 0",
    ),
    "nothing learned": (
        lambda: NeuronLearning(),
        "NeuronLearning must learn thresholds or leaks: give it a shift",
    ),
    "least above greatest": (
        lambda: NeuronLearning(4, decays=(4000, 3000)),
        "Decays of NeuronLearning must lie between 4000 and 4096, not 3000",
    ),
}


@pytest.mark.parametrize(("make", "message"), PARTS.values(), ids=list(PARTS))
def test_a_part_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        make()


RULES: dict[str, tuple[Any, str]] = {
    "no terms": (
        lambda: LearningRule((), 1, 0, 1),
        "A learning rule must have at least one term",
    ),
    "five terms": (
        lambda: rule(*[TERM] * 5),
        "A learning rule can have at most 4 terms, not 5",
    ),
    "three traces": (
        lambda: rule(pre_traces=(TRACE,) * 3),
        "A learning rule can have at most 2 pre_traces, not 3",
    ),
    "kind of a term": (
        lambda: rule("x1"),
        "terms of a learning rule must hold Term, not 'x1'",
    ),
    "shift": (
        lambda: rule(shift=25),
        "Shift of a learning rule must lie between 0 and 24, not 25",
    ),
    "ends": (
        lambda: rule(low=5, high=4),
        "Greatest weight of a learning rule must lie between 5 and 32767, not 4",
    ),
    "seed": (
        lambda: rule(seed=1 << 16),
        "Seed of a learning rule must lie between 0 and 65535, not 65536",
    ),
    "operand width": (
        lambda: rule(operand_width=5),
        "Operand width must be one of 6, 7, 8, 9, 10, not 5",
    ),
    "rounding": (
        lambda: rule(rounding="up"),
        "Rounding must be a Rounding, not 'up'",
    ),
    "no trace": (
        lambda: rule(Term(1, pre=Pre.X2)),
        "Term 0 of a learning rule has the factor X2, so the rule needs 2 of pre_traces",
    ),
    "no errors": (
        lambda: rule(TERM, Term(1, post=Post.DELTA)),
        "Term 1 of a learning rule has the factor DELTA, so the rule needs errors",
    ),
    "no window": (
        lambda: rule(Term(1, post=Post.SDSP)),
        "Term 0 of a learning rule has the factor SDSP, so the rule needs sdsp",
    ),
    "no calcium": (
        lambda: rule(sdsp=Sdsp(0, 1, 2, 3, 4)),
        "SDSP looks at the trace y1, so the rule needs 1 of post_traces",
    ),
    "no errors to go back": (
        lambda: rule(back=Backward(3)),
        "A learning rule with 'back' needs errors",
    ),
}


@pytest.mark.parametrize(("make", "message"), RULES.values(), ids=list(RULES))
def test_a_rule_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        make()


def test_products_before_the_weight_must_fit_18_bits() -> None:
    fits = Term(128 - 1, pre=Pre.X1, dependence=Dependence.BELOW)
    rule(fits, operand_width=10)
    both = replace(fits, post=Post.Y1)
    message = (
        "Term 0 of a learning rule can reach 8258175 before it is multiplied by the weight, more "
        "than 18 bits hold: use a smaller coefficient"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        rule(both, post_traces=(TRACE,))
    rule(replace(both, coefficient=2), post_traces=(TRACE,))


def test_sums_of_terms_must_fit_32_bits() -> None:
    def deltas(*coefficients: int, **changes: Any) -> LearningRule:
        terms = [Term(c, pre=Pre.X1, post=Post.DELTA) for c in coefficients]
        return rule(*terms, errors=Errors(), **changes)

    deltas(-128, -128, 1, shift=0)
    message = (
        f"The terms of a learning rule can sum to {258 * 255 * 2**15 + 1}, more than 32 bits "
        f"hold: use smaller coefficients, and a smaller shift"
    )
    with pytest.raises(ValueError, match=f"^{message}$"):
        deltas(-128, -128, 2, shift=0)
    # What rounding adds counts too.
    deltas(-128, -128, 1, shift=15, rounding=Rounding.NEAREST)
    total = 257 * 255 * 2**15 + 2**16
    with pytest.raises(ValueError, match=f"^The terms of a learning rule can sum to {total}, "):
        deltas(-128, -128, 1, shift=16, rounding=Rounding.STOCHASTIC)


def test_modulated_terms_count_with_the_greatest_modulator() -> None:
    term = Term(0, pre=Pre.X1, post=Post.DELTA, modulated=True)
    rule(term, errors=Errors(), shift=0)
    with pytest.raises(ValueError, match="^The terms of a learning rule can sum to"):
        rule(term, term, term, errors=Errors(), shift=0)


def test_the_largest_weight_is_that_of_either_end() -> None:
    assert rule(low=-100, high=50).largest_weight == 100
    assert rule(low=3, high=50).largest_weight == 50


def test_feedback_is_a_copy_that_cannot_be_written() -> None:
    given = np.ones((2, 3), int)
    back = Backward(1, given)
    given[:] = 5
    assert back.feedback is not None and (back.feedback == 1).all()
    with pytest.raises(ValueError, match="read-only"):
        back.feedback[0, 0] = 2


def test_kinds_are_told_apart() -> None:
    assert Trace(1, 1) == Trace(1, 1, TraceKind.ALL) != Trace(1, 1, TraceKind.NEAREST)
