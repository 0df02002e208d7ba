"""How two ends begin a session: each must know that the other one knows it."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from .frame import hello_header

__all__ = ["Session"]


class Session(wiring.Component):
    """Exchange HELLO frames until both ends have seen an echo of their own epoch.

    The epoch counts the resets of an end since it was powered up, and is itself never reset. A
    frame of an earlier session is taken for none of this one, as long as what is on the line gets
    through before 256 resets or a power-up have passed.

    Parameters
    ----------
    size : int
        Bytes of a word.

    Members
    -------
    heard : In(1)
        A HELLO frame came.
    header : In(hello_header())
        Its header.
    tick : In(1)
        It is time to say HELLO again.
    sent : In(1)
        ``hello`` is being sent.
    due : Out(1)
        ``hello`` is to be sent.
    hello : Out(hello_header())
        Header of a HELLO frame of this end.
    up : Out(1)
        The other end knows of this session.
    restarted : Out(1)
        The other end has begun anew in the middle of the session.
    """

    heard: Signal
    header: Any
    tick: Signal
    sent: Signal
    due: Signal
    hello: Any
    up: Signal
    restarted: Signal

    def __init__(self, size: int) -> None:
        self.size = size
        super().__init__({
            "heard": In(1),
            "header": In(hello_header()),
            "tick": In(1),
            "sent": In(1),
            "due": Out(1),
            "hello": Out(hello_header()),
            "up": Out(1),
            "restarted": Out(1),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the handshake."""
        m = Module()
        epoch = Signal(8, reset_less=True)
        known, other = Signal(), Signal(8)
        m.d.comb += [
            self.hello.hello.eq(1),
            self.hello.known.eq(known),
            self.hello.up.eq(self.up),
            self.hello.epoch.eq(epoch),
            self.hello.echo.eq(other),
            self.hello.size.eq(self.size),
        ]

        # The first cycle after a reset begins a session.
        begun = Signal()
        m.d.sync += begun.eq(1)
        with m.If(~begun):
            m.d.sync += epoch.eq(epoch + 1)

        # While this end is not up it says HELLO at each tick, and answers each. Once it is up, it
        # answers an end that is not.
        heard, echoed, same = Signal(), Signal(), Signal()
        m.d.comb += [
            heard.eq(self.heard & begun & (self.header.size == self.size)),
            echoed.eq(self.header.known & (self.header.echo == epoch)),
            same.eq(echoed & (self.header.epoch == other)),
            self.restarted.eq(heard & self.up & ~same),
        ]
        with m.If(self.sent):
            m.d.sync += self.due.eq(0)
        with m.If(~begun | (self.tick & ~self.up) | (heard & ~(self.up & self.header.up))):
            m.d.sync += self.due.eq(1)
        with m.If(heard & ~self.up):
            m.d.sync += [known.eq(1), other.eq(self.header.epoch), self.up.eq(echoed)]

        return m
