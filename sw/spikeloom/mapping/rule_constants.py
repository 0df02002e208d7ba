"""What all entries of the learning engine have in common, which becomes part of the hardware."""

from collections.abc import Iterable, Mapping

from spikeloom_hw.learning import Dependence, LearningRule
from spikeloom_hw.learning.config import LearningConfig

from ..errors import MappingError

__all__ = ["check_constants", "common_constants", "sum_width"]

_LOADED = ("enabled", "threshold")
_SELECTING = ("rounding", "surrogate", "eligible", "back", "learn_threshold", "learn_decay")
_OF_TRACES = ("kind", "seen")
_OF_TERMS = ("pre", "post", "on_pre", "on_post", "modulated", "dependence")
_MOST_COEFFICIENT = 128
_MOST_SHIFT = 24
_MOST_WIDTH = 32


def common_constants(
    entries: Iterable[Mapping[str, int]], learning: LearningConfig, *, fixed: bool
) -> dict[str, int]:
    """Members in which all entries agree, if they are to be part of the hardware.

    Entries that do not name a member have no say. Whether a projection learns, and thresholds,
    can always be loaded.

    Parameters
    ----------
    entries : iterable of mapping of str to int
        The entries.
    learning : LearningConfig
        The engine.
    fixed : bool
        Whether numbers count, and not only what decides which logic there is.
    """
    found: dict[str, set[int]] = {}
    for entry in entries:
        for name, value in entry.items():
            found.setdefault(name, set()).add(value)
    return {
        name: min(values)
        for name, values in sorted(found.items())
        if len(values) == 1
        and name not in _LOADED
        and (learning.dependence or not name.endswith("_dependence"))
        and (fixed or _selects(name))
    }


def check_constants(constants: Mapping[str, int], entries: Iterable[Mapping[str, int]]) -> None:
    """Check that entries agree with what hardware that exists already was generated with.

    Raises
    ------
    MappingError
        If one does not; the message says in what.
    """
    for entry in entries:
        for name, value in constants.items():
            if entry.get(name, value) != value:
                raise MappingError(
                    f"The learning engine of the hardware was generated with {name!r} at {value}, "
                    f"the network needs {entry[name]}; generate hardware for this network"
                )


def sum_width(rules: Iterable[LearningRule], *, fixed: bool) -> int:
    """Bits of the signed sums that the terms of rules can reach.

    Parameters
    ----------
    rules : iterable of LearningRule
        The rules.
    fixed : bool
        Whether they keep their numbers; if not, those of a rule of the same form may be loaded.
    """
    return max(_width_of(rule, fixed) for rule in rules)


def _width_of(rule: LearningRule, fixed: bool) -> int:
    if rule.eligibility is not None:
        return _MOST_WIDTH
    if fixed:
        return rule.largest_sum.bit_length() + 1
    if rule.errors or any(term.dependence is not Dependence.ONE for term in rule.terms):
        return _MOST_WIDTH
    operand = (1 << rule.operand_width) - 1
    product = _MOST_COEFFICIENT * operand * (operand if rule.multiplies else 1)
    largest = len(rule.terms) * product + (1 << _MOST_SHIFT)
    return min(_MOST_WIDTH, largest.bit_length() + 1)


def _selects(name: str) -> bool:
    """Whether a member decides which logic there is."""
    of, _, what = name.partition("_")
    if of.startswith("term"):
        return what in _OF_TERMS
    return name in _SELECTING or what in _OF_TRACES
