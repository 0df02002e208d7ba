"""The window: byte addresses of a register port, for a processor's bus."""

from collections.abc import Container
from typing import Any

from amaranth.hdl import Cat, Const, Value

from .config import ChipConfig
from .registers import CHIP_BITS, Register, regions

__all__ = ["Window"]


class Window:
    """Map between the words of the address map and the bytes of a register port.

    The address map is sparse: its few memories lie in a space of 2 GiB, which few processors have
    to spare. An address bit that is 0 in every word of every memory and register is left out of
    the window; the others keep their order, and two bits that choose the byte come below them.
    So the words of a memory stay neighbours, and no logic is needed to go from one to the other.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    without : container of str
        Memories that the port does not reach.

    Attributes
    ----------
    bits : int
        Address bits of the port.
    registers : dict of str to int
        Byte offset of each register; names of those of chip c below a root end in ``@c``.
    memories : dict of str to int
        Byte offset of each memory.
    """

    def __init__(self, config: ChipConfig, without: Container[str] = ()) -> None:
        self.config = config
        known = {n: region for n, region in regions(config).items() if n not in without}
        used = (1 << int(max(Register)).bit_length()) - 1
        for chip in range(config.chips):
            used |= chip << CHIP_BITS
        for region in known.values():
            used |= region.base | ((1 << (region.rows * region.stride - 1).bit_length()) - 1)
        self._places = [k for k in range(32) if used >> k & 1]
        self.bits = len(self._places) + 2
        self.registers = {
            f"{register.name}@{chip}" if chip else register.name: self.offset(
                chip << CHIP_BITS | register
            )
            for chip in range(config.chips)
            for register in Register
        }
        self.memories = {name: self.offset(region.base) for name, region in known.items()}

    def offset(self, address: int) -> int:
        """Byte offset of a word of the address map.

        Raises
        ------
        ValueError
            If the window does not reach it.
        """
        places = enumerate(self._places, 2)
        offset = sum((address >> place & 1) << bit for bit, place in places)
        if address != sum(1 << place for place in self._places if address >> place & 1):
            raise ValueError(f"The window reaches no word at address 0x{address:08X}")
        return offset

    def address(self, offset: Any) -> Value:
        """Word of the address map at a byte offset, both as signals."""
        word: list[Any] = [Const(0, 1)] * 32
        for bit, place in enumerate(self._places, 2):
            word[place] = offset[bit]
        return Cat(*word)
