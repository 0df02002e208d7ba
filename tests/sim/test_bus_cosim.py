import importlib.util
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from spikeloom.host.memories import Memories
from spikeloom.host.readback import read_state
from spikeloom.host.session import Session
from spikeloom.host.words import StepDecoder, encode_steps
from spikeloom.mapping import place
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.program import Program
from spikeloom_hw.registers import ID, Control, Errors
from spikeloom_hw.window import Window
from spikeloom_hw.wrap.accelerator import Accelerator
from spikeloom_sim.bus_access import Access, Outcome, Readback, loads_of
from spikeloom_sim.bus_cosim import Port, cosimulate_buses
from spikeloom_sim.golden import Golden
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.tools import SimulationError

STEPS = 12
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


def case_of(seed: int, cores: int = 1) -> tuple[Case, Program]:
    network = random_case(seed, CORE, steps=1, largest=12).network
    rng = np.random.default_rng(seed)
    spikes = {p.name: rng.random((STEPS, 1, p.size)) < 0.4 for p in network.inputs}
    pins = {p.name: k % cores for k, p in enumerate(network.neurons)}
    program = place(network, replace(CONFIG, cores=cores), pins=pins)
    return Case(network, spikes, "busy input"), program


def words_of(case: Case, program: Program) -> list[int]:
    spikes = {name: train[:, 0] for name, train in case.spikes.items()}
    return encode_steps(spikes, program.inputs).tolist()


def reads_of(writes: list[Access]) -> list[Access]:
    return [Access(write.offset) for write in writes]


def check_readback(writes: list[Access], outcomes: list[Outcome]) -> None:
    assert outcomes == [Outcome(False, write.value or 0) for write in writes]


def read_states(case: Case, program: Program, session: Readback) -> dict[str, Any]:
    memories = Memories(cast(Session, session), program.config)
    return {
        p.name: read_state(memories, program, program.population(p.name))
        for p in case.network.neurons
    }


def check(case: Case, program: Program, packets: list[list[int]], states: Any) -> None:
    decoder = StepDecoder(program.recorded, STEPS, 0)
    decoder.feed(np.array([word for packet in packets for word in packet], np.uint32))
    golden = Golden(case.network)
    for name, spikes in golden.run(case.spikes).spikes.items():
        assert np.array_equal(decoder.spikes[name], spikes[:, 0]), name
    assert golden.state is not None
    for name, members in states.items():
        for member, values in members.items():
            assert np.array_equal(values, getattr(golden.state[name], member)[0]), (name, member)


def kept(port: Port, component: Any, folder: Path) -> Path:
    path = folder / f"wrapped_{port}.v"
    path.write_text(verilog_of(component, path.stem, defined_collisions=False))
    return path


@pytest.fixture(scope="module")
def accelerators(tmp_path_factory: pytest.TempPathFactory) -> dict[Port, Path]:
    folder = tmp_path_factory.mktemp("accelerators")
    return {port: kept(port, Accelerator(CONFIG, port), folder) for port in SEEDS}


@pytest.mark.parametrize("port", SEEDS)
@pytest.mark.parametrize("cores", [1, 2])
def test_a_network_loaded_and_run_over_buses_that_pause_fires_as_in_golden(
    accelerators: dict[Port, Path], port: Port, cores: int, tmp_path: Path
) -> None:
    case, program = case_of(SEEDS[port], cores)
    used = {piece.core for p in program.populations for piece in p.slices}
    assert used == set(range(cores))
    several = cores > 1
    verilog = kept(port, Accelerator(program.config, port), tmp_path) if several else None
    window = Window(program.config)
    writes = loads_of(program, window)
    clear = Access(window.registers["CONTROL"], Control.CLEAR | Control.ZERO_COUNTERS)
    # A weight is read while events come: neither may disturb the other, nor wait for ever.
    weights = [w for w in writes if w.offset >= window.memories["weights"]][-1:]
    session = Readback(window)
    read_states(case, program, session)
    told = [Access(window.registers[name]) for name in ("ERRORS", "STEPS", "EVENTS_OUT")]
    seen = cosimulate_buses(
        verilog or accelerators[port],
        port,
        words_of(case, program),
        before=[*writes, *reads_of(writes), clear],
        during=reads_of(weights),
        after=[*told, *reads_of(weights), *session.accesses],
        steps=STEPS,
        seed=SEEDS[port],
    )
    assert not any(outcome.failed for outcome in seen.before)
    check_readback(writes, seen.before[len(writes) : -1])
    assert len(seen.during) > STEPS // 3
    check_readback(weights * len(seen.during), seen.during)
    session.answer(seen.after[len(told) + 1 :])
    check(case, program, seen.packets, read_states(case, program, session))
    counted = sum(packet[-1] for packet in seen.packets)
    assert counted > 0
    assert [outcome.value for outcome in seen.after[: len(told)]] == [0, STEPS, counted]
    check_readback(weights, [seen.after[len(told)]])


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


def test_models_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    text = "^The simulation needs cocotbext-axi: install it with 'pip install cocotbext-axi'$"
    with pytest.raises(SimulationError, match=text):
        cosimulate_buses("nonesuch.v", "axi", [])
