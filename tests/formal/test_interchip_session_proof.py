import inspect
import types
from dataclasses import dataclass, field
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, ResetInserter, Signal
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In

from spikeloom_hw.interchip import session
from spikeloom_hw.interchip.frame import hello_header
from spikeloom_sim.formal import prove

LIVES = 3  # bits of the number of an end's resets
ACTS = ("reset", "tick", "say", "lose", "hear")


def frame_layout() -> data.StructLayout:
    """Describe a frame on the line; no end sees what ``life`` and ``other`` are.

    ``life`` counts the resets of its sender, ``other`` is that of the other end that it knows.
    """
    return data.StructLayout({
        "words": 1,
        "header": hello_header(),
        "life": LIVES,
        "other": LIVES,
    })


@dataclass
class End:
    """One end, the frames that it has put on its line, and what it is not told."""

    gate: Any
    line: list[Any] = field(default_factory=lambda: [Signal(frame_layout()) for _ in range(2)])
    held: Signal = field(default_factory=lambda: Signal(2))
    life: Signal = field(default_factory=lambda: Signal(LIVES))
    other: Signal = field(default_factory=lambda: Signal(LIVES))
    latest: Signal = field(default_factory=lambda: Signal(LIVES))  # that it has heard of, ever
    failed: Signal = field(default_factory=Signal)


class SessionsAreApart(wiring.Component):
    """An end takes words only from the life of the other end that it came up with, and for itself.

    Each end is reset, says HELLO, sends words, and hears, whenever the solver likes; two frames
    are on each line, and may be lost. An end that saw the other begin anew stops until it is reset.
    The further assertions are what it takes to see that this holds for all time.
    """

    def __init__(self, parts: types.ModuleType = session) -> None:
        self.parts = parts
        super().__init__({f"{name}{end}": In(1) for name in ACTS for end in range(2)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        ends = [End(self.parts.Session(1)) for _ in range(2)]
        for k, end in enumerate(ends):
            reset = self._ask("reset", k)
            m.submodules[f"end{k}"] = ResetInserter(reset)(end.gate)
            m.d.comb += Assume(~(reset & end.life.all()), "no number of a life comes again")
            with m.If(reset):
                m.d.sync += [end.life.eq(end.life + 1), end.failed.eq(0)]
            self._say(m, k, end)
            self._hear(m, k, end, ends[1 - k])
            self._know(m, end, ends[1 - k])
        return m

    def _ask(self, name: str, end: int) -> Any:
        """Whether the solver wants something done."""
        return getattr(self, f"{name}{end}")

    def _say(self, m: Module, k: int, end: End) -> None:
        """Put a frame on the line: HELLO if it is due, words if the end is up."""
        gate, frame = end.gate, Signal(frame_layout())
        runs = gate.up & ~end.failed
        says, comes, gone = Signal(), Signal(), Signal()
        m.d.comb += [
            says.eq(self._ask("say", k) & (gate.due | runs) & (end.held != 2)),
            comes.eq(says & ~self._ask("lose", k)),
            gone.eq(self._ask("hear", 1 - k) & (end.held != 0)),
            gate.tick.eq(self._ask("tick", k)),
            gate.sent.eq(says & gate.due),
            frame.words.eq(~gate.due),
            frame.header.eq(gate.hello),
            frame.life.eq(end.life),
            frame.other.eq(end.other),
        ]
        m.d.sync += end.held.eq(end.held + comes - gone)
        with m.If(gone):
            m.d.sync += end.line[0].eq(end.line[1])
        with m.If(comes & (end.held == gone)):
            m.d.sync += end.line[0].eq(frame)
        with m.Elif(comes):
            m.d.sync += end.line[1].eq(frame)

    def _hear(self, m: Module, k: int, end: End, other: End) -> None:
        """Take a frame off the line; words of it must be of this session."""
        gate, frame, reset = end.gate, other.line[0], self._ask("reset", k)
        heard = Signal()
        m.d.comb += [
            heard.eq(self._ask("hear", k) & (other.held != 0)),
            gate.heard.eq(heard & ~frame.words),
            gate.header.eq(frame.header),
        ]
        with m.If(heard):
            m.d.sync += end.latest.eq(frame.life)
        with m.If(gate.heard & ~gate.up):
            m.d.sync += end.other.eq(frame.life)
        with m.If(gate.restarted & ~reset):
            m.d.sync += end.failed.eq(1)
        with m.If(heard & frame.words & gate.up & ~end.failed):
            m.d.comb += [
                Assert(frame.life == end.other, "words of the end that it came up with"),
                Assert(frame.other == end.life, "meant for this life of the end"),
            ]

    def _know(self, m: Module, end: End, other: End) -> None:
        """Assert what the two know of each other."""
        hello, up = end.gate.hello, end.gate.up
        begins = (hello.epoch == end.life) & ~end.gate.due & ~hello.known
        m.d.comb += [
            Assert(begins | (hello.epoch == end.life + 1), "an epoch is a life"),
            Assert(~up | hello.known, "up with an end that is known"),
            Assert(~hello.known | (hello.echo == end.other + 1), "whose life it knows"),
            Assert(~hello.known | (end.other <= end.latest), "from what it heard"),
            Assert(end.latest <= other.life, "of what there was"),
            Assert(~up | end.failed | (end.latest == end.other), "and nothing newer"),
            Assert(~up | (end.life <= other.latest), "the other end has heard of it"),
            Assert(end.held != 3, "two frames are on a line"),
        ]
        last_known, last_other = hello.known, end.other
        last_life = end.life
        for place in (1, 0):
            frame = end.line[place]
            with m.If(end.held > place):
                self._know_frame(m, frame, end, other)
                same = frame.life == last_life
                ordered = ~frame.header.known | (last_known & (frame.other <= last_other))
                m.d.comb += [
                    Assert(frame.life <= last_life, "lives are in order on the line"),
                    Assert(~same | ordered, "and what they know"),
                ]
            if place:
                behind = end.held > 1
                kept = [Signal(), Signal(LIVES), Signal(LIVES)]
                now = [frame.header.known, frame.other, frame.life]
                for keep, new, old in zip(
                    kept, now, (last_known, last_other, last_life), strict=True
                ):
                    m.d.comb += keep.eq(old)
                    with m.If(behind):
                        m.d.comb += keep.eq(new)
                last_known, last_other, last_life = kept

        # An end that is up knows what the other one knows, or that has begun anew.
        knows = other.gate.hello.known & (other.other == end.life)
        m.d.comb += Assert(~up | (other.life > end.other) | knows, "both know each other")

    def _know_frame(self, m: Module, frame: Any, end: End, other: End) -> None:
        """Assert what a frame on the line of an end tells."""
        up, mine = other.gate.up, frame.life == end.life
        m.d.comb += [
            Assert(frame.header.epoch == frame.life + 1, "an epoch is a life"),
            Assert(frame.header.size == 1, "words have one size"),
            Assert(~frame.words | frame.header.known, "words are for an end that is known"),
            Assert(~frame.header.known | (frame.header.echo == frame.other + 1), "by its life"),
            Assert(~frame.header.known | (frame.other <= end.latest), "which was heard"),
            Assert(~(frame.words & mine) | (end.gate.up & (frame.other == end.other)), "by it"),
            Assert(~frame.words | (frame.life <= other.latest), "that end has heard of this one"),
            Assert(frame.life >= other.latest, "frames do not overtake"),
        ]
        meant = frame.header.known & (frame.other == other.life)
        with m.If(up & (frame.life == other.other)):
            m.d.comb += Assert(meant, "all frames behind the echo know it")


def test_words_of_another_session_are_never_taken() -> None:
    assert prove(SessionsAreApart(), seconds=400)


MUTANTS = {
    "an epoch that does not count": ("epoch.eq(epoch + 1)", "epoch.eq(1)"),
    "an end that comes up without an echo": ("self.up.eq(echoed)", "self.up.eq(1)"),
    "an end that is up and changes its mind": ("heard & ~self.up)", "heard)"),
}


@pytest.mark.parametrize("fault", MUTANTS)
def test_the_proof_fails_with(fault: str) -> None:
    right, wrong = MUTANTS[fault]
    source = inspect.getsource(session)
    assert source.count(right) == 1
    mutant = types.ModuleType("spikeloom_hw.interchip.mutant")
    mutant.__package__ = session.__package__
    exec(source.replace(right, wrong), vars(mutant))
    assert not prove(SessionsAreApart(mutant), cycles=14)
