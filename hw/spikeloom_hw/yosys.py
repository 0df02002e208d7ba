"""Yosys, the native library from the package index, run in a process of its own."""

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
import tempfile
from pathlib import Path

__all__ = ["YosysError", "run_yosys", "yosys_version"]

_PROCESS = """
import sys
from pyosys import libyosys
libyosys.run_pass("tee -q -o " + sys.argv[2] + " script " + sys.argv[1], libyosys.Design())
"""


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
