"""Learning rules in the units of their user."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.learning import Rounding
from spikeloom_hw.validate import check_choice

from .parts import (
    RuleBack,
    RuleEligibility,
    RuleErrors,
    RuleNeurons,
    RuleTerm,
    RuleTrace,
    RuleWindow,
)

__all__ = ["ROUNDINGS", "Rule"]

ROUNDINGS = {"nearest": Rounding.NEAREST, "stochastic": Rounding.STOCHASTIC}


@dataclass(frozen=True, eq=False)
class Rule:
    """How a projection learns: a table of up to four terms, and what they are made of.

    In each step the terms are summed, ``w = w + (high - low) * amplitude * pre * post * ...``, and
    the weight is kept between ``low`` and ``high``. :func:`~spikeloom.quantise.quantise` turns the
    rule into integers; :func:`~spikeloom.learning.describe` says what it becomes.

    Parameters
    ----------
    terms : sequence of RuleTerm
        One to four.
    low, high : float
        Least and greatest weight.
    pre_traces : sequence of RuleTrace
        ``x1`` and ``x2``; up to two.
    post_traces : sequence of RuleTrace
        ``y1`` to ``y3``; up to three.
    rounding : str
        ``"stochastic"``, so that small changes are kept in the mean, or ``"nearest"``.
    seed : int
        Of the rounding, from 0 to 65535.
    gate : bool
        Whether anything is learned only in steps with a modulator.
    errors : RuleErrors or None
        Needed for terms with ``"delta"``.
    window : RuleWindow or None
        Needed for terms with ``"sdsp"``.
    back : RuleBack or None
        Whether the source gets errors through the projection.
    neurons : RuleNeurons or None
        Whether thresholds and leaks of the target learn.
    eligibility : RuleEligibility or None
        Whether changes wait for a reward.
    enabled : bool
        Whether the projection learns from the start.
    operand_width : int
        Bits of a trace that terms see, from 6 to 10; the same in all rules of a network.
    """

    terms: tuple[RuleTerm, ...]
    low: float = 0.0
    high: float = 1.0
    pre_traces: tuple[RuleTrace, ...] = ()
    post_traces: tuple[RuleTrace, ...] = ()
    rounding: str = "stochastic"
    seed: int = 1
    gate: bool = False
    errors: RuleErrors | None = None
    window: RuleWindow | None = None
    back: RuleBack | None = None
    neurons: RuleNeurons | None = None
    eligibility: RuleEligibility | None = None
    enabled: bool = True
    operand_width: int = 8

    def __post_init__(self) -> None:
        kinds: dict[str, Any] = {
            "terms": RuleTerm,
            "pre_traces": RuleTrace,
            "post_traces": RuleTrace,
        }
        for name, kind in kinds.items():
            given = tuple(getattr(self, name))
            object.__setattr__(self, name, given)
            for part in given:
                if not isinstance(part, kind):
                    raise TypeError(f"{name} of a rule must hold {kind.__name__}, not {part!r}")
        check_choice("Rounding", self.rounding, tuple(ROUNDINGS))
        ends = (self.low, self.high)
        if not all(isinstance(n, int | float | np.number) and np.isfinite(n) for n in ends):
            raise TypeError(f"Least and greatest weight must be numbers, not {ends!r}")
        if self.low >= self.high:
            raise ValueError(
                f"Least weight {self.low} must lie below the greatest weight, {self.high}"
            )

    @property
    def largest_weight(self) -> float:
        """Greatest magnitude that a weight can come to."""
        return max(abs(self.low), abs(self.high))
