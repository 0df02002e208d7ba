"""Devices: the parts that boards carry, and how much of what they have."""

import enum
from dataclasses import dataclass

__all__ = ["SPRAM_BITS", "Device", "Family"]

SPRAM_BITS = 1 << 18
"""Bits of a single-port RAM of an iCE40 UltraPlus: 16384 rows of 16."""


class Family(enum.Enum):
    """Families of parts, which decide the tools and the primitives."""

    ICE40 = "ice40"
    ECP5 = "ecp5"
    GOWIN = "gowin"
    XILINX = "xilinx"


@dataclass(frozen=True)
class Device:
    """A part, and what it has.

    Parameters
    ----------
    family : Family
        Decides tools and primitives.
    part : str
        Name that people give it.
    package, speed : str
        As in the data sheet.
    luts : int
        Lookup tables of four inputs (six on Xilinx); logic cells on iCE40, where each has a
        flip-flop.
    ffs : int
        Flip-flops.
    block_rams : int
        Blocks of RAM.
    block_bits : int
        Bits of one block, those for parity included.
    dsps : int
        Multipliers.
    sprams : int
        Single-port RAMs of :data:`SPRAM_BITS`.
    """

    family: Family
    part: str
    package: str
    speed: str
    luts: int
    ffs: int
    block_rams: int
    block_bits: int
    dsps: int
    sprams: int = 0

    @property
    def plain_block_bits(self) -> int:
        """Bits of one block without those for parity, which is what rows of 2**n bits can use."""
        return 1 << (self.block_bits.bit_length() - 1)

    @property
    def memory_bits(self) -> int:
        """Bits of all RAM that is not made of logic."""
        return self.block_rams * self.block_bits + self.sprams * SPRAM_BITS

    @property
    def resources(self) -> dict[str, int]:
        """How much there is, by the names that a report uses."""
        return {
            "lut": self.luts,
            "ff": self.ffs,
            "block_ram": self.block_rams,
            "spram": self.sprams,
            "dsp": self.dsps,
        }
