"""How the root of a tree stands above its children."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream
from amaranth.lib.wiring import connect

from .alarm import Alarm
from .hang import hang

__all__ = ["hang_on_root"]


def hang_on_root(m: Module, chip: Any, system: Any, fabric: Any, lost: Signal) -> stream.Interface:
    """Build the ends of the links to the children of the root, and let the host hear of a failure.

    Parameters
    ----------
    m : Module
        Module to build in.
    chip : Chip or Accelerator
        The root: its members for children are connected.
    system : System
        What accesses come from.
    fabric : Fabric
        Where time and events are.
    lost : Signal
        Set here: a link has given up, and the fabric must be held in reset.

    Returns
    -------
    stream of words
        What the host gets: the words of the fabric, or END if a link has given up.
    """
    ways = [(fabric.falling[k], fabric.rising[k]) for k in range(len(chip.children))]
    culprit = hang(m, chip, ways, system, system.reset)
    m.submodules.alarm = alarm = Alarm(chip.config.chips)
    connect(m, fabric.o_words, alarm.i)
    m.d.comb += [
        lost.eq(system.lost),
        alarm.lost.eq(lost),
        alarm.culprit.eq(culprit),
    ]

    # A fabric with a link that has given up is still, and its last word is to say so.
    with m.If(lost):
        m.d.comb += [system.idle.eq(1), system.word.eq(0), system.bad_word.eq(0)]
    return alarm.o
