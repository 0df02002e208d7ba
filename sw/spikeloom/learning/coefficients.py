"""Shift, coefficients and increments that give the terms of a rule their amplitudes."""

from collections.abc import Mapping, Sequence
from math import ceil, log2
from typing import NamedTuple

from spikeloom_hw.learning.parts import COEFFICIENT, LARGEST_TRACE

from .parts import RuleTerm

__all__ = ["MODULATOR_ONE", "Fit", "fit", "operand"]

MODULATOR_ONE = -COEFFICIENT[0]
"""Modulator that stands for 1."""

_TRACE_BITS = LARGEST_TRACE.bit_length()

# What a trace of half the resolution is worth, as a relative error of an amplitude.
_RESOLUTION = 0.02


class Fit(NamedTuple):
    """Integers for the terms of a rule.

    Members
    -------
    shift : int
        Bits to shift the sum right.
    coefficients : tuple of int
        Coefficient of each term.
    increments : dict of str to int
        Increment of each trace by its name, ``"x1"`` and so on.
    shares : tuple of float
        Amplitude of each term over the one that was wanted.
    cost : float
        Greatest relative error, and what finer traces would be worth.
    """

    shift: int
    coefficients: tuple[int, ...]
    increments: dict[str, int]
    shares: tuple[float, ...]
    cost: float


def operand(increment: int, width: int) -> float:
    """Operand of ``width`` bits that stands for one spike."""
    return increment / (1 << (_TRACE_BITS - width))


def fit(
    terms: Sequence[RuleTerm],
    ideals: Sequence[float],
    increments: Mapping[str, int],
    width: int,
    shift: int,
) -> Fit | None:
    """Choose coefficients for one shift; None if they cannot be integers of 8 bits.

    Where a term has a trace that no term before it has claimed, its coefficient is rounded up, and
    the increment of the trace is made smaller by as much.

    Parameters
    ----------
    terms : sequence of RuleTerm
        The terms.
    ideals : sequence of float
        What each coefficient, times the operands of one spike of its traces, should be.
    increments : Mapping of str to int
        Greatest increment of each trace, by its name.
    width : int
        Bits of an operand.
    shift : int
        Bits to shift the sum right.
    """
    chosen, claimed = dict(increments), set[str]()
    coefficients = [0] * len(terms)
    # Terms with fewer traces to choose from come first.
    order = sorted(range(len(terms)), key=lambda k: len(_traces(terms[k])))
    for k in order:
        term, wanted = terms[k], ideals[k] * 2.0**shift / _operands(terms[k], chosen, width)
        free = [name for name in _traces(term) if name not in claimed]
        if term.modulated:
            coefficients[k] = 1
            wanted, size = abs(wanted) / MODULATOR_ONE, 1
        else:
            size = ceil(abs(wanted) - 1e-9) if free else round(abs(wanted))
            coefficients[k] = size if wanted > 0 else -size
        if not 1 <= size <= COEFFICIENT[1]:
            return None
        if free and abs(wanted) < size:
            chosen[free[0]] = max(1, round(chosen[free[0]] * abs(wanted) / size))
        claimed.update(_traces(term))
    shares = tuple(
        (MODULATOR_ONE if term.modulated else coefficient)
        * _operands(term, chosen, width)
        / (ideal * 2.0**shift)
        for term, coefficient, ideal in zip(terms, coefficients, ideals, strict=True)
    )
    coarser = max((log2(increments[n] / chosen[n]) for n in chosen), default=0.0)
    cost = max(abs(share - 1) for share in shares) + _RESOLUTION * coarser
    return Fit(shift, tuple(coefficients), chosen, shares, cost)


def _traces(term: RuleTerm) -> list[str]:
    return [name for name in (term.pre, term.post) if name[0] in "xy"]


def _operands(term: RuleTerm, increments: Mapping[str, int], width: int) -> float:
    product = 1.0
    for name in _traces(term):
        product *= operand(increments[name], width)
    return product
