"""How children hang on a chip."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib.wiring import connect

from ..config import ChipConfig
from .downlink import Downlink

__all__ = ["hang"]


def hang(
    m: Module, config: ChipConfig, ways: list[tuple[Any, Any]], system: Any, reset: Signal
) -> list[Downlink]:
    """Build the ends of the links to the children, between bus and system block.

    Parameters
    ----------
    m : Module
        Module to build in.
    config : ChipConfig
        Structure of the chips.
    ways : list of (stream of events, stream of events)
        For each child, what goes down and what comes up.
    system : System
        What accesses come from.
    reset : Signal
        The chip gives up what is under way.

    Returns
    -------
    list of Downlink
        Whose ``down`` and ``up`` are left to be connected.
    """
    ports = [Downlink(config) for _ in ways]
    for k, (port, (falling, rising)) in enumerate(zip(ports, ways, strict=True)):
        m.submodules[f"downlink{k}"] = port
        connect(m, falling, port.i)
        connect(m, port.o, rising)
        connect(m, system.remote[k], port.requests)
        connect(m, port.answers, system.answers[k])
        m.d.comb += port.reset.eq(reset)
    return ports
