"""Ports of the learning engine to memories of rows."""

from typing import Any

from amaranth.hdl import Module, Mux, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

__all__ = ["RowPort", "hand_on", "serve_reads", "serve_writes"]


class RowPort(wiring.Signature):
    """What the engine asks of a memory whose rows come a cycle after ``read``.

    Parameters
    ----------
    layout : ShapeLike
        One row.
    rows : int
        Depth.
    writes : bool
        Whether the engine writes it too.
    """

    def __init__(self, layout: Any, rows: int, *, writes: bool = True) -> None:
        self.rows = rows
        row = range(rows)
        members = {"read": Out(1), "read_row": Out(row), "read_data": In(layout)}
        if writes:
            members |= {"write": Out(1), "write_row": Out(row), "write_data": Out(layout)}
        super().__init__(members)


def hand_on(m: Module, outer: Any, inner: Any, clears: tuple[Value, Value]) -> None:
    """Connect a port of a part to one of the engine, which zeroes a row on its own.

    Parameters
    ----------
    m : Module
        Module to build in.
    outer, inner : RowPort interface
        Of the engine, and of the part.
    clears : tuple of Value
        Zero a row, and its number, which need not exist.
    """
    clear, cleared = clears
    m.d.comb += [
        outer.read.eq(inner.read),
        outer.read_row.eq(inner.read_row),
        inner.read_data.eq(outer.read_data),
        outer.write.eq(inner.write | (clear & (cleared < outer.signature.rows))),
        outer.write_row.eq(Mux(clear, cleared, inner.write_row)),
        outer.write_data.eq(Mux(clear, 0, inner.write_data.as_value())),
    ]


def serve_reads(
    m: Module, memory: Any, port: Any, other: tuple[Value, Value, Value] | None = None
) -> None:
    """Connect the read port of a memory.

    Parameters
    ----------
    m : Module
        Module to build in.
    memory : component
        The memory.
    port : RowPort interface
        Of the engine.
    other : tuple of Value or None
        Whether somebody else reads it, at which row, and whether the engine has the memory, so
        that nobody else does.
    """
    read, row, busy = other or (0, 0, 1)
    m.d.comb += [
        memory.read.eq(port.read | read),
        memory.read_row.eq(Mux(busy, port.read_row, row) if other else port.read_row),
        port.read_data.eq(memory.read_data),
    ]


def serve_writes(m: Module, memory: Any, port: Any) -> None:
    """Connect the write port of a memory that only the engine and the host write."""
    m.d.comb += [
        memory.write.eq(port.write),
        memory.write_row.eq(port.write_row),
        memory.write_data.eq(port.write_data),
    ]
