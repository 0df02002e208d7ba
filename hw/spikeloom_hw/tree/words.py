"""Words that cross a link between two chips."""

import enum
from typing import Any

from amaranth.hdl import Module, Shape, Value
from amaranth.lib import data, stream

from ..config import ChipConfig
from ..event import definite, event_layout

__all__ = ["Tag", "connect_definite", "link_layout"]

_HOST = 32


class Tag(enum.IntEnum):
    """What a word means.

    Down go events and the accesses of the host: an address, then what is to be written there, or
    the order to read. Up go events, and what was read. RESET goes down at any time, and comes up
    once the chip has forgotten what was under way. FAILED comes up when a link below has given up;
    its body is the number of the chip below that link.
    """

    EVENT = 0
    ADDRESS = 1
    DATA = 2
    READ = 3
    RESET = 4
    FAILED = 5


def link_layout(config: ChipConfig) -> data.StructLayout:
    """Layout of a word: its tag, and room for an event of the bus or 32 bits of the host."""
    event = Shape.cast(event_layout(config.core.value_width)).width
    members: dict[str, Any] = {"body": max(event, _HOST), "tag": Tag}
    return data.StructLayout(members)


def connect_definite(m: Module, inside: stream.Interface, outside: stream.Interface) -> None:
    """Connect events of a chip with what sends them over a link; no bit of them is left open."""
    m.d.comb += [
        Value.cast(outside.payload).eq(definite(inside.payload)),
        outside.valid.eq(inside.valid),
        inside.ready.eq(outside.ready),
    ]
