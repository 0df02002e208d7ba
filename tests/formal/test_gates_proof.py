from collections.abc import Callable
from typing import Any

import pytest
from amaranth.hdl import Assert, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In

from spikeloom_hw import gates
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import SOURCE_WIDTH, Kind
from spikeloom_hw.gates import Gates
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


@pytest.fixture(autouse=True)
def no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "SourceFilter", OddFilter)


class EachGoesWhereItMust(wiring.Component):
    """Any event passes on the bus of a chip, from anywhere."""

    valid: Signal
    kind: Signal
    source: Signal
    origin: Signal

    def __init__(self, chip: int, make: Callable[..., Any] = Gates) -> None:
        self.chip, self.make = chip, make
        below = len(CONFIG.children(chip))
        super().__init__({
            "valid": In(1),
            "kind": In(Kind),
            "source": In(SOURCE_WIDTH),
            "origin": In(range(1 + below + CONFIG.cores)),
        })

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.gates = dut = self.make(CONFIG, self.chip)
        taken, passing = dut.taken, dut.passing
        m.d.comb += [
            taken.valid.eq(self.valid),
            taken.payload.kind.eq(self.kind),
            taken.payload.source.eq(self.source),
        ]
        m.d.sync += passing.valid.eq(self.valid)
        with m.If(self.valid):
            m.d.sync += [passing.payload.eq(taken.payload), dut.origin.eq(self.origin)]

        kind, source = passing.payload.kind, passing.payload.source
        spike = (kind == Kind.SPIKE) | (kind == Kind.GRADED)
        every = (kind == Kind.STEP) | (kind == Kind.REWARD)
        for k, child in enumerate(CONFIG.children(self.chip)):
            homes = [g for g in range(CONFIG.all_cores) if child in line_of(g // CONFIG.cores)]
            there = Cat(source == g for g in homes).any()
            due = (spike & source[0]) | ((kind == Kind.ERROR) & there) | every
            back = dut.origin == 1 + k
            with m.If(passing.valid):
                m.d.comb += Assert(dut.wanted[k] == (due & ~back), "where it is needed, not back")
        return m


def line_of(chip: int) -> list[int]:
    line = [chip]
    while line[-1]:
        line.append(CONFIG.parents[line[-1] - 1])
    return line


@pytest.mark.parametrize("chip", [0, 1])
def test_an_event_goes_down_where_it_is_needed_and_never_back(chip: int) -> None:
    assert prove(EachGoesWhereItMust(chip))


FAULTS_OF_GATES = [
    ("self.origin != 1 + k", "self.origin != k"),
    ("(core < (c + 1) * each)", "(core <= (c + 1) * each)"),
    ("self.config.subtree(child)", "(child,)"),
]


@pytest.mark.parametrize(("right", "wrong"), FAULTS_OF_GATES)
def test_the_proof_about_gates_finds_a_fault(right: str, wrong: str) -> None:
    assert not prove(EachGoesWhereItMust(0, with_fault(Gates, right, wrong)))
