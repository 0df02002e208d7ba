"""Pins of a line, handed on from one component to the one around it."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Module
from amaranth.lib.wiring import Member, Out, connect, flipped

__all__ = ["hand_on"]


def hand_on(m: Module, outer: Any, inner: Any, pins: Mapping[str, Member]) -> None:
    """Connect pins, or streams of bytes, that two components have by the same names.

    Parameters
    ----------
    m : Module
        Module to build in.
    outer : Interface
        What ``m`` has.
    inner : Interface
        What a submodule of it has.
    pins : mapping of str to Member
        The pins.
    """
    for name, pin in pins.items():
        here, there = getattr(outer, name), getattr(inner, name)
        if pin.is_signature:
            connect(m, *((there, flipped(here)) if pin.flow == Out else (flipped(here), there)))
        else:
            m.d.comb += here.eq(there) if pin.flow == Out else there.eq(here)
