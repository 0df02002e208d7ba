"""The design as RTLIL, from which Verilog, bitstreams and compiled models are all made."""

import gc
import importlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from amaranth.lib import wiring

from .yosys import yosys_version

__all__ = ["dressed", "netlist_of"]

# Warnings about the style of the code that Yosys writes; none of them tells of a fault.
_STYLE = {
    "CASEOVERLAP": "selectors are one-hot",
    "PROCASSINIT": "registers have power-on values",
    "UNUSEDSIGNAL": "a bit of a wider signal may have no reader",
    "WIDTHEXPAND": "operands are extended as the language says",
    "WIDTHTRUNC": "and truncated",
}

# The type stubs of Amaranth lack it.
_rtlil: Any = importlib.import_module("amaranth.back.rtlil")

_EMPTY_MEMORY = re.compile(
    r"(?:^ +attribute [^\n]*\n)*^  cell \$meminit_v2 [^\n]*\n"
    r"(?:^    (?!connect \\DATA)[^\n]*\n)*"
    r"^    connect \\DATA \d+'0+\n"
    r"(?:^    [^\n]*\n)*^  end\n",
    re.MULTILINE,
)
_COLLISIONS = re.compile(
    r"(parameter \\TRANSPARENCY_MASK \d+'0+\n +parameter \\COLLISION_X_MASK \d+')(0+)$",
    re.MULTILINE,
)

_ELEMENT = re.compile(r"\[(\d+)\]")
_IDENTIFIER = re.compile(r"(?<=\s)\\\S*\[\S*")


def netlist_of(
    component: wiring.Component,
    name: str = "top",
    *,
    platform: Any = None,
    defined_collisions: bool = True,
) -> str:
    """Elaborate a component.

    Memories whose contents are all zero have no initial contents.

    Parameters
    ----------
    component : Component
        What to elaborate.
    name : str
        Name of the module.
    platform : Platform or None
        What the component is elaborated for.
    defined_collisions : bool
        Whether a read of a row that is written in the same cycle gives what was there before. The
        design does not depend on it, and many a block RAM needs logic to do so.

    Returns
    -------
    str
        RTLIL, the language of Yosys.
    """
    with _without_collection():
        text = _rtlil.convert(component, name=name, platform=platform)
    # ABC9 takes element 1 of an array, named "array[1]", for bit 1 of it, and shorts the two.
    text = _IDENTIFIER.sub(lambda found: _ELEMENT.sub(r".\1", found[0]), text)
    text = _EMPTY_MEMORY.sub("", text)
    if defined_collisions:
        return text
    return _COLLISIONS.sub(lambda found: found[1] + "1" * len(found[2]), text)


@contextmanager
def _without_collection() -> Iterator[None]:
    """Leave cycles of garbage alone: there are few, and the search takes a third of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def dressed(body: str, name: str, about: str = "") -> str:
    """Verilog as Yosys writes it, with a head that tells where it is from and waives its style."""
    body = body.split("\n", 1)[1].lstrip("\n")
    # The attribute says the same as the comment, in the language.
    body = body.replace("casez (s) // synopsys parallel_case", "(* parallel_case *) casez (s)")
    title = f"// {name}: written by Spikeloom with Yosys {yosys_version()}"
    title += f"; {about}" if about else ""
    waivers = [f"/* verilator lint_off {code} */ // {why}" for code, why in _STYLE.items()]
    return "\n".join([title, *waivers, "", body])
