"""Shifts to the right by an amount of the rule, with saturation, in two cycles."""

from amaranth.hdl import Cat, Const, Mux, Value

from ..number import Signed

__all__ = ["MOST_SHIFT", "coarse_shift", "fine_shift"]

MOST_SHIFT = 24
"""Most bits that a rule shifts its sums right."""

_FINE = 3


def coarse_shift(value: Value, shift: Value, width: int) -> Value:
    """Shift a signed value by the multiple of 8 in ``shift``; what follows saturates to ``width``.

    Parameters
    ----------
    value : Value
        What to shift, rounding down.
    shift : Value
        From 0 to 24.
    width : int
        Bits of the result of :func:`fine_shift`.
    """
    return _shift(value, shift[_FINE:], _FINE, width + (1 << _FINE) - 1)


def fine_shift(value: Value, shift: Value, width: int) -> Value:
    """Shift what :func:`coarse_shift` gave by what is left, and saturate it to ``width`` bits."""
    return _shift(value, shift[:_FINE], 0, width)


def _shift(value: Value, amount: Value, scale: int, width: int) -> Value:
    """Shift right by ``amount << scale``, and saturate to ``width`` bits.

    What is shifted out of the result at the top is looked at before it is shifted, which is less
    to shift.
    """
    shifted = (value >> Cat(Const(0, scale), amount)).as_signed()
    if len(value) <= width:
        return shifted
    sign, unit, top = value[-1], 1 << scale, len(value) - 1
    wrong = []
    for count, first in enumerate(range(width - 1, top, unit)):
        differs = value[first : min(first + unit, top)] != sign.replicate(min(unit, top - first))
        wrong.append(differs & (amount <= count))
    number = Signed(width)
    limit = Mux(sign, number.low, number.high)
    return Mux(Cat(wrong).any(), limit, shifted[:width].as_signed())[:width].as_signed()
