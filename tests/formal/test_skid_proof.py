from typing import Any

import pytest
from amaranth.hdl import Assert, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import skid
from spikeloom_hw.skid import Skid
from spikeloom_sim.formal import prove


class PayloadsPass(wiring.Component):
    """What is taken comes out a cycle later, or behind what came before, once and in order.

    A model of two places runs beside the stage.
    """

    valid: Signal
    payload: Signal
    ready: Signal

    def __init__(self) -> None:
        super().__init__({"valid": In(1), "payload": In(2), "ready": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = Skid(2)
        m.d.comb += [
            dut.i.valid.eq(self.valid),
            dut.i.payload.eq(self.payload),
            dut.o.ready.eq(self.ready),
        ]
        first, second, count = Signal(2), Signal(2), Signal(2)
        taken, given = Signal(), Signal()
        left = Signal(2)
        m.d.comb += [
            taken.eq(self.valid & dut.i.ready),
            given.eq((count != 0) & self.ready),
            left.eq(count - given),
        ]
        m.d.sync += count.eq(left + taken)
        with m.If(given):
            m.d.sync += first.eq(second)
        with m.If(taken & (left == 0)):
            m.d.sync += first.eq(self.payload)
        with m.If(taken & (left == 1)):
            m.d.sync += second.eq(self.payload)
        m.d.comb += [
            Assert(dut.i.ready == (count < 2), "there are two places"),
            Assert(dut.o.valid == (count != 0), "what is held is offered"),
        ]
        with m.If(dut.o.valid):
            m.d.comb += Assert(dut.o.payload == first, "in order, and as it came")
        return m


def test_a_stream_passes_as_it_is_for_all_time() -> None:
    assert prove(PayloadsPass())


@pytest.mark.parametrize("spare", [False, True])
def test_the_proof_fails_when_a_place_is_forgotten(
    monkeypatch: pytest.MonkeyPatch, spare: bool
) -> None:
    monkeypatch.setattr(skid, "Mux", lambda full, held, new: held if spare else new)
    assert not prove(PayloadsPass())
