"""The end of a link on the side of the parent."""

from typing import Any

from amaranth.hdl import Module, Mux, ResetInserter, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import ChipConfig
from ..event import event_layout
from ..link import request_layout
from ..skid import Skid
from .words import Tag, link_layout

__all__ = ["Downlink"]


class Downlink(wiring.Component):
    """Send events and accesses of the host down, and part what comes up.

    It is not reset with the rest of the chip: when that is, it sends RESET, and drops all that
    comes up before the RESET that answers, as it belongs to a step that was given up.

    When the link has given up, or one below it, the chip must give up, too: nothing more is
    delivered, and accesses are answered with 0 so that nobody waits for ever, until ``reset``.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips.
    child : int
        Number of the chip below.

    Members
    -------
    i : In(stream.Signature(event_layout(value_width)))
        Events for the child.
    o : Out(stream.Signature(event_layout(value_width)))
        Events of the child.
    requests : In(stream.Signature(request_layout()))
        Accesses to the child and what is below it, while no event is under way.
    answers : Out(stream.Signature(unsigned(32)))
        What was read.
    down : Out(stream.Signature(link_layout(config)))
        Words for the child.
    up : In(stream.Signature(link_layout(config)))
        Words of the child.
    reset : In(1)
        The chip gives up what is under way.
    error : In(1)
        The link has given up; with ``reset`` it begins anew.
    lost : Out(1)
        This link has given up, or one below it, since the last reset.
    culprit : Out(range(chips))
        Chip below the link that has.
    """

    i: stream.Interface
    o: stream.Interface
    requests: stream.Interface
    answers: stream.Interface
    down: stream.Interface
    up: stream.Interface
    reset: Signal
    error: Signal
    lost: Signal
    culprit: Signal

    def __init__(self, config: ChipConfig, child: int = 1) -> None:
        self.child = child
        self.word = link_layout(config)
        event = stream.Signature(event_layout(config.core.value_width))
        word = stream.Signature(self.word)
        super().__init__({
            "i": In(event),
            "o": Out(event),
            "requests": In(stream.Signature(request_layout())),
            "answers": Out(stream.Signature(unsigned(32))),
            "down": Out(word),
            "up": In(word),
            "reset": In(1),
            "error": In(1),
            "lost": Out(1),
            "culprit": Out(range(config.chips)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both ways."""
        m = Module()
        pending, awaited, asked = Signal(), Signal(), Signal()
        self._down(m, pending, awaited, asked)
        fresh = self._up(m, pending, awaited, asked)

        # What fails is lost until the reset, which begins a new session on a link that failed.
        risen: Any = self.up.payload
        below, culprit = Signal(), Signal.like(self.culprit)
        with m.If(fresh & self.up.valid & (risen.tag == Tag.FAILED)):
            m.d.sync += [below.eq(1), culprit.eq(risen.body)]
        m.d.comb += [
            self.lost.eq(self.error | below),
            self.culprit.eq(Mux(self.error, self.child, culprit)),
        ]
        with m.If(self.reset):
            m.d.sync += [pending.eq(1), below.eq(0)]
            with m.If(self.error):
                m.d.sync += awaited.eq(0)

        return m

    def _down(self, m: Module, pending: Signal, awaited: Signal, asked: Signal) -> None:
        """Send RESET first, then events, then accesses."""
        skid = Skid(self.word)
        # What the link has not taken when it begins anew belongs to the session before.
        m.submodules.skid = ResetInserter(self.reset & self.error)(skid)
        connect(m, skid.o, flipped(self.down))
        word: Any = skid.i.payload
        request: Any = self.requests.payload

        with m.FSM():
            with m.State("PASS"):
                with m.If(self.reset | self.lost):
                    m.d.comb += self.requests.ready.eq(self.lost)
                with m.Elif(pending):
                    m.d.comb += [skid.i.valid.eq(~awaited), word.tag.eq(Tag.RESET)]
                    with m.If(skid.i.ready & ~awaited):
                        m.d.sync += [pending.eq(0), awaited.eq(1)]
                with m.Elif(self.i.valid):
                    m.d.comb += [
                        skid.i.valid.eq(1),
                        word.tag.eq(Tag.EVENT),
                        word.body.eq(Value.cast(self.i.payload)),
                        self.i.ready.eq(skid.i.ready),
                    ]
                with m.Elif(self.requests.valid):
                    m.d.comb += [
                        skid.i.valid.eq(1),
                        word.tag.eq(Tag.ADDRESS),
                        word.body.eq(request.address),
                    ]
                    with m.If(skid.i.ready):
                        m.next = "ACCESS"

            # The address has gone; now what is to be done there.
            with m.State("ACCESS"):
                m.d.comb += [
                    skid.i.valid.eq(1),
                    word.tag.eq(Mux(request.write, Tag.DATA, Tag.READ)),
                    word.body.eq(request.data),
                    self.requests.ready.eq(skid.i.ready),
                ]
                with m.If(skid.i.ready | self.lost):
                    m.next = "PASS"

        # A read is to be answered, whatever happens.
        with m.If(self.requests.valid & self.requests.ready & ~request.write):
            m.d.sync += asked.eq(1)

    def _up(self, m: Module, pending: Signal, awaited: Signal, asked: Signal) -> Signal:
        """Part what comes up; tell whether it is of use."""
        # What came before the RESET of the child is of no use.
        risen: Any = self.up.payload
        fresh = Signal()
        m.d.comb += [
            fresh.eq(~pending & ~awaited & ~self.reset & ~self.lost),
            self.o.payload.eq(risen.body),
            self.answers.payload.eq(risen.body),
            self.up.ready.eq(1),
        ]
        with m.If(fresh), m.Switch(risen.tag):
            with m.Case(Tag.EVENT):
                m.d.comb += [self.o.valid.eq(self.up.valid), self.up.ready.eq(self.o.ready)]
            with m.Case(Tag.DATA):
                m.d.comb += [
                    self.answers.valid.eq(self.up.valid),
                    self.up.ready.eq(self.answers.ready),
                ]
        with m.If(self.lost & asked):
            m.d.comb += [self.answers.valid.eq(1), self.answers.payload.eq(0)]
        with m.If((self.answers.valid & self.answers.ready) | self.reset):
            m.d.sync += asked.eq(0)
        with m.If(self.up.valid & (risen.tag == Tag.RESET)):
            m.d.sync += awaited.eq(0)
        return fresh
