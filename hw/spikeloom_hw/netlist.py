"""The design as RTLIL, from which Verilog, bitstreams and compiled models are all made."""

import importlib
import re
from typing import Any

from amaranth.lib import wiring

__all__ = ["netlist_of"]

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
    text = _rtlil.convert(component, name=name, platform=platform)
    # ABC9 takes element 1 of an array, named "array[1]", for bit 1 of it, and shorts the two.
    text = _IDENTIFIER.sub(lambda found: _ELEMENT.sub(r".\1", found[0]), text)
    text = _EMPTY_MEMORY.sub("", text)
    if defined_collisions:
        return text
    return _COLLISIONS.sub(lambda found: found[1] + "1" * len(found[2]), text)
