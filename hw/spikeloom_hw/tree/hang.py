"""How children hang on a chip."""

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib.wiring import connect, flipped

from .downlink import Downlink
from .words import connect_definite

__all__ = ["hang"]


def hang(m: Module, chip: Any, ways: list[tuple[Any, Any]], system: Any, reset: Signal) -> Signal:
    """Build the ends of the links to the children, between bus and system block.

    Parameters
    ----------
    m : Module
        Module to build in.
    chip : Chip or Branch
        Chip that has the links: its members for children are connected.
    ways : list of (stream of events, stream of events)
        For each child, what goes down and what comes up.
    system : System
        What accesses come from.
    reset : Signal
        The chip gives up what is under way.

    Returns
    -------
    Signal
        Chip below the link that has given up, if ``system.lost``.
    """
    ports = [Downlink(chip.config, child) for child in chip.children]
    culprit = Signal.like(ports[0].culprit, name="culprit")
    for k, (port, (falling, rising)) in enumerate(zip(ports, ways, strict=True)):
        m.submodules[f"downlink{k}"] = port
        connect_definite(m, falling, port.i)
        connect(m, port.o, rising)
        connect(m, system.remote[k], port.requests)
        connect(m, port.answers, system.answers[k])
        connect(m, port.down, flipped(chip.to_child[k]))
        connect(m, flipped(chip.from_child[k]), port.up)
        m.d.comb += [port.reset.eq(reset), port.error.eq(chip.link_errors[k])]
        with m.If(port.lost):
            m.d.comb += culprit.eq(port.culprit)
    m.d.comb += [
        system.lost.eq(Cat(port.lost for port in ports).any()),
        chip.link_reset.eq(reset),
    ]
    return culprit
