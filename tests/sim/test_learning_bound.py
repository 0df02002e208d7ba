from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import (
    Dependence,
    Eligibility,
    LearningRule,
    Post,
    Pre,
    Rounding,
    Seen,
    Term,
    Trace,
)
from spikeloom_sim.learning_bound import Equation, band, reward_band

UNIT = 1 << 6
ONE = 100 * UNIT
# A trace that does not decay, and whose operand for one spike is 100.
ENDLESS = Trace(4096, ONE)
RULE = LearningRule(
    (Term(64, pre=Pre.X1, on_post=True),),
    shift=6,
    low=0,
    high=10000,
    pre_traces=(ENDLESS,),
    rounding=Rounding.NEAREST,
    operand_width=10,
)
EQUATION = Equation((100.0,), (np.inf,), ())
PRE = np.array([[True], [False], [False], [False]])
POST = np.array([[False], [True], [False], [True]])
WEIGHTS = np.array([[1000], [1000], [1100], [1100], [1200]])


def ends(rule: LearningRule, equation: Equation = EQUATION, **changes: Any) -> list[list[float]]:
    given = {"pre": PRE, "post": POST, "weights": WEIGHTS} | changes
    found = band(rule, equation, **given)
    return [found.below[:, 0].tolist(), found.above[:, 0].tolist()]


def test_an_operand_lacks_less_than_one_and_a_change_is_rounded_once() -> None:
    # The trace may lack 1 for each step that it has decayed, and its operand UNIT - 1 more.
    first, second = (UNIT - 1 + 1) / UNIT, (UNIT - 1 + 3) / UNIT
    lacks = [0.5 + first, 1.0 + first + second]
    assert ends(RULE) == [[0, lacks[0], lacks[0], lacks[1]], [0, 0.5, 0.5, 1.0]]
    lacks = [1.0 + first, 2.0 + first + second]
    at_random = replace(RULE, rounding=Rounding.STOCHASTIC)
    assert ends(at_random) == [[0, lacks[0], lacks[0], lacks[1]], [0, 1.0, 1.0, 2.0]]


def test_a_term_that_depends_on_the_weight_takes_its_share_of_the_error() -> None:
    term = Term(1, pre=Pre.X1, on_post=True, dependence=Dependence.BELOW)
    rule = replace(RULE, terms=(term,), shift=10)
    share = 100 / 2**10
    above = ends(rule, Equation((share,), (np.inf,), ()))[1]
    assert above == [0, 0.5, 0.5, pytest.approx(0.5 * (1 - share) + 0.5)]


def test_a_share_above_one_is_refused() -> None:
    term = Term(64, pre=Pre.X1, on_post=True, dependence=Dependence.BELOW)
    with pytest.raises(
        ValueError, match="^Terms must take no more than the distance to an end of the range$"
    ):
        ends(replace(RULE, terms=(term,)), Equation((1.5,), (np.inf,), ()))


@pytest.mark.parametrize(
    "changes", [{"gate": True}, {"terms": (Term(1, pre=Pre.X1, modulated=True),)}]
)
def test_a_rule_with_a_modulator_is_refused(changes: dict[str, Any]) -> None:
    message = "^Rule must be of spikes and traces alone, without a modulator$"
    with pytest.raises(ValueError, match=message):
        ends(replace(RULE, **changes))


def test_what_a_coincidence_wins_back_widens_the_bound_below_alone() -> None:
    loss = Term(-1, on_pre=True, post=Post.Y1, dependence=Dependence.ABOVE)
    gain = Term(1, pre=Pre.X1, on_post=True, dependence=Dependence.BELOW)
    late = replace(ENDLESS, seen=Seen.BEFORE)
    rule = replace(RULE, terms=(loss, gain), shift=10, post_traces=(late,))
    share = 100 / 2**10
    both, one = np.array([[False], [True]]), np.array([[True], [True]])
    weights = np.full((3, 1), 5000)
    given = {"pre": both, "post": one, "weights": weights}
    found = ends(rule, Equation((share, share), (np.inf,), (np.inf,)), **given)
    operands = {"below": 100 - (UNIT - 1) / UNIT, "above": 100 - UNIT / UNIT}
    lost = {side: 5000 * (share - size / 2**10) for side, size in operands.items()}
    assert found[0][1] == pytest.approx(0.5 + lost["below"] + share**2 * 5000)
    assert found[1][1] == pytest.approx(0.5 + lost["above"])


def test_a_rule_with_an_eligibility_has_a_bound_of_its_own() -> None:
    rewarded = replace(RULE, eligibility=Eligibility(reward_shift=7, decay=4096, epoch=1))
    with pytest.raises(ValueError, match="^Rule must have no eligibility: use reward_band$"):
        ends(rewarded)
    term = Term(1, pre=Pre.X1, on_post=True, dependence=Dependence.BELOW)
    message = "^Rule must have an eligibility, and no term that depends on the weight$"
    for rule in (RULE, replace(rewarded, terms=(term,))):
        with pytest.raises(ValueError, match=message):
            reward_band(rule, EQUATION, np.inf, (PRE, POST), np.zeros(4, int))


def test_an_eligibility_lacks_what_its_terms_and_decays_may_and_a_reward_is_rounded() -> None:
    kept = Eligibility(reward_shift=7, decay=4096, epoch=2)
    rule, modulator = replace(RULE, eligibility=kept), np.array([127, 64, 0, -128])
    found = reward_band(rule, EQUATION, np.inf, (PRE, POST), modulator)
    first, second = 0.5 + (UNIT - 1 + 1) / UNIT, 0.5 + (UNIT - 1 + 3) / UNIT
    # The least eligibility also loses a fraction at the end of each of two epochs.
    lacks, exceeds = [first + 1, first + second + 2], [0.5, 1.0]
    below, above = 0.5 + lacks[0] / 2, 0.5 + exceeds[0] / 2
    assert found.below[:, 0].tolist() == [0, below, below, below + 0.5 + exceeds[1]]
    assert found.above[:, 0].tolist() == [0, above, above, above + 0.5 + lacks[1]]
