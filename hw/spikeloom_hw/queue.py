"""The one queue of the design: a stream that waits in memory."""

from typing import Any

from amaranth.hdl import Module, Shape, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.fifo import SyncFIFOBuffered
from amaranth.lib.wiring import In, Out

__all__ = ["Queue"]


class Queue(wiring.Component):
    """First-in first-out queue; a payload is out two cycles after it came.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.
    depth : int
        Payloads that it holds.

    Members
    -------
    i : In(stream.Signature(shape))
        Payloads in.
    o : Out(stream.Signature(shape))
        The same, in the same order.
    empty : Out(1)
        Nothing is held.
    level : Out(range(depth + 1))
        Payloads held.
    """

    i: stream.Interface
    o: stream.Interface
    empty: Signal
    level: Signal

    def __init__(self, shape: ShapeLike, depth: int) -> None:
        self.shape = shape
        self.depth = depth
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "empty": Out(1),
            "level": Out(range(depth + 1)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the queue."""
        m = Module()
        fifo: Any = SyncFIFOBuffered(width=Shape.cast(self.shape).width, depth=self.depth)
        m.submodules.fifo = fifo
        m.d.comb += [
            fifo.w_data.eq(self.i.payload),
            fifo.w_en.eq(self.i.valid),
            self.i.ready.eq(fifo.w_rdy),
            self.o.payload.eq(fifo.r_data),
            self.o.valid.eq(fifo.r_rdy),
            fifo.r_en.eq(self.o.ready),
            self.level.eq(fifo.level),
            self.empty.eq(fifo.level == 0),
        ]
        return m
