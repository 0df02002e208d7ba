from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Module, Shape, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import rise
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.rise import Rise
from spikeloom_hw.tree.downlink import Downlink
from spikeloom_hw.tree.uplink import Uplink
from spikeloom_sim.formal import prove, with_fault
from spikeloom_sim.odd_filter import OddFilter

CONFIG = ChipConfig(CoreConfig(lanes=8, update_lanes=8, weight_rows=16, sources=4), parents=(0,))


class StreamsHold(wiring.Component):
    """What a stream offers stays until it is taken, if what comes in does.

    A reset may give up all that is offered, but not what goes over a link.

    Parameters
    ----------
    dut : Component
        What has the streams.
    entries : list of streams
        What comes in.
    exits : dict of str to stream
        What goes out.
    reset : Signal
        Makes ``dut`` give up.
    given : bool
        Whether that is an input of ``dut``, which is free.
    """

    free: Signal

    def __init__(
        self,
        dut: Any,
        entries: list[Any],
        exits: dict[str, Any],
        reset: Signal,
        *,
        given: bool = False,
    ) -> None:
        self.dut, self.entries, self.exits = dut, entries, exits
        self.reset, self.given = reset, given
        width = sum(1 + Shape.cast(port.payload.shape()).width for port in entries)
        super().__init__({"free": In(width + len(exits) + 1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = self.dut
        reset = self.reset
        if self.given:
            m.d.comb += reset.eq(self.free[0])

        bits = self.free[1:]
        for port in self.entries:
            value = Value.cast(port.payload)
            m.d.comb += [port.valid.eq(bits[0]), value.eq(bits[1 : 1 + len(value)])]
            bits = bits[1 + len(value) :]
            m.d.comb += Assume(self._stays(m, port, reset), "what comes in stays")
        for k, (name, port) in enumerate(self.exits.items()):
            m.d.comb += port.ready.eq(bits[k])
            excuse = Signal() if name in ("down", "up") else reset
            m.d.comb += Assert(self._stays(m, port, excuse), f"{name} stays")
        return m

    def _stays(self, m: Module, port: Any, reset: Signal) -> Value:
        waits, payload = Signal(), Signal.like(Value.cast(port.payload))
        m.d.sync += [waits.eq(port.valid & ~port.ready & ~reset), payload.eq(port.payload)]
        return ~waits | reset | (port.valid & (Value.cast(port.payload) == payload))


def downlink(dut: Any) -> StreamsHold:
    exits = {"down": dut.down, "o": dut.o, "answers": dut.answers}
    return StreamsHold(dut, [dut.i, dut.requests, dut.up], exits, dut.reset, given=True)


def uplink(dut: Any) -> StreamsHold:
    exits = {"up": dut.up, "o": dut.o, "requests": dut.requests}
    return StreamsHold(dut, [dut.down, dut.i, dut.answers], exits, dut.reset)


def rising(dut: Any) -> StreamsHold:
    return StreamsHold(dut, [dut.i[0], dut.i[1]], {"bus": dut.bus, "up": dut.up}, Signal())


@pytest.fixture(autouse=True)
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rise, "SourceFilter", OddFilter)
    monkeypatch.setattr(rise, "_QUEUE", 2)


def test_what_goes_down_a_link_stays() -> None:
    assert prove(downlink(Downlink(CONFIG)))


def test_what_goes_up_a_link_stays() -> None:
    assert prove(uplink(Uplink(CONFIG)))


def test_what_rises_stays() -> None:
    assert prove(rising(Rise(CONFIG, 1, 2)))


def gated(port: str, source: str, condition: str) -> str:
    return (
        f"m.d.comb += [self.{port}.valid.eq({source}.valid & {condition}), "
        f"self.{port}.payload.eq({source}.payload), {source}.ready.eq(self.{port}.ready)]"
    )


FAULTS = [
    ("connect(m, skid.o, flipped(self.down))", gated("down", "skid.o", "~self.reset")),
    ("self.o.valid.eq(self.up.valid)", "self.o.valid.eq(self.up.valid & ~self.i.valid)"),
    ("self.answers.valid.eq(self.up.valid)", "self.answers.valid.eq(self.up.valid & self.o.ready)"),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS)
def test_the_proof_about_the_parent_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(downlink(with_fault(Downlink, right, wrong)(CONFIG)))


FAULTS_OF_THE_CHILD = [
    ("connect(m, skid.o, flipped(self.up))", gated("up", "skid.o", "~self.reset")),
    ("self.o.valid.eq(self.down.valid)", "self.o.valid.eq(self.down.valid & ~self.i.valid)"),
    ("request.address.eq(address)", "request.address.eq(self.answers.payload)"),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_OF_THE_CHILD)
def test_the_proof_about_the_child_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(uplink(with_fault(Uplink, right, wrong)(CONFIG)))


FAULTS_OF_WHAT_RISES = [
    ("held & stays & (queue.i.ready | ~rises)", "held & stays & (self.up.ready | ~rises)"),
    ("connect(m, queue.o, flipped(self.up))", gated("up", "queue.o", "self.bus.ready")),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_OF_WHAT_RISES)
def test_the_proof_about_what_rises_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(rising(with_fault(Rise, right, wrong)(CONFIG, 1, 2)))
