"""Memories cut into the depths that block RAM has."""

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["WHOLE", "Blocks", "depths"]

WHOLE = 512
"""Rows up to which a memory is one block."""

_MOST = 4


def depths(rows: int) -> list[int]:
    """Depths of the blocks of a memory with a read and a write port.

    A memory of up to 512 rows, or of a power of two, is one block. Others are up to four, each a
    power of two, the largest first; the last is as deep as need be, but no less than a 32nd of
    the first.

    Parameters
    ----------
    rows : int
        Rows of the memory.

    Returns
    -------
    list of int
        Depths, whose sum is at least ``rows``.
    """
    if rows <= WHOLE or not rows & (rows - 1):
        return [rows]
    least = 1 << max(0, rows.bit_length() - 6)
    left = -(-rows // least) * least
    found: list[int] = []
    while left > 0:
        last = len(found) == _MOST - 1
        found.append(1 << ((left - 1).bit_length() if last else left.bit_length() - 1))
        left -= found[-1]
    # Two halves are a whole, without a multiplexer.
    while found[-2:-1] == found[-1:]:
        found[-2:] = [2 * found[-1]]
    return found


class Blocks(wiring.Component):
    """Memory with a read and a write port; a row is out one cycle after ``read``, and stays.

    Blocks lie far from each other. If they are captured, each has registers at its output, and a
    row is out two cycles after ``read``.

    Parameters
    ----------
    width : int
        Bits of a row.
    rows : int
        Depth, at least 2.
    split : bool
        Whether it is cut into :func:`depths`.
    captured : bool
        Whether there are registers between the blocks and what chooses one of them.

    Members
    -------
    read, write : In(1)
        Read the row at ``read_row``; write ``write_data`` to the row at ``write_row``.
    read_row, write_row : In(range(rows))
        Rows.
    write_data, read_data : In, Out(width)
        Row to write, and row read last.
    """

    read: Signal
    read_row: Signal
    read_data: Signal
    write: Signal
    write_row: Signal
    write_data: Signal

    def __init__(
        self, width: int, rows: int, *, split: bool = True, captured: bool = False
    ) -> None:
        self.width = width
        self.captured = captured
        self.depths = depths(rows) if split else [rows]
        row = range(rows)
        super().__init__({
            "read": In(1),
            "read_row": In(row),
            "read_data": Out(width),
            "write": In(1),
            "write_row": In(row),
            "write_data": In(width),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the blocks; each begins at a multiple of its depth."""
        m = Module()
        size = Shape.cast(range(sum(self.depths))).width
        wanted = Signal(size)
        with m.If(self.read):
            m.d.sync += wanted.eq(self.read_row)
        chosen = wanted
        if self.captured:
            chosen = Signal.like(wanted, name="captured_row")
            m.d.sync += chosen.eq(wanted)

        start = 0
        value: Any = None
        for k, depth in enumerate(self.depths):
            block = Memory(shape=unsigned(self.width), depth=depth, init=[])
            m.submodules[f"part{k}"] = block
            reading, writing = block.read_port(), block.write_port()
            low = (depth - 1).bit_length()
            whole = len(self.depths) == 1
            m.d.comb += [
                reading.en.eq(self.read),
                reading.addr.eq(self.read_row),
                writing.en.eq(self.write & (whole or self._within(self.write_row, start, low))),
                writing.addr.eq(self.write_row),
                writing.data.eq(self.write_data),
            ]
            data: Any = reading.data
            if self.captured:
                data = Signal(self.width, name=f"captured{k}", reset_less=True)
                m.d.sync += data.eq(reading.data)
            value = data if value is None else Mux(self._within(chosen, start, low), data, value)
            start += depth
        m.d.comb += self.read_data.eq(value)
        return m

    def _within(self, row: Signal, start: int, low: int) -> Any:
        """Whether a row is in the block of 2 ** low rows at ``start``."""
        return row[low:] == start >> low
