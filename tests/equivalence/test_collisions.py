"""Icarus, where a read of a row that is written in the same cycle gives X: the same events."""

from pathlib import Path

import pytest

from spikeloom import Golden, compile
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_sim.cosim import cosimulate
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import STRUCTURES

STEPS = 6
CASES = 3
PATIENCE = 3000


@pytest.mark.parametrize("queue", [0, 32])
@pytest.mark.parametrize("structure", ["everything", "plain integrate and fire"])
def test_no_read_that_meets_a_write_is_used(structure: str, queue: int, tmp_path: Path) -> None:
    config = ChipConfig(STRUCTURES[structure], queue=queue)
    text = verilog_of(Chip(config), "spikeloom", defined_collisions=False)
    assert "'hx" in text
    path = tmp_path / "spikeloom.v"
    path.write_text(text)
    drawn = [random_case(seed, config.core, steps=STEPS, largest=14) for seed in range(CASES)]
    programs = [compile(case.network, config) for case in drawn]
    scripts = [
        script_of(program, {name: array[:, 0] for name, array in case.spikes.items()})
        for case, program in zip(drawn, programs, strict=True)
    ]
    exchanges = cosimulate(path, scripts, seed=1, patience=PATIENCE)
    for case, program, exchange in zip(drawn, programs, exchanges, strict=True):
        expected = Golden(case.network).run(case.spikes)
        recording = read_run(program, exchange.output, STEPS)
        assert expected.difference(recording) is None, case.mood
        for counter, count in expected.counters.items():
            assert recording.counters[counter] == count, case.mood
