import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.host.words import StepDecoder, encode_steps
from spikeloom.mapping import place
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.event import Kind, Operation, pack
from spikeloom_hw.layout import schedule_layout
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import FABRIC, ID, Control, Errors, regions
from spikeloom_hw.window import Window
from spikeloom_hw.wrap.accelerator import Accelerator
from spikeloom_hw.wrap.single_core import SingleCore
from spikeloom_sim.bus_cosim import Access, Outcome, Port, cosimulate_buses
from spikeloom_sim.golden import Golden
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.tools import SimulationError

STEPS = 20
CORE = CoreConfig(
    lanes=4,
    update_lanes=2,
    weight_rows=256,
    neuron_rows=16,
    populations=4,
    projections=16,
    sources=8,
    phases=4,
    delay_slots=4,
)
CONFIG = ChipConfig(CORE)
# Networks in which hidden neurons fire; the first has several phases.
SEEDS: dict[Port, int] = {"axi": 4, "wishbone": 8}


def case_of(seed: int) -> tuple[Case, Program]:
    network = random_case(seed, CORE, steps=1, largest=12).network
    rng = np.random.default_rng(seed)
    spikes = {p.name: rng.random((STEPS, 1, p.size)) < 0.4 for p in network.inputs}
    return Case(network, spikes, "busy input"), place(network, CONFIG)


def words_of(case: Case, program: Program) -> list[int]:
    spikes = {name: train[:, 0] for name, train in case.spikes.items()}
    return encode_steps(spikes, program.inputs).tolist()


def writes_of(program: Program, window: Window) -> list[Access]:
    known = regions(program.config)
    return [
        Access(window.memories[name] + 4 * (row * known[name].stride + word), int(value))
        for name, image in program.images.items()
        if name in window.memories
        for row, words in enumerate(image)
        for word, value in enumerate(words)
    ]


def reads_of(writes: list[Access]) -> list[Access]:
    return [Access(write.offset) for write in writes]


def check_readback(writes: list[Access], outcomes: list[Outcome]) -> None:
    assert outcomes == [Outcome(False, write.value or 0) for write in writes]


def check_spikes(case: Case, program: Program, packets: list[list[int]]) -> None:
    decoder = StepDecoder(program.recorded, STEPS, 0)
    decoder.feed(np.array([word for packet in packets for word in packet], np.uint32))
    golden = Golden(case.network).run(case.spikes)
    for name, spikes in golden.spikes.items():
        assert np.array_equal(decoder.spikes[name], spikes[:, 0]), name


def kept(port: Port, component: Any, folder: Path) -> Path:
    path = folder / f"wrapped_{port}.v"
    path.write_text(verilog_of(component, path.stem, defined_collisions=False))
    return path


@pytest.fixture(scope="module")
def accelerators(tmp_path_factory: pytest.TempPathFactory) -> dict[Port, Path]:
    folder = tmp_path_factory.mktemp("accelerators")
    return {port: kept(port, Accelerator(CONFIG, port), folder) for port in SEEDS}


@pytest.mark.parametrize("port", SEEDS)
def test_a_network_loaded_and_run_over_buses_that_pause_fires_as_in_golden(
    accelerators: dict[Port, Path], port: Port
) -> None:
    case, program = case_of(SEEDS[port])
    window = Window(CONFIG)
    writes = writes_of(program, window)
    clear = Access(window.registers["CONTROL"], Control.CLEAR | Control.ZERO_COUNTERS)
    # A weight is read while events come: neither may disturb the other, nor wait for ever.
    weights = [w for w in writes if w.offset >= window.memories["weights"]][-1:]
    seen = cosimulate_buses(
        accelerators[port],
        port,
        words_of(case, program),
        before=[*writes, *reads_of(writes), clear],
        during=reads_of(weights),
        after=[
            Access(window.registers["ERRORS"]),
            Access(window.registers["STEPS"]),
            Access(window.registers["EVENTS_OUT"]),
            *reads_of(weights),
        ],
        steps=STEPS,
        seed=SEEDS[port],
    )
    assert not any(outcome.failed for outcome in seen.before)
    check_readback(writes, seen.before[len(writes) : -1])
    assert len(seen.during) > STEPS // 2
    check_readback(weights * len(seen.during), seen.during)
    check_spikes(case, program, seen.packets)
    counted = sum(packet[-1] for packet in seen.packets)
    assert counted > 0
    assert [outcome.value for outcome in seen.after[:3]] == [0, STEPS, counted]
    check_readback(weights, seen.after[3:])


@pytest.mark.parametrize("port", SEEDS)
def test_what_no_register_or_memory_takes_is_refused(
    accelerators: dict[Port, Path], port: Port
) -> None:
    window = Window(CONFIG)
    weights, errors = window.memories["weights"], window.registers["ERRORS"]
    gap = window.registers["STEPS"] + 4
    beyond = window.memories["record"] + 0x400
    listed = [
        (Access(window.registers["ID"]), Outcome(False, ID)),
        (Access(weights, 0x04030201), Outcome(False)),
        (Access(gap), Outcome(True)),
        (Access(gap, 1), Outcome(True)),
        (Access(errors), Outcome(False)),
        (Access(weights, 0xFF, 1), Outcome(True)),
        (Access(weights), Outcome(False, 0x04030201)),
        (Access(beyond), Outcome(True)),
        (Access(errors), Outcome(False, Errors.BAD_ADDRESS)),
        (Access(errors, Errors.BAD_ADDRESS), Outcome(False)),
        (Access(beyond, 5), Outcome(True)),
        (Access(errors), Outcome(False, Errors.BAD_ADDRESS)),
    ]
    seen = cosimulate_buses(
        accelerators[port], port, [], before=[access for access, _ in listed], seed=7
    )
    assert seen.before == [outcome for _, outcome in listed]


@pytest.mark.parametrize("port", ["axi"])
def test_a_single_core_in_a_network_fires_as_in_golden(port: Port, tmp_path: Path) -> None:
    case, program = case_of(4)
    window = Window(CONFIG, without=FABRIC)
    core = kept(port, SingleCore(CONFIG, port), tmp_path)
    writes = writes_of(program, window)
    columns = unpack_rows(schedule_layout(CORE), program.images["schedule"])
    phases = columns["phase"].tolist()
    assert len(phases) > 1
    seen = cosimulate_buses(
        core,
        port,
        words_of(case, program),
        before=[*writes, *reads_of(writes)],
        after=[Access(window.registers["ERRORS"]), Access(window.registers["STEPS"])],
        schedule=[pack(Kind.STEP, Operation.UPDATE, phase) for phase in phases],
        seed=3,
    )
    check_readback(writes, seen.before[len(writes) :])
    golden = Golden(case.network).run(case.spikes)
    for step, events in enumerate(seen.packets):
        fired = [
            pack(Kind.SPIKE, p.source, int(index))
            for p in program.populations
            if p.name in golden.spikes and p.slices
            for index in p.to_index(np.flatnonzero(golden.spikes[p.name][step, 0]))
        ]
        assert sorted(events) == sorted(fired), step
    assert any(seen.packets)
    assert [outcome.value for outcome in seen.after] == [0, STEPS]


def test_models_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = "^The simulation needs cocotbext-axi: install it with 'pip install cocotbext-axi'$"
    with pytest.raises(SimulationError, match=text):
        cosimulate_buses("nonesuch.v", "axi", [])
