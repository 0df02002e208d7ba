from typing import Any

import pytest
from amaranth.hdl import Assert, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import lane_pipe
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.lane_pipe import LanePipe, request_layout
from spikeloom_hw.layout import Layouts
from spikeloom_hw.memory import BankedMem, RowMem
from spikeloom_sim.formal import prove

SIZES: dict[str, Any] = {
    "lanes": 1,
    "update_lanes": 1,
    "weight_width": 2,
    "accumulator_width": 8,
    "weight_rows": 2,
}
SYNAPSES: dict[str, Any] = {"pointers": 2, "synapse_rows": 2}
CONFIGS = {
    "plain": CoreConfig(**SIZES, neuron_rows=4),
    "one port": CoreConfig(**SIZES, neuron_rows=4, weight_ports=1),
    "slots": CoreConfig(**SIZES, neuron_rows=2, delay_slots=2),
    "graded": CoreConfig(**SIZES, neuron_rows=2, delay_slots=2, payload_width=2),
    "sparse": CoreConfig(**SIZES, neuron_rows=2, delay_slots=2, payload_width=2, **SYNAPSES),
}


class SumsAreExact(wiring.Component):
    """Every sum that is written is the modular sum of all that was accepted for its row so far.

    A ghost adds up, for one row of one slot, which the solver chooses, the weights times the
    values of their requests.
    """

    valid: Signal
    request: Any
    weight: Signal
    synapse: Any
    choice: Signal

    def __init__(self, config: CoreConfig) -> None:
        self.config = config
        super().__init__({
            "valid": In(1),
            "request": In(request_layout(config)),
            "weight": In(config.weight.shape),
            "synapse": In(Layouts(config).synapses.elem_shape),
            "choice": In(range(config.accumulator_rows)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        config = self.config
        m.submodules.pipe = pipe = LanePipe(config)
        written_row = self._connect(m, pipe)

        # The row is chosen in the first cycle.
        started, chosen, kept = Signal(), Signal.like(self.choice), Signal.like(self.choice)
        m.d.comb += chosen.eq(Mux(started, kept, self.choice))
        m.d.sync += [started.eq(1), kept.eq(chosen)]

        # One cycle after a request, its weights are there, or its synapses.
        request, slots = self.request, config.delay_slots > 1
        accepted, row = Signal(), Cat(request.row, request.slot) if slots else request.row
        m.d.sync += accepted.eq(self.valid & (row == chosen))
        amount, addend = self.weight, Signal(config.accumulator.shape)
        if pipe.banked:
            valid, sparse, slot = Signal(), Signal(), Signal.like(request.slot)
            m.d.sync += [valid.eq(self.valid), sparse.eq(request.sparse), slot.eq(request.slot)]
            own = Cat(self.synapse.row, (slot + self.synapse.delay)[: len(slot)])
            accepted = Mux(sparse, valid & (own == chosen), accepted)
            amount = Mux(sparse, self.synapse.weight, amount)
        if config.payload_width:
            value = Signal.like(request.value)
            m.d.sync += value.eq(request.value)
            amount = amount * value
        m.d.comb += addend.eq(amount)

        # They are added as the sum is written.
        for _ in range(pipe.lead):
            ahead, accepted = accepted, Signal()
            amount, addend = addend, Signal.like(addend)
            m.d.sync += [accepted.eq(ahead), addend.eq(amount)]
        total, written = Signal(config.accumulator.shape), Signal()
        m.d.sync += written.eq(accepted)
        with m.If(accepted):
            m.d.sync += total.eq(total + addend)
        hit = pipe.write & (written_row == chosen)
        m.d.comb += Assert(hit == written, "each request is written, when it must be")
        with m.If(hit):
            m.d.comb += Assert(pipe.sums[0] == total, "the sum is exact")
        with m.Elif(~pipe.write & started):
            m.d.comb += Assert(pipe.sums[0] == 0, "no sum, no addition")
        return m

    def _connect(self, m: Module, pipe: LanePipe) -> Any:
        """Connect requests, weights and a memory; give the row that is written."""
        m.d.comb += [
            pipe.i.valid.eq(self.valid),
            pipe.i.payload.eq(self.request),
        ]
        # A memory that is captured gives its weights a cycle later.
        weight = self.weight
        if pipe.lead == 1:
            weight = Signal.like(self.weight)
            m.d.sync += weight.eq(self.weight)
        m.d.comb += pipe.weights[0].eq(weight)
        accumulators, depth = pipe.layouts.accumulators, self.config.accumulator_rows
        if pipe.banked:
            m.d.comb += pipe.synapses[0].eq(self.synapse)
            m.submodules.memory = memory = BankedMem(accumulators, depth)
            rows = memory.read_rows, memory.write_rows
            asked, written = pipe.accumulator_rows, pipe.rows
        else:
            m.submodules.memory = memory = RowMem(accumulators, depth)
            rows = memory.read_row, memory.write_row
            asked, written = pipe.accumulator_row, pipe.row
        m.d.comb += [
            rows[0].eq(asked),
            rows[1].eq(written),
            memory.read.eq(pipe.accumulator_read),
            pipe.accumulators.eq(memory.read_data),
            memory.write.eq(pipe.write),
            memory.write_data.eq(pipe.sums),
        ]
        return written[0] if pipe.banked else written


@pytest.mark.parametrize("name", CONFIGS)
def test_every_committed_sum_is_the_sum_of_all_accepted_weights(name: str) -> None:
    assert prove(SumsAreExact(CONFIGS[name]))


# The last two choices are the forwards; the others take the weight, or the row, of a synapse.
@pytest.mark.parametrize(
    "name, choice",
    [
        ("plain", 1),
        ("plain", 2),
        ("one port", 1),
        ("one port", 2),
        ("slots", 1),
        ("slots", 2),
        ("graded", 1),
        ("graded", 2),
    ]
    + [("sparse", k) for k in (1, 2, 3, 4)],
)
def test_the_proof_fails_without_a_choice(
    monkeypatch: pytest.MonkeyPatch, name: str, choice: int
) -> None:
    calls: list[int] = []

    def forgetful(condition: Any, newer: Any, older: Any) -> Any:
        calls.append(len(calls) + 1)
        return older if calls[-1] == choice else Mux(condition, newer, older)

    monkeypatch.setattr(lane_pipe, "Mux", forgetful)
    assert not prove(SumsAreExact(CONFIGS[name]))
    assert calls == list(range(1, 5 if name == "sparse" else 3))


@pytest.mark.parametrize("name", ["slots", "graded", "sparse"])
def test_the_proof_fails_when_the_slot_is_ignored(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    made = LanePipe._address

    def flat(self: LanePipe, request: Any, synapse: Any = None) -> Any:
        return made(self, request, synapse)[: len(request.row)]

    monkeypatch.setattr(LanePipe, "_address", flat)
    assert not prove(SumsAreExact(CONFIGS[name]))


def test_the_proof_fails_when_a_sum_is_left_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LanePipe, "_rest", lambda *_: None)
    assert not prove(SumsAreExact(CONFIGS["plain"]))
