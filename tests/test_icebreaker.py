"""The page for newcomers does what it says, up to the board: its commands run as they stand."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from spikeloom import Program
from spikeloom_boards.report import BuildReport

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "icebreaker.md"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """Folder in which the commands of the page ran, and what each said."""
    folder = tmp_path_factory.mktemp("page")
    tokens = MarkdownIt().parse(PAGE.read_text())
    blocks = [t.content for t in tokens if t.type == "fence" and t.info.strip() == "sh"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    said = {}
    for command in "".join(blocks).splitlines():
        ran = subprocess.run(
            command,
            shell=True,
            cwd=folder,
            capture_output=True,
            text=True,
            env={**os.environ, "PATH": path},
        )
        assert ran.returncode == 0, f"{command}: {ran.stdout}{ran.stderr}"
        said[command.split()[1]] = ran.stdout
    return folder, said


def test_the_commands_of_the_page_run(page: tuple[Path, dict[str, str]]) -> None:
    _, said = page
    assert list(said) == ["doctor", "boards", "example", "check", "build", "simulate"]
    assert "icebreaker" in said["boards"]
    assert "It fits" in said["check"]
    assert "No difference" in said["simulate"]
    assert "10 of 10 right" in said["simulate"]


def test_the_bitstream_holds_the_demo_network_at_24_mhz(
    page: tuple[Path, dict[str, str]],
) -> None:
    out = page[0] / "out"
    # Every bitstream of an iCE40 begins so (Project IceStorm), and that of an UP5K is so long.
    content = (out / "icebreaker.bin").read_bytes()
    assert content.startswith(b"\xff\x00")
    assert len(content) == 104090

    report = BuildReport.from_json((out / "report.json").read_text())
    program = Program.load(out / "program.spikeloom")
    assert report.configuration == f"{program.config.hash:016x}"
    assert report.met
    assert report.reached is not None
    assert report.reached == max(report.seeds.values()) >= 24e6
    # The path is as long as the period of the frequency that it allows.
    period = 1e9 / report.reached
    assert sum(step.delay for step in report.path) == pytest.approx(period, rel=0.1)
    assert any(step.module.startswith(("host", "fabric", "system")) for step in report.path)


def test_what_was_predicted_is_what_was_built(page: tuple[Path, dict[str, str]]) -> None:
    used = BuildReport.from_json((page[0] / "out" / "report.json").read_text()).resources
    for ram in ("block_ram", "spram"):
        assert used[ram].predicted == used[ram].synthesised == used[ram].used > 0
    assert used["lut"].predicted == pytest.approx(used["lut"].synthesised, rel=0.15)
    assert used["lut"].synthesised <= used["lut"].used <= 5280


def test_the_host_is_told_of_the_line(page: tuple[Path, dict[str, str]]) -> None:
    described = json.loads((page[0] / "out" / "board.json").read_text())
    assert described["bitstream"] == "icebreaker.bin"
    assert described["link"]["usb"] == [{"vendor": 0x0403, "product": 0x6010, "interface": 1}]
