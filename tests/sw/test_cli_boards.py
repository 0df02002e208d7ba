"""The commands for boards answer people and machines, and say in a sentence what is wrong."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spikeloom import LIF, Network, quantise
from spikeloom.cli import main
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.flow import Build
from spikeloom_boards.report import BuildReport, Resource


def spikeloom(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def report(result: Result) -> dict[str, Any]:
    return json.loads(result.stdout)


def save(path: Path, inputs: int, neurons: int) -> Path:
    """Save a small network, with a current that no board has too few bits for."""
    random = np.random.default_rng(4)
    network = Network()
    network.add_input("in", inputs)
    network.add_population("out", neurons, LIF(decay=0.9))
    network.connect("in", "out", random.normal(0.2, 0.5, (inputs, neurons)))
    quantise(network).save(path)
    return path


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save(tmp_path_factory.mktemp("boards") / "network.npz", 9, 7)


def built(folder: Path, board: str, bitstream: str | None) -> Path:
    folder.mkdir()
    (folder / "board.json").write_text(json.dumps({"board": board, "bitstream": bitstream}))
    if bitstream:
        (folder / bitstream).write_bytes(b"\x7e")
    return folder


def test_boards_lists_what_each_can_hold() -> None:
    listed = {entry["name"]: entry for entry in report(spikeloom("boards", "--json"))["boards"]}
    assert list(listed) == list(BOARDS)
    icebreaker = listed["icebreaker"]
    # Four SPRAM of 256 Kibit, as the data sheet of the part says.
    assert icebreaker["synapses_8_bits"] == 4 * 256 * 1024 // 8
    assert icebreaker["usb"] == ["0403:6010"]
    assert icebreaker["programmer"] == ["openFPGALoader", "iceprog"]
    assert listed["orangecrab-25f"]["usb"] == []
    shown = spikeloom("boards").stdout
    assert all(name in shown for name in BOARDS)


@pytest.mark.parametrize("option", ["--board", "--target"])
def test_check_tells_what_of_a_board_a_network_takes(network: Path, option: str) -> None:
    result = spikeloom("check", network, option, "icebreaker", "--json")
    assert result.exit_code == 0, result.output
    board = report(result)["board"]
    assert board["device"] == "iCE40UP5K"
    assert board["weight_bits"] == {"needed": 9 * 8 * 8, "there": 4 << 18}
    assert board["cells"]["lut"]["there"] == 5280
    assert 0 < board["cells"]["lut"]["predicted"]
    assert "iCE40UP5K of the icebreaker" in spikeloom("check", network, option, "icebreaker").stdout


def test_check_tells_that_the_weights_do_not_fit_a_board(tmp_path: Path) -> None:
    large = save(tmp_path / "large.npz", 620, 256)
    result = spikeloom("check", large, "--board", "icebreaker", "--json")
    assert result.exit_code == 1
    assert report(result)["fits"] is False
    assert "1048576 for them; quantise to fewer bits" in report(result)["reason"]


def test_a_board_and_a_target_do_not_go_together(network: Path, tmp_path: Path) -> None:
    both = ("--board", "icebreaker", "--target", "generic-4")
    result = spikeloom("check", network, *both)
    assert result.exit_code == 2
    said = "Error: Give --target or --board, not both: a board has a target of its own\n"
    assert result.stderr == said
    result = spikeloom("build", network, "-o", tmp_path / "out", *both)
    assert result.stderr == "Error: --target is set by the board; leave it or --board out\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("reached", "code"), [(25e6, 0), (20e6, 1)])
def test_build_tells_what_became_of_it(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reached: float, code: int
) -> None:
    asked = {}

    def pretend(program: Any, board: Any, folder: Path, options: Any) -> Build:
        asked.update(program=program, board=board, options=options)
        told = BuildReport(
            board=board.name,
            device=board.device.part,
            configuration="0",
            wanted=board.frequency,
            resources={"lut": Resource(40, 5280, 30, 29)},
            reached=reached,
        )
        return Build(told, folder, (folder / "report.json",), folder / "icebreaker.bin")

    monkeypatch.setattr(sys.modules["spikeloom.cli.build"], "build_board", pretend)
    common = ("build", network, "--board", "icebreaker", "-o", tmp_path / "out", "--seeds", 2)
    result = spikeloom(*common, "--json")
    assert result.exit_code == code, result.output
    assert asked["board"] is BOARDS["icebreaker"]
    assert asked["program"].config.core.lanes == asked["board"].target.lanes
    assert asked["options"].seeds == 2
    assert asked["options"].predicted["lut"] > 0
    assert asked["options"].activity["events"] > 0
    assert report(result)["report"]["resources"]["lut"]["used"] == 40
    assert report(result)["bitstream"].endswith("icebreaker.bin")
    verdict = "Reaches 25 MHz" if reached == 25e6 else "Too slow: reaches 20 MHz"
    assert verdict in spikeloom(*common).stdout


def test_program_prints_the_command_that_it_would_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENFPGALOADER", "loader")
    folder = built(tmp_path / "out", "icebreaker", "icebreaker.bin")
    common = ("program", "--board", "icebreaker", folder, "--dry-run")
    result = spikeloom(*common)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"loader --board ice40_generic {folder}/icebreaker.bin\n"
    values = report(spikeloom(*common, "--json"))
    assert values["programmed"] is False
    assert values["command"][0] == "loader"


def test_program_runs_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, loader = tmp_path / "said", tmp_path / "loader"
    loader.write_text(f'#!/bin/sh\necho "$@" > {said}\n')
    loader.chmod(0o755)
    monkeypatch.setenv("OPENFPGALOADER", str(loader))
    folder = built(tmp_path / "out", "ulx3s-85f", "ulx3s-85f.bit")
    result = spikeloom("program", folder, "--flash", "--json")
    assert result.exit_code == 0, result.output
    assert report(result)["programmed"] is True
    assert said.read_text() == f"--board ulx3s --write-flash {folder}/ulx3s-85f.bit\n"


def test_program_says_what_is_wrong(tmp_path: Path) -> None:
    result = spikeloom("program", tmp_path, "--json")
    assert result.exit_code == 2
    sentence = f"{tmp_path} holds no board that was built; run 'spikeloom build --board' first"
    assert report(result) == {"error": sentence}
    folder = built(tmp_path / "out", "icebreaker", "icebreaker.bin")
    result = spikeloom("program", folder, "--board", "ulx3s-12f")
    assert result.stderr == f"Error: {folder} holds a build for icebreaker, not for ulx3s-12f\n"
