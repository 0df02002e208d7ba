"""The wheel holds the four packages and all their files; the source keeps the house rules."""

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ["hw/spikeloom_hw", "sim/spikeloom_sim", "boards/spikeloom_boards", "sw/spikeloom"]
FOLDERS = ["hw", "sim", "boards", "sw", "tests", "examples", "benchmarks", "docs", "scripts"]
SOURCES = sorted(p for folder in FOLDERS for p in (ROOT / folder).rglob("*.py"))
# Spelled in parts, as this file is searched too.
FORBIDDEN = ["TO" + "DO", "FIX" + "ME", "no" + "qa", "type: " + "ignore", "pyright: " + "ignore"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder)]
    done = subprocess.run([*command, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("*.whl")
    return built


def files_of(package: str) -> set[str]:
    folder = ROOT / package
    paths = [p.relative_to(folder.parent) for p in folder.rglob("*") if p.is_file()]
    # What git ignores is no part of the package: compiled modules and hidden caches.
    return {str(p) for p in paths if not any(part.startswith((".", "__py")) for part in p.parts)}


def test_the_wheel_holds_every_file_of_the_packages_and_nothing_else(wheel: Path) -> None:
    names = {n for n in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in n}
    assert names == set().union(*map(files_of, PACKAGES))


def test_the_wheel_names_its_command_and_its_licence(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (metadata,) = (n for n in archive.namelist() if n.endswith(".dist-info/METADATA"))
    (scripts,) = (n for n in archive.namelist() if n.endswith(".dist-info/entry_points.txt"))
    assert "License-Expression: Apache-2.0" in archive.read(metadata).decode()
    assert "spikeloom = spikeloom.cli:main" in archive.read(scripts).decode()


def test_the_packages_import_from_the_wheel(wheel: Path, tmp_path: Path) -> None:
    zipfile.ZipFile(wheel).extractall(tmp_path)
    names = [Path(package).name for package in PACKAGES]
    listed = ", ".join(names)
    code = f"import {listed}\nprint(*(m.__file__ for m in ({listed})), sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env={"PYTHONPATH": str(tmp_path), "PATH": "", "HOME": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.split() == [str(tmp_path / n / "__init__.py") for n in names]


@pytest.mark.parametrize("package", PACKAGES)
def test_a_source_root_holds_its_package_and_nothing_else(package: str) -> None:
    root = (ROOT / package).parent
    inside = {p.name for p in root.iterdir()} - {"__pycache__"}
    assert inside == {Path(package).name}


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_marked_as_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()


def test_no_file_is_longer_than_300_lines() -> None:
    lengths = {str(p.relative_to(ROOT)): len(p.read_text().splitlines()) for p in SOURCES}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


@pytest.mark.parametrize("word", FORBIDDEN)
def test_no_file_puts_work_off_or_silences_a_checker(word: str) -> None:
    found = [p for p in SOURCES if re.search(rf"\b{word}\b", p.read_text())]
    assert [str(p.relative_to(ROOT)) for p in found] == []


def test_the_version_is_the_newest_in_the_changelog() -> None:
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.M)
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert version and newest and version[1] == newest[1]


def test_no_lock_file_names_an_index() -> None:
    for lock in ROOT.glob("requirements*.lock"):
        assert not re.search(r"index-url|find-links|://", lock.read_text()), lock.name
