"""The device's half of the session: which frames are carried out, and what the host is told."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out

from ..link import word_layout
from .frame import FrameType, Status
from .unpacker import header_layout

__all__ = ["Acceptor", "command_layout", "notice_layout"]

STATUS_WIDTH = 3

# Frames that are executed have types below 8.
_TYPE_WIDTH = 3


def command_layout() -> data.StructLayout:
    """Describe one word of the payload of an accepted frame of ``type``."""
    return data.StructLayout({"type": _TYPE_WIDTH, "word": 32, "last": 1})


def notice_layout() -> data.StructLayout:
    """Describe what the host is to be told: a PONG, or else a :class:`Status`."""
    return data.StructLayout({"pong": 1, "status": STATUS_WIDTH})


class Acceptor(wiring.Component):
    """Pass on each frame of the session once and in order, and tell the host of every other.

    A frame counts as executed when its last word was taken. A gap in the sequence is told once
    until a frame fits again; an executed READ is not told, because its DATA frame does so.

    Members
    -------
    headers : In(stream.Signature(header_layout()))
        What came.
    words : In(stream.Signature(word_layout()))
        Its payload.
    o : Out(stream.Signature(command_layout()))
        Payload of WRITE, READ and EVENTS frames that are to be executed.
    notices : Out(stream.Signature(notice_layout()))
        What the host is to be told.
    expected : Out(8)
        Sequence number behind the last frame that was executed.
    nonce : Out(32)
        Number that the host gave the session.
    """

    headers: stream.Interface
    words: stream.Interface
    o: stream.Interface
    notices: stream.Interface
    expected: Signal
    nonce: Signal

    def __init__(self) -> None:
        super().__init__({
            "headers": In(stream.Signature(header_layout())),
            "words": In(stream.Signature(word_layout())),
            "o": Out(stream.Signature(command_layout())),
            "notices": Out(stream.Signature(notice_layout())),
            "expected": Out(8),
            "nonce": Out(32),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the acceptor."""
        m = Module()
        header = self.headers.payload
        kind, sequence = Signal(_TYPE_WIDTH), Signal(8)
        session, gap_told, silent, empty = Signal(), Signal(), Signal(), Signal()
        greets, verdict = self._judge(m, session)
        notice = self.notices.payload

        with m.FSM():
            # Judge a frame before anything of it is used.
            with m.State("JUDGE"):
                m.d.comb += self.headers.ready.eq(1)
                m.d.sync += [kind.eq(header.type), sequence.eq(header.sequence)]
                m.d.sync += [notice.pong.eq(greets), notice.status.eq(verdict)]
                m.d.sync += empty.eq(header.unreadable | (header.length == 0))
                with m.If(self.headers.valid):
                    m.next = "DECIDE"
            with m.State("DECIDE"):
                gap, unreadable = (notice.status == s for s in (Status.GAP, Status.UNREADABLE))
                m.d.sync += silent.eq(gap & gap_told & ~notice.pong)
                m.d.sync += gap_told.eq(gap_told | ((gap | unreadable) & ~notice.pong))
                with m.If(notice.pong):
                    m.next = "GREET"
                with m.Elif(notice.status == Status.EXECUTED):
                    m.next = "PASS"
                with m.Elif(empty):
                    m.next = "TELL"
                with m.Else():
                    m.next = "DROP"
            with m.State("PASS"):
                m.d.comb += [
                    self.o.valid.eq(self.words.valid),
                    self.words.ready.eq(self.o.ready),
                ]
                with m.If(self.words.valid & self.o.ready & self.words.payload.last):
                    m.d.sync += [self.expected.eq(self.expected + 1), gap_told.eq(0)]
                    m.d.sync += silent.eq(kind == FrameType.READ)
                    m.next = "TELL"
            with m.State("DROP"):
                m.d.comb += self.words.ready.eq(1)
                with m.If(self.words.valid & self.words.payload.last):
                    m.next = "TELL"
            # A new nonce starts a session; the nonce of the session only repeats the answer.
            with m.State("GREET"):
                m.d.comb += self.words.ready.eq(1)
                with m.If(self.words.valid):
                    with m.If(~session | (self.words.payload.word != self.nonce)):
                        m.d.sync += [self.expected.eq(sequence + 1), gap_told.eq(0)]
                    m.d.sync += [session.eq(1), self.nonce.eq(self.words.payload.word)]
                    m.next = "TELL"
            with m.State("TELL"):
                m.d.comb += self.notices.valid.eq(~silent)
                with m.If(silent | self.notices.ready):
                    m.next = "JUDGE"

        m.d.comb += [
            self.o.payload.type.eq(kind),
            self.o.payload.word.eq(self.words.payload.word),
            self.o.payload.last.eq(self.words.payload.last),
        ]
        return m

    def _judge(self, m: Module, session: Value) -> tuple[Signal, Signal]:
        """Tell whether the header is that of a good PING, and if not, what becomes of the frame."""
        header = self.headers.payload
        ahead = Signal(8)
        whole, fits, greets = Signal(), Signal(), Signal()
        m.d.comb += [
            ahead.eq(header.sequence - self.expected),
            whole.eq((header.length[:2] == 0) & header.length[2:].any()),
            greets.eq(~header.unreadable & (header.type == FrameType.PING) & (header.length == 4)),
        ]
        with m.Switch(header.type):
            with m.Case(FrameType.WRITE):
                m.d.comb += fits.eq(whole & header.length[3:].any())
            with m.Case(FrameType.READ):
                m.d.comb += fits.eq(header.length == 8)
            with m.Case(FrameType.EVENTS):
                m.d.comb += fits.eq(whole)

        verdict = Signal(STATUS_WIDTH)
        m.d.comb += verdict.eq(Mux(fits, Status.EXECUTED, Status.MALFORMED))
        with m.If(~session):
            m.d.comb += verdict.eq(Status.NO_SESSION)
        with m.Elif(header.unreadable):
            m.d.comb += verdict.eq(Status.UNREADABLE)
        with m.Elif(ahead[7]):
            m.d.comb += verdict.eq(Status.DUPLICATE)
        with m.Elif(ahead != 0):
            m.d.comb += verdict.eq(Status.GAP)
        return greets, verdict
