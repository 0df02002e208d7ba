"""Host access to memories: the bus that reaches them, and its decoder."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Cat, Const, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import REGION_WORDS, ChipConfig
from .memory import BankedMem, RowMem
from .registers import CHIP_BITS, CORE_BASE, CORE_STRIDE, FABRIC_BASE, Region

__all__ = ["LATENCY", "AccessSignature", "decode", "hand_out", "latency_of", "lies_in", "share"]

LATENCY = 4
"""Cycles from a read to its data, in a core."""

_PAGE = (REGION_WORDS - 1).bit_length()


def latency_of(config: ChipConfig) -> int:
    """Cycles from a read to its data, on a whole chip: before several cores lie registers."""
    return LATENCY + 3 * config.filtered


class AccessSignature(wiring.Signature):
    """Word accesses of the host to the memories of one block, while the block is idle.

    ``address`` is there a cycle before ``read`` or ``write``, and holds still until ``data`` was
    taken, which is out some cycles after ``read``: :data:`LATENCY`, or :func:`latency_of` a whole
    chip. ``known`` tells, in the cycle of the access, whether the address exists.
    """

    def __init__(self) -> None:
        super().__init__({
            "read": Out(1),
            "write": Out(1),
            "address": Out(32),
            "value": Out(32),
            "data": In(32),
            "known": In(1),
        })


def decode(
    m: Module,
    access: Any,
    memories: Mapping[str, RowMem | BankedMem],
    known: Mapping[str, Region],
    *,
    late: bool = False,
) -> None:
    """Connect ``access`` to each memory by the addresses of its region.

    If ``late``, registers lie before the memories, so that all takes a cycle longer.
    """
    data: Any = Const(0, 32)
    zeros = _zeros(m, access.address[:_PAGE])
    address, value = access.address, access.value
    if late:
        address, value = Signal(_PAGE, name="late_address"), Signal(32, name="late_value")
        m.d.sync += [address.eq(access.address), value.eq(access.value)]
    for name, memory in memories.items():
        # The decision is a cycle old when the access comes.
        chosen, begun = Signal(name=f"{name}_chosen"), Signal(2, name=f"{name}_begun")
        m.d.sync += chosen.eq(_within(access.address, known[name], zeros))
        domain = m.d.sync if late else m.d.comb
        domain += begun.eq(Cat(access.read, access.write) & chosen.replicate(2))
        m.d.comb += [
            Cat(memory.host_read, memory.host_write).eq(begun),
            memory.host_address.eq(address),
            memory.host_value.eq(value),
        ]
        with m.If(chosen):
            m.d.comb += access.known.eq(1)
        data = data | (memory.host_data & chosen.replicate(32))
    m.d.sync += access.data.eq(data)


def lies_in(address: Any, config: ChipConfig, chip: int) -> Value:
    """Tell whether an address is of a chip or of one below it."""
    found = []
    for c in config.subtree(chip):
        first = (CORE_BASE + CORE_STRIDE * c * config.cores) >> 24
        behind = first + (CORE_STRIDE * config.cores >> 24)
        found += [
            address[CHIP_BITS:] == c,
            (address[24:] >= first) & (address[24:] < behind),
            address[_PAGE:] == (FABRIC_BASE >> _PAGE) + 2 * c,
        ]
        # What goes down a link is decided above it.
        found += [
            address[_PAGE:] == (FABRIC_BASE >> _PAGE) + 2 * child + 1
            for child in config.children(c)
        ]
    return Cat(found).any()


def share(m: Module, access: Any, blocks: list[Any]) -> None:
    """Connect ``access`` to blocks each of which knows its own addresses."""
    for block in blocks:
        m.d.comb += [
            block.read.eq(access.read),
            block.write.eq(access.write),
            block.address.eq(access.address),
            block.value.eq(access.value),
        ]
    data: Any = Const(0, 32)
    for block in blocks:
        data = data | block.data
    m.d.comb += [
        access.known.eq(Cat(block.known for block in blocks).any()),
        access.data.eq(data),
    ]


def hand_out(m: Module, access: Any, blocks: list[Any], first: int) -> None:
    """Connect ``access`` to blocks that are alike, each of which has the addresses of the first.

    Registers lie on the way there and back; those of a block keep what was last for it.

    Parameters
    ----------
    m : Module
        Module to build in.
    access : AccessSignature
        Access to all of them.
    blocks : list of AccessSignature
        Each of them.
    first : int
        Number of the first one among all of its kind.
    """
    low = (CORE_STRIDE - 1).bit_length()
    data: Any = Const(0, 32)
    known: Any = Const(0)
    for k, block in enumerate(blocks):
        address, value = Signal(low, name=f"address_{k}"), Signal(32, name=f"value_{k}")
        begun, chosen = Signal(2, name=f"access_{k}"), Signal(name=f"block_{k}_chosen")
        own = access.address[low:] == (CORE_BASE >> low) + first + k
        with m.If(own):
            m.d.sync += [address.eq(access.address), value.eq(access.value)]
        m.d.sync += [
            chosen.eq(own),
            begun.eq(Cat(access.read, access.write) & chosen.replicate(2)),
        ]
        m.d.comb += [
            block.address.eq(Cat(address, Const(CORE_BASE >> low, 32 - low))),
            block.value.eq(value),
            Cat(block.read, block.write).eq(begun),
        ]
        data = data | (block.data & chosen.replicate(32))
        known = known | (block.known & chosen)
    m.d.sync += access.data.eq(data)
    m.d.comb += access.known.eq(known)


def _zeros(m: Module, offset: Any) -> list[Signal]:
    """Whether all bits from each one on are zero."""
    zeros = [Signal(name=f"zero_from_{k}") for k in range(_PAGE + 1)]
    m.d.comb += zeros[_PAGE].eq(1)
    for k in range(_PAGE):
        m.d.comb += zeros[k].eq(zeros[k + 1] & ~offset[k])
    return zeros


def _within(address: Any, region: Region, zeros: list[Signal]) -> Any:
    """Whether an address is one of a region: the page, then no bits above, then the end."""
    words = region.rows * region.stride
    bits = (words - 1).bit_length()
    based = (address[_PAGE:] == region.base >> _PAGE) & zeros[bits]
    if words == 1 << bits:
        return based
    even = (words & -words).bit_length() - 1
    return based & (address[even:bits] < words >> even)
