from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Module, ResetInserter, Shape, Signal
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In

from spikeloom_hw.bus import Arbiter
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.dispatch import Dispatch
from spikeloom_hw.queue import Queue
from spikeloom_hw.recorder import Recorder
from spikeloom_hw.skid import Skid
from spikeloom_sim.formal import prove

CONFIG = CoreConfig(
    lanes=8,
    update_lanes=8,
    weight_rows=16,
    neuron_rows=2,
    populations=2,
    projections=4,
    sources=4,
    phases=2,
)


class PayloadHolds(wiring.Component):
    """A payload that is offered stays offered, and as it is, until it is taken.

    All inputs of the stage are free, and so are the rows that it reads from a table; a row that
    was read holds until the next read, as in a memory.

    Parameters
    ----------
    stage : Component
        Stage with an output stream ``o``.
    tables : dict of str to str
        Name of the port of each row, and of its read enable.
    falter : bool
        Whether the stage may be reset at any time: a fault.
    """

    free: Signal

    def __init__(
        self, stage: wiring.Component, tables: dict[str, str], *, falter: bool = False
    ) -> None:
        self.stage, self.tables, self.falter = stage, tables, falter
        inputs: list[tuple[str, Any]] = [
            (str(path[0]), port)
            for path, member, port in stage.signature.flatten(stage)
            if member.flow is In and path[0] not in tables
        ]
        self.targets = [*inputs, *((name, getattr(stage, name)) for name in tables)]
        width = sum(Shape.cast(target.shape()).width for _, target in self.targets)
        super().__init__({"free": In(width + 1)})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        stage: Any = self.stage
        m.submodules.stage = ResetInserter(self.free[-1])(stage) if self.falter else stage

        # Hand the free bits out; what comes from a table holds until the next read.
        offset = 0
        for name, target in self.targets:
            width = Shape.cast(target.shape()).width
            value = self.free[offset : offset + width]
            offset += width
            if name in self.tables:
                row = Signal(width)
                with m.If(getattr(stage, self.tables[name])):
                    m.d.sync += row.eq(value)
                value = row
            m.d.comb += target.eq(value)

        port: stream.Interface = stage.o
        waits, payload = Signal(), Signal.like(port.payload)
        m.d.sync += [waits.eq(port.valid & ~port.ready), payload.eq(port.payload)]
        with m.If(waits):
            m.d.comb += Assert(port.valid & (port.payload == payload), "the payload holds")
        return m


STAGES: dict[str, tuple[Callable[[], wiring.Component], dict[str, str]]] = {
    "dispatch": (
        lambda: Dispatch(CONFIG),
        {"entry": "source_read", "target": "projection_read"},
    ),
    "arbiter": (lambda: Arbiter(3), {}),
    "recorder": (lambda: Recorder(CONFIG), {"record": "record_read"}),
    "queue": (lambda: Queue(4, 4), {}),
    "skid": (lambda: Skid(4), {}),
}


@pytest.mark.parametrize("name", STAGES)
def test_a_payload_holds_until_it_is_taken(name: str) -> None:
    make, tables = STAGES[name]
    assert prove(PayloadHolds(make(), tables))


@pytest.mark.parametrize("name", STAGES)
def test_the_proof_fails_when_the_stage_may_be_reset(name: str) -> None:
    make, tables = STAGES[name]
    assert not prove(PayloadHolds(make(), tables, falter=True))
