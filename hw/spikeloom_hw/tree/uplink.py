"""The end of a link on the side of the child, in the place of the step control."""

from typing import Any

from amaranth.hdl import Module, Signal, Value, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from ..config import ChipConfig
from ..event import Kind, Operation, event_layout
from ..link import request_layout
from ..skid import Skid
from .words import Tag, link_layout

__all__ = ["Uplink"]


class Uplink(wiring.Component):
    """Part what comes down into events and accesses, and send events and answers up.

    What comes down is taken in its order: an access waits until the chip is idle, and what is
    behind it waits too.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chips.

    Members
    -------
    down : In(stream.Signature(link_layout(config)))
        Words of the parent.
    up : Out(stream.Signature(link_layout(config)))
        Words for the parent.
    o : Out(stream.Signature(event_layout(value_width)))
        Events for the bus.
    i : In(stream.Signature(event_layout(value_width)))
        Events of the chip.
    requests : Out(stream.Signature(request_layout()))
        Accesses of the host.
    answers : In(stream.Signature(unsigned(32)))
        What was read.
    reset : Out(1)
        Give up what is under way; RESET goes up next.
    steps : Out(32)
        Time steps done since the last clear.
    stepping : Out(1)
        A step has come that is not answered yet.
    done, word : Out(1)
        A time step ends; an event comes.
    idle : Out(1)
        Nothing is on its way up, and no step is under way.
    lost : In(1)
        A link below has given up, which is told above.
    culprit : In(range(chips))
        Chip below that link.
    """

    down: stream.Interface
    up: stream.Interface
    o: stream.Interface
    i: stream.Interface
    requests: stream.Interface
    answers: stream.Interface
    reset: Signal
    steps: Signal
    stepping: Signal
    done: Signal
    word: Signal
    idle: Signal
    lost: Signal
    culprit: Signal

    def __init__(self, config: ChipConfig) -> None:
        self.word_layout = link_layout(config)
        event = stream.Signature(event_layout(config.core.value_width))
        word = stream.Signature(self.word_layout)
        super().__init__({
            "down": In(word),
            "up": Out(word),
            "o": Out(event),
            "i": In(event),
            "requests": Out(stream.Signature(request_layout())),
            "answers": In(stream.Signature(unsigned(32))),
            "reset": Out(1),
            "steps": Out(32),
            "stepping": Out(1),
            "done": Out(1),
            "word": Out(1),
            "idle": Out(1),
            "lost": In(1),
            "culprit": In(range(config.chips)),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both ways, and count time."""
        m = Module()
        self._down(m)
        ended = self._up(m)

        # Time steps are told from the words of the bus.
        event: Any = self.o.payload
        moves, step = Signal(), Signal()
        m.d.comb += [
            moves.eq(self.o.valid & self.o.ready),
            step.eq(moves & (event.kind == Kind.STEP)),
            self.done.eq(step & (event.source == Operation.DONE)),
            self.word.eq(moves),
        ]
        with m.If(self.done):
            m.d.sync += self.steps.eq(self.steps + 1)
        with m.If(step & (event.source == Operation.CLEAR)):
            m.d.sync += self.steps.eq(0)
        with m.If(self.reset | ended):
            m.d.sync += self.stepping.eq(0)
        with m.Elif(step & ~self.done):
            m.d.sync += self.stepping.eq(1)

        return m

    def _down(self, m: Module) -> None:
        """Take words in their order."""
        word: Any = self.down.payload
        address = Signal(32)
        request: Any = self.requests.payload
        m.d.comb += [
            self.o.payload.eq(word.body),
            request.address.eq(address),
            request.data.eq(word.body),
            request.write.eq(word.tag == Tag.DATA),
        ]
        with m.Switch(word.tag):
            with m.Case(Tag.EVENT):
                m.d.comb += [self.o.valid.eq(self.down.valid), self.down.ready.eq(self.o.ready)]
            with m.Case(Tag.ADDRESS):
                m.d.comb += self.down.ready.eq(1)
                with m.If(self.down.valid):
                    m.d.sync += address.eq(word.body)
            with m.Case(Tag.DATA, Tag.READ):
                m.d.comb += [
                    self.requests.valid.eq(self.down.valid),
                    self.down.ready.eq(self.requests.ready),
                ]
            with m.Case(Tag.RESET):
                m.d.comb += [self.down.ready.eq(1), self.reset.eq(self.down.valid)]

    def _up(self, m: Module) -> Value:
        """Send what goes up; tell when END does."""
        m.submodules.skid = skid = Skid(self.word_layout)
        connect(m, skid.o, flipped(self.up))
        pending, told = Signal(), Signal()
        word: Any = skid.i.payload
        ended = Signal()
        with m.If(pending):
            m.d.comb += [skid.i.valid.eq(1), word.tag.eq(Tag.RESET)]
            with m.If(skid.i.ready):
                m.d.sync += pending.eq(0)
        with m.Elif(self.lost & ~told):
            m.d.comb += [
                skid.i.valid.eq(1),
                word.tag.eq(Tag.FAILED),
                word.body.eq(self.culprit),
            ]
            with m.If(skid.i.ready):
                m.d.sync += told.eq(1)
        with m.Elif(self.answers.valid):
            m.d.comb += [
                skid.i.valid.eq(1),
                word.tag.eq(Tag.DATA),
                word.body.eq(self.answers.payload),
                self.answers.ready.eq(skid.i.ready),
            ]
        with m.Else():
            event: Any = self.i.payload
            m.d.comb += [
                skid.i.valid.eq(self.i.valid),
                word.tag.eq(Tag.EVENT),
                word.body.eq(Value.cast(self.i.payload)),
                self.i.ready.eq(skid.i.ready),
                ended.eq(self.i.valid & skid.i.ready & (event.kind == Kind.END)),
            ]
        with m.If(~self.lost | self.reset):
            m.d.sync += told.eq(0)
        with m.If(self.reset):
            m.d.sync += pending.eq(1)
        m.d.comb += self.idle.eq(~pending & ~skid.o.valid & ~self.stepping)
        return ended
