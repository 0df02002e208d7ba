from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom.host.words import StepDecoder, encode_steps
from spikeloom.mapping import place
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.event import Kind, Operation, pack
from spikeloom_hw.program import Program
from spikeloom_hw.registers import ID, Control, Errors, Register, regions
from spikeloom_hw.window import Window
from spikeloom_hw.wrap.accelerator import Accelerator
from spikeloom_hw.wrap.single_core import SingleCore
from spikeloom_sim.bus_cosim import Access, BusRun, Outcome, Port, cosimulate_buses
from spikeloom_sim.golden import Golden
from spikeloom_sim.random_network import Case, random_case

STEPS = 6
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
# Networks of several phases, in which hidden neurons fire.
SEEDS = (4, 8)
"""Cases"""


def case_of(seed: int) -> tuple[Case, Program]:
    case = random_case(seed, CORE, steps=STEPS, largest=12)
    return case, place(case.network, CONFIG)


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
    ports: tuple[Port, ...] = ("axi", "wishbone")
    return {port: kept(port, Accelerator(CONFIG, port), folder) for port in ports}


@pytest.mark.parametrize("port", ["axi", "wishbone"])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_network_loaded_and_run_over_buses_that_pause_fires_as_in_golden(
    accelerators: dict[Port, Path], port: Port, seed: int
) -> None:
    case, program = case_of(seed)
    window = Window(CONFIG)
    writes = writes_of(program, window)
    clear = Access(window.registers["CONTROL"], Control.CLEAR | Control.ZERO_COUNTERS)
    # Weights are read while events come: neither may disturb the other.
    weights = [w for w in writes if w.offset >= window.memories["weights"]][:12]
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
        seed=seed,
    )
    assert not any(outcome.failed for outcome in seen.before)
    check_readback(writes, seen.before[len(writes) : -1])
    check_readback(weights, seen.during)
    check_spikes(case, program, seen.packets)
    counted = sum(packet[-1] for packet in seen.packets)
    assert counted > 0
    assert [outcome.value for outcome in seen.after[:3]] == [0, STEPS, counted]
    check_readback(weights, seen.after[3:])
