"""A stage between two streams through which nothing is combinational."""

from typing import Any

from amaranth.hdl import Module, Mux, ShapeLike, Signal, Value
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Skid"]


class Skid(wiring.Component):
    """Hold up to two payloads: valid, payload and ready all come out of registers.

    A payload is out a cycle after it came, and one can go through in every cycle.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.

    Members
    -------
    i : In(stream.Signature(shape))
        Payloads in.
    o : Out(stream.Signature(shape))
        The same, in the same order. Nothing is held unless it is valid.
    """

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: ShapeLike) -> None:
        self.shape = shape
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both places."""
        m = Module()
        full = Signal()
        spare: Any = Signal.like(self.i.payload)
        m.d.comb += self.i.ready.eq(~full)

        # While the first place waits, the next payload takes the second.
        with m.If(~full):
            m.d.sync += spare.eq(self.i.payload)
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += [
                full.eq(0),
                self.o.valid.eq(full | self.i.valid),
                self.o.payload.eq(Mux(full, Value.cast(spare), Value.cast(self.i.payload))),
            ]
        with m.Elif(self.i.valid):
            m.d.sync += full.eq(1)

        return m
