"""Registers that delay."""

from typing import Any

from amaranth.hdl import Module, Signal, Value

__all__ = ["later"]


def later(m: Module, value: Any, cycles: int) -> Value:
    """Delay a value by some cycles."""
    value = Value.cast(value)
    for _ in range(cycles):
        following = Signal(value.shape(), name="later")
        m.d.sync += following.eq(value)
        value = following
    return value
