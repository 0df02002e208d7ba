"""An end of the link between two chips of a tree."""

from collections.abc import Callable
from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..interchip.link import LinkParameters
from ..interchip.pins import hand_on
from ..interchip.port import LinkPort

__all__ = ["Line", "LinkEnd"]

Line = Callable[[], Any]
"""Makes the physical form of an end: ParallelLine, ClockedLine, SerialLine or ByteLine."""


class LinkEnd(wiring.Component):
    """Words of a tree over a chip link, which begins anew once it has given up.

    The end of the child does so by itself. That of the parent waits for ``reset``, so that nobody
    overlooks what was lost; it gives up, too, if there is no other end.

    Parameters
    ----------
    word : Layout
        What crosses the link.
    line : callable
        Makes the physical form.
    upper : bool
        Whether this is the end of the parent.
    parameters : LinkParameters or None
        Sizes; by default those that suit the line.

    Members
    -------
    i : In(stream.Signature(word))
        Words to send.
    o : Out(stream.Signature(word))
        Words received.
    error : Out(1)
        The link has given up: until ``reset`` at the end of the parent, for a cycle at the other.
    resent : Out(1)
        High for a cycle when words are to be sent again.
    reset : In(1)
        A link that has given up is to begin anew.
    ... : In, Out
        The pins of the line, by their names.
    """

    i: stream.Interface
    o: stream.Interface
    error: Signal
    resent: Signal
    reset: Signal

    def __init__(
        self,
        word: data.Layout,
        line: Line,
        *,
        upper: bool,
        parameters: LinkParameters | None = None,
    ) -> None:
        self.upper = upper
        self.port = LinkPort(word, line(), parameters)
        self.pins = self.port.pins
        super().__init__({
            "i": In(stream.Signature(word)),
            "o": Out(stream.Signature(word)),
            "error": Out(1),
            "resent": Out(1),
            "reset": In(1),
            **self.pins,
        })

    def elaborate(self, platform: Any) -> Module:
        """Watch the link."""
        m = Module()
        m.submodules.port = port = self.port
        connect(m, flipped(self.i), port.i)
        connect(m, port.o, flipped(self.o))
        hand_on(m, self, port, self.pins)
        m.d.comb += self.resent.eq(port.resent)
        if not self.upper:
            m.d.comb += [self.error.eq(port.error), port.reset.eq(port.error)]
            return m

        # Nobody has answered for as long as a link waits that is up.
        sizes = port.link.parameters
        longest = sizes.timeout * sizes.retries
        waited = Signal(range(longest + 1))
        m.d.comb += [
            self.error.eq(port.error | (waited == longest)),
            port.reset.eq(self.error & self.reset),
        ]
        with m.If(port.up | port.reset):
            m.d.sync += waited.eq(0)
        with m.Elif(waited != longest):
            m.d.sync += waited.eq(waited + 1)
        return m
