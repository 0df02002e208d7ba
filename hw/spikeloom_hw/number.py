"""Integer formats, saturation and rounding, each said once for Python and for gateware."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Mux, Shape, Value, signed

__all__ = [
    "DECAY_FRACTION",
    "DECAY_ONE",
    "DECAY_WIDTH",
    "Signed",
    "approach",
    "approached",
    "decay",
    "decayed",
    "divided",
    "reduced",
    "shift_factor",
]

DECAY_FRACTION = 12
"""Bits after the binary point of a decay factor."""

DECAY_ONE = 1 << DECAY_FRACTION
"""Decay factor of a membrane that does not leak."""

DECAY_WIDTH = DECAY_FRACTION + 1
"""Bits of a decay factor, from 0 to :data:`DECAY_ONE`."""


@dataclass(frozen=True)
class Signed:
    """Two's complement integer format.

    Parameters
    ----------
    width : int
        Bits, the sign included.
    """

    width: int

    def __post_init__(self) -> None:
        if not isinstance(self.width, int) or self.width < 2:
            raise ValueError(f"Width must be an integer of at least 2, not {self.width!r}")

    @property
    def shape(self) -> Shape:
        """Shape of a signal in this format."""
        return signed(self.width)

    @property
    def low(self) -> int:
        """Least representable integer."""
        return -(1 << (self.width - 1))

    @property
    def high(self) -> int:
        """Greatest representable integer."""
        return (1 << (self.width - 1)) - 1

    def clip(self, numbers: Any, out: Any = None) -> Any:
        """Saturate an integer or an integer array, as :meth:`saturate` does in gateware.

        Parameters
        ----------
        numbers : int or array
            The numbers.
        out : array or None
            Array to fill, which may be ``numbers``; None makes a new one.
        """
        return np.minimum(np.maximum(numbers, self.low, out=out), self.high, out=out)

    def saturate(self, value: Value) -> Value:
        """Saturate a wider signed value, as :meth:`clip` does in Python."""
        sign = value[-1]
        fits = value[self.width - 1 :] == sign.replicate(len(value) - self.width + 1)
        limit = Mux(sign, self.low, self.high)
        return Mux(fits, value[: self.width].as_signed(), limit)[: self.width].as_signed()

    def wrap(self, numbers: Any) -> Any:
        """Reduce an integer or an integer array modulo ``2**width`` into the signed range.

        In gateware this is a slice: ``value[:width].as_signed()``.
        """
        return ((numbers - self.low) & ((1 << self.width) - 1)) + self.low


def decay(numbers: Any, factor: Any) -> Any:
    """Multiply integers by ``factor / DECAY_ONE`` and round toward zero.

    Rounding toward zero is symmetric and reaches exactly 0, as on Loihi. :func:`decayed` finishes
    the same operation in gateware.

    Parameters
    ----------
    numbers : int, int64 array or float64 array
        Membrane potentials, in units of the least significant bit. A float64 array holds integers
        and stays exact, since no product exceeds 2**53; NumPy is faster on it.
    factor : int or int64 array
        Decay factors, from 0 to :data:`DECAY_ONE`.
    """
    if isinstance(numbers, np.ndarray) and numbers.dtype == np.float64:
        shares = np.asarray(numbers * (factor / DECAY_ONE))
        return np.trunc(shares, out=shares)
    product = numbers * factor
    return (product + ((product >> 63) & (DECAY_ONE - 1))) >> DECAY_FRACTION


def decayed(product: Value) -> Value:
    """Shift a signed product with a decay factor, rounding toward zero, as :func:`decay` does."""
    return (product + Mux(product[-1], DECAY_ONE - 1, 0)) >> DECAY_FRACTION


def shift_factor(shift: Any) -> Any:
    """Decay factor that takes ``2**-shift`` of a number, rounded away from zero.

    Parameters
    ----------
    shift : int or int64 array
        From 0 to :data:`DECAY_FRACTION`.
    """
    return DECAY_ONE - (DECAY_ONE >> shift)


def divided(value: Value, shift: Value) -> Value:
    """Divide a signed value by ``2**shift``, for :func:`reduced`.

    Above the lowest bit lies the quotient, rounded down; the lowest bit is what it lacks to be
    rounded away from zero. So neither this nor :func:`reduced` is more than one addition deep.
    """
    rest = value & ((1 << shift) - 1)
    return Cat(~value[-1] & rest.any(), value >> shift).as_signed()


def reduced(value: Value, part: Value) -> Value:
    """Take from a signed value what :func:`divided` gave of it, as :func:`decay` does."""
    return (Cat(0, value).as_signed() - part) >> 1


def approach(numbers: Any, amount: Any) -> Any:
    """Bring integers ``amount`` nearer to 0, but not beyond; :func:`approached` does the same.

    Parameters
    ----------
    numbers : int, int64 array or float64 array
        Membrane potentials.
    amount : int or integer array
        Not negative.
    """
    return numbers - np.minimum(np.maximum(numbers, -amount), amount)


def approached(value: Value, amount: Value) -> Value:
    """Bring a signed value ``amount`` nearer to 0, as :func:`approach` does."""
    nearer = Mux(value[-1], value + amount, value - amount)
    return Mux(nearer[-1] == value[-1], nearer, 0)
