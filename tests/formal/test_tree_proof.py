from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, connect

from spikeloom_hw import rise
from spikeloom_hw.bus import Arbiter
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Kind
from spikeloom_hw.rise import Rise
from spikeloom_sim.formal import prove, with_fault
from spikeloom_sim.odd_filter import OddFilter

CONFIG = ChipConfig(
    CoreConfig(
        lanes=8,
        update_lanes=8,
        weight_rows=16,
        neuron_rows=2,
        populations=2,
        projections=4,
        sources=4,
        phases=2,
    ),
    cores=2,
    parents=(0, 0, 1),
)
CHIP = 2
SENT = (Kind.SPIKE, Kind.GRADED, Kind.READOUT, Kind.ERROR, Kind.END)


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rise, "SourceFilter", OddFilter)
    monkeypatch.setattr(rise, "_QUEUE", 2)


class Rising(wiring.Component):
    """Two sources that say what they like on their way up, and both ends ready when they like."""

    valid: Signal
    kinds: Any
    named: Signal
    bus_ready: Signal
    up_ready: Signal

    def __init__(self, make: Callable[..., Any] = Rise, **more: Any) -> None:
        self.make = make
        super().__init__({
            "valid": In(2),
            "kinds": In(Kind).array(2),
            "named": In(2),
            "bus_ready": In(1),
            "up_ready": In(1),
            **more,
        })

    def rises(self, m: Module) -> Any:
        m.submodules.dut = dut = self.make(CONFIG, CHIP, 2)
        m.d.comb += [dut.bus.ready.eq(self.bus_ready), dut.up.ready.eq(self.up_ready)]
        for k in range(2):
            m.d.comb += [
                Assume(Cat(self.kinds[k] == kind for kind in SENT).any(), "kinds of a source"),
                dut.i[k].valid.eq(self.valid[k]),
                dut.i[k].payload.kind.eq(self.kinds[k]),
                dut.i[k].payload.source.eq(self.named[k]),
            ]
        return dut


class OneEndRises(Rising):
    """Each source answers each step once, at any time; the next step comes after the END above.

    An event carries whether the steps before it are odd in number.
    """

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        dut = self.rises(m)
        works, odd = Signal(2, init=3), Signal()
        for k in range(2):
            m.d.comb += [
                Assume(works[k] | ~self.valid[k], "who has answered is silent"),
                dut.i[k].payload.index.eq(odd),
            ]
            with m.If(self.valid[k] & dut.i[k].ready & (self.kinds[k] == Kind.END)):
                m.d.sync += works[k].eq(0)

        event: Any = dut.up.payload
        with m.If(dut.up.valid):
            m.d.comb += Assert(event.index[0] == odd, "no event crosses END")
        with m.If(dut.up.valid & (event.kind == Kind.END)):
            m.d.comb += Assert(~works.any(), "all have answered")
            with m.If(self.up_ready):
                m.d.sync += [works.eq(3), odd.eq(~odd)]
        m.d.comb += [
            Assert(works.any() | ~dut.idle, "END goes up"),
            Assert(~dut.bus.valid | (dut.bus.payload.kind != Kind.END), "END is not for the bus"),
        ]
        return m


def test_one_end_rises_for_a_step_behind_its_events() -> None:
    assert prove(OneEndRises())


FAULTS_OF_END = [
    ("& ends.awaits_one", ""),
    ("Ends(self.sources)", "Ends(self.sources - 1)"),
    ("ends.end.eq(leaves &", "ends.end.eq(held &"),
    ("stays.eq(event.kind != Kind.END)", "stays.eq(1)"),
    (" | self._last(event, ends)", ""),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_OF_END)
def test_the_proof_about_end_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(OneEndRises(with_fault(Rise, right, wrong)))


class EventsRise(Rising):
    """Two marked events: each is once on the bus, once above if it is wanted there, in order."""

    marks: Any

    def __init__(self, make: Callable[..., Any] = Rise) -> None:
        super().__init__(make, marks=In(2).array(2))

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        dut = self.rises(m)
        given, wanted = Signal(2), Signal(2)
        for k in range(2):
            mark, kind = self.marks[k], self.kinds[k]
            taken = self.valid[k] & dut.i[k].ready
            m.d.comb += [
                dut.i[k].payload.index.eq(mark),
                Assume(mark != 3, "two are marked"),
                Assume((mark == 0) | (kind != Kind.END), "END has no mark"),
                Assume((mark != 1) | ~given[0], "the first is given once"),
                Assume((mark != 2) | (given[0] & ~given[1]), "the second follows once"),
            ]
            spike = (kind == Kind.SPIKE) | (kind == Kind.GRADED)
            rises = (spike & self.named[k]) | (kind == Kind.READOUT)
            for bit in range(2):
                with m.If(taken & (mark == 1 + bit)):
                    m.d.sync += [given[bit].eq(1), wanted[bit].eq(rises)]

        for name, port, due in (("bus", dut.bus, given), ("up", dut.up, given & wanted)):
            out = Signal(2, name=f"out_{name}")
            for bit in range(2):
                with m.If(port.valid & (port.payload.index == 1 + bit)):
                    m.d.comb += Assert(due[bit] & ~out[bit], "what is wanted comes, and once")
                    m.d.sync += out[bit].eq(port.ready)
            with m.If(port.valid & (port.payload.index == 1)):
                m.d.comb += Assert(~out[1], "in order")
            with m.If(dut.idle):
                m.d.comb += Assert(out == due, "nothing is lost")
            if name == "up":
                above = (Kind.SPIKE, Kind.GRADED, Kind.READOUT, Kind.END)
                known = Cat(port.payload.kind == kind for kind in above).any()
                m.d.comb += Assert(known | ~port.valid, "errors stay below")
        return m


def test_every_event_is_once_on_the_bus_and_once_above_if_it_is_wanted_there() -> None:
    assert prove(EventsRise())


FAULTS_OF_EVENTS = [
    (
        "queue.i.valid.eq(held & rises & (self.bus.ready | ~stays))",
        "queue.i.valid.eq(held & rises)",
    ),
    ("held & stays & (queue.i.ready | ~rises)", "held & stays"),
    ("leaves.eq(held & (self.bus.ready | ~stays) &", "leaves.eq(held &"),
    ("wanted.read.eq(merged.valid & merged.ready)", "wanted.read.eq(merged.valid)"),
    ("~held & queue.empty & ~waiting", "~held & queue.empty"),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_OF_EVENTS)
def test_the_proof_about_events_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(EventsRise(with_fault(Rise, right, wrong)))


class AllLeaves(Rising):
    """What has come leaves while both ends take what they are given, and no more comes."""

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        dut = self.rises(m)
        quiet = Signal(range(16))
        with m.If(self.valid.any() | ~self.bus_ready | ~self.up_ready):
            m.d.sync += quiet.eq(0)
        with m.Elif(quiet != 15):
            m.d.sync += quiet.eq(quiet + 1)
        m.d.comb += Assert((quiet < 8) | dut.idle, "nothing stays")
        return m


def test_all_that_rises_leaves() -> None:
    assert prove(AllLeaves())


def test_the_proof_fails_when_an_event_waits_for_more_than_it_needs() -> None:
    right = "leaves.eq(held & (self.bus.ready | ~stays) &"
    wrong = "leaves.eq(held & self.bus.ready & stays &"
    assert not prove(AllLeaves(with_fault(Rise, right, wrong)))


class HeadIsServed(wiring.Component):
    """What comes down is served while nothing goes up for ever.

    Parameters
    ----------
    apart : bool
        Whether what comes down has a way to the bus of its own; if not, it is a fault.
    """

    valid: Signal
    named: Signal
    ready: Signal

    def __init__(self, *, apart: bool = True) -> None:
        self.apart = apart
        super().__init__({"valid": In(2), "named": In(2), "ready": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.rise = dut = Rise(CONFIG, CHIP, 1 if self.apart else 2)
        bus, head = dut.bus, dut.i[-1]
        if self.apart:
            m.submodules.bus = merged = Arbiter(2)
            bus, head = merged.o, merged.i[0]
            connect(m, dut.bus, merged.i[1])
        m.d.comb += [dut.up.ready.eq(0), bus.ready.eq(self.ready)]
        for k, port in enumerate((head, dut.i[0])):
            m.d.comb += [port.valid.eq(self.valid[k]), port.payload.source.eq(self.named[k])]

        # Cycles in which the bus takes what it is given, while the head waits.
        waits, waited = Signal(), Signal(range(8))
        m.d.sync += waits.eq(head.valid & ~head.ready)
        m.d.comb += [Assume(head.valid | ~waits, "the head stays"), Assert(waited < 3, "a bound")]
        with m.If(~head.valid | head.ready):
            m.d.sync += waited.eq(0)
        with m.Elif(self.ready & (waited != 7)):
            m.d.sync += waited.eq(waited + 1)
        return m


def test_what_comes_down_is_served_though_nothing_goes_up() -> None:
    assert prove(HeadIsServed())


def test_the_proof_fails_when_what_comes_down_takes_the_way_of_what_rises() -> None:
    assert not prove(HeadIsServed(apart=False))
