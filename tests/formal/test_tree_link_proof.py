from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind, Operation
from spikeloom_hw.tree.downlink import Downlink
from spikeloom_hw.tree.uplink import Uplink
from spikeloom_hw.tree.words import Tag
from spikeloom_sim.formal import prove, with_fault

CONFIG = ChipConfig(CoreConfig(lanes=8, update_lanes=8, weight_rows=16, sources=4), parents=(0,))


class Marks:
    """Two marked things that are given: each comes out once, in order.

    Parameters
    ----------
    given : list of (taken, mark)
        Where they are given: all that are taken, one at a time.
    """

    def __init__(self, m: Module, given: list[tuple[Any, Any]]) -> None:
        self.given, self.out = Signal(2), Signal(2)
        for taken, mark in given:
            m.d.comb += [
                Assume(mark != 3, "two are marked"),
                Assume((mark != 1) | ~self.given[0], "the first is given once"),
                Assume((mark != 2) | (self.given[0] & ~self.given[1]), "the second once, later"),
            ]
            with m.If(taken & (mark != 0)):
                m.d.sync += self.given.eq(self.given | mark)

    def come(self, m: Module, valid: Any, ready: Any, mark: Any) -> None:
        with m.If(valid & (mark != 0)):
            m.d.comb += [
                Assert((mark & self.given & ~self.out) == mark, "given, and once"),
                Assert((mark != 1) | ~self.out[1], "in order"),
            ]
            with m.If(ready):
                m.d.sync += self.out.eq(self.out | mark)


class WordsGoDown(wiring.Component):
    """Events and accesses, and resets at any time: an address and what is to be done stay together.

    What is marked carries the mark in its data, and an access in its address, too.
    """

    valid: Signal
    event: Signal
    write: Signal
    access: Signal
    answered: Signal
    ready: Signal
    reset: Signal

    def __init__(self, make: Callable[..., Any] = Downlink) -> None:
        self.make = make
        single = ("write", "answered", "ready", "reset")
        double = ("valid", "event", "access")
        super().__init__({
            **dict.fromkeys(single, In(1)),
            **dict.fromkeys(double, In(2)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.make(CONFIG)
        request = dut.requests.payload
        m.d.comb += [
            dut.reset.eq(self.reset),
            dut.i.valid.eq(self.valid[0]),
            dut.i.payload.index.eq(self.event),
            dut.requests.valid.eq(self.valid[1]),
            request.write.eq(self.write),
            request.address.eq(self.access),
            request.data.eq(self.access),
            dut.up.valid.eq(self.answered),
            dut.up.payload.tag.eq(Tag.RESET),
            dut.down.ready.eq(self.ready),
        ]
        waits, before = Signal(), Signal(3)
        offer = Cat(self.write, self.access)
        m.d.sync += [waits.eq(self.valid[1] & ~dut.requests.ready), before.eq(offer)]
        m.d.comb += Assume(~waits | (self.valid[1] & (before == offer)), "an access stays")

        word, taken = dut.down.payload, (self.valid[0] & dut.i.ready, self.valid[1])
        accessed = taken[1] & dut.requests.ready
        marks = Marks(m, [(taken[0], self.event), (accessed, self.access)])
        m.d.comb += Assert(~(taken[0] & accessed), "one at a time")
        addressed, address = Signal(), Signal(2)
        acts = (word.tag == Tag.DATA) | (word.tag == Tag.READ)
        said = dut.down.valid & (acts | (word.tag == Tag.EVENT))
        marks.come(m, said, self.ready, word.body[:2])
        kinds = Signal(Tag), Signal(Tag)
        for bit, kind in enumerate(kinds):
            with m.If(taken[0] & (self.event == 1 + bit)):
                m.d.sync += kind.eq(Tag.EVENT)
            with m.If(accessed & (self.access == 1 + bit)):
                m.d.sync += kind.eq(Tag.READ)
                with m.If(self.write):
                    m.d.sync += kind.eq(Tag.DATA)
            with m.If(said & (word.body[:2] == 1 + bit)):
                m.d.comb += Assert(word.tag == kind, "it is what it was")
        with m.If(dut.down.valid):
            m.d.comb += Assert(acts == addressed, "an address, and at once what is to be done")
            with m.If(acts):
                m.d.comb += Assert(word.body[:2] == address, "where it is to be done")
            with m.If(self.ready):
                m.d.sync += [addressed.eq(word.tag == Tag.ADDRESS), address.eq(word.body)]
        with m.Else():
            m.d.comb += Assert(marks.given == marks.out, "nothing is lost")
        return m


def test_words_go_down_in_order_and_nothing_comes_between_an_address_and_its_data() -> None:
    assert prove(WordsGoDown())


FAULTS_DOWN = [
    ('m.next = "ACCESS"', 'm.next = "PASS"'),
    ("Mux(request.write, Tag.DATA, Tag.READ)", "Tag.DATA"),
    ("self.requests.ready.eq(skid.i.ready)", "self.requests.ready.eq(1)"),
    ("self.i.ready.eq(skid.i.ready)", "self.i.ready.eq(1)"),
    ("word.body.eq(request.address)", "word.body.eq(0)"),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_DOWN)
def test_the_proof_about_words_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(WordsGoDown(with_fault(Downlink, right, wrong)))


class WordsPart(wiring.Component):
    """A child takes any words, and sends events and answers, two of which are marked.

    The parent gives no RESET before the last is answered, and no step before END. Events and
    answers carry whether the resets before them are odd in number.
    """

    valid: Signal
    tag: Signal
    body: Signal
    marks: Signal
    kind: Signal
    ready: Signal

    def __init__(self, make: Callable[..., Any] = Uplink) -> None:
        self.make = make
        members = {"valid": 3, "tag": Tag, "body": 32, "marks": 4, "kind": Kind, "ready": 3}
        super().__init__({name: In(shape) for name, shape in members.items()})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = self.make(CONFIG)
        m.d.comb += [
            Cat(dut.down.valid, dut.i.valid, dut.answers.valid).eq(self.valid),
            Cat(dut.up.ready, dut.o.ready, dut.requests.ready).eq(self.ready),
            dut.down.payload.tag.eq(self.tag),
            dut.down.payload.body.eq(self.body),
            Assume(Cat(self.tag == tag for tag in Tag).any(), "words have tags"),
        ]
        self._down(m, dut)
        stepping = self._up(m, dut)

        # Steps are known, and which of them is not answered yet.
        event, moves = dut.o.payload, dut.o.valid & dut.o.ready
        step = moves & (event.kind == Kind.STEP)
        done = step & (event.source == Operation.DONE)
        m.d.comb += [
            Assume(~step | ~stepping, "a step comes when the last is answered"),
            Assert(dut.done == done, "the end of a time step is told"),
            Assert(~dut.idle | ~stepping, "a step is under way until END goes"),
        ]
        with m.If(step & ~done):
            m.d.sync += stepping.eq(1)
        return m

    def _down(self, m: Module, dut: Any) -> None:
        """Every word goes one way, whole, and an access has the address before it."""
        address, word = Signal(32), dut.down
        acts = (self.tag == Tag.DATA) | (self.tag == Tag.READ)
        request = dut.requests.payload
        with m.If(word.valid & word.ready & (self.tag == Tag.ADDRESS)):
            m.d.sync += address.eq(self.body)
        m.d.comb += [
            Assert(dut.o.valid == (word.valid & (self.tag == Tag.EVENT)), "events"),
            Assert(dut.requests.valid == (word.valid & acts), "accesses"),
            Assert(dut.reset == (word.valid & (self.tag == Tag.RESET)), "resets"),
            Assert(Value.cast(dut.o.payload) == self.body, "a whole event"),
            Assert(request.address == address, "the address before it"),
            Assert(request.data == self.body, "whole data"),
            Assert(~dut.requests.valid | (request.write == (self.tag == Tag.DATA)), "what to do"),
            Assert(~dut.o.valid | (word.ready == dut.o.ready), "events in their order"),
            Assert(~dut.requests.valid | (word.ready == dut.requests.ready), "accesses, too"),
        ]

    def _up(self, m: Module, dut: Any) -> Signal:
        """Events and answers come up once and in order; RESET parts them, and END ends a step."""
        odd, above, asked, stepping = Signal(), Signal(), Signal(), Signal()
        event, answer = self.marks[:2], self.marks[2:]
        ends = dut.i.valid & (self.kind == Kind.END)
        m.d.comb += [
            dut.i.payload.index.eq(Cat(event, odd)),
            dut.i.payload.kind.eq(self.kind),
            dut.answers.payload.eq(Cat(answer, odd)),
            Assume(~dut.reset | ~asked, "one RESET at a time"),
            Assume(~ends | stepping, "END answers a step"),
        ]
        taken = (dut.i.valid & dut.i.ready, dut.answers.valid & dut.answers.ready)
        marks = Marks(m, [(taken[0], event), (taken[1], answer)])
        word, goes = dut.up.payload, dut.up.valid & dut.up.ready
        resets = word.tag == Tag.RESET
        marks.come(m, dut.up.valid & ~resets, dut.up.ready, word.body[:2])
        m.d.comb += Assert(~(taken[0] & taken[1]), "one at a time")
        with m.If(dut.up.valid & ~resets):
            known = (word.tag == Tag.EVENT) | (word.tag == Tag.DATA)
            m.d.comb += Assert(known & (word.body[2] == above), "RESET parts old and new")
        with m.Elif(dut.up.valid):
            m.d.comb += Assert(asked, "RESET comes up once")
        with m.If(dut.idle):
            m.d.comb += Assert((marks.given == marks.out) & ~asked, "nothing is lost")
        with m.If(dut.reset):
            m.d.sync += [odd.eq(~odd), asked.eq(1)]
        with m.If(goes & resets):
            m.d.sync += [above.eq(~above), asked.eq(0)]
        with m.If(dut.reset | (taken[0] & ends)):
            m.d.sync += stepping.eq(0)
        return stepping


def test_a_child_passes_every_word_once_and_in_order() -> None:
    assert prove(WordsPart())


FAULTS_OF_THE_CHILD = [
    ("address.eq(word.body)", "address.eq(word.body[:24])"),
    ("word.tag == Tag.DATA", "word.tag != Tag.EVENT"),
    ("self.down.ready.eq(self.requests.ready)", "self.down.ready.eq(1)"),
    ("self.answers.ready.eq(skid.i.ready)", "self.answers.ready.eq(1)"),
    ("self.i.ready.eq(skid.i.ready)", "self.i.ready.eq(skid.o.ready)"),
    ("m.d.sync += pending.eq(0)", "m.d.sync += pending.eq(self.i.valid)"),
    ("~pending & ~skid.o.valid & ~self.stepping", "~pending & ~skid.o.valid"),
    ("step & (event.source == Operation.DONE)", "step"),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_OF_THE_CHILD)
def test_the_proof_about_the_child_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(WordsPart(with_fault(Uplink, right, wrong)))
