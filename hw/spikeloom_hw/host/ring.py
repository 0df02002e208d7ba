"""Byte memory between a writer of frames and a reader of bytes."""

from typing import Any

from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

__all__ = ["Ring"]


class Ring(wiring.Component):
    """One block of memory, written anywhere and read as a stream up to ``committed``.

    A byte every cycle, three cycles after it was committed. Never reads what was not written. The
    writer keeps off the bytes from ``position`` to ``committed``.

    Parameters
    ----------
    depth : int
        Bytes, a power of two.

    Members
    -------
    write : In(1)
        Write ``data`` to ``address``.
    address, data : In
        Where and what to write.
    committed : In(range(depth))
        Address behind the last byte that may be read.
    position : Out(range(depth))
        Address of the next byte that the reader fetches.
    o : Out(stream.Signature(unsigned(8)))
        The bytes.
    """

    write: Signal
    address: Signal
    data: Signal
    committed: Signal
    position: Signal
    o: stream.Interface

    def __init__(self, depth: int) -> None:
        self.depth = depth
        super().__init__({
            "write": In(1),
            "address": In(range(depth)),
            "data": In(8),
            "committed": In(range(depth)),
            "position": Out(range(depth)),
            "o": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the ring."""
        m = Module()
        m.submodules.memory = memory = Memory(shape=unsigned(8), depth=self.depth, init=[])
        writing, reading = memory.write_port(), memory.read_port()
        m.d.comb += [
            writing.en.eq(self.write),
            writing.addr.eq(self.address),
            writing.data.eq(self.data),
        ]

        # The memory's output is handed to a register, since block RAM is slow to read.
        fetched = Signal()
        moves = Signal()
        m.d.comb += moves.eq(~self.o.valid | self.o.ready)
        with m.If(moves):
            m.d.sync += [self.o.valid.eq(fetched), self.o.payload.eq(reading.data)]

        # Fetch ahead whenever that output is free.
        available = Signal()
        fetches = Signal()
        m.d.comb += [
            available.eq(self.position != self.committed),
            fetches.eq(moves | ~fetched),
            reading.addr.eq(self.position),
            reading.en.eq(fetches & available),
        ]
        with m.If(fetches):
            m.d.sync += [fetched.eq(available), self.position.eq(self.position + available)]

        return m
