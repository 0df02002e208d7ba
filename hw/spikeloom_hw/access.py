"""Host access to memories: the bus that reaches them, and its decoder."""

from collections.abc import Mapping
from typing import Any

from amaranth.hdl import Const, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .config import REGION_WORDS
from .memory import BankedMem, RowMem
from .registers import Region

__all__ = ["LATENCY", "AccessSignature", "decode"]

LATENCY = 4
"""Cycles from a read to its data."""

_PAGE = (REGION_WORDS - 1).bit_length()


class AccessSignature(wiring.Signature):
    """Word accesses of the host to the memories of one block, while the block is idle.

    ``address`` is there a cycle before ``read`` or ``write``, and holds still until ``data`` was
    taken, which is out :data:`LATENCY` cycles after ``read``. ``known`` tells, in the cycle of the
    access, whether the address exists.
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
) -> None:
    """Connect ``access`` to each memory by the addresses of its region."""
    data: Any = Const(0, 32)
    zeros = _zeros(m, access.address[:_PAGE])
    for name, memory in memories.items():
        # The decision is a cycle old when the access comes.
        chosen = Signal(name=f"{name}_chosen")
        m.d.sync += chosen.eq(_within(access.address, known[name], zeros))
        m.d.comb += [
            memory.host_read.eq(access.read & chosen),
            memory.host_write.eq(access.write & chosen),
            memory.host_address.eq(access.address),
            memory.host_value.eq(access.value),
        ]
        with m.If(chosen):
            m.d.comb += access.known.eq(1)
        data = data | (memory.host_data & chosen.replicate(32))
    m.d.sync += access.data.eq(data)


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
