import inspect
import types
from typing import Any

import pytest
from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.interchip import window
from spikeloom_sim.formal import prove

DEPTH = 2
COUNT = 3  # bits of a number, in place of 8
TAG = 4  # a word is its own number with a bit more, so that an old word is seen for what it is
ACTS = (
    *("push", "begin", "take", "finish", "lose", "back"),
    *("read", "spoil", "pop", "answer", "hear", "miss"),
)


def between(low: Any, value: Any, most: int) -> Any:
    """Whether a number is the other one or up to ``most`` behind it."""
    return (value - low)[:TAG] <= most


class WordsPass(wiring.Component):
    """What comes out are the words that went in, in order, each once, whatever the line does.

    A frame of up to two words is composed, another is on the line or taken apart, each for as long
    as the solver likes; it may be lost, or changed, which shows at its end. So may be an
    acknowledgement, of which one is on the line. The sender goes back whenever the solver likes.
    The further assertions are what it takes to see that this holds for all time.
    """

    def __init__(self, parts: types.ModuleType = window) -> None:
        self.parts = parts
        super().__init__({name: In(1) for name in ACTS} | {"noise": In(COUNT)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.sending = self.sending = self.parts.SendWindow(TAG, DEPTH, COUNT)
        m.submodules.receiving = self.receiving = self.parts.ReceiveWindow(TAG, DEPTH, COUNT)
        # Full numbers of: words in, sent, sent for the first time, acknowledged, allowed; words
        # expected, stored, out.
        names = ("head", "sent", "furthest", "acked", "limit", "expected", "place", "taken")
        self.full = {name: Signal(TAG, name=name) for name in names}
        self._compose(m)
        self._take_apart(m)
        self._acknowledge(m)
        return m

    def _compose(self, m: Module) -> None:
        """Words come in, and a frame is made of those that the window gives."""
        sending, full, ask = self.sending, self.full, self._ask
        m.d.comb += [
            sending.i.payload.eq(full["head"]),
            sending.i.valid.eq(ask("push")),
            Assert(between(full["acked"], full["head"], DEPTH), "no word is given up"),
        ]
        m.d.sync += full["head"].eq(full["head"] + (ask("push") & sending.i.ready))

        # A frame begins with the word that the window says.
        self.busy, self.on_line, ripe = Signal(), Signal(), Signal()
        self.sequence, self.count = Signal(TAG), Signal(2)
        self.words = [Signal(TAG, name=f"word{k}") for k in range(2)]
        behind = (full["sent"] - full["acked"])[TAG - 1]
        first = Signal(TAG)
        m.d.comb += [
            sending.back.eq(ask("back")),
            sending.begin.eq(ask("begin") & ~self.busy),
            first.eq(Mux(sending.pending | behind, full["acked"], full["sent"])),
            sending.take.eq(ask("take") & ripe & sending.some & (self.count != 2)),
            Assert(sending.sequence == first[:COUNT], "the first word is the one that is due"),
        ]
        m.d.sync += ripe.eq(self.busy)
        with m.If(sending.begin):
            m.d.sync += [self.busy.eq(1), self.sequence.eq(first), self.count.eq(0)]
            m.d.sync += full["sent"].eq(first)
        with m.If(sending.take):
            m.d.sync += [self.count.eq(self.count + 1), full["sent"].eq(full["sent"] + 1)]
            m.d.comb += Assert(full["sent"] != full["limit"], "no word without credit")
            with m.If(full["sent"] == full["furthest"]):
                m.d.sync += full["furthest"].eq(full["furthest"] + 1)
            with m.If(self.count[0]):
                m.d.sync += self.words[1].eq(sending.word)
            with m.Else():
                m.d.sync += self.words[0].eq(sending.word)
        self.ends = Signal()
        m.d.comb += self.ends.eq(
            self.busy & ripe & ask("finish") & ~sending.take & (~self.on_line | ask("lose"))
        )
        with m.If(self.ends):
            m.d.sync += [self.busy.eq(0), ripe.eq(0)]

        self._hold_composed(m, ripe)

    def _hold_composed(self, m: Module, ripe: Signal) -> None:
        """Assert what holds of the sender, and of the frame that is composed."""
        full = self.full
        m.d.comb += [
            Assert(between(full["acked"], full["furthest"], DEPTH), "sent are words held"),
            Assert(between(full["furthest"], full["head"], DEPTH), "sent are words held"),
            Assert(between(full["sent"], full["furthest"], 2 * DEPTH - 1), "and no others"),
            Assert(between(full["furthest"], full["limit"], DEPTH), "credit is never negative"),
        ]
        with m.If(self.busy):
            m.d.comb += [
                Assert(full["sent"] == (self.sequence + self.count)[:TAG], "all in the frame"),
                Assert(between(self.sequence, full["furthest"], DEPTH), "it began in the window"),
                Assert(self.count <= 2, "of one or two words, or none"),
            ]
        with m.Else():
            m.d.comb += Assert(~ripe, "nothing is composed")
        self._hold(m, self.busy, self.sequence, self.count, self.words)

    def _hold(self, m: Module, valid: Any, sequence: Any, count: Any, words: list[Any]) -> None:
        """Assert that a frame has the right words, as far as they are not acknowledged."""
        for number, word in enumerate(words):
            right = (sequence + number)[:TAG]
            known = (right - self.full["acked"])[TAG - 1]
            with m.If(valid & (number < count)):
                m.d.comb += Assert(known | (word == right), "a frame has the words it says")

    def _take_apart(self, m: Module) -> None:
        """Move the frame over the line, and give its words to the other end."""
        receiving, full, ask = self.receiving, self.full, self._ask
        sequence, count, last = Signal(TAG), Signal(2), Signal(TAG)
        words = [Signal(TAG, name=f"line{k}") for k in range(2)]
        with m.If(self.ends & ~ask("lose")):
            m.d.sync += [
                self.on_line.eq(1),
                sequence.eq(self.sequence),
                count.eq(self.count),
                last.eq(full["furthest"]),
                *(there.eq(here) for here, there in zip(self.words, words, strict=True)),
            ]

        # Words of the frame, one in a cycle; all is wrong in a changed frame.
        place, opened, number, ends = Signal(2), Signal(), Signal(COUNT), Signal()
        changed, first = Signal(), Signal(COUNT)
        m.d.comb += [
            receiving.sequence.eq(first),
            first.eq(Mux(ask("spoil"), ask("noise"), sequence[:COUNT])),
            receiving.open.eq(self.on_line & ~opened & ask("read")),
            receiving.write.eq(opened & (place != count)),
            receiving.word.eq(Mux(place[0], words[1], words[0]) ^ changed),
            ends.eq(opened & (place == count)),
            receiving.close.eq(ends & ~changed),
        ]
        with m.If(receiving.open):
            m.d.sync += [opened.eq(1), place.eq(0), full["place"].eq(full["expected"])]
            m.d.sync += [number.eq(first), changed.eq(ask("spoil"))]
        with m.If(receiving.write):
            m.d.sync += [place.eq(place + 1), number.eq(number + 1)]
            with m.If(number == full["place"][:COUNT]):
                room = full["place"] != (full["taken"] + DEPTH)[:TAG]
                m.d.sync += full["place"].eq(full["place"] + room)
                m.d.comb += Assert(room | changed, "the queue never overflows")
        with m.If(ends):
            m.d.sync += [opened.eq(0), self.on_line.eq(0)]
        with m.If(receiving.close):
            m.d.sync += full["expected"].eq(full["place"])

        # The words come out.
        m.d.comb += receiving.o.ready.eq(ask("pop"))
        with m.If(receiving.o.valid & ask("pop")):
            m.d.sync += full["taken"].eq(full["taken"] + 1)
        with m.If(receiving.o.valid):
            m.d.comb += Assert(receiving.o.payload == full["taken"], "in order, each once")

        self._hold(m, self.on_line, sequence, count, words)
        self._hold_received(m, sequence, count, last)
        with m.If(opened):
            m.d.comb += [
                Assert(self.on_line, "a frame is taken apart"),
                Assert(place <= count, "word by word"),
                Assert(between(full["expected"], full["place"], DEPTH), "into free places"),
                Assert(changed | between(full["place"], last, 2 * DEPTH), "words that were sent"),
                Assert(changed | (number == (sequence + place)[:COUNT]), "by their number"),
            ]

    def _hold_received(self, m: Module, sequence: Signal, count: Signal, last: Signal) -> None:
        """Assert what holds of the receiver, and of the frame on the line."""
        full = self.full
        m.d.comb += [
            Assert(between(full["taken"], full["expected"], DEPTH), "what is out was expected"),
            Assert(between(full["acked"], full["expected"], DEPTH), "what is known is there"),
            Assert(between(full["expected"], full["furthest"], DEPTH), "what is there was sent"),
            Assert(between(full["limit"], (full["taken"] + DEPTH)[:TAG], 2 * DEPTH), "old news"),
        ]
        with m.If(self.on_line):
            m.d.comb += [
                Assert(between(full["expected"], last, 2 * DEPTH), "frames do not overtake"),
                Assert(between(last, full["furthest"], 2 * DEPTH), "sent since then"),
                Assert(between(sequence, last, DEPTH), "it began in the window"),
                Assert(between((sequence + count)[:TAG], last, DEPTH), "and ended there"),
                Assert(count <= 2, "of one or two words, or none"),
            ]

    def _acknowledge(self, m: Module) -> None:
        """Move what the other end says over the line."""
        sending, receiving, full, ask = self.sending, self.receiving, self.full, self._ask
        told, ack, limit = Signal(), Signal(TAG), Signal(TAG)
        m.d.comb += [
            sending.ack.eq(ack),
            sending.limit.eq(limit),
            sending.heard.eq(told & ask("hear") & ~ask("miss")),
            Assert(receiving.ack == full["expected"][:COUNT], "the truth is told"),
            Assert(receiving.limit == (full["taken"] + DEPTH)[:COUNT], "the truth is told"),
        ]
        with m.If(told & ask("hear")):
            m.d.sync += told.eq(0)
        with m.If(ask("answer") & ~told):
            m.d.sync += [
                told.eq(1),
                ack.eq(full["expected"]),
                limit.eq(full["taken"] + DEPTH),
            ]
        with m.If(sending.heard):
            m.d.sync += [full["acked"].eq(ack), full["limit"].eq(limit)]
        with m.If(told):
            m.d.comb += [
                Assert(between(full["acked"], ack, DEPTH), "news is newer"),
                Assert(between(ack, full["expected"], DEPTH), "and older than the truth"),
                Assert(between(full["limit"], limit, 2 * DEPTH), "news is newer"),
                Assert(between(limit, (full["taken"] + DEPTH)[:TAG], 2 * DEPTH), "and older"),
                Assert(between(ack, limit, DEPTH), "room is behind what is there"),
            ]

    def _ask(self, name: str) -> Any:
        """Whether the solver wants something done."""
        return getattr(self, name)


@pytest.mark.slow
def test_words_pass_in_order_and_once_over_a_line_that_loses_frames() -> None:
    assert prove(WordsPass(), seconds=400)


MUTANTS = {
    "words without credit": ("& (sent != limit)", ""),
    "a word written over one that is not acknowledged": ("held < self.depth", "held < 3"),
    "words whatever their number": ("(number == place) &", ""),
    "a changed frame over words that wait": ("& (place != self.limit)", ""),
    "words of a changed frame": ("place.eq(self.ack)]", "place.eq(place)]"),
    "a word that comes twice": ("taken + pop),", "taken),"),
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_the_proof_fails_with(fault: str) -> None:
    right, wrong = MUTANTS[fault]
    source = inspect.getsource(window)
    assert source.count(right) == 1
    mutant = types.ModuleType("spikeloom_hw.interchip.mutant")
    mutant.__package__ = window.__package__
    exec(source.replace(right, wrong), vars(mutant))
    assert not prove(WordsPass(mutant), cycles=14)
