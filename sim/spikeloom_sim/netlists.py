"""Designs as Yosys maps them to the cells of an FPGA, as Verilog with models of these cells."""

import importlib.util
import re
import tempfile
from pathlib import Path
from typing import Literal

from amaranth.lib import wiring

import spikeloom_hw
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.validate import check_choice
from spikeloom_hw.yosys import YosysError, run_yosys, synthesis, yosys_version

from .cache import cached

__all__ = ["CELLS", "Family", "cell_models", "mapped_chip", "mapped_verilog"]

Family = Literal["ice40", "ecp5"]
"""Families whose cells have models."""

CELLS = Path(__file__).parent / "cells"
"""Models of our own, one file a family; they come before those of Yosys."""

_OF_YOSYS = {
    "ice40": ("ice40/cells_sim.v",),
    "ecp5": ("ecp5/common_sim.vh", "ecp5/ccu2c_sim.vh"),
}
_MODULE = re.compile(r"^module\s+(\w+).*?^endmodule\n", re.MULTILINE | re.DOTALL)
_CELL = re.compile(r"^\s+([A-Z]\w*) (?:#\(|\S+ +\()", re.MULTILINE)
# What in the models of Yosys is no Verilog for all, or tells of delays.
_PLAIN = (
    (re.compile(r"\(\* [^*]* \*\)"), ""),
    (re.compile(r"^\s*specify.*?endspecify\n", re.MULTILINE | re.DOTALL), ""),
    (re.compile(r" `ICE40_DEFAULT_ASSIGNMENT_(?:V\([^)]*\)|[01])"), ""),
    (re.compile(r"`SB_DFF_INIT"), "initial Q = 0;"),
)


def mapped_verilog(component: wiring.Component, family: Family, name: str = "top") -> str:
    """Verilog of what Yosys makes of a component for a family of FPGAs.

    Reads that meet writes are as undefined as in what is built.

    Parameters
    ----------
    component : Component
        What to elaborate.
    family : "ice40" or "ecp5"
        Whose cells to use.
    name : str
        Name of the module.

    Returns
    -------
    str
        The netlist, and models of the cells in it.

    Raises
    ------
    ValueError
        If the family is unknown.
    YosysError
        If Yosys is missing or fails, or a cell has no model.
    """
    check_choice("Family", family, tuple(_OF_YOSYS))
    with tempfile.TemporaryDirectory(prefix="spikeloom-map-") as temporary:
        folder = Path(temporary)
        text = netlist_of(component, name, defined_collisions=False)
        (folder / "design.il").write_text(text)
        read, write = "read_rtlil design.il", "write_verilog -noattr mapped.v"
        run_yosys([read, *synthesis(family, name), write], folder)
        netlist = (folder / "mapped.v").read_text()
    return netlist + cell_models(family, set(_CELL.findall(netlist)))


def mapped_chip(config: ChipConfig, family: Family) -> Path:
    """File with the netlist of a chip with byte streams, kept like what else is compiled.

    :func:`~spikeloom_sim.cosim.cosimulate` and, with Verilator,
    :class:`~spikeloom_sim.compiled.CompiledChip` take it in the place of an emitted one.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    family : "ice40" or "ecp5"
        As of :func:`mapped_verilog`.

    Returns
    -------
    Path
        ``spikeloom.v``, whose first module is ``spikeloom``.
    """
    sources = sorted(Path(spikeloom_hw.__path__[0]).rglob("*.py"))
    sources += [CELLS / f"{family}.v", Path(__file__)]
    parts = [family, f"{config.hash:016x}", yosys_version(), *(p.read_bytes() for p in sources)]

    def build(folder: Path) -> None:
        (folder / "spikeloom.v").write_text(mapped_verilog(Chip(config), family, "spikeloom"))

    return cached("mapped", parts, build) / "spikeloom.v"


def cell_models(family: Family, cells: set[str]) -> str:
    """Models of cells: ours where there is one, else those that come with Yosys.

    Parameters
    ----------
    family : "ice40" or "ecp5"
        Whose cells they are.
    cells : set of str
        Their names.

    Returns
    -------
    str
        Verilog.

    Raises
    ------
    YosysError
        If Yosys is missing, or a cell has no model.
    """
    spec = importlib.util.find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise YosysError("Yosys is missing: install it with 'pip install pyosys'")
    share = Path(spec.origin).parent / "share"
    known: dict[str, str] = {}
    for path in (*(share / name for name in _OF_YOSYS[family]), CELLS / f"{family}.v"):
        text = path.read_text()
        for pattern, plain in _PLAIN:
            text = pattern.sub(plain, text)
        known |= {found[1]: found[0] for found in _MODULE.finditer(text)}

    # A model may be made of other cells.
    models: dict[str, str] = {}
    left = set(cells)
    while left := left - models.keys():
        if missing := left - known.keys():
            raise YosysError(f"There is no model of {', '.join(sorted(missing))} for {family}")
        models |= {name: known[name] for name in left}
        left = {name for text in map(known.get, left) for name in _CELL.findall(text or "")}
    return "\n".join(models[name] for name in sorted(models))
