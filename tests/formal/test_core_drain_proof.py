from typing import Any

import pytest
from amaranth.hdl import Assert, Module, Shape, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import core as core_module
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.core import Core
from spikeloom_hw.emitter import Emitter
from spikeloom_hw.neuron import FIELDS, Constant, Fields
from spikeloom_sim.formal import prove

CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    weight_width=2,
    accumulator_width=8,
    fields=Fields(dict.fromkeys(FIELDS, Constant(0)), 8),
    weight_rows=2,
    neuron_rows=2,
    populations=2,
    projections=2,
    sources=2,
    phases=2,
)
CONFIG = ChipConfig(CORE, cores=2)


class OutputDoesNotMatter(wiring.Component):
    """Two cores are given the same, but what they send is taken when it is: they take alike.

    The host may write any table at any time. So how long a core takes for what lies in its queue
    is the same if nothing that it sends is ever taken, and the queue drains.
    """

    event: Signal
    valid: Signal
    access: Signal
    write: Signal
    ready: Signal

    def __init__(self) -> None:
        self.cores = [Core(CONFIG) for _ in range(2)]
        width = Shape.cast(self.cores[0].event).width
        super().__init__({
            "event": In(width),
            "valid": In(1),
            "access": In(64),
            "write": In(1),
            "ready": In(2),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules += self.cores
        for k, core in enumerate(self.cores):
            m.d.comb += [
                core.i.valid.eq(self.valid),
                core.i.payload.eq(self.event),
                core.access.address.eq(self.access[:32]),
                core.access.value.eq(self.access[32:]),
                core.access.write.eq(self.write),
                core.o.ready.eq(self.ready[k]),
            ]
        one, other = self.cores
        m.d.comb += Assert(one.i.ready == other.i.ready, "both take alike")
        return m


def test_a_core_takes_its_events_whatever_becomes_of_what_it_sends() -> None:
    assert prove(OutputDoesNotMatter())


def test_the_proof_fails_when_an_update_waits_for_the_emitter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made: list[Emitter] = []

    def emitter_of(config: CoreConfig) -> Emitter:
        made.append(Emitter(config))
        return made[-1]

    def waits(m: Module, steps: Any, update: Any, engine: Any) -> tuple[Any, Any]:
        m.d.comb += [
            update.i.payload.eq(steps.payload),
            update.i.valid.eq(steps.valid & made[-1].idle),
            steps.ready.eq(update.i.ready & made[-1].idle),
        ]
        return update.finished & made[-1].idle, 0

    monkeypatch.setattr(core_module, "Emitter", emitter_of)
    monkeypatch.setattr(core_module, "share_steps", waits)
    assert not prove(OutputDoesNotMatter())
