"""A rule on its way into integers: where it is to work, and what was rounded."""

from dataclasses import dataclass, field
from math import floor, log2
from typing import NamedTuple

from ..errors import QuantisationError
from .rule import Rule

__all__ = ["LARGEST_SHIFT", "Conversion", "Rounded", "Setting"]

LARGEST_SHIFT = 24
"""Most bits by which a sum is shifted."""


@dataclass(frozen=True)
class Setting:
    """Where a rule is to work.

    Parameters
    ----------
    label : str
        Projection, for messages.
    scale : float
        Real weight that the integer weight 1 stands for.
    quantum : float
        Real potential that the integer potential 1 stands for.
    weight_width, potential_width : int
        Bits of a weight and of a potential of the target.
    threshold : int
        Greatest integer threshold of the target; 0 if it never fires.
    """

    label: str
    scale: float
    quantum: float
    weight_width: int
    potential_width: int
    threshold: int


class Rounded(NamedTuple):
    """A number of a rule, as it was wanted and as the integers have it."""

    name: str
    wanted: float
    got: float

    @property
    def error(self) -> float:
        """Relative error."""
        return abs(self.got / self.wanted - 1) if self.wanted else abs(self.got)


@dataclass
class Conversion:
    """The rule, where it works, and what was rounded so far."""

    rule: Rule
    setting: Setting
    rounded: list[Rounded] = field(default_factory=list)

    def __post_init__(self) -> None:
        rule, scale = self.rule, self.setting.scale
        self.low, self.high = round(rule.low / scale), round(rule.high / scale)
        self.span = self.high - self.low
        self.traces = {f"x{n}": trace for n, trace in enumerate(rule.pre_traces, 1)}
        self.traces |= {f"y{n}": trace for n, trace in enumerate(rule.post_traces, 1)}
        # Bits by which eligibilities are finer than weights.
        self.finer = 0
        if rule.eligibility:
            room = (1 << (self.setting.weight_width - 1)) - 1
            self.finer = floor(log2(max(1, room / (rule.eligibility.largest * self.span))))
            self.finer = min(self.finer, LARGEST_SHIFT - 7)

    def note(self, name: str, wanted: float, got: float) -> None:
        """Note what became of a number."""
        self.rounded.append(Rounded(name, float(wanted), float(got)))

    def refuse(self, what: str) -> QuantisationError:
        """Give the error that says why the rule does not fit."""
        return QuantisationError(f"Rule of projection {self.setting.label} does not fit: {what}")

    def power(self, name: str, wanted: float, most: int = LARGEST_SHIFT) -> int:
        """Shift whose ``2**-shift`` comes nearest to ``wanted``."""
        shift = round(-log2(wanted))
        if not 0 <= shift <= most:
            kind = "large" if shift < 0 else "small"
            raise self.refuse(f"{name} is too {kind} by a factor of {_far(shift, most)}")
        return shift


def _far(shift: int, most: int) -> str:
    return f"{2.0 ** (-shift if shift < 0 else shift - most):g}"
