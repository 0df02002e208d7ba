"""Host access to memories: the bus that reaches them, and its decoder."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .memory import RowMem
from .registers import Region

__all__ = ["AccessSignature", "decode"]


class AccessSignature(wiring.Signature):
    """Word accesses of the host to the memories of one block, while the block is idle.

    ``data`` is out two cycles after ``read``; ``known`` tells, in the cycle of the access,
    whether the address exists.
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


def decode(m: Module, access: Any, memories: dict[str, RowMem], known: dict[str, Region]) -> None:
    """Connect ``access`` to each memory by the addresses of its region."""
    data = []
    for name, memory in memories.items():
        region = known[name]
        low_bits = (region.rows * region.stride - 1).bit_length()
        chosen = Signal(name=f"{name}_chosen")
        selected = Signal(name=f"{name}_selected")
        within = access.address[:low_bits] < region.rows * region.stride
        base = access.address[low_bits:] == region.base >> low_bits
        m.d.comb += [
            chosen.eq(base & within),
            memory.host_read.eq(access.read & chosen),
            memory.host_write.eq(access.write & chosen),
            memory.host_address.eq(access.address),
            memory.host_value.eq(access.value),
        ]
        with m.If(access.read):
            m.d.sync += selected.eq(chosen)
        data.append((chosen, selected, memory.host_data))
    for chosen, selected, word in data:
        with m.If(chosen):
            m.d.comb += access.known.eq(1)
        with m.If(selected):
            m.d.comb += access.data.eq(word)
