"""The memories of the design: the core reads and writes whole rows, the host words."""

from typing import Any

from amaranth.hdl import Const, Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

from .blocks import Blocks

__all__ = ["BankedMem", "RowMem", "host_port"]

# Bits of a memory that is no block RAM on most devices.
_SMALL = 1024


class RowMem(wiring.Component):
    """Memory of ``rows`` rows with a host port of 32-bit words.

    A read row is out one cycle after ``read``, and stays until the next read. The contents are
    not initialised. A host access takes the place of the core's, so it is allowed only while the
    core is idle; ``host_data`` is out two cycles after ``host_read`` if the address stays, and
    until the next read.

    Depths that are no powers of two are put together of blocks that are, as block RAM is cut.

    Parameters
    ----------
    layout : Layout
        One row.
    rows : int
        Depth, at least 2.
    ports : int
        2 for separate read and write addresses; 1 for a single address, where a write wins.
    table : bool
        Whether the host alone writes it; then there is no port to write rows.
    captured : bool
        Whether its blocks have registers at their outputs; everything read is a cycle later.

    Members
    -------
    read : In(1)
        Read the row at ``read_row``.
    read_row : In(range(rows))
        Row to read.
    read_data : Out(layout)
        Row read last.
    write : In(1)
        Write ``write_data`` to the row at ``write_row``.
    write_row : In(range(rows))
        Row to write.
    write_data : In(layout)
        Row to write.
    host_read, host_write : In(1)
        Access the word at ``host_address``.
    host_address : In(rows * stride)
        Row, then word in the row in the low bits.
    host_value : In(32)
        Word to write.
    host_data : Out(32)
        Word read last.
    """

    read: Signal
    read_row: Signal
    read_data: Any
    write: Signal
    write_row: Signal
    write_data: Any
    host_read: Signal
    host_write: Signal
    host_address: Signal
    host_value: Signal
    host_data: Signal

    def __init__(
        self,
        layout: data.Layout,
        rows: int,
        ports: int = 2,
        *,
        table: bool = False,
        captured: bool = False,
    ) -> None:
        self.captured = captured
        self.layout = layout
        self.rows = rows
        self.ports = ports
        self.table = table
        self.size = Shape.cast(layout).width
        self.words = -(-self.size // 32)
        self.word_bits = (self.words - 1).bit_length()
        row = range(rows)
        writes = {"write": In(1), "write_row": In(row), "write_data": In(layout)}
        super().__init__({
            "read": In(1),
            "read_row": In(row),
            "read_data": Out(layout),
            **({} if table else writes),
            **host_port(rows, self.word_bits),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the memory, as one block a word so that a word can be written alone."""
        m = Module()
        host_row = self.host_address[self.word_bits :]
        host_word = self.host_address[: self.word_bits]

        # The host takes the place of the core.
        read, read_row = Signal(), Signal.like(self.read_row)
        write, write_row = Signal(), Signal.like(self.read_row)
        row_in, row_out = Signal(unsigned(32 * self.words)), Signal(unsigned(self.size))
        m.d.comb += [
            read.eq(self.read | self.host_read),
            read_row.eq(Mux(self.host_read, host_row, self.read_row)),
            write_row.eq(host_row),
            row_in.eq(self.host_value.replicate(self.words)),
            self.read_data.eq(self.layout(row_out)),
        ]
        if not self.table:
            m.d.comb += write.eq(self.write)
            with m.If(~self.host_write):
                m.d.comb += [write_row.eq(self.write_row), row_in.eq(self.write_data.as_value())]
        if self.ports == 1:
            shared = Signal.like(read_row)
            m.d.comb += shared.eq(Mux(write | self.host_write, write_row, read_row))
            read_row = write_row = shared
            read = read & ~(write | self.host_write)

        # One memory a word: each has its own write enable on every technology.
        for k in range(self.words):
            low, high = 32 * k, min(32 * k + 32, self.size)
            chosen = host_word == k if self.word_bits else 1
            split = self.ports == 2
            block = Blocks(high - low, self.rows, split=split, captured=self.captured)
            m.submodules[f"word{k}"] = block
            m.d.comb += [
                block.write.eq(write | (self.host_write & chosen)),
                block.write_row.eq(write_row),
                block.write_data.eq(row_in[low:high]),
                block.read.eq(read),
                block.read_row.eq(read_row),
                row_out[low:high].eq(block.read_data),
            ]

        _answer_host(m, self, row_out)
        return m


class BankedMem(wiring.Component):
    """Memory in which every lane has an address of its own; the host sees a :class:`RowMem`.

    Reads, writes and host accesses take as long as those of a :class:`RowMem`. A write writes all
    lanes, each to its row.

    Parameters
    ----------
    layout : ArrayLayout
        One row: an element for each lane.
    rows : int
        Depth, at least 2.

    Members
    -------
    read : In(1)
        Read each lane at its row of ``read_rows``.
    read_rows : In(ArrayLayout(range(rows), lanes))
        Rows to read.
    read_data : Out(layout)
        Lanes read last.
    write : In(1)
        Write each lane of ``write_data`` to its row of ``write_rows``.
    write_rows : In(ArrayLayout(range(rows), lanes))
        Rows to write.
    write_data : In(layout)
        Lanes to write.
    host_read, host_write, host_address, host_value, host_data
        As of :class:`RowMem`.
    """

    read: Signal
    read_rows: Any
    read_data: Any
    write: Signal
    write_rows: Any
    write_data: Any
    host_read: Signal
    host_write: Signal
    host_address: Signal
    host_value: Signal
    host_data: Signal

    def __init__(self, layout: data.ArrayLayout, rows: int) -> None:
        self.layout = layout
        self.rows = rows
        self.size = Shape.cast(layout).width
        self.words = -(-self.size // 32)
        self.word_bits = (self.words - 1).bit_length()
        addresses = data.ArrayLayout(unsigned(ceil_log2(rows)), layout.length)
        super().__init__({
            "read": In(1),
            "read_rows": In(addresses),
            "read_data": Out(layout),
            "write": In(1),
            "write_rows": In(addresses),
            "write_data": In(layout),
            **host_port(rows, self.word_bits),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the memory, as one block for each part of a lane that is in one word."""
        m = Module()
        host_row = self.host_address[self.word_bits :]
        host_word = self.host_address[: self.word_bits]
        width = self.size // self.layout.length
        row_out = Signal(unsigned(self.size))
        m.d.comb += self.read_data.eq(self.layout(row_out))

        for lane in range(self.layout.length):
            low, end = lane * width, lane * width + width
            while low < end:
                word = low // 32
                high = min(end, 32 * word + 32)
                block = Blocks(high - low, self.rows)
                m.submodules[f"lane{lane}_word{word}"] = block
                chosen = host_word == word if self.word_bits else 1
                own = self.write_data.as_value()[low:high]
                host = self.host_value[low - 32 * word : high - 32 * word]
                m.d.comb += [
                    block.write.eq(self.write | (self.host_write & chosen)),
                    block.write_row.eq(Mux(self.host_write, host_row, self.write_rows[lane])),
                    block.write_data.eq(Mux(self.host_write, host, own)),
                    block.read.eq(self.read | self.host_read),
                    block.read_row.eq(Mux(self.host_read, host_row, self.read_rows[lane])),
                    row_out[low:high].eq(block.read_data),
                ]
                low = high

        _answer_host(m, self, row_out)
        return m


def host_port(rows: int, word_bits: int) -> dict[str, Any]:
    """Members of the host's port to words of 32 bits, ``2**word_bits`` of them for each row."""
    return {
        "host_read": In(1),
        "host_write": In(1),
        "host_address": In(ceil_log2(rows) + word_bits),
        "host_value": In(32),
        "host_data": Out(32),
    }


def _answer_host(m: Module, memory: RowMem | BankedMem, row: Value) -> None:
    """Select the host's word: two by two in a cycle of its own, as block RAM is slow to read."""
    words = [row[low : low + 32] for low in range(0, memory.size, 32)]
    if len(words) == 1 and memory.rows * memory.size <= _SMALL:
        m.d.comb += memory.host_data.eq(row)
        return
    number = memory.host_address[: memory.word_bits]
    value: Any = Const(0, 32)
    for first in range(0, len(words), 2):
        either: Any = Const(0)
        for k in range(first, min(first + 2, len(words))):
            chosen = Signal(name=f"word{k}_chosen", init=memory.word_bits == 0)
            if memory.word_bits:
                m.d.sync += chosen.eq(number == k)
            either = either | (words[k] & chosen.replicate(len(words[k])))
        pair = Signal(len(either), name=f"pair{first // 2}")
        m.d.sync += pair.eq(either)
        value = value | pair
    m.d.comb += memory.host_data.eq(value)
