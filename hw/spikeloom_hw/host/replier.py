"""What the device tells the host about frames: PONG, ACKNOWLEDGE and ERROR."""

from typing import Any

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from .acceptor import notice_layout
from .frame import MAGIC, PROTOCOL_VERSION, FrameType, Pong, Status

__all__ = ["Replier", "reply_layout"]


def reply_layout() -> data.StructLayout:
    """Describe one byte of the payload of a reply of ``type``."""
    return data.StructLayout({"type": 8, "byte": 8, "last": 1})


class Replier(wiring.Component):
    """Turn notices into replies.

    A notice equal to the one that waits is taken at once and gives no reply of its own: the
    sequence number of a reply acknowledges all that was executed until the reply is sent.

    Parameters
    ----------
    config_hash : int
        64-bit hash of the configuration, told in the PONG.
    window : int
        Bytes of the receive buffer, told in the PONG.

    Members
    -------
    notices : In(stream.Signature(notice_layout()))
        What to tell.
    nonce : In(32)
        Number of the session.
    events : In(8)
        Sequence number of the next EVENTS frame to the host.
    o : Out(stream.Signature(reply_layout()))
        Replies, their words as little-endian bytes.
    """

    notices: stream.Interface
    nonce: Signal
    events: Signal
    o: stream.Interface

    def __init__(self, config_hash: int, window: int) -> None:
        self.config_hash = config_hash
        self.window = window
        super().__init__({
            "notices": In(stream.Signature(notice_layout())),
            "nonce": In(32),
            "events": In(8),
            "o": Out(stream.Signature(reply_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the replier."""
        m = Module()
        waiting, replied = Signal(notice_layout()), Signal(notice_layout())
        waits = Signal()

        # Take a notice if none waits, or if it says the same as the one that waits.
        same = self.notices.payload.as_value() == waiting.as_value()
        m.d.comb += self.notices.ready.eq(~waits | same)
        with m.If(self.notices.valid & self.notices.ready):
            m.d.sync += [waits.eq(1), waiting.eq(self.notices.payload)]

        # Begin a reply as soon as the former one has gone; a notice taken meanwhile waits on.
        place = Signal(range(4 * len(Pong._fields)))
        ends = Signal()
        m.d.comb += ends.eq(place == Mux(replied.pong, 4 * len(Pong._fields) - 1, 3))
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [place.eq(place + 1), self.o.valid.eq(~ends)]
        with m.If(waits & ~self.o.valid):
            m.d.sync += [self.o.valid.eq(1), replied.eq(waiting), place.eq(0)]
            m.d.sync += waits.eq(self.notices.valid & self.notices.ready)

        # A PONG has many words, the others one.
        pong = Pong(
            magic=Const(MAGIC, 32),
            version=Const(PROTOCOL_VERSION, 32),
            hash_low=Const(self.config_hash & 0xFFFFFFFF, 32),
            hash_high=Const(self.config_hash >> 32, 32),
            window=Const(self.window, 32),
            nonce=self.nonce,
            events=Cat(self.events, Const(0, 24)),
        )
        refuses = replied.status >= Status.NO_SESSION
        m.d.comb += [
            self.o.payload.byte.eq(Mux(place == 0, replied.status, 0)),
            self.o.payload.type.eq(Mux(refuses, FrameType.ERROR, FrameType.ACKNOWLEDGE)),
            self.o.payload.last.eq(ends),
        ]
        with m.If(replied.pong):
            m.d.comb += [
                self.o.payload.byte.eq(Cat(*pong).word_select(place, 8)),
                self.o.payload.type.eq(FrameType.PONG),
            ]
        return m
