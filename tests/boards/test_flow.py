"""A build gives a bitstream with its report, or one sentence and nothing else."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import LIF, Network, Program, compile, quantise
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.flow import BuildOptions, build_board
from spikeloom_boards.tools import BuildError
from spikeloom_hw.yosys import run_yosys

COMMON = {
    "board.json",
    "program.spikeloom",
    "report.json",
    "report.svg",
    "report.txt",
    "spikeloom.h",
    "spikeloom.map.json",
    "spikeloom.v",
}


def small(board: str, lanes: int, inputs: int = 6, neurons: int = 5) -> Program:
    """Program of a few neurons, for the least hardware."""
    random = np.random.default_rng(3)
    network = Network()
    network.add_input("in", inputs)
    network.add_population("out", neurons, LIF(decay=0.5))
    network.connect("in", "out", random.normal(0.2, 0.5, (inputs, neurons)))
    target = replace(BOARDS[board].target, lanes=lanes, update_lanes=1)
    return compile(quantise(network), target)


def test_vivado_gets_all_that_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = ({"LUT4": 10, "LUT6": 5, "FDRE": 7, "RAMB36E1": 1, "RAMB18E1": 3}, "")
    monkeypatch.setattr("spikeloom_boards.flow.synthesise_for", lambda *_: cells)
    board, folder = BOARDS["arty-a7-35"], tmp_path / "out"
    build = build_board(small("arty-a7-35", 4), board, folder)
    assert build.bitstream is None
    names = {path.name for path in build.files}
    assert names >= COMMON | {"top.v", "top.xdc", "top.tcl"}
    assert "add_files {top.v spikeloom.v}" in (folder / "top.tcl").read_text()
    assert "read_xdc top.xdc" in (folder / "top.tcl").read_text()
    assert build.report.met is None
    used = {name: resource.used for name, resource in build.report.resources.items()}
    assert used == {"lut": 15, "ff": 7, "block_ram": 3, "dsp": 0}
    # The two files of Verilog are one design.
    check = ["read_verilog top.v spikeloom.v", "read_verilog -lib +/xilinx/cells_sim.v"]
    log = run_yosys([*check, "hierarchy -check -top top", "check -assert"], folder)
    assert "Found and reported 0 problems" in log


def test_a_failure_leaves_the_folder_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tool = tmp_path / "fails"
    tool.write_text("#!/bin/sh\necho 'ERROR: it is broken'\nexit 1\n")
    tool.chmod(0o755)
    monkeypatch.setenv("NEXTPNR_ICE40", str(tool))
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "report.json").write_text("precious")
    cells = ({"SB_LUT4": 10}, "")
    monkeypatch.setattr("spikeloom_boards.flow.synthesise_for", lambda *_: cells)
    message = r"^nextpnr-ice40 failed: it is broken; its log is \S+$"
    with pytest.raises(BuildError, match=message) as caught:
        build_board(small("icebreaker", 4), BOARDS["icebreaker"], folder)
    Path(str(caught.value).rpartition(" ")[2]).unlink()
    assert [path.name for path in folder.iterdir()] == ["report.json"]
    assert (folder / "report.json").read_text() == "precious"
    assert {path.name for path in tmp_path.iterdir()} == {"fails", "out"}


def test_weights_that_have_no_room_are_told_before_anything_is_done(tmp_path: Path) -> None:
    program = small("ulx3s-85f", 32, inputs=800, neurons=512)
    board = BOARDS["ulx3s-85f"]
    needed = board.weights_of(program.config)
    assert needed >= 800 * 512 * 8 > board.weight_bits == 2621440
    message = (
        f"^The weights take {needed} bits, but ulx3s-85f has 2621440 for them; quantise to fewer "
        f"bits, or take a larger board$"
    )
    with pytest.raises(BuildError, match=message):
        build_board(program, board, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_folder_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ValueError, match=r"^\S+/file is a file; give the name of a folder$"):
        build_board(small("icebreaker", 4), BOARDS["icebreaker"], tmp_path / "file")


WRONG: list[tuple[Any, Any, str]] = [
    (None, BOARDS["icebreaker"], "Program must be a Program, not NoneType: compile one"),
    ("program", "icebreaker", "Board must be one of BOARDS, not str"),
]


@pytest.mark.parametrize(("program", "board", "sentence"), WRONG)
def test_arguments_of_the_wrong_kind_are_told(
    tmp_path: Path, program: Any, board: Any, sentence: str
) -> None:
    given = small("icebreaker", 4) if program == "program" else program
    with pytest.raises(TypeError, match=f"^{sentence}$"):
        build_board(given, board, tmp_path)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [({"seeds": 0}, "Seeds must be at least 1, not 0"), ({"seed": -1}, "Seed must be .* not -1")],
)
def test_seeds_without_a_meaning_are_told(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        BuildOptions(**options)
