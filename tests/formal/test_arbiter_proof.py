from typing import Any

import pytest
from amaranth.hdl import Assert, Assume, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import bus
from spikeloom_hw.bus import Arbiter
from spikeloom_sim.formal import prove


class SourcesTakeTurns(wiring.Component):
    """A source that waits is served after each other at most once."""

    valid: Signal
    ready: Signal

    def __init__(self, sources: int) -> None:
        self.sources = sources
        super().__init__({"valid": In(sources), "ready": In(1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.dut = dut = Arbiter(self.sources)
        m.d.comb += dut.o.ready.eq(self.ready)
        waits = Signal(self.sources)
        served = [self.valid[k] & dut.i[k].ready for k in range(self.sources)]
        m.d.comb += Assert(sum(served) <= 1, "one is served at a time")
        m.d.sync += waits.eq(Cat(self.valid[k] & ~served[k] for k in range(self.sources)))
        for k in range(self.sources):
            m.d.comb += [
                dut.i[k].valid.eq(self.valid[k]),
                dut.i[k].payload.index.eq(k),
                Assume(self.valid[k] | ~waits[k], "what waits stays"),
            ]
            passed = Signal(range(self.sources + 1), name=f"passed_{k}")
            others = Cat(served[j] for j in range(self.sources) if j != k).any()
            with m.If(served[k] | ~self.valid[k]):
                m.d.sync += passed.eq(0)
            with m.Elif(others):
                m.d.sync += passed.eq(passed + 1)
            m.d.comb += Assert(passed < self.sources, "nobody waits for long")
        m.d.comb += Assert(~dut.o.valid | (dut.o.payload.index == dut.origin), "its source is told")
        return m


@pytest.mark.parametrize("sources", [2, 5])
def test_a_waiting_source_is_served_within_a_bound(sources: int) -> None:
    assert prove(SourcesTakeTurns(sources))


def test_the_proof_fails_when_the_search_begins_at_the_source_served_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def early(*bounds: int) -> range:
        return range(0, bounds[1] - 1) if len(bounds) == 2 else range(*bounds)

    monkeypatch.setattr(bus, "range", early, raising=False)
    assert not prove(SourcesTakeTurns(3))
