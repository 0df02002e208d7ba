"""A gate in a stream: it keeps events out while the host has the memories."""

from typing import Any

from amaranth.hdl import Module, ShapeLike, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

__all__ = ["Gate"]


class Gate(wiring.Component):
    """Let a stream through, or hold it; a payload that was offered is taken before it closes.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.

    Members
    -------
    i : In(stream.Signature(shape))
        Payloads in.
    o : Out(stream.Signature(shape))
        The same, in the same cycle.
    hold : In(1)
        Close, and stay closed.
    held : Out(1)
        Nothing passes in this cycle, nor will it as long as ``hold`` is high.
    """

    i: stream.Interface
    o: stream.Interface
    hold: Signal
    held: Signal

    def __init__(self, shape: ShapeLike) -> None:
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "hold": In(1),
            "held": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the gate."""
        m = Module()
        m.d.comb += [
            self.o.payload.eq(self.i.payload),
            self.o.valid.eq(self.i.valid & ~self.held),
            self.i.ready.eq(self.o.ready & ~self.held),
        ]
        with m.If(~self.o.valid | self.o.ready):
            m.d.sync += self.held.eq(self.hold)
        return m
