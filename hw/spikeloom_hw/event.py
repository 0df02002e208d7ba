"""Event words: what flows on the event bus, and its 32-bit form on the host link."""

import enum
from typing import Any

import numpy as np
from amaranth.lib import data

__all__ = [
    "INDEX_WIDTH",
    "SOURCE_WIDTH",
    "Event",
    "Kind",
    "Operation",
    "pack",
    "unpack",
]

SOURCE_WIDTH = 9
INDEX_WIDTH = 20


class Kind(enum.IntEnum):
    """What an event word means."""

    SPIKE = 0
    GRADED = 1
    STEP = 2
    END = 3
    ERROR = 4
    REWARD = 5
    READOUT = 6


class Operation(enum.IntEnum):
    """What a STEP event on the bus asks of the cores.

    ``CLEAR`` zeroes the state of every neuron; ``DONE`` ends a time step and concerns the host
    alone.
    """

    UPDATE = 0
    LEARN = 1
    BACK = 2
    TRACE = 3
    REWARD = 4
    CLEAR = 6
    DONE = 7


Event = data.StructLayout({"index": INDEX_WIDTH, "source": SOURCE_WIDTH, "kind": Kind})
"""Layout of an event on the bus, which is also the word of the host link.

A spike names its source population and the neuron inside it (address-event representation).
A STEP carries an :class:`Operation` in the low bits of ``source`` and the phase in ``index``;
from the host, ``index`` is the number of time steps to advance.
"""


def pack(kind: Kind, source: Any, index: Any) -> Any:
    """Build event words from scalars or integer arrays.

    Returns
    -------
    int or uint32 array
        ``kind << 29 | source << 20 | index``.
    """
    top = kind.value << (SOURCE_WIDTH + INDEX_WIDTH)
    if isinstance(source, np.ndarray) or isinstance(index, np.ndarray):
        words = np.asarray(source, np.uint32) << np.uint32(INDEX_WIDTH)
        return words | np.asarray(index, np.uint32) | np.uint32(top)
    return top | source << INDEX_WIDTH | index


def unpack(words: Any) -> tuple[Any, Any, Any]:
    """Split event words, scalars or uint32 arrays, into kind, source and index."""
    index = words & ((1 << INDEX_WIDTH) - 1)
    source = (words >> INDEX_WIDTH) & ((1 << SOURCE_WIDTH) - 1)
    return words >> (SOURCE_WIDTH + INDEX_WIDTH), source, index
