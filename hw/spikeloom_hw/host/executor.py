"""Carries out what the host asks: writes, reads, and event words."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out

from ..link import request_layout, word_layout
from .acceptor import command_layout
from .frame import MAXIMUM_WORDS, FrameType

__all__ = ["Executor"]


class Executor(wiring.Component):
    """Carry out frames one after the other: a frame begins when the one before it was taken whole.

    A READ of no words or of too many gives its address alone.

    Members
    -------
    i : In(stream.Signature(command_layout()))
        Payload of the frames.
    requests : Out(stream.Signature(request_layout()))
        Accesses.
    responses : In(stream.Signature(unsigned(32)))
        What was read.
    o_words : Out(stream.Signature(unsigned(32)))
        Event words.
    data : Out(stream.Signature(word_layout()))
        Payload of DATA frames.
    """

    i: stream.Interface
    requests: stream.Interface
    responses: stream.Interface
    o_words: stream.Interface
    data: stream.Interface

    def __init__(self) -> None:
        super().__init__({
            "i": In(stream.Signature(command_layout())),
            "requests": Out(stream.Signature(request_layout())),
            "responses": In(stream.Signature(unsigned(32))),
            "o_words": Out(stream.Signature(unsigned(32))),
            "data": Out(stream.Signature(word_layout())),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build the executor."""
        m = Module()
        address = Signal(32)
        request, word = self.requests.payload, self.i.payload.word
        m.d.comb += [
            request.address.eq(address),
            request.data.eq(word),
            self.o_words.payload.eq(word),
        ]
        asked, steps = Signal(), Signal()
        m.d.comb += [asked.eq(self.requests.valid & self.requests.ready), steps.eq(asked)]
        unasked = Signal(range(MAXIMUM_WORDS + 1))
        m.d.sync += [address.eq(address + steps), unasked.eq(unasked - asked)]

        with m.FSM():
            # Event words go straight on; the other frames begin with an address.
            with m.State("BEGIN"):
                with m.If(self.i.payload.type == FrameType.EVENTS):
                    m.d.comb += [
                        self.o_words.valid.eq(self.i.valid),
                        self.i.ready.eq(self.o_words.ready),
                    ]
                with m.Else():
                    m.d.comb += self.i.ready.eq(1)
                    m.d.sync += address.eq(word)
                    with m.If(self.i.valid):
                        m.next = "WRITE"
                        with m.If(self.i.payload.type == FrameType.READ):
                            m.next = "COUNT"
            with m.State("WRITE"):
                m.d.comb += [
                    self.requests.valid.eq(self.i.valid),
                    request.write.eq(1),
                    self.i.ready.eq(self.requests.ready),
                ]
                with m.If(self.i.valid & self.requests.ready & self.i.payload.last):
                    m.next = "BEGIN"
            self._add_read_states(m, address, unasked, asked, steps)

        return m

    def _add_read_states(
        self, m: Module, address: Signal, unasked: Signal, asked: Signal, steps: Signal
    ) -> None:
        """Answer a READ: its address, then a word for each request."""
        word = self.i.payload.word
        unread = Signal.like(unasked)

        # The count is taken only once all was read, so that no other frame begins before.
        with m.State("COUNT"):
            count = Mux(word > MAXIMUM_WORDS, 0, word)
            m.d.sync += [unasked.eq(count), unread.eq(count)]
            with m.If(self.i.valid):
                m.next = "ADDRESS"

        # Nothing is answered before the first word is there: a read may have to wait for events
        # to leave, which the answer must not hold up. The address moves on once it was told.
        with m.State("ADDRESS"):
            m.d.comb += [
                steps.eq(0),
                self.requests.valid.eq((unasked == unread) & (unread != 0)),
                self.data.valid.eq(self.responses.valid | (unread == 0)),
                self.data.payload.word.eq(address),
                self.data.payload.last.eq(unread == 0),
            ]
            with m.If(self.data.valid & self.data.ready):
                m.d.comb += steps.eq(asked | (unasked != unread))
                m.next = "READ"

        with m.State("READ"):
            m.d.comb += [
                self.requests.valid.eq(unasked != 0),
                self.data.valid.eq(self.responses.valid),
                self.data.payload.word.eq(self.responses.payload),
                self.data.payload.last.eq(unread == 1),
                self.responses.ready.eq(self.data.ready),
                self.i.ready.eq(unread == 0),
            ]
            with m.If(self.responses.valid & self.data.ready):
                m.d.sync += unread.eq(unread - 1)
            with m.If(unread == 0):
                m.next = "BEGIN"
