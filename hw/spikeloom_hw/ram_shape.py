"""What a memory becomes: block RAM, distributed RAM or registers, told from its size alone."""

import enum
from collections.abc import Iterator
from dataclasses import dataclass

from .blocks import depths

__all__ = ["FAMILIES", "LOGIC_COST", "RamKind", "RamShape", "ram_shape", "split_shapes"]


class RamKind(enum.Enum):
    """What holds the bits of a memory."""

    REGISTERS = "registers"
    DISTRIBUTED = "distributed"
    BLOCK = "block"
    SINGLE_PORT = "single_port"


@dataclass(frozen=True)
class RamShape:
    """What one memory becomes.

    Parameters
    ----------
    kind : RamKind
        What holds its bits.
    count : int
        How many of these.
    width : int
        Bits of a row of one of these.
    parts : int
        How many of these follow each other in depth.
    """

    kind: RamKind
    count: int
    width: int
    parts: int


@dataclass(frozen=True)
class _Ram:
    """A primitive, as the library of Yosys describes it.

    Parameters
    ----------
    kind : RamKind
        What it is.
    bits : int
        Address bits at the least width.
    widths : tuple of int
        Widths, each of half the depth of the one before.
    cost : int
        What one counts.
    byte : int
        Bits that are written together; 0 for a whole row.
    emulation : int
        What the ports of the design need around it.
    scaled : int
        Part of the cost that counts only the width in use.
    """

    kind: RamKind
    bits: int
    widths: tuple[int, ...]
    cost: int
    byte: int
    emulation: int
    scaled: int = 0


_BLOCK, _DISTRIBUTED, _SINGLE = RamKind.BLOCK, RamKind.DISTRIBUTED, RamKind.SINGLE_PORT
_RAMS: dict[str, tuple[_Ram, ...]] = {
    "ice40": (
        _Ram(_BLOCK, 11, (2, 4, 8, 16), 64, 1, 2),
        _Ram(_SINGLE, 14, (16,), 2048, 4, 0),
    ),
    "ecp5": (
        _Ram(_BLOCK, 14, (1, 2, 4, 9, 18), 128, 9, 2),
        _Ram(_BLOCK, 14, (1, 2, 4, 9, 18, 36), 128, 9, 2),
        _Ram(_DISTRIBUTED, 4, (4,), 4, 0, 2),
    ),
    "gowin": (
        _Ram(_BLOCK, 14, (1, 2, 4, 9, 18, 36), 128, 9, 2),
        _Ram(_DISTRIBUTED, 4, (4,), 4, 0, 2, 4),
    ),
}

FAMILIES = tuple(_RAMS)
"""Families of which the rule is known."""

LOGIC_COST = {"ice40": 2.5, "ecp5": 1.0, "gowin": 1.0}
"""What a bit in registers counts: the option ``-logic-cost-ram`` of ``memory_libmap``."""


def ram_shape(
    family: str, depth: int, width: int, *, ports: int = 2, logic_cost: float | None = None
) -> RamShape:
    """What Yosys makes of one memory with one read and one write port.

    It takes what costs least, by the rule of its pass ``memory_libmap``: of each primitive the
    width that costs least, where a primitive counts its cost, a multiplexer in front of each bit
    that is read half of one, and an enable of a part half of one; in registers a bit counts
    :data:`LOGIC_COST`. That a read meets a write is taken to be undefined.

    Parameters
    ----------
    family : str
        One of :data:`FAMILIES`.
    depth, width : int
        Rows, and bits of each.
    ports : int
        1 if reading and writing share an address, as single-port RAM asks for.
    logic_cost : float or None
        What a bit in registers counts; None for that of the family.

    Returns
    -------
    RamShape
        What it becomes.
    """
    cost = LOGIC_COST[family] if logic_cost is None else logic_cost
    best = int(depth * width * cost)
    shape = RamShape(RamKind.REGISTERS, depth * width, 1, depth)
    for ram in _RAMS[family]:
        if ram.kind is RamKind.SINGLE_PORT and ports != 1:
            continue
        found, candidate = min(_geometries(ram, depth, width), key=lambda pair: int(pair[0]))
        if found < best:
            best, shape = int(found), candidate
    return shape


def split_shapes(family: str, depth: int, width: int, *, ports: int = 2) -> Iterator[RamShape]:
    """What a memory of the design becomes: words of 32 bits, each cut into blocks.

    Parameters
    ----------
    family : str
        One of :data:`FAMILIES`.
    depth, width : int
        Rows, and bits of each.
    ports : int
        1 if reading and writing share an address.

    Yields
    ------
    RamShape
        For each word and block.
    """
    for low in range(0, width, 32):
        for rows in depths(depth) if ports == 2 else [depth]:
            yield ram_shape(family, rows, min(32, width - low), ports=ports)


def _geometries(ram: _Ram, depth: int, width: int) -> Iterator[tuple[float, RamShape]]:
    """Costs and shapes of a memory made of one primitive, for each width that it can have."""
    wide = len(ram.widths) - 1
    least = max((k for k in range(wide + 1) if ram.widths[k] <= ram.byte), default=0)
    for k, unit in enumerate(ram.widths):
        if ram.widths[-1] == 36 and k < least:
            # The write port of such a primitive is wide, with bytes that are written alone.
            continue
        rows = 1 << (ram.bits - k)
        parts = -(-depth // rows)
        byte = min(ram.byte or unit, unit)
        padded = -(-width // byte) * byte
        count = -(-parts * padded // unit)
        cost = (ram.cost - ram.scaled) * count + ram.scaled * parts * width / unit
        cost += 0.5 * (parts - 1) * width + (0.5 * parts if parts > 1 else 0) + ram.emulation
        yield cost, RamShape(ram.kind, count, unit, parts)
