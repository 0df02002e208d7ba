"""Values chosen by the one bit that is set."""

from typing import Any

from amaranth.hdl import Cat, Const, Value

__all__ = ["numbered", "picked", "several"]


def picked(marks: Value, values: list[Any]) -> Value:
    """Give the value that is marked; 0 if none is, or one that is not there."""
    chosen: Any = Const(0)
    for mark, value in zip(marks, map(Value.cast, values), strict=False):
        chosen = chosen | (value.as_unsigned() & mark.replicate(len(value)))
    return chosen


def numbered(mark: Value) -> Value:
    """Give the number of the one bit that is set."""
    bits = (len(mark) - 1).bit_length()
    places = [[mark[n] for n in range(len(mark)) if n >> bit & 1] for bit in range(bits)]
    return Cat(Cat(place).any() for place in places)


def several(mark: Value) -> Value:
    """Tell whether more than one bit is set; a tree, where taking 1 away is a chain."""
    parts: list[tuple[Any, Any]] = [(bit, Const(0)) for bit in mark]
    while len(parts) > 1:
        pairs = list(zip(parts[::2], parts[1::2], strict=False))
        joined = [(a | b, more | other | (a & b)) for (a, more), (b, other) in pairs]
        parts = joined + parts[2 * len(pairs) :]
    return parts[0][1]
