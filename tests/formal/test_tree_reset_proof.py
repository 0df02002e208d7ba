from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect, flipped

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.skid import Skid
from spikeloom_hw.tree import downlink
from spikeloom_hw.tree.downlink import Downlink
from spikeloom_hw.tree.uplink import Uplink
from spikeloom_hw.tree.words import Tag
from spikeloom_sim.formal import prove, with_fault

CONFIG = ChipConfig(CoreConfig(lanes=8, update_lanes=8, weight_rows=16, sources=4), parents=(0,))


class Wire(wiring.Component):
    """A stage that holds nothing."""

    i: stream.Interface
    o: stream.Interface

    def __init__(self, shape: Any) -> None:
        word = stream.Signature(shape)
        super().__init__({"i": In(word), "o": Out(word)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        connect(m, flipped(self.i), flipped(self.o))
        return m


class OldOnesDrop(wiring.Component):
    """A parent that is reset at any time, and a child: nothing of before the child's reset passes.

    One event of the child is marked. It is of use if the parent was not reset since it was sent,
    and the last reset of the parent had reached the child when it was sent. Each way holds up to
    two words; they do not wait in the parent, so that a word is sent when it is seen.
    """

    reset: Signal
    falls: Signal
    rises: Signal
    mark: Signal
    ready: Signal
    taken: Signal

    def __init__(
        self, parent: Callable[..., Any] = Downlink, child: Callable[..., Any] = Uplink
    ) -> None:
        self.parent, self.child = parent, child
        super().__init__({
            name: In(1) for name in ("reset", "falls", "rises", "mark", "ready", "taken")
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.parent = parent = self.parent(CONFIG)
        m.submodules.child = child = self.child(CONFIG)
        m.submodules.down = down = Skid(parent.word)
        m.submodules.up = up = Skid(parent.word)
        connect(m, parent.down, down.i)
        connect(m, down.o, child.down)
        connect(m, child.up, up.i)
        connect(m, up.o, parent.up)
        given = Signal()
        m.d.comb += [
            parent.reset.eq(self.reset),
            parent.i.valid.eq(self.falls),
            child.o.ready.eq(self.taken),
            child.i.valid.eq(self.rises),
            child.i.payload.index.eq(self.mark),
            parent.o.ready.eq(self.ready),
            Assume(~self.mark | ~given, "one is marked"),
        ]

        # Which RESET of the parent has reached the child.
        covers, clean, asked = Signal(), Signal(init=1), Signal()
        sent = parent.down.valid & parent.down.ready & (parent.down.payload.tag == Tag.RESET)
        back = up.o.valid & up.o.ready & (up.o.payload.tag == Tag.RESET)
        with m.If(sent):
            m.d.sync += [covers.eq(1), asked.eq(1)]
            m.d.comb += Assert(~asked, "one RESET at a time")
        with m.Elif(back):
            m.d.sync += asked.eq(0)
            m.d.comb += Assert(asked, "RESET comes up once")
        with m.If(child.reset & covers):
            m.d.sync += clean.eq(1)
        with m.If(self.reset):
            m.d.sync += [covers.eq(0), clean.eq(0)]

        # What is of use comes up, and nothing else.
        fresh, out = Signal(), Signal()
        with m.If(self.rises & child.i.ready & self.mark):
            m.d.sync += [given.eq(1), fresh.eq(clean)]
        with m.If(self.reset):
            m.d.sync += fresh.eq(0)
        with m.If(parent.o.valid & (parent.o.payload.index == 1)):
            m.d.comb += Assert(fresh & ~self.reset & ~out, "of use, and once")
            m.d.sync += out.eq(self.ready)
        with m.If(~child.up.valid & ~up.o.valid):
            m.d.comb += Assert(~fresh | out, "nothing that is of use is lost")

        # The parent alone may keep the reset from coming to an end.
        quiet = Signal(range(16))
        with m.If(self.reset | ~self.taken):
            m.d.sync += quiet.eq(0)
        with m.Elif(quiet != 15):
            m.d.sync += quiet.eq(quiet + 1)
        m.d.comb += Assert((quiet < 15) | (clean & ~asked), "the reset ends")
        return m


def test_nothing_of_before_a_reset_comes_up_behind_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downlink, "Skid", Wire)
    assert prove(OldOnesDrop())


_NEXT = "\n" + 16 * " "
FAULTS_OF_RESET = [
    (Downlink, "~pending & ~awaited & ~self.reset", "~awaited & ~self.reset"),
    (Downlink, "~pending & ~awaited & ~self.reset", "~pending & ~self.reset"),
    (Downlink, "~pending & ~awaited & ~self.reset", "~pending & ~awaited"),
    (Downlink, "with m.If(skid.i.ready & ~awaited):", "with m.If(skid.i.ready):"),
    (Downlink, "self.up.ready.eq(1)", "self.up.ready.eq(self.o.ready)"),
    (Uplink, "with m.If(pending):", "with m.If(pending & ~self.i.valid):"),
    (
        Uplink,
        f"with m.If(skid.i.ready):{_NEXT}m.d.sync += pending.eq(0)",
        f"with m.If(self.i.valid):{_NEXT}m.d.sync += pending.eq(0)",
    ),
]


@pytest.mark.parametrize(("part", "right", "wrong"), FAULTS_OF_RESET)
def test_the_proof_about_resets_finds_a_fault(
    monkeypatch: pytest.MonkeyPatch, part: type, right: str, wrong: str
) -> None:
    monkeypatch.setattr(downlink, "Skid", Wire)
    faulty = with_fault(part, right, wrong)
    harness = OldOnesDrop(faulty) if part is Downlink else OldOnesDrop(child=faulty)
    assert not prove(harness)
