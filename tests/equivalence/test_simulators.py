"""Golden model, Amaranth simulation, CXXRTL, Icarus and Verilator: the same events, to the last.

Here a few networks of each structure run, fewer where a simulator is slow. With SPIKELOOM_CASES,
which benchmarks/equivalence.py sets, so many run everywhere.
"""

import os
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from spikeloom import Golden, Program, compile
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.bench import simulate_bytes
from spikeloom_sim.compiled import CompiledChip, emitted_verilog
from spikeloom_sim.cosim import cosimulate
from spikeloom_sim.exchange import Exchange
from spikeloom_sim.library import Engine
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.structures import STRUCTURES

STEPS = 6
LARGEST = 14
PATIENCE = 1500  # more than the longest silence of a chip that is at work on these networks
DRAWN = 40
ALL = "SPIKELOOM_CASES" in os.environ
CASES = int(os.environ.get("SPIKELOOM_CASES", "10"))
FEW = max(3, CASES // 4)
# Verilator runs every structure; the others these, with most parts, and the widest words.
FEWER = ("everything", "plain integrate and fire", "many lanes, current-based")
SHARE = tuple(STRUCTURES) if ALL else FEWER


@cache
def cases(structure: str) -> list[tuple[Case, Program, bytes]]:
    """Networks for one structure, their programs, and the bytes that load and run them."""
    core = STRUCTURES[structure]
    drawn = []
    for seed in range(CASES):
        case = random_case(seed, core, steps=STEPS, largest=LARGEST)
        program = compile(case.network, ChipConfig(core))
        sample = {name: array[:, 0] for name, array in case.spikes.items()}
        drawn.append((case, program, script_of(program, sample)))
    return drawn


def check(structure: str, run: Callable[[list[bytes]], list[Exchange]], count: int = CASES) -> None:
    """Hold every case that ``run`` simulates against the golden model."""
    drawn = cases(structure)[:count]
    exchanges = run([script for _, _, script in drawn])
    assert len(exchanges) == count
    for number, ((case, program, _), exchange) in enumerate(zip(drawn, exchanges, strict=True)):
        expected = Golden(case.network).run(case.spikes)
        recording = read_run(program, exchange.output, STEPS)
        assert expected.difference(recording) is None, f"case {number}, {case.mood}"
        for counter, count in expected.counters.items():
            assert recording.counters[counter] == count, f"case {number}, {case.mood}"


def check_with_stalls(structure: str, engine: Engine) -> None:
    """Hold every case against the golden model, with a line that is always ready and one not."""
    chip = CompiledChip(verilog(structure), engine=engine)
    for seed in (None, 1):
        check(structure, lambda scripts, seed=seed: [chip.exchange(s, seed=seed) for s in scripts])


def verilog(structure: str) -> Path:
    return emitted_verilog(ChipConfig(STRUCTURES[structure]))


@pytest.mark.parametrize("structure", STRUCTURES)
def test_the_cases_are_of_every_kind(structure: str) -> None:
    core = STRUCTURES[structure]
    drawn = [random_case(seed, core, steps=STEPS, largest=LARGEST) for seed in range(DRAWN)]
    fired = [
        sum(int(s.sum()) for s in Golden(case.network).run(case.spikes).spikes.values())
        for case in drawn
    ]
    assert np.count_nonzero(fired) > DRAWN // 2
    assert fired.count(0) > 0
    assert {case.mood for case in drawn} >= {"silent input", "all fire", "extreme weights"}
    assert any(p.source == p.target for case in drawn for p in case.network.projections)


@pytest.mark.parametrize("structure", SHARE)
def test_amaranth_equals_golden(structure: str) -> None:
    chip = Chip(ChipConfig(STRUCTURES[structure]))
    check(structure, lambda scripts: simulate_bytes(chip, scripts, patience=PATIENCE), FEW)


@pytest.mark.parametrize("structure", STRUCTURES)
def test_verilator_equals_golden(structure: str) -> None:
    check_with_stalls(structure, "verilator")


@pytest.mark.parametrize("structure", SHARE)
def test_cxxrtl_equals_golden(structure: str) -> None:
    check_with_stalls(structure, "cxxrtl")


@pytest.mark.parametrize("structure", SHARE)
def test_icarus_equals_golden(structure: str) -> None:
    check(
        structure,
        lambda scripts: cosimulate(
            verilog(structure), scripts, simulator="icarus", patience=PATIENCE
        ),
    )
