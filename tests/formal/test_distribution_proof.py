from functools import partial
from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Signal
from amaranth.lib import data, stream, wiring
from amaranth.lib.wiring import In, Out, connect

from spikeloom_hw import distribution, ends
from spikeloom_hw.bus import Arbiter
from spikeloom_hw.distribution import UNDER_WAY, Distribution
from spikeloom_hw.ends import Ends
from spikeloom_hw.event import Kind
from spikeloom_hw.queue import Queue
from spikeloom_sim.formal import prove

DEPTH = UNDER_WAY + 1
KIND_WIDTH = 3


class PlainQueue(wiring.Component):
    """What a queue does, said simply: a shift register; it is never given too much.

    Parameters
    ----------
    shape : ShapeLike
        Shape of a payload.
    depth : int
        Payloads that it holds.
    twice : bool
        Whether it keeps every second payload twice: a fault.
    """

    i: Any
    o: Any
    empty: Signal
    level: Signal

    def __init__(self, shape: Any, depth: int, *, twice: bool = False) -> None:
        self.depth, self.twice = depth, twice
        super().__init__({
            "i": In(stream.Signature(shape)),
            "o": Out(stream.Signature(shape)),
            "empty": Out(1),
            "level": Out(range(depth + 1)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        places = [Signal.like(self.i.payload, name=f"place_{k}") for k in range(self.depth)]
        count, left = Signal(range(self.depth + 1)), Signal(range(self.depth + 1))
        keeps, again = Signal(), Signal()
        m.d.comb += [
            self.level.eq(count),
            self.empty.eq(count == 0),
            self.o.valid.eq(count != 0),
            self.o.payload.eq(places[0]),
            self.i.ready.eq(count != self.depth),
            left.eq(count - (self.o.valid & self.o.ready)),
            keeps.eq(self.i.valid & (left != self.depth)),
            Assert(self.i.ready | ~self.i.valid, "nothing overflows"),
        ]
        if self.twice:
            m.d.sync += again.eq(again ^ keeps)
        m.d.sync += count.eq(left + keeps + (keeps & again & (left < self.depth - 1)))
        with m.If(self.o.valid & self.o.ready):
            m.d.sync += [places[k].eq(places[k + 1]) for k in range(self.depth - 1)]
        for k in range(self.depth):
            more = again & (left + 1 == k)
            with m.If(keeps & ((left == k) | more)):
                m.d.sync += places[k].eq(self.i.payload)
        return m


class WatchedQueue(Queue):
    """The queue of the design, which is never given what it has no room for."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        m.d.comb += Assert(self.i.ready | ~self.i.valid, "nothing overflows")
        return m


class NothingOverflows(wiring.Component):
    """Two sinks that take what comes when they like; which want an event is free."""

    valid: Signal
    wanted: Signal
    ready: Signal

    def __init__(self) -> None:
        super().__init__({"valid": In(1), "wanted": In(2), "ready": In(2)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = Distribution(data.StructLayout({"mark": 1}), 2, DEPTH)
        m.d.comb += [dut.i.valid.eq(self.valid), dut.wanted.eq(self.wanted)]
        m.d.comb += [dut.o[k].ready.eq(self.ready[k]) for k in range(2)]
        return m


class EventsPass(wiring.Component):
    """Two marked events reach a sink if they are wanted: once, and in their order.

    All others are marked 0. Whether a sink wants an event is free; that does not hinge on its
    mark, but the mark stands for both.
    """

    valid: Signal
    mark: Signal
    wanted: Signal
    ready: Signal

    def __init__(self) -> None:
        super().__init__({"valid": In(1), "mark": In(2), "wanted": In(1), "ready": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        layout = data.StructLayout({"mark": 2})
        m.submodules.dut = dut = Distribution(layout, 1, DEPTH)
        m.d.comb += [dut.i.valid.eq(self.valid), dut.i.payload.mark.eq(self.mark)]
        taken, passing = self.valid & dut.i.ready, dut.passing
        first, second = Signal(), Signal()
        m.d.comb += [
            Assume(self.mark != 3, "two are marked"),
            Assume((self.mark != 1) | ~first, "the first is given once"),
            Assume((self.mark != 2) | (first & ~second), "the second follows once"),
            dut.wanted.eq(self.wanted),
        ]
        m.d.sync += [
            first.eq(first | (taken & (self.mark == 1))),
            second.eq(second | (taken & (self.mark == 2))),
        ]

        # What the sink wants of both is to come out, as soon as nothing is held.
        due, out, port = Signal(2), Signal(2), dut.o[0]
        m.d.comb += port.ready.eq(self.ready)
        popped = port.valid & self.ready
        for bit, mark in enumerate((1, 2)):
            now = passing.valid & (passing.payload.mark == mark) & self.wanted
            comes = popped & (port.payload.mark == mark)
            m.d.sync += [due[bit].eq(due[bit] | now), out[bit].eq(out[bit] | comes)]
            with m.If(comes):
                m.d.comb += Assert(due[bit] & ~out[bit], "wanted, and once")
        with m.If(popped & (port.payload.mark == 1)):
            m.d.comb += Assert(~out[1], "in order")
        with m.If(dut.idle & ~passing.valid):
            m.d.comb += Assert(due == out, "nothing is lost")
        return m


@pytest.fixture(autouse=True)
def plain_queues(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "Queue", PlainQueue)


@pytest.mark.parametrize("queue", [PlainQueue, WatchedQueue])
def test_nothing_overflows(monkeypatch: pytest.MonkeyPatch, queue: Any) -> None:
    monkeypatch.setattr(distribution, "Queue", queue)
    assert prove(NothingOverflows())


@pytest.mark.parametrize("queue", [PlainQueue, WatchedQueue])
def test_the_proof_fails_when_the_margin_is_too_small(
    monkeypatch: pytest.MonkeyPatch, queue: Any
) -> None:
    monkeypatch.setattr(distribution, "Queue", queue)
    monkeypatch.setattr(distribution, "UNDER_WAY", UNDER_WAY - 1)
    assert not prove(NothingOverflows())


def test_all_that_is_wanted_comes_once_and_in_order() -> None:
    assert prove(EventsPass())


def test_the_proof_fails_when_an_event_is_kept_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distribution, "Queue", partial(PlainQueue, twice=True))
    assert not prove(EventsPass())


class StepsPart(wiring.Component):
    """Two cores and a control on one bus: no spike passes a step at any core.

    A core sends spikes from the time it takes a step until it sends END, once for each step;
    which of them a core wants is free. The control gives a step once all have answered the last.
    A spike carries whether the steps before it are odd in number.
    """

    sends: Signal
    ends: Signal
    steps: Signal
    ready: Signal
    wanted: Signal

    def __init__(self) -> None:
        members = ("sends", "ends", "ready", "wanted")
        super().__init__({**{name: In(2) for name in members}, "steps": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.bus = merged = Arbiter(3)
        event = merged.o.payload.shape()
        m.submodules.ways = ways = Distribution(event, 2, DEPTH)
        m.submodules.ends = answered = Ends(2)
        connect(m, merged.o, ways.i)

        # The control steps when all have answered.
        asks, control = Signal(init=1), merged.i[0]
        m.d.comb += [
            control.valid.eq(asks & self.steps),
            control.payload.kind.eq(Kind.STEP),
            answered.end.eq(ways.i.valid & ways.i.ready & (ways.i.payload.kind == Kind.END)),
        ]
        with m.If(control.valid & control.ready):
            m.d.sync += asks.eq(0)
        with m.Elif(answered.last):
            m.d.sync += asks.eq(1)

        # A core works on a step until its END.
        ended = Signal(2)
        for k in range(2):
            works, odd = Signal(name=f"works_{k}"), Signal(name=f"odd_{k}")
            self._core(m, (merged.i[1 + k], ways.o[k]), k, (works, odd, ended[k]))
        passing = ways.passing.payload
        m.d.comb += ways.wanted.eq(self.wanted | (passing.kind == Kind.STEP).replicate(2))
        with m.If(answered.last):
            m.d.comb += Assert(ended.all(), "every core has answered")
            m.d.sync += ended.eq(0)
        return m

    def _core(self, m: Module, ports: tuple[Any, Any], k: int, state: tuple[Any, ...]) -> None:
        """Let a core take what it wants, and answer steps."""
        (out, sink), (works, odd, ended) = ports, state
        event, ending = sink.payload, Signal(name=f"ending_{k}")
        popped = sink.valid & self.ready[k]
        is_step = event.kind == Kind.STEP
        m.d.sync += ending.eq(works & out.valid & ~out.ready & (out.payload.kind == Kind.END))
        m.d.comb += [
            sink.ready.eq(self.ready[k]),
            out.valid.eq(works & (self.sends[k] | self.ends[k] | ending)),
            out.payload.kind.eq(Kind.SPIKE),
            out.payload.index.eq(odd),
        ]
        with m.If(self.ends[k] | ending):
            m.d.comb += out.payload.kind.eq(Kind.END)
        with m.If(popped & is_step):
            m.d.comb += Assert(~works, "a step comes when the last is answered")
            m.d.sync += [works.eq(1), odd.eq(~odd)]
        with m.If(popped & (event.kind == Kind.SPIKE)):
            m.d.comb += Assert(event.index[0] == odd, "no spike passes a step")
        with m.If(out.valid & out.ready & (out.payload.kind == Kind.END)):
            m.d.sync += works.eq(0)
            # END is on the bus a cycle later.
            m.d.sync += ended.eq(1)


@pytest.mark.slow
def test_no_spike_passes_a_step_and_every_core_answers_once() -> None:
    assert prove(StepsPart(), seconds=300)


def test_the_proof_fails_when_an_answer_is_not_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ends.Ends.__init__
    monkeypatch.setattr(ends.Ends, "__init__", lambda self, answers: whole(self, answers - 1))
    assert not prove(StepsPart())
