from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.window import Window
from spikeloom_hw.wrap.gate import Gate
from spikeloom_hw.wrap.responder import Responder
from spikeloom_sim.formal import prove

WINDOW = Window(ChipConfig(CoreConfig(lanes=1, update_lanes=1, weight_rows=4, neuron_rows=2)))


def must_hold(m: Module, valid: Any, ready: Any, *payload: Any) -> None:
    """Assert that what is offered stays, and as it is, until it is taken."""
    waits, before = Signal(), Signal(len(Cat(*payload)))
    m.d.sync += [waits.eq(valid & ~ready), before.eq(Cat(*payload))]
    with m.If(waits):
        m.d.comb += Assert(valid & (Cat(*payload) == before), "what is offered holds")


class KeepsEventsOut(wiring.Component):
    """No event passes while a memory is accessed, and none is taken back."""

    free: Signal

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        super().__init__({"free": In(WINDOW.bits + 38)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.responder = responder = Responder(WINDOW)
        m.submodules.gate = gate = self.gate
        valid, ready, known, taken, answers, offered = self.free[:6]
        access = self.free[6:]
        payload = Signal(2)
        holds, kept = Signal(), Signal.like(self.free[6:])
        m.d.sync += [holds.eq(valid & ~responder.i.ready), kept.eq(access)]
        m.d.comb += [
            Assume(~holds | (valid & (access == kept)), "an access holds until it is answered"),
            responder.i.valid.eq(valid),
            responder.i.payload.eq(access),
            responder.requests.ready.eq(taken & responder.requests.valid),
            responder.responses.valid.eq(answers),
            responder.unknown.eq(~known),
            gate.hold.eq(responder.hold),
            responder.held.eq(gate.held),
            gate.i.valid.eq(offered),
            gate.i.payload.eq(payload),
            gate.o.ready.eq(ready),
        ]
        refused = Signal()
        m.d.sync += [refused.eq(offered & ~gate.i.ready), payload.eq(payload + gate.i.ready)]
        m.d.comb += Assume(~refused | offered, "an event holds until it is taken")
        must_hold(m, gate.o.valid, gate.o.ready, gate.o.payload)
        must_hold(
            m,
            responder.requests.valid,
            responder.requests.ready,
            responder.requests.payload.as_value(),
        )
        memory = responder.requests.payload.address >= 8
        with m.If(responder.requests.valid & memory):
            m.d.comb += Assert(~gate.o.valid, "no event beside an access")
        return m


class Open(Gate):
    """A gate that does not close."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        m.d.comb += [self.o.valid.eq(self.i.valid), self.i.ready.eq(self.o.ready)]
        return m


class Abrupt(Gate):
    """A gate that closes before an event that was offered."""

    def elaborate(self, platform: Any) -> Module:
        m = super().elaborate(platform)
        m.d.comb += self.o.valid.eq(self.i.valid & ~self.hold)
        return m


def test_no_event_passes_while_a_memory_is_accessed() -> None:
    assert prove(KeepsEventsOut(Gate(2)))


@pytest.mark.parametrize("mutant", [Open, Abrupt])
def test_the_proof_of_the_gate_fails_for(mutant: type[Gate]) -> None:
    assert not prove(KeepsEventsOut(mutant(2)))
