"""Place and route: from cells to a bitstream, and what the tools say of it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

from .device import Device, Family
from .path import PathStep, read_path
from .synthesis import TOP
from .tools import BuildError, keep_log, run_tool

__all__ = ["BITSTREAMS", "Routed", "find_shortage", "pack", "place_and_route"]

BITSTREAMS = {Family.ICE40: "bin", Family.ECP5: "bit", Family.GOWIN: "fs"}
"""Suffix of the bitstream of each family that open tools pack."""

_USED = re.compile(r"^Info:\s+(\w+):\s*(\d+)/\s*(\d+)\s+\d+%", re.MULTILINE)
# Kinds of sites by resource.
_SITES: dict[Family, dict[str, tuple[str, ...]]] = {
    Family.ICE40: {
        "lut": ("ICESTORM_LC",),
        "block_ram": ("ICESTORM_RAM",),
        "spram": ("ICESTORM_SPRAM",),
        "dsp": ("ICESTORM_DSP",),
    },
    Family.ECP5: {
        "lut": ("TRELLIS_COMB",),
        "ff": ("TRELLIS_FF",),
        "block_ram": ("DP16KD",),
        "dsp": ("MULT18X18D",),
    },
    Family.GOWIN: {
        "lut": ("LUT4",),
        "ff": ("DFF",),
        "block_ram": ("BSRAM",),
        "dsp": ("MULT18X18",),
    },
}


@dataclass(frozen=True)
class Routed:
    """A design that was placed and routed.

    Parameters
    ----------
    seed : int
        Seed of the placement.
    used : dict of str to int
        Sites that are taken, by resource.
    frequency : float
        Highest frequency of the core in Hz.
    path : tuple of PathStep
        The path that sets it.
    """

    seed: int
    used: dict[str, int]
    frequency: float
    path: tuple[PathStep, ...]


def place_and_route(device: Device, frequency: float, folder: Path, seed: int) -> Routed:
    """Place and route ``top.json`` in a folder.

    Parameters
    ----------
    device : Device
        Part.
    frequency : float
        What is asked of the clock of the core in Hz.
    folder : Path
        Where to work.
    seed : int
        Seed of the placement.

    Raises
    ------
    BuildError
        If something is short, or the tool fails; the message says what, and where the log is.
    """
    tool, arguments = _command(device)
    common = ["--json", f"{TOP}.json", "--report", "timing.json", "--seed", str(seed)]
    wanted = ["--freq", f"{frequency / 1e6:g}", "--timing-allow-fail"]
    status, log = run_tool(tool, [*arguments, *common, *wanted], folder)
    sites = {name: int(used) for name, used, _ in _USED.findall(log)}
    used = {
        resource: sum(sites.get(name, 0) for name in names)
        for resource, names in _SITES[device.family].items()
    }
    short = find_shortage(device, used)
    if short:
        raise BuildError(f"{short}; the log of {tool} is {keep_log(tool, log)}")
    if status:
        causes = re.findall(r"ERROR: (.*)", log)
        cause = causes[0].rstrip(".") if causes else f"it ended with status {status}"
        raise BuildError(f"{tool} failed: {cause}; its log is {keep_log(tool, log)}")
    timing = json.loads((folder / "timing.json").read_text())
    slowest = min(
        timing["fmax"].values(), key=lambda clock: clock["achieved"] / clock["constraint"]
    )
    return Routed(seed, used, slowest["achieved"] * 1e6, read_path(timing["critical_paths"]))


def find_shortage(device: Device, used: dict[str, int]) -> str:
    """Say what is needed beyond what there is, in one sentence; empty if all fits."""
    names = {
        "lut": "logic cells" if device.family is Family.ICE40 else "LUT4",
        "ff": "flip-flops",
        "block_ram": "block RAMs",
        "spram": "SPRAM",
        "dsp": "multipliers",
    }
    there = device.resources
    short = [
        f"{number} {names[name]}, but {device.part} has {there[name]}"
        for name, number in used.items()
        if number > there[name]
    ]
    return "The design needs " + " and ".join(short) if short else ""


def _command(device: Device) -> tuple[str, list[str]]:
    """Tool that places and routes, and what it has to know of the part."""
    if device.family is Family.ICE40:
        package = device.package.lower()
        files = ["--pcf", f"{TOP}.pcf", "--asc", f"{TOP}.asc"]
        return "nextpnr-ice40", ["--up5k", "--package", package, *files]
    if device.family is Family.ECP5:
        series, _, size = device.part.partition("-")
        kind = "" if series == "LFE5U" else f"{series.removeprefix('LFE5').lower()}-"
        part = f"--{kind}{size.removesuffix('F')}k"
        package = ["--package", device.package.upper(), "--speed", device.speed]
        files = ["--lpf", f"{TOP}.lpf", "--textcfg", f"{TOP}.config"]
        return "nextpnr-ecp5", [part, *package, *files]
    series, _, size = device.part.partition("-")
    part = f"{series}-LV{size.rstrip('C')}{device.package}{device.speed}"
    chip = ["--vopt", f"family={_gowin_chip(device)}", "--vopt", f"cst={TOP}.cst"]
    return "nextpnr-himbaechel", ["--device", part, *chip, "--write", f"{TOP}.routed.json"]


def _gowin_chip(device: Device) -> str:
    """Name of the die, which is the same with the RAM that the R stands for and without."""
    series, _, size = device.part.partition("-")
    return f"{series.removesuffix('R')}-{size}"


def pack(device: Device, folder: Path) -> Path:
    """Write the bitstream of what was routed last; the result is its path.

    Raises
    ------
    BuildError
        If the tool fails.
    """
    bitstream = folder / f"{TOP}.{BITSTREAMS[device.family]}"
    if device.family is Family.ICE40:
        tool, arguments = "icepack", [f"{TOP}.asc", bitstream.name]
    elif device.family is Family.ECP5:
        tool, arguments = "ecppack", ["--compress", "--input", f"{TOP}.config", "--bit"]
        arguments.append(bitstream.name)
    else:
        tool, arguments = "gowin_pack", ["-d", _gowin_chip(device), "-o", bitstream.name]
        arguments += ["--sspi_as_gpio", "--mspi_as_gpio", f"{TOP}.routed.json"]
    status, log = run_tool(tool, arguments, folder)
    if status or not bitstream.exists():
        raise BuildError(f"{tool} failed; its log is {keep_log(tool, log)}")
    return bitstream
