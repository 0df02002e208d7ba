"""A simulated board with a serial line is served, and reached like a board."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from spikeloom import Golden, Recording, compile
from spikeloom.cli import main
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import STRUCTURES

SPIKELOOM = Path(sys.executable).with_name("spikeloom")
CORE = STRUCTURES["all per population, skipping"]


def test_run_reaches_a_serial_line_that_is_served(tmp_path: Path) -> None:
    case = random_case(11, CORE, steps=6)
    compile(case.network, ChipConfig(CORE)).save(tmp_path / "program.spikeloom")
    np.savez(tmp_path / "spikes.npz", allow_pickle=False, **case.spikes)
    command = [SPIKELOOM, "serve", "program.spikeloom", "--pty", "--link", "uart", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=tmp_path) as server:
        try:
            assert server.stdout is not None
            lines = iter(server.stdout.readline, "}\n")
            url = json.loads("".join(lines) + "}")["url"]
            files = ["--input", f"{tmp_path}/spikes.npz", "-o", f"{tmp_path}/got.npz"]
            run = ["run", f"{tmp_path}/program.spikeloom", "--url", f"{url}?wait=1", *files]
            result = CliRunner().invoke(main, run)
        finally:
            server.terminate()
    assert result.exit_code == 0, result.output
    expected = Golden(case.network).run(case.spikes)
    assert expected.difference(Recording.load(tmp_path / "got.npz")) is None


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ("--tcp 0 --link uart", "--link uart needs --pty, as a TCP port has no rate"),
        ("--pty --clock 24e6", "--clock is for a serial line; give --link uart with it"),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: str, sentence: str) -> None:
    result = CliRunner().invoke(main, ["serve", "none", *options.split()])
    assert result.exit_code == 2
    assert result.stderr == f"Error: {sentence}\n"
