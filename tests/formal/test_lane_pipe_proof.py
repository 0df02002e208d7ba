from typing import Any

import pytest
from amaranth.hdl import Assert, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import lane_pipe
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.lane_pipe import LanePipe
from spikeloom_hw.memory import RowMem
from spikeloom_sim.formal import prove

CONFIG = CoreConfig(
    lanes=1, update_lanes=1, weight_width=2, accumulator_width=8, weight_rows=2, neuron_rows=4
)


class SumsAreExact(wiring.Component):
    """Every sum that is written is the modular sum of all weights accepted for its row so far.

    A ghost adds up the weights of one row, which the solver chooses.
    """

    valid: Signal
    row: Signal
    weight: Signal
    choice: Signal

    def __init__(self) -> None:
        row = range(CONFIG.neuron_rows)
        weight = CONFIG.weight.shape
        super().__init__({"valid": In(1), "row": In(row), "weight": In(weight), "choice": In(row)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.pipe = pipe = LanePipe(CONFIG)
        m.submodules.memory = memory = RowMem(pipe.layouts.accumulators, CONFIG.neuron_rows)
        m.d.comb += [
            pipe.i.valid.eq(self.valid),
            pipe.i.payload.row.eq(self.row),
            memory.read.eq(pipe.read),
            memory.read_row.eq(self.row),
            pipe.accumulators.eq(memory.read_data),
            memory.write.eq(pipe.write),
            memory.write_row.eq(pipe.row),
            memory.write_data.eq(pipe.sums),
        ]

        # The row is chosen in the first cycle.
        started, chosen, kept = Signal(), Signal.like(self.choice), Signal.like(self.choice)
        m.d.comb += chosen.eq(Mux(started, kept, self.choice))
        m.d.sync += [started.eq(1), kept.eq(chosen)]

        # The weight is there one cycle after its request, the sum is written one cycle later.
        accepted, weight = Signal(), Signal(CONFIG.weight.shape)
        total = Signal(CONFIG.accumulator.shape)
        m.d.sync += [accepted.eq(self.valid & (self.row == chosen)), weight.eq(self.weight)]
        m.d.comb += pipe.weights[0].eq(weight)
        with m.If(accepted):
            m.d.sync += total.eq(total + weight)
        with m.If(pipe.write & (pipe.row == chosen)):
            m.d.comb += Assert(pipe.sums[0] == total, "the sum is exact")

        # Each accepted request is written, exactly two cycles after it.
        written = Signal()
        m.d.sync += written.eq(accepted)
        m.d.comb += Assert(
            (pipe.write & (pipe.row == chosen)) == written, "each request is written"
        )
        return m


def test_every_committed_sum_is_the_sum_of_all_accepted_weights() -> None:
    assert prove(SumsAreExact())


@pytest.mark.parametrize("forward", [1, 2])
def test_the_proof_fails_without_a_forward(monkeypatch: pytest.MonkeyPatch, forward: int) -> None:
    calls: list[int] = []

    def forgetful(condition: Any, newer: Any, older: Any) -> Any:
        calls.append(len(calls) + 1)
        return older if calls[-1] == forward else Mux(condition, newer, older)

    monkeypatch.setattr(lane_pipe, "Mux", forgetful)
    assert not prove(SumsAreExact())
    assert calls == [1, 2]
