"""The end of a link on the side of the parent."""

from typing import Any

from amaranth.hdl import Module, Mux, Signal, Value, unsigned
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

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips.

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
    """

    i: stream.Interface
    o: stream.Interface
    requests: stream.Interface
    answers: stream.Interface
    down: stream.Interface
    up: stream.Interface
    reset: Signal

    def __init__(self, config: ChipConfig) -> None:
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
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both ways."""
        m = Module()
        m.submodules.skid = skid = Skid(self.word)
        connect(m, skid.o, flipped(self.down))
        pending, awaited = Signal(), Signal()
        word: Any = skid.i.payload
        request: Any = self.requests.payload

        with m.FSM():
            with m.State("PASS"):
                with m.If(pending):
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
                with m.If(skid.i.ready):
                    m.next = "PASS"
        with m.If(self.reset):
            m.d.sync += pending.eq(1)

        # What came before the RESET of the child is of no use.
        risen: Any = self.up.payload
        fresh = Signal()
        m.d.comb += [
            fresh.eq(~pending & ~awaited & ~self.reset),
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
        with m.If(self.up.valid & (risen.tag == Tag.RESET)):
            m.d.sync += awaited.eq(0)

        return m
