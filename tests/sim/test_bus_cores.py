"""Single cores behind the port of a bus, in a network whose every channel pauses at random."""

from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from spikeloom import LIF, Golden, Network, compile, quantise
from spikeloom.host.memories import Memories
from spikeloom.host.readback import read_state, read_weights
from spikeloom.host.session import Session
from spikeloom.host.teaching import encode_teaching
from spikeloom.host.words import StepDecoder, encode_steps
from spikeloom.learning import reward_stdp
from spikeloom_boards.target import Target
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.event import VALUED, Kind, pack, pack_values, unpack
from spikeloom_hw.layout import schedule_layout
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import FABRIC
from spikeloom_hw.window import Window
from spikeloom_hw.wrap.single_core import SingleCore
from spikeloom_sim.bus_access import Access, Outcome, Readback, loads_of
from spikeloom_sim.bus_cosim import Port, cosimulate_buses
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.random_network import random_case
from spikeloom_sim.recording import Recording
from spikeloom_sim.structures import STRUCTURES

STEPS = 10
TABLES: dict[str, Any] = {"populations": 4, "projections": 16, "sources": 8, "phases": 4}
SMALL: dict[str, Any] = {"lanes": 4, "update_lanes": 2, "weight_rows": 256, "neuron_rows": 16}
SPIKES = CoreConfig(**SMALL, **TABLES, delay_slots=4)
VALUES = replace(STRUCTURES["values"], **SMALL, **TABLES)


class Run:
    """What a core did: what it sent as words of a host, and what is in its memories."""

    def __init__(self, program: Program, port: Port, words: list[int], folder: Path) -> None:
        config = program.config
        window = Window(config, without=FABRIC)
        path = folder / "core.v"
        path.write_text(verilog_of(SingleCore(config, port), "core", defined_collisions=False))
        writes = loads_of(program, window)
        self.program, self.session = program, Readback(window)
        self.read()
        # What is read while events come is what was loaded: no event was in its way.
        (during,) = [w for w in writes if w.offset == window.memories["sources"]]
        told = [Access(window.registers[name]) for name in ("ERRORS", "STEPS")]
        columns = unpack_rows(schedule_layout(config.core), program.images["schedule"])
        entries = zip(columns["operation"].tolist(), columns["phase"].tolist(), strict=True)
        self.schedule = [pack(Kind.STEP, *entry) for entry in entries]
        seen = cosimulate_buses(
            path,
            port,
            words,
            before=[*writes, *(Access(write.offset) for write in writes)],
            during=[Access(during.offset)],
            after=[*told, *self.session.accesses],
            schedule=self.schedule,
            seed=3,
        )
        outcomes = [Outcome(False, write.value or 0) for write in writes]
        assert seen.before[len(writes) :] == outcomes
        assert seen.during == [Outcome(False, during.value or 0)] * len(seen.during)
        assert len(seen.during) > STEPS // 2
        assert seen.after[:2] == [Outcome(False, 0), Outcome(False, STEPS)]
        self.session.answer(seen.after[2:])
        self.packets = seen.packets

    def read(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        """States by population, and weights of what learns."""
        memories = Memories(cast(Session, self.session), self.program.config)
        neurons = [p for p in self.program.populations if p.slices]
        plastic = self.program.plastic
        return (
            {p.name: read_state(memories, self.program, p) for p in neurons},
            [read_weights(memories, self.program, p) for p in plastic],
        )

    def sent(self) -> StepDecoder:
        """What the recorder of a chip would make of the events."""
        decoder = StepDecoder(self.program.recorded, len(self.packets), 0)
        recorded = {p.source for p in self.program.recorded}
        width = self.program.config.core.value_width
        for step, events in enumerate(self.packets):
            words = []
            for event in events:
                kind, source, _ = unpack(event & 0xFFFFFFFF)
                if source in recorded:
                    words.append([event & 0xFFFFFFFF])
                    if kind in VALUED:
                        value = (event >> 32) - (event >> 31 + width << width)
                        words[-1] += pack_values(np.array([value])).tolist()
            account = [pack(Kind.STEP, 0, step), len(words)]
            decoder.feed(np.array([*sum(words, []), *account], np.uint32))
        return decoder


def check(run: Run, golden: Golden, expected: Recording) -> None:
    sent = run.sent()
    for name, spikes in expected.spikes.items():
        assert np.array_equal(sent.spikes[name], spikes[:, 0]), name
    for name, values in expected.values.items():
        assert np.array_equal(sent.values[name], values[:, 0]), name
    states, weights = run.read()
    assert golden.state is not None
    for name, members in states.items():
        for member, values in members.items():
            assert np.array_equal(values, getattr(golden.state[name], member)[0]), (name, member)
    learned = golden.learned
    plastic = plastic_projections(learned.projections, learned.phases).values()
    for found, projection in zip(weights, plastic, strict=True):
        assert np.array_equal(found, projection.weights)


def drawn(seed: int, core: CoreConfig) -> tuple[QuantisedNetwork, dict[str, np.ndarray]]:
    case = random_case(seed, core, steps=STEPS, largest=12)
    return case.network, case.spikes


@pytest.mark.parametrize(
    ("port", "core", "seed"),
    [("axi", SPIKES, 4), ("wishbone", VALUES, 7)],
    ids=["axi, spikes", "wishbone, values"],
)
def test_a_single_core_in_a_network_does_what_golden_does(
    port: Port, core: CoreConfig, seed: int, tmp_path: Path
) -> None:
    network, spikes = drawn(seed, core)
    program = compile(network, ChipConfig(core))
    golden = Golden(network)
    expected = golden.run(spikes)
    words = encode_steps({name: train[:, 0] for name, train in spikes.items()}, program.inputs)
    run = Run(program, port, words.tolist(), tmp_path)
    assert len(run.schedule) > 1
    check(run, golden, expected)
    valued = core.value_width > 0
    assert (Kind.GRADED in unpack(words)[0]) == valued
    kinds = {unpack(event & 0xFFFFFFFF)[0] for events in run.packets for event in events}
    assert kinds == ({Kind.SPIKE, Kind.READOUT} if valued else {Kind.SPIKE})


def test_a_single_core_learns_from_rewards_as_golden_does(tmp_path: Path) -> None:
    network = Network()
    network.add_input("in", 5)
    network.add_population("out", 3, LIF(decay=0.9, threshold=0.8))
    rng = np.random.default_rng(3)
    rule = reward_stdp((0.3, 0.2))
    network.connect("in", "out", rng.uniform(0, 0.6, (5, 3)), rule=rule)
    quantised = quantise(network)
    program = compile(quantised, Target("small", "two lanes", 2, 1, 64, 8))
    golden = Golden(quantised)
    spikes = {"in": rng.random((STEPS, 5)) < 0.5}
    modulator = rng.integers(-60, 100, STEPS) * (np.arange(STEPS) % 3 == 2)
    expected = golden.run(spikes, modulator=modulator)
    taught = encode_teaching(program, {"modulator": modulator}, STEPS)
    words = encode_steps(spikes, program.inputs, taught)
    check(Run(program, "axi", words.tolist(), tmp_path), golden, expected)
    (before,), (after,) = (n.projections for n in (quantised, golden.learned))
    assert not np.array_equal(before.weights, after.weights)
