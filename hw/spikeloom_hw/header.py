"""What leaves Python beside the Verilog: map.json and the C header of the address map."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from enum import IntEnum, IntFlag
from typing import Any

from amaranth.hdl import Shape, ShapeCastable
from amaranth.lib import data, wiring

from .config import ChipConfig
from .event import Kind, Operation
from .host import frame
from .program import Program
from .registers import ID, VERSION, Control, Errors, Region, Register, Status, regions
from .window import Window

__all__ = ["c_header", "describe", "instantiation", "ports_of"]

_FLAGS: tuple[type[IntFlag], ...] = (Control, Status, Errors)
_LIMITS = (
    "PROTOCOL_VERSION",
    "MAGIC",
    "DELIMITER",
    "MAXIMUM_WORDS",
    "MAXIMUM_PAYLOAD",
    "MAXIMUM_FRAME",
)
_CODES: tuple[type[IntEnum], ...] = (frame.FrameType, frame.Status, Kind, Operation)


def ports_of(component: wiring.Component) -> list[dict[str, Any]]:
    """Ports of the Verilog module of a component.

    Returns
    -------
    list of dict
        ``name``, ``direction`` (``in`` or ``out``), ``width`` and ``signed`` of each; clock and
        reset first.
    """
    ports = list(_ports(component.metadata.as_json()["interface"]["members"]))
    # What has the ports of AXI brings its own.
    own = ports[0]["name"] == "aclk"
    names = () if own else ("clk", "rst")
    return [
        {"name": name, "direction": "in", "width": 1, "signed": False} for name in names
    ] + ports


def instantiation(component: wiring.Component, name: str) -> str:
    """Verilog of an instance of a component whose module is ``name``, with wires of its names."""
    ports = ports_of(component)
    lines = [f"// Wires and an instance of {name}, to be copied into a design."]
    for port in ports:
        width = f"[{port['width'] - 1}:0] " if port["width"] > 1 else ""
        lines.append(f"wire {width}{port['name']}; // {port['direction']}put of {name}")
    pins = ",\n".join(f"    .{port['name']}({port['name']})" for port in ports)
    return "\n".join([*lines, "", f"{name} {name}_instance (", pins, ");", ""])


def describe(
    program: Program,
    component: wiring.Component,
    files: dict[str, Any],
    branches: Mapping[str, wiring.Component],
) -> str:
    """map.json: all that another program needs to use the Verilog.

    Parameters
    ----------
    program : Program
        What the hardware runs.
    component : Component
        The top of the hardware.
    files : dict
        Names of the files written, by what they hold.
    branches : mapping of str to Component
        The other chips of a tree, by the names of their modules.

    Returns
    -------
    str
        JSON.
    """
    config = program.config
    tables = {f.__name__.lower(): {m.name: m.value for m in f} for f in _FLAGS}
    codes = {f.__name__: {m.name: m.value for m in f} for f in _CODES[:2]}
    content = {
        "format": "spikeloom-map",
        "version": 1,
        "files": files,
        "ports": ports_of(component),
        "config_hash": f"{config.hash:016x}",
        "config": config.to_dict(),
        "registers": {r.name: {"address": r.value, "meaning": r.meaning} for r in Register},
        "bits": tables,
        "regions": {name: _region(region) for name, region in regions(config).items()},
        **_window(getattr(component, "window", None)),
        "populations": [asdict(p) for p in program.populations],
        "projections": [asdict(p) for p in program.projections],
        "link": {
            **{name.lower(): getattr(frame, name) for name in _LIMITS},
            "window": config.window,
            "frames": codes["FrameType"],
            "status": codes["Status"],
        },
        "events": {f.__name__.lower(): {m.name: m.value for m in f} for f in _CODES[2:]},
    }
    if branches:
        content["branches"] = {
            module: {"verilog": f"{module}.v", "parent": parent, "ports": ports_of(chip)}
            for (module, chip), parent in zip(branches.items(), config.parents, strict=True)
        }
    return json.dumps(content, indent=1) + "\n"


def c_header(config: ChipConfig, window: Window | None = None) -> str:
    """C header of the address map: registers, their bits, and the memories.

    Parameters
    ----------
    config : ChipConfig
        Structure of the chip.
    window : Window or None
        Byte offsets of a register port, if there is one.

    Returns
    -------
    str
        C99; every name begins with ``SPIKELOOM_``.
    """
    lines = [
        "/* Address map of a Spikeloom accelerator, in 32-bit words; written by its generator. */",
        "#ifndef SPIKELOOM_MAP_H",
        "#define SPIKELOOM_MAP_H",
        "",
        *_define("ID_VALUE", ID, "Content of the ID register."),
        *_define("MAP_VERSION", VERSION, "Content of the VERSION register."),
        *_define("CONFIG_HASH_LOW", config.hash & 0xFFFFFFFF, "Content of HASH_LOW."),
        *_define("CONFIG_HASH_HIGH", config.hash >> 32, "Content of HASH_HIGH."),
        "",
        "/* Registers: addresses. */",
    ]
    for register in Register:
        lines += _define(register.name, register.value, register.meaning)
    for flags in _FLAGS:
        lines += ["", f"/* Bits of {flags.__name__.upper()}. */"]
        for flag in flags:
            lines += _define(f"{flags.__name__.upper()}_{flag.name}", flag.value)
    lines += ["", "/* Memories: address of the first word, rows, words in a row, words between. */"]
    for name, region in regions(config).items():
        numbers = {"BASE": region.base, "ROWS": region.rows, "WORDS": region.words}
        for what, number in {**numbers, "STRIDE": region.stride}.items():
            lines += _define(f"{name.upper().replace('@', '_')}_{what}", number)
    if window:
        lines += ["", "/* The register port: its size, and the offsets of all, in bytes. */"]
        lines += _define("WINDOW_BYTES", 1 << window.bits)
        for name, offset in {**window.registers, **window.memories}.items():
            lines += _define(f"{name.upper().replace('@', '_')}_OFFSET", offset)
    lines += ["", "/* Event words: kinds, and operations of a STEP. */"]
    for code in _CODES[2:]:
        for member in code:
            lines += _define(f"{code.__name__.upper()}_{member.name}", member.value)
    lines += ["", "/* The host link: types and status of its frames, and its limits. */"]
    for code in _CODES[:2]:
        prefix = "FRAME" if code is frame.FrameType else "LINK"
        for member in code:
            lines += _define(f"{prefix}_{member.name}", member.value)
    for limit in _LIMITS:
        lines += _define(f"LINK_{limit}", getattr(frame, limit))
    lines += _define("LINK_WINDOW", config.window)
    return "\n".join([*lines, "", "#endif", ""])


def _window(window: Window | None) -> dict[str, Any]:
    """Byte offsets of a register port, if there is one."""
    if window is None:
        return {}
    offsets = {"registers": window.registers, "regions": window.memories}
    return {"window": {"bytes": 1 << window.bits, **offsets}}


def _define(name: str, value: int, meaning: str = "") -> list[str]:
    about = [f"/* {meaning} */"] if meaning else []
    return [*about, f"#define SPIKELOOM_{name} 0x{value:08X}u"]


def _ports(members: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for member in members.values():
        if member["type"] == "interface":
            yield from _ports(member["members"])
        else:
            yield {
                "name": member["name"],
                "direction": member["dir"],
                "width": member["width"],
                "signed": member["signed"],
            }


def _region(region: Region) -> dict[str, Any]:
    return {
        "base": region.base,
        "rows": region.rows,
        "words": region.words,
        "stride": region.stride,
        "width": region.layout.size,
        "row": _layout(region.layout),
    }


def _layout(shape: Any) -> dict[str, Any]:
    """Layout as plain data: a struct has fields, an array has elements, a number has neither."""
    if isinstance(shape, data.StructLayout):
        return {
            "fields": {
                str(name): {"offset": field.offset, **_layout(field.shape)} for name, field in shape
            }
        }
    if isinstance(shape, data.ArrayLayout):
        return {"elements": shape.length, "element": _layout(shape.elem_shape)}
    if isinstance(shape, ShapeCastable):
        shape = shape.as_shape()
    if isinstance(shape, data.Layout):
        return _layout(shape)
    plain = Shape.cast(shape)
    return {"width": plain.width, "signed": plain.signed}
