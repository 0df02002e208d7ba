"""The memories of the design: the core reads and writes whole rows, the host words."""

from typing import Any

from amaranth.hdl import Module, Mux, Shape, Signal, Value, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out
from amaranth.utils import ceil_log2

__all__ = ["BankedMem", "RowMem"]


class RowMem(wiring.Component):
    """Memory of ``rows`` rows with a host port of 32-bit words.

    A read row is out one cycle after ``read``, and stays until the next read. The contents are
    not initialised. A host access takes the place of the core's, so it is allowed only while the
    core is idle; ``host_data`` is out two cycles after ``host_read``.

    Parameters
    ----------
    layout : Layout
        One row.
    rows : int
        Depth, at least 2.
    ports : int
        2 for separate read and write addresses; 1 for a single address, where a write wins.

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

    def __init__(self, layout: data.Layout, rows: int, ports: int = 2) -> None:
        self.layout = layout
        self.rows = rows
        self.ports = ports
        self.size = Shape.cast(layout).width
        self.words = -(-self.size // 32)
        self.word_bits = (self.words - 1).bit_length()
        row = range(rows)
        super().__init__({
            "read": In(1),
            "read_row": In(row),
            "read_data": Out(layout),
            "write": In(1),
            "write_row": In(row),
            "write_data": In(layout),
            **_host_port(rows, self.word_bits),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the memory, as one block a word so that a word can be written alone."""
        m = Module()
        size = self.size
        host_row = self.host_address[self.word_bits :]
        host_word = self.host_address[: self.word_bits]

        # The host takes the place of the core.
        read_row, write_row = Signal.like(self.read_row), Signal.like(self.write_row)
        m.d.comb += [
            read_row.eq(Mux(self.host_read, host_row, self.read_row)),
            write_row.eq(Mux(self.host_write, host_row, self.write_row)),
        ]
        row_out = Signal(unsigned(size))
        m.d.comb += self.read_data.eq(self.layout(row_out))

        # One memory a word: each has its own write enable on every technology.
        for k in range(self.words):
            low, high = 32 * k, min(32 * k + 32, size)
            block = Memory(shape=unsigned(high - low), depth=self.rows, init=[])
            m.submodules[f"word{k}"] = block
            reading, writing = block.read_port(), block.write_port()
            chosen = host_word == k if self.word_bits else 1
            m.d.comb += [
                writing.en.eq(self.write | (self.host_write & chosen)),
                writing.data.eq(
                    Mux(self.host_write, self.host_value, self.write_data.as_value()[low:high])
                ),
                reading.en.eq(self.read | self.host_read),
                row_out[low:high].eq(reading.data),
            ]
            if self.ports == 2:
                m.d.comb += [reading.addr.eq(read_row), writing.addr.eq(write_row)]
            else:
                shared = Signal.like(read_row)
                m.d.comb += shared.eq(Mux(self.write | self.host_write, write_row, read_row))
                m.d.comb += [
                    reading.addr.eq(shared),
                    writing.addr.eq(shared),
                    reading.en.eq((self.read | self.host_read) & ~writing.en),
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
            **_host_port(rows, self.word_bits),
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
                block = Memory(shape=unsigned(high - low), depth=self.rows, init=[])
                m.submodules[f"lane{lane}_word{word}"] = block
                reading, writing = block.read_port(), block.write_port()
                chosen = host_word == word if self.word_bits else 1
                own = self.write_data.as_value()[low:high]
                host = self.host_value[low - 32 * word : high - 32 * word]
                m.d.comb += [
                    writing.en.eq(self.write | (self.host_write & chosen)),
                    writing.addr.eq(Mux(self.host_write, host_row, self.write_rows[lane])),
                    writing.data.eq(Mux(self.host_write, host, own)),
                    reading.en.eq(self.read | self.host_read),
                    reading.addr.eq(Mux(self.host_read, host_row, self.read_rows[lane])),
                    row_out[low:high].eq(reading.data),
                ]
                low = high

        _answer_host(m, self, row_out)
        return m


def _host_port(rows: int, word_bits: int) -> dict[str, Any]:
    """Members of the port for words of 32 bits."""
    return {
        "host_read": In(1),
        "host_write": In(1),
        "host_address": In(ceil_log2(rows) + word_bits),
        "host_value": In(32),
        "host_data": Out(32),
    }


def _answer_host(m: Module, memory: RowMem | BankedMem, row: Value) -> None:
    """Select the host's word, in a cycle of its own."""
    words = Signal(unsigned(32 * memory.words))
    m.d.comb += words.eq(row)
    if memory.word_bits:
        word = Signal(memory.word_bits)
        with m.If(memory.host_read):
            m.d.sync += word.eq(memory.host_address[: memory.word_bits])
        m.d.sync += memory.host_data.eq(words.word_select(word, 32))
    else:
        m.d.sync += memory.host_data.eq(words)
