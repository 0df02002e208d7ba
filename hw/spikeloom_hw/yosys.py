"""Yosys, the native library from the package index, run in a process of its own."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from .ram_shape import LOGIC_COST
from .validate import check_choice

__all__ = ["YosysError", "run_yosys", "synthesis", "yosys_version"]

_PROCESS = """
import sys
from pyosys import libyosys
libyosys.run_pass("tee -q -o " + sys.argv[2] + " script " + sys.argv[1], libyosys.Design())
"""

_SYNTHESIS = {
    "ecp5": ["synth_ecp5 -top {top}"],
    "gw1n": ["synth_gowin -nowidelut -family gw1n -top {top}"],
    "gw2a": ["synth_gowin -nowidelut -family gw2a -top {top}"],
    # A flip-flop takes a whole logic cell there, so that block RAM is worth more than by default.
    "ice40": [
        "synth_ice40 -device u -spram -dsp -abc9 -top {top} -run begin:map_ram",
        "memory_libmap -lib +/ice40/brams.txt -lib +/ice40/spram.txt -logic-cost-ram {cost}",
        "techmap -map +/ice40/brams_map.v -map +/ice40/spram_map.v",
        "ice40_braminit",
        "synth_ice40 -device u -spram -dsp -abc9 -top {top} -run map_ffram:",
    ],
    "xilinx": ["synth_xilinx -family xc7 -flatten -top {top}"],
}


class YosysError(RuntimeError):
    """Yosys is missing, or could not do what it was asked."""


def yosys_version() -> str:
    """Version of Yosys; it is part of what decides how the Verilog is written.

    Raises
    ------
    YosysError
        If Yosys is missing.
    """
    if importlib.util.find_spec("pyosys") is None:
        raise YosysError("Yosys is missing: install it with 'pip install pyosys'")
    return importlib.metadata.version("pyosys")


def synthesis(family: str, top: str, logic_cost: float | None = None) -> list[str]:
    """Commands of Yosys that map a design to the cells of a family of FPGAs.

    What is built for a board and what is simulated after synthesis both come from them. They end
    with a check that fails if a wire has two drivers or none.

    Parameters
    ----------
    family : str
        ``"ecp5"``, ``"gw1n"``, ``"gw2a"``, ``"ice40"`` or ``"xilinx"``.
    top : str
        Name of the top module.
    logic_cost : float or None
        What a bit of a memory counts in registers, on iCE40; None for ``LOGIC_COST``.

    Returns
    -------
    list of str
        For :func:`run_yosys`, behind the command that reads the design.

    Raises
    ------
    ValueError
        If the family is unknown.
    """
    check_choice("Family", family, tuple(_SYNTHESIS))
    cost = LOGIC_COST["ice40"] if logic_cost is None else logic_cost
    commands = [command.format(top=top, cost=cost) for command in _SYNTHESIS[family]]
    return [*commands, "check -assert"]


def run_yosys(commands: list[str], folder: str | os.PathLike[str]) -> str:
    """Run Yosys commands on a fresh design, in ``folder``.

    Parameters
    ----------
    commands : list of str
        Commands of Yosys, one each; names of files are relative to ``folder``.
    folder : path
        Where files are read and written.

    Returns
    -------
    str
        The log.

    Raises
    ------
    YosysError
        If Yosys is missing or fails; the message says where the log is.
    """
    yosys_version()
    with tempfile.TemporaryDirectory(prefix="spikeloom-yosys-") as temporary:
        script, log = Path(temporary) / "script.ys", Path(temporary) / "yosys.log"
        script.write_text("\n".join(commands) + "\n")
        done = subprocess.run(
            [sys.executable, "-c", _PROCESS, script, log],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        text = log.read_text(errors="replace") if log.exists() else ""
    if done.returncode:
        said = done.stdout.decode(errors="replace")
        raise _failure(text + said, done.returncode)
    return text


def _failure(log: str, status: int) -> YosysError:
    """Keep the log, and name the cause."""
    errors = [line.partition("ERROR: ")[2] for line in log.splitlines() if "ERROR: " in line]
    cause = errors[-1] if errors else f"it ended with status {status}"
    with tempfile.NamedTemporaryFile(
        "w", prefix="spikeloom-yosys-", suffix=".log", delete=False
    ) as kept:
        kept.write(log)
    return YosysError(f"Yosys failed: {cause.rstrip('.')}; its log is {kept.name}")
