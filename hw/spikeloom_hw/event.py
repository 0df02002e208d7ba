"""Event words: what flows on the event bus, and its 32-bit form on the host link."""

import enum
from typing import Any

import numpy as np
from amaranth.hdl import Cat, Value, signed
from amaranth.lib import data

__all__ = [
    "INDEX_WIDTH",
    "SOURCE_WIDTH",
    "VALUED",
    "VALUE_WIDTH",
    "Kind",
    "Operation",
    "definite",
    "event_layout",
    "pack",
    "pack_values",
    "unpack",
    "unpack_values",
]

SOURCE_WIDTH = 9
INDEX_WIDTH = 20

VALUE_WIDTH = SOURCE_WIDTH + INDEX_WIDTH
"""Bits of a value in a word of the host link."""


class Kind(enum.IntEnum):
    """What an event word means."""

    SPIKE = 0
    GRADED = 1
    STEP = 2
    END = 3
    ERROR = 4
    REWARD = 5
    READOUT = 6
    VALUE = 7


VALUED = frozenset({Kind.GRADED, Kind.ERROR, Kind.REWARD, Kind.READOUT})
"""Kinds that carry a signed value: on the host link, a second word of the kind VALUE."""


class Operation(enum.IntEnum):
    """What a STEP event on the bus asks of the cores.

    ``CLEAR`` zeroes the state of every neuron; ``DONE`` ends a time step, to which no core
    answers.
    """

    UPDATE = 0
    LEARN = 1
    BACK = 2
    TRACE = 3
    REWARD = 4
    CLEAR = 6
    DONE = 7


def event_layout(value_width: int = 0) -> data.StructLayout:
    """Layout of an event on the bus; its low 32 bits are the word of the host link.

    A spike names its source population and the neuron inside it (address-event representation).
    A STEP carries an :class:`Operation` in the low bits of ``source`` and the phase in ``index``;
    from the host, ``index`` is the number of time steps to advance.

    Parameters
    ----------
    value_width : int
        Bits of the signed ``value`` of the kinds in :data:`VALUED`; 0 if there is none.
    """
    members: dict[str, Any] = {"index": INDEX_WIDTH, "source": SOURCE_WIDTH, "kind": Kind}
    if value_width:
        members["value"] = signed(value_width)
    return data.StructLayout(members)


def definite(event: Any) -> Value:
    """Bits of an event, as a view, in which what its kind leaves open is 0.

    END leaves source and index open, and what is not in :data:`VALUED` its value. That is of no
    concern inside a chip; outside, unknown bits would make a simulation's checksums unknown.
    """
    bits = event.as_value()
    names = (event.kind != Kind.END).replicate(VALUE_WIDTH)
    carries = Cat(event.kind == kind for kind in sorted(VALUED)).any()
    values = bits[32:] & carries.replicate(len(bits) - 32)
    return Cat(bits[:VALUE_WIDTH] & names, bits[VALUE_WIDTH:32], values)


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


def pack_values(values: Any) -> np.ndarray:
    """Build VALUE words, each of which follows the word of its event.

    Parameters
    ----------
    values : (count,) int array
        Signed values of up to :data:`VALUE_WIDTH` bits.

    Returns
    -------
    (count,) uint32 array
        The value in the low bits, in two's complement.
    """
    low = np.asarray(values, np.int64) & ((1 << VALUE_WIDTH) - 1)
    return (low | Kind.VALUE.value << VALUE_WIDTH).astype(np.uint32)


def unpack_values(words: np.ndarray) -> np.ndarray:
    """Signed values of VALUE words, (count,) uint32 array: (count,) int64 array."""
    low = words.astype(np.int64) & ((1 << VALUE_WIDTH) - 1)
    return low - ((low >> (VALUE_WIDTH - 1)) << VALUE_WIDTH)
