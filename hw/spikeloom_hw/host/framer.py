"""Composes the frames of the device."""

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..link import word_layout
from .batcher import Batcher
from .check import checksum_processor
from .cobs import framed_layout
from .frame import FrameType
from .replier import reply_layout

__all__ = ["Framer"]


class Framer(wiring.Component):
    """Compose one frame after the other, a byte every cycle; replies go before events.

    A frame of n bytes takes n + 2 cycles.

    Members
    -------
    replies : In(stream.Signature(reply_layout()))
        Bytes of replies.
    data : In(stream.Signature(word_layout()))
        Words of DATA frames.
    events : In(stream.Signature(word_layout()))
        Event words to the host; see :class:`Batcher`.
    expected : In(8)
        Sequence number that the device expects of the host.
    idle : In(1)
        The link has nothing to send.
    events_sent : Out(8)
        Sequence number of the next EVENTS frame.
    o : Out(stream.Signature(framed_layout()))
        Bytes of the frames, checksum included.
    """

    replies: stream.Interface
    data: stream.Interface
    events: stream.Interface
    expected: Signal
    idle: Signal
    events_sent: Signal
    o: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "replies": In(stream.Signature(reply_layout())),
            "data": In(stream.Signature(word_layout())),
            "events": In(stream.Signature(word_layout())),
            "expected": In(8),
            "idle": In(1),
            "events_sent": Out(8),
            "o": Out(stream.Signature(framed_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the framer."""
        m = Module()
        m.submodules.batcher = batcher = Batcher()
        m.submodules.crc = crc = checksum_processor()
        connect(m, flipped(self.events), batcher.i)
        m.d.comb += batcher.idle.eq(self.idle)
        m.d.comb += batcher.urgent.eq(self.replies.valid | self.data.valid)

        # The bytes of a word, the lowest first; the word is taken with its last byte. The checksum
        # is a byte behind, and complete when the end of the words was seen.
        kind, sequence = Signal(8), Signal(8)
        place, sent, takes = Signal(2), Signal(), Signal()
        byte = self.o.payload.byte
        m.d.comb += sent.eq(self.o.valid & self.o.ready)
        checked, counts = Signal(), Signal()
        m.d.sync += [crc.data.eq(byte), checked.eq(counts & sent)]
        m.d.comb += crc.valid.eq(checked)
        valid, chosen, closes = self._select(m, batcher, kind, place, takes)

        with m.FSM():
            # Replies come first, since the host waits for them.
            with m.State("CHOOSE"):
                m.d.comb += [crc.start.eq(1), batcher.opens.eq(1)]
                m.next = "TYPE"
                with m.If(self.replies.valid):
                    m.d.sync += [kind.eq(self.replies.payload.type), sequence.eq(self.expected)]
                with m.Elif(self.data.valid):
                    m.d.sync += [kind.eq(FrameType.DATA), sequence.eq(self.expected + 1)]
                with m.Elif(batcher.o.valid):
                    m.d.sync += [kind.eq(FrameType.DEVICE_EVENTS), sequence.eq(self.events_sent)]
                    m.d.sync += self.events_sent.eq(self.events_sent + 1)
                with m.Else():
                    m.next = "CHOOSE"
            with m.State("TYPE"):
                m.d.comb += [self.o.valid.eq(1), byte.eq(kind), counts.eq(1)]
                with m.If(sent):
                    m.next = "SEQUENCE"
            with m.State("SEQUENCE"):
                m.d.comb += [self.o.valid.eq(1), byte.eq(sequence), counts.eq(1)]
                with m.If(sent):
                    m.next = "WORDS"
            with m.State("WORDS"):
                m.d.comb += [
                    self.o.valid.eq(valid),
                    byte.eq(chosen),
                    counts.eq(1),
                    takes.eq(sent),
                ]
                with m.If(sent):
                    m.d.sync += place.eq(place + 1)
                with m.If(~valid & closes):
                    m.next = "CHECK"
            with m.State("CHECK"):
                m.d.comb += [self.o.valid.eq(1), byte.eq(crc.crc[8:])]
                with m.If(sent):
                    m.next = "CHECK_LAST"
            with m.State("CHECK_LAST"):
                m.d.comb += [self.o.valid.eq(1), byte.eq(crc.crc[:8]), self.o.payload.last.eq(1)]
                with m.If(sent):
                    m.next = "CHOOSE"

        return m

    def _select(
        self, m: Module, batcher: Batcher, kind: Signal, place: Signal, takes: Signal
    ) -> tuple[Signal, Signal, Signal]:
        """Tell of the frame's source whether it has a byte, which, and whether the frame ends."""
        valid, byte, closes, ended = Signal(), Signal(8), Signal(), Signal()
        last, whole = Signal(), Signal()

        # A reply ends behind its last byte, a frame of events where the batcher says so.
        replies, responses = self.replies, self.data
        m.d.comb += [closes.eq(ended), whole.eq(takes & (place == 3))]
        with m.If(kind == FrameType.DEVICE_EVENTS):
            m.d.comb += [
                valid.eq(batcher.o.valid),
                byte.eq(batcher.o.payload.word_select(place, 8)),
                closes.eq(batcher.closes),
                batcher.o.ready.eq(whole),
            ]
        with m.Elif(kind == FrameType.DATA):
            m.d.comb += [
                valid.eq(responses.valid & ~ended),
                byte.eq(responses.payload.word.word_select(place, 8)),
                last.eq(whole & responses.payload.last),
                responses.ready.eq(whole),
            ]
        with m.Else():
            m.d.comb += [
                valid.eq(replies.valid & ~ended),
                byte.eq(replies.payload.byte),
                last.eq(takes & replies.payload.last),
                replies.ready.eq(takes),
            ]

        with m.If(batcher.opens):
            m.d.sync += ended.eq(0)
        with m.Elif(last):
            m.d.sync += ended.eq(1)
        return valid, byte, closes
