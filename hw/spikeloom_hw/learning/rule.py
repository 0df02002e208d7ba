"""Learning rules in integers: what a plastic projection does to its weights."""

from dataclasses import dataclass
from typing import Any

from ..validate import check_choice, check_integers
from .kinds import Dependence, Post, Pre, Rounding
from .parts import Backward, Eligibility, Errors, NeuronLearning, Sdsp, Term, Trace

__all__ = ["MOST_TERMS", "OPERAND_WIDTHS", "LearningRule"]

MOST_TERMS = 4
"""Greatest number of terms of a rule."""

OPERAND_WIDTHS = (6, 7, 8, 9, 10)
"""Bits of a trace that terms may see."""

_LARGEST_SUM = (1 << 31) - 1
_LARGEST_FACTOR = (1 << 17) - 1
_LARGEST_DELTA = 1 << 15
_LARGEST_SHIFT = 24


@dataclass(frozen=True, eq=False)
class LearningRule:
    """How a plastic projection learns; docs/design/0008 has the arithmetic.

    Parameters
    ----------
    terms : sequence of Term
        One to four; their sum is the change of a weight, times ``2**shift``.
    shift : int
        Bits to shift the sum right, from 0 to 24.
    low, high : int
        Least and greatest weight.
    pre_traces : sequence of Trace
        ``x1`` and ``x2``; up to two.
    post_traces : sequence of Trace
        ``y1`` to ``y3``; up to three.
    rounding : Rounding
        How changes are rounded.
    seed : int
        Of the rounding, from 0 to 65535.
    gate : bool
        Whether terms count only in steps with a modulator.
    errors : Errors or None
        Needed for terms with ``DELTA``.
    sdsp : Sdsp or None
        Needed for terms with ``SDSP``.
    back : Backward or None
        Whether the source gets errors through the projection.
    neurons : NeuronLearning or None
        Whether thresholds and leaks of the target learn too.
    eligibility : Eligibility or None
        Whether changes wait for a reward.
    enabled : bool
        Whether it learns; the host may change that.
    operand_width : int
        Bits of a trace that terms see; the same in all rules of a network.

    Raises
    ------
    TypeError, ValueError
        If a part is of the wrong kind, missing or out of range, or if products could become too
        wide for the hardware.
    """

    terms: tuple[Term, ...]
    shift: int
    low: int
    high: int
    pre_traces: tuple[Trace, ...] = ()
    post_traces: tuple[Trace, ...] = ()
    rounding: Rounding = Rounding.STOCHASTIC
    seed: int = 1
    gate: bool = False
    errors: Errors | None = None
    sdsp: Sdsp | None = None
    back: Backward | None = None
    neurons: NeuronLearning | None = None
    eligibility: Eligibility | None = None
    enabled: bool = True
    operand_width: int = 8

    def __post_init__(self) -> None:
        for name, kind, most in (
            ("terms", Term, MOST_TERMS),
            ("pre_traces", Trace, 2),
            ("post_traces", Trace, 3),
        ):
            given = tuple(getattr(self, name))
            object.__setattr__(self, name, given)
            _check_parts(name, given, kind, most)
        if not self.terms:
            raise ValueError("A learning rule must have at least one term")
        check_integers("Shift of a learning rule", self.shift, 0, _LARGEST_SHIFT)
        check_integers("Least weight of a learning rule", self.low, -(1 << 15), (1 << 15) - 1)
        check_integers("Greatest weight of a learning rule", self.high, self.low, (1 << 15) - 1)
        check_integers("Seed of a learning rule", self.seed, 0, (1 << 16) - 1)
        check_choice("Operand width", self.operand_width, OPERAND_WIDTHS)
        if not isinstance(self.rounding, Rounding):
            raise TypeError(f"Rounding must be a Rounding, not {self.rounding!r}")
        self._check_together()
        self._check_widths()

    @property
    def largest_weight(self) -> int:
        """Greatest magnitude that a weight can learn."""
        return max(abs(self.low), abs(self.high))

    @property
    def largest_sum(self) -> int:
        """Greatest magnitude of the sum of the terms of a synapse, rounding included."""
        nearest = self.rounding is Rounding.NEAREST
        total = 1 << max(self.shift - 1, 0) if nearest else 1 << self.shift
        for term in self.terms:
            depends = term.dependence is not Dependence.ONE
            total += self._largest_product(term) * (self.high - self.low if depends else 1)
        return total

    @property
    def multiplies(self) -> bool:
        """Whether a term multiplies a presynaptic trace with more than a spike, or an error."""
        return any(
            term.post is Post.DELTA or (term.pre is not Pre.ONE and term.post is not Post.ONE)
            for term in self.terms
        )

    def _check_together(self) -> None:
        """Refuse terms that name what the rule does not have."""
        post = {Post.DELTA: (self.errors, "errors"), Post.SDSP: (self.sdsp, "sdsp")}
        for n, trace in enumerate((Post.Y1, Post.Y2, Post.Y3), 1):
            post[trace] = (len(self.post_traces) >= n, f"{n} of post_traces")
        for k, term in enumerate(self.terms):
            if len(self.pre_traces) < term.pre:
                raise ValueError(_lacks(k, term.pre, f"{term.pre.value} of pre_traces"))
            there, what = post.get(term.post, (True, ""))
            if not there:
                raise ValueError(_lacks(k, term.post, what))
        if self.sdsp and not self.post_traces:
            raise ValueError("SDSP looks at the trace y1, so the rule needs 1 of post_traces")
        for name in ("back", "neurons"):
            if getattr(self, name) and not self.errors:
                raise ValueError(f"A learning rule with {name!r} needs errors")

    def _check_widths(self) -> None:
        """Refuse products that the hardware has no room for."""
        for k, term in enumerate(self.terms):
            product = self._largest_product(term)
            if term.dependence is not Dependence.ONE and product > _LARGEST_FACTOR:
                raise ValueError(
                    f"Term {k} of a learning rule can reach {product} before it is multiplied "
                    f"by the weight, more than 18 bits hold: use a smaller coefficient"
                )
        if self.largest_sum > _LARGEST_SUM:
            raise ValueError(
                f"The terms of a learning rule can sum to {self.largest_sum}, more than 32 bits "
                f"hold: use smaller coefficients, and a smaller shift"
            )

    def _largest_product(self, term: Term) -> int:
        """Greatest magnitude of a term before it is multiplied by the weight."""
        operand = (1 << self.operand_width) - 1
        before = 1 if term.pre is Pre.ONE else operand
        after = {Post.ONE: 1, Post.SDSP: 1, Post.DELTA: _LARGEST_DELTA}.get(term.post, operand)
        return (128 if term.modulated else abs(term.coefficient)) * before * after


def _lacks(number: int, factor: Pre | Post, what: str) -> str:
    return (
        f"Term {number} of a learning rule has the factor {factor.name}, so the rule needs {what}"
    )


def _check_parts(name: str, given: tuple[Any, ...], kind: type, most: int) -> None:
    for part in given:
        if not isinstance(part, kind):
            raise TypeError(f"{name} of a learning rule must hold {kind.__name__}, not {part!r}")
    if len(given) > most:
        raise ValueError(f"A learning rule can have at most {most} {name}, not {len(given)}")
