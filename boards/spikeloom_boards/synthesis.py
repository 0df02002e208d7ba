"""Synthesis: from RTLIL to the cells of a family, and how many there are of each kind."""

import json
from collections.abc import Mapping
from pathlib import Path

from spikeloom_hw.yosys import synthesis

from .device import Device, Family
from .tools import synthesise

__all__ = ["TOP", "Counts", "count_cells", "synthesise_for"]

TOP = "top"
"""Name of the module with the pins."""

Counts = dict[str, int]
"""How many there are of each kind of cell, by the name of the kind."""

_LOW_COST = 2.0

# Kinds of cells by resource; a name that ends in * stands for all that begin so.
_KINDS: dict[Family, dict[str, tuple[str, ...]]] = {
    Family.ICE40: {
        "lut": ("SB_LUT4",),
        "ff": ("SB_DFF*",),
        "block_ram": ("SB_RAM40_4K*",),
        "spram": ("SB_SPRAM256KA",),
        "dsp": ("SB_MAC16",),
    },
    Family.ECP5: {
        "lut": ("LUT4",),
        "ff": ("TRELLIS_FF",),
        "block_ram": ("DP16KD", "PDPW16KD"),
        "dsp": ("MULT18X18D", "ALU54B"),
    },
    Family.GOWIN: {
        "lut": ("LUT1", "LUT2", "LUT3", "LUT4", "ALU"),
        "ff": ("DFF*",),
        "block_ram": ("SDPB", "SDPX9B", "DPB", "DPX9B", "SPB", "SPX9B", "pROM", "pROMX9"),
        "dsp": ("MULT*",),
    },
    Family.XILINX: {
        "lut": ("LUT*",),
        "ff": ("FDRE", "FDSE", "FDCE", "FDPE"),
        "block_ram": ("RAMB36E1",),
        "half_block_ram": ("RAMB18E1",),
        "dsp": ("DSP48E1",),
    },
}


def synthesise_for(device: Device, sources: list[str], folder: Path) -> tuple[Counts, str]:
    """Turn RTLIL into cells of a device, written as ``top.json``.

    Where an iCE40 has too few block RAMs, its smallest memories become registers.

    Parameters
    ----------
    device : Device
        Part.
    sources : list of str
        Files of RTLIL in ``folder``, one of which has the module :data:`TOP`.
    folder : Path
        Where to work.

    Returns
    -------
    dict of str to int
        Cells of each kind.
    str
        The log.

    Raises
    ------
    BuildError
        If Yosys fails.
    """
    family = device.family.value
    if device.family is Family.GOWIN:
        family = device.part[:4].lower()
    cells, log = _synthesise(sources, synthesis(family, TOP), folder)
    lacks = count_cells(device, cells)["block_ram"] > device.block_rams
    if device.family is Family.ICE40 and lacks:
        cells, log = _synthesise(sources, synthesis(family, TOP, _LOW_COST), folder)
    return cells, log


def _synthesise(sources: list[str], steps: list[str], folder: Path) -> tuple[Counts, str]:
    """Run the steps of a family; give the cells and the log."""
    commands = [
        *(f"read_rtlil {name}" for name in sources),
        *steps,
        f"write_json {TOP}.json",
        f"tee -q -o statistics.json stat -json -top {TOP}",
    ]
    log = synthesise(commands, folder)
    statistics = json.loads((folder / "statistics.json").read_text())
    return dict(statistics["design"]["num_cells_by_type"]), log


def count_cells(device: Device, cells: Mapping[str, int]) -> dict[str, int]:
    """Sum cells by resource: ``lut``, ``ff``, ``block_ram``, ``spram``, ``dsp``."""
    counted = {"lut": 0, "ff": 0, "block_ram": 0, "spram": 0, "dsp": 0}
    for resource, kinds in _KINDS[device.family].items():
        counted[resource] = sum(
            number for name, number in cells.items() if any(_is_kind(name, k) for k in kinds)
        )
    if "half_block_ram" in counted:
        counted["block_ram"] += -(-counted.pop("half_block_ram") // 2)
    return counted


def _is_kind(name: str, kind: str) -> bool:
    return name.startswith(kind[:-1]) if kind.endswith("*") else name == kind
