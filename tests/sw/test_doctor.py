"""The doctor finds what is there, and says how to get what is not."""

from pathlib import Path

import numpy as np
import pytest

from spikeloom import doctor


def test_what_this_suite_runs_on_is_found() -> None:
    found = {tool.name: tool for tool in doctor.examine()}
    assert found["numpy"].version == np.__version__
    assert [tool.name for tool in found.values() if tool.needed and not tool.version] == []
    assert all(tool.remedy and tool.purpose for tool in found.values())


def test_a_program_that_is_not_on_the_path_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.program_version("g++") is None


@pytest.mark.parametrize(
    ("script", "version"),
    [("echo 'tool (Distribution 5) 12.2.0'", "12.2.0"), ("echo none", "unknown"), ("exit 3", None)],
)
def test_a_program_tells_its_version_if_it_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, version: str | None
) -> None:
    program = tmp_path / "some-tool"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert doctor.program_version("some-tool") == version


def test_a_package_that_is_not_installed_is_missing() -> None:
    assert doctor.package_version("no-such-package-of-spikeloom") is None
