"""When a chip is idle: once nothing has stirred for some cycles."""

from amaranth.hdl import Module, Mux, Signal, Value

__all__ = ["settle"]


def settle(m: Module, idle: Signal, stirs: Value) -> None:
    """Let ``idle`` be high once nothing has stirred for four cycles.

    What tells of work may be late by some cycles, so one still cycle is not enough.

    Parameters
    ----------
    m : Module
        Module to build in.
    idle : Signal
        A register of one bit.
    stirs : Value
        Something is under way, or comes in.
    """
    settled = Signal(2)
    m.d.sync += [settled.eq(Mux(settled == 3, 3, settled + 1)), idle.eq(settled == 3)]
    with m.If(stirs):
        m.d.sync += [settled.eq(0), idle.eq(0)]
