"""What the tools of place and route say becomes figures, or one sentence."""

import json
import re
from pathlib import Path

import pytest

from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.ecp5 import LFE5U_85F, LFE5UM5G_45F
from spikeloom_boards.icebreaker import ICE40UP5K
from spikeloom_boards.path import PathStep
from spikeloom_boards.route import find_shortage, pack, place_and_route
from spikeloom_boards.tools import TOOLS, BuildError, find_tool, synthesise, tool_variable

USED = """Info: Device utilisation:
Info: \t         ICESTORM_LC:    {luts}/   5280   111%
Info: \t        ICESTORM_RAM:      {rams}/     30    53%
Info: \t        ICESTORM_DSP:       2/      8    25%
Info: \t      ICESTORM_SPRAM:       4/      4   100%
"""
TIMING = {
    "fmax": {
        "slow": {"achieved": 31.5, "constraint": 24.0},
        "fast": {"achieved": 300.0, "constraint": 12.0},
    },
    "critical_paths": [
        {
            "from": "posedge slow",
            "to": "posedge slow",
            "path": [{"type": "logic", "delay": 2.0, "from": {"cell": "chip.chip.core.q"}}],
        }
    ],
}


def pretend(
    monkeypatch: pytest.MonkeyPatch, folder: Path, tool: str, script: str, status: int = 0
) -> Path:
    """Put a script in the place of a tool; the arguments that it gets are in the file given."""
    program, said = folder / f"fake-{tool}", folder / "said"
    program.write_text(f'#!/bin/sh\necho "$@" > {said}\n{script}\nexit {status}\n')
    program.chmod(0o755)
    monkeypatch.setenv(tool_variable(tool), str(program))
    return said


def speak(text: str) -> str:
    return f"cat << 'END'\n{text}\nEND"


def test_a_design_that_fits_is_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "ready.json").write_text(json.dumps(TIMING))
    script = f"{speak(USED.format(luts=4292, rams=12))}\ncp ready.json timing.json"
    said = pretend(monkeypatch, tmp_path, "nextpnr-ice40", script)
    routed = place_and_route(ICE40UP5K, 24e6, tmp_path, 7)
    assert routed.seed == 7
    assert routed.used == {"lut": 4292, "block_ram": 12, "spram": 4, "dsp": 2}
    assert routed.frequency == 31.5e6
    assert routed.path == (PathStep("core", 2.0, 0.0),)
    given = said.read_text().split()
    assert given[:3] == ["--up5k", "--package", "sg48"]
    assert given[given.index("--freq") + 1] == "24"
    assert given[given.index("--seed") + 1] == "7"


def test_a_design_that_does_not_fit_is_told_with_its_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = USED.format(luts=6486, rams=31) + "ERROR: Failed to expand region"
    pretend(monkeypatch, tmp_path, "nextpnr-ice40", speak(log), 1)
    with pytest.raises(BuildError) as caught:
        place_and_route(ICE40UP5K, 24e6, tmp_path, 1)
    found = re.fullmatch(
        r"The design needs 6486 logic cells, but iCE40UP5K has 5280 and 31 block RAMs, but "
        r"iCE40UP5K has 30; the log of nextpnr-ice40 is (\S+\.log)",
        str(caught.value),
    )
    assert found
    kept = Path(found[1])
    assert "Failed to expand region" in kept.read_text()
    kept.unlink()


def test_a_tool_that_fails_is_told_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path, "nextpnr-ecp5", speak("ERROR: no such pin."), 1)
    message = r"^nextpnr-ecp5 failed: no such pin; its log is (\S+\.log)$"
    with pytest.raises(BuildError, match=message) as caught:
        place_and_route(LFE5U_85F, 100e6, tmp_path, 1)
    Path(str(caught.value).rpartition(" ")[2]).unlink()


COMMANDS = {
    "ulx3s-85f": ("nextpnr-ecp5", "--85k --package CABGA381 --speed 6"),
    "ulx3s-12f": ("nextpnr-ecp5", "--12k --package CABGA381 --speed 6"),
    "orangecrab-25f": ("nextpnr-ecp5", "--25k --package CSFBGA285 --speed 8"),
    "ecpix5-45": ("nextpnr-ecp5", "--um5g-45k --package CABGA554 --speed 8"),
    "ecpix5-85": ("nextpnr-ecp5", "--um5g-85k --package CABGA554 --speed 8"),
    "tang-nano-9k": (
        "nextpnr-himbaechel",
        "--device GW1NR-LV9QN88PC6/I5 --vopt family=GW1N-9C --vopt cst=top.cst",
    ),
    "tang-nano-20k": (
        "nextpnr-himbaechel",
        "--device GW2AR-LV18QN88C8/I7 --vopt family=GW2A-18C --vopt cst=top.cst",
    ),
}


@pytest.mark.parametrize(("name", "command"), COMMANDS.items())
def test_the_tool_is_told_the_part(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: tuple[str, str]
) -> None:
    (tmp_path / "timing.json").write_text(json.dumps(TIMING))
    said = pretend(monkeypatch, tmp_path, command[0], "true")
    place_and_route(BOARDS[name].device, BOARDS[name].frequency, tmp_path, 1)
    assert said.read_text().startswith(command[1])


def test_a_bitstream_that_is_not_there_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend(monkeypatch, tmp_path, "icepack", "true")
    with pytest.raises(BuildError, match=r"^icepack failed; its log is \S+\.log$") as caught:
        pack(ICE40UP5K, tmp_path)
    Path(str(caught.value).rpartition(" ")[2]).unlink()


def test_nothing_is_short_if_all_fits() -> None:
    assert find_shortage(LFE5UM5G_45F, {"lut": 43_848, "dsp": 0}) == ""
    short = find_shortage(LFE5UM5G_45F, {"lut": 43_849})
    assert short == "The design needs 43849 LUT4, but LFE5UM5G-45F has 43848"


@pytest.mark.parametrize("tool", TOOLS)
def test_the_tools_of_the_packages_are_found(tool: str) -> None:
    assert Path(find_tool(tool)).name == TOOLS[tool]


def test_a_variable_that_names_nothing_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTPNR_ECP5", "no-such-tool")
    message = "^NEXTPNR_ECP5 names no-such-tool, which is not a program$"
    with pytest.raises(BuildError, match=message):
        find_tool("nextpnr-ecp5")
    monkeypatch.setenv("YOSYS", str(tmp_path / "none"))
    with pytest.raises(BuildError, match=r"^YOSYS names \S+/none, which is not a program$"):
        synthesise(["help"], tmp_path)


def test_a_yosys_that_is_asked_for_gets_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = pretend(monkeypatch, tmp_path, "yosys", "echo done > synthesis.log")
    assert synthesise(["help", "stat"], tmp_path) == "done\n"
    assert said.read_text() == "-l synthesis.log -s synthesis.ys\n"
    assert (tmp_path / "synthesis.ys").read_text() == "help\nstat\n"
    pretend(monkeypatch, tmp_path, "yosys", "echo 'ERROR: no module.' > synthesis.log", 1)
    message = r"^Yosys failed: no module; its log is (\S+\.log)$"
    with pytest.raises(BuildError, match=message) as caught:
        synthesise(["help"], tmp_path)
    Path(str(caught.value).rpartition(" ")[2]).unlink()


def test_a_fault_of_the_library_is_told(tmp_path: Path) -> None:
    with pytest.raises(BuildError, match=r"^Yosys failed: .*no-such-file.*; its log is \S+$") as e:
        synthesise(["read_rtlil no-such-file.il"], tmp_path)
    Path(str(e.value).rpartition(" ")[2]).unlink()
