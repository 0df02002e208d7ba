"""An ASIC emission mapped to a standard-cell library: cells, area, longest path."""

import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from spikeloom_hw.yosys import YosysError, run_yosys

from .asic import AsicEmission

__all__ = ["LibraryMapping", "map_to_library"]

_FANOUT = 8
_ABC = f"+strash;ifraig;scorr;dc2;dch,-f;map;topo;buffer,-c,-N,{_FANOUT};upsize;dnsize;stime,-p"
_DELAY = re.compile(r"ABC: .*\bDelay\s*=\s*([\d.]+) ps")
_ENDS = re.compile(r"ABC: Start-point = pi\d+ \((.*?)\)\.\s+End-point = po\d+ \((.*?)\)")
_CELL = re.compile(r'\bcell\s*\(\s*"?(\w+)"?\s*\)')


@dataclass(frozen=True)
class LibraryMapping:
    """What a design takes in a standard-cell library, without its macros.

    Parameters
    ----------
    library : str
        Name of the Liberty file.
    cells : dict of str to int
        Instances by cell.
    area : float
        Area of the cells, in the unit of the library (square micrometres as a rule).
    register_area : float
        Share of it that is in registers.
    gate : float
        Area of a NAND with two inputs.
    delay : float
        Longest path between registers, macros and pins, in picoseconds: through gates alone, as
        ABC knows them; without wires, set-up and the delay of registers and macros.
    path : tuple of str
        Where that path starts and ends, as far as names are left.
    macros : dict of str to int
        Instances by macro, of which the library knows nothing.
    netlist : str
        The mapped design in Verilog.
    """

    library: str
    cells: dict[str, int]
    area: float
    register_area: float
    gate: float
    delay: float
    path: tuple[str, str]
    macros: dict[str, int]
    netlist: str = field(repr=False)

    @property
    def gates(self) -> float:
        """Area in gate equivalents: NANDs with two inputs."""
        return self.area / self.gate

    def to_dict(self) -> dict[str, Any]:
        """Plain data that JSON can hold, without the netlist."""
        plain = asdict(self) | {"gates": self.gates}
        del plain["netlist"]
        return plain

    def text(self) -> str:
        """Lines for people."""
        registers = self.register_area / self.area
        return (
            f"{self.library}: {sum(self.cells.values()):,} cells, area {self.area:,.0f} "
            f"({registers:.0%} registers), {self.gates:,.0f} gate equivalents; longest path "
            f"{self.delay / 1000:.2f} ns of gates without wires, from {self.path[0]} to "
            f"{self.path[1]}; beside {sum(self.macros.values())} memory macros"
        )


def map_to_library(emission: AsicEmission, liberty: str | os.PathLike[str]) -> LibraryMapping:
    """Map an emission to the cells of a library, with Yosys and ABC.

    Parameters
    ----------
    emission : AsicEmission
        What :func:`~spikeloom_boards.asic.emit_asic` wrote.
    liberty : path
        The library; it has a flip-flop without reset, an inverter, a buffer and a NAND with two
        inputs.

    Raises
    ------
    ValueError
        If the file is no library, or lacks a cell.
    YosysError
        If Yosys is missing or fails.
    """
    path = Path(liberty).resolve()
    if not path.is_file():
        raise ValueError(f"{liberty} is not a file: give a library in Liberty format")
    text = path.read_text(errors="replace")
    gate = _gate_area(text, path.name)
    with tempfile.TemporaryDirectory(prefix="spikeloom-library-") as temporary:
        folder = Path(temporary)
        for name, source in (("design.v", emission.verilog), ("macros.v", emission.models)):
            (folder / name).write_text(source.read_text())
        (folder / "cells.lib").write_text(text)
        log = run_yosys(_commands(emission.name), folder)
        statistics = json.loads((folder / "cells.json").read_text())
        netlist = (folder / "mapped.v").read_text()
    counts: dict[str, int] = statistics["design"]["num_cells_by_type"]
    macros = {macro.name for macro in emission.macros}
    delay, ends = _DELAY.findall(log), _ENDS.findall(log)
    if not delay or not ends:
        raise YosysError("ABC did not tell the longest path; is the library one of cells?")
    start, end = (name.removeprefix("\\") for name in ends[-1])
    return LibraryMapping(
        library=path.name,
        cells={name: n for name, n in sorted(counts.items()) if name not in macros},
        area=float(statistics["design"]["area"]),
        register_area=float(statistics["design"]["sequential_area"]),
        gate=gate,
        delay=float(delay[-1]),
        path=(start, end),
        macros={name: n for name, n in sorted(counts.items()) if name in macros},
        netlist=netlist,
    )


def _commands(top: str) -> list[str]:
    return [
        "read_liberty -lib -ignore_miss_func cells.lib",
        "read_verilog -lib macros.v",
        "read_verilog design.v",
        f"synth -top {top} -flatten",
        "dfflibmap -liberty cells.lib",
        f"abc -liberty cells.lib -script {_ABC}",
        "setundef -undriven -zero",
        "opt_clean -purge",
        "check -assert",
        "tee -q -o cells.json stat -liberty cells.lib -json",
        "write_verilog -noattr -noexpr mapped.v",
    ]


def _gate_area(text: str, name: str) -> float:
    """Area of the smallest NAND with two inputs."""
    areas = []
    starts = [(found.start(), found[1]) for found in _CELL.finditer(text)]
    for (start, cell), (end, _) in zip(starts, [*starts[1:], (len(text), "")], strict=True):
        area = re.search(r"\barea\s*:\s*([\d.]+)", text[start:end])
        if area and re.search(r"nand_?2", cell, re.IGNORECASE):
            areas.append(float(area[1]))
    if not areas:
        raise ValueError(
            f"{name} has no cell with NAND2 in its name: give a library of standard cells"
        )
    return min(areas)
