"""The design for an ASIC: Verilog whose memories are macros, and a table of these."""

import json
import os
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from spikeloom_hw.chip import Chip
from spikeloom_hw.emit import Emission, companions, plan_files
from spikeloom_hw.folder import write_files
from spikeloom_hw.netlist import dressed, netlist_of
from spikeloom_hw.program import Program
from spikeloom_hw.yosys import run_yosys

from .asic_memory import Macro, PlacedMemory, extract_memories, model_of

__all__ = ["SMALLEST", "AsicEmission", "emit_asic"]

SMALLEST = 1024
"""Bits from which on a memory is a macro; of a smaller one registers are cheaper."""

_READ = [
    "read_rtlil design.il",
    "proc",
    # An ASIC has no value at power-up: what needs one gets it from the reset.
    "setattr -unset init w:*",
    "flatten",
    "opt_expr",
    "opt_clean -purge",
    "memory_collect",
    "write_json read.json",
]
_WRITE = [
    "read_json macros.json",
    "memory_map",
    # What is read behind the last row may be anything.
    "setundef -undriven -undef",
    "opt_expr",
    "opt_clean -purge",
    "select -assert-none a:init",
    "check -assert",
    "write_verilog -noattr design.v",
]


@dataclass(frozen=True)
class AsicEmission(Emission):
    """Files that :func:`emit_asic` wrote.

    Parameters
    ----------
    folder, name, verilog, map, header, images
        As of :class:`~spikeloom_hw.emit.Emission`.
    models : Path
        Behaviour of the macros, in Verilog, for simulation.
    table : Path
        All memories and macros, as JSON.
    memories : tuple of PlacedMemory
        The memories, as the table has them.
    """

    models: Path
    table: Path
    memories: tuple[PlacedMemory, ...]

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        return (*super().files, self.models, self.table)

    @property
    def macros(self) -> tuple[Macro, ...]:
        """Every shape of a macro once."""
        return tuple(sorted({m.macro for m in self.memories if m.macro is not None}))


def emit_asic(
    program: Program,
    folder: str | os.PathLike[str],
    *,
    name: str = "spikeloom",
    smallest: int = SMALLEST,
) -> AsicEmission:
    """Write the hardware of a program for an ASIC, and what belongs to it, into a folder.

    The chip has byte streams. Its registers have no value before the reset, which is synchronous,
    and those that it does not reach may hold anything. Each large memory is an instance of a macro
    that is named after its size and ports; bind a macro of the technology to that name.

    Parameters
    ----------
    program : Program
        Configuration of the hardware, and the contents of its memories.
    folder : path
        Where to write; it is made if there is none.
    name : str
        Name of the Verilog module, and of the files.
    smallest : int
        Bits from which on a memory is a macro; smaller ones become registers.

    Returns
    -------
    AsicEmission
        The files.

    Raises
    ------
    TypeError
        If ``program`` is none.
    ValueError
        If the name is none that Verilog can have.
    EmitError
        If the folder cannot be written.
    YosysError
        If Yosys is missing or fails.
    """
    if not isinstance(program, Program):
        raise TypeError(f"Program must be a Program, not {type(program).__name__}: compile one")
    if program.config.parents:
        raise ValueError("An ASIC is one chip: compile the network for one, or emit Verilog")
    plan = plan_files(program, folder, name)
    top = Chip(program.config)
    body, memories = _with_macros(netlist_of(top, name, defined_collisions=False), name, smallest)
    emission = AsicEmission(
        **{field.name: getattr(plan, field.name) for field in fields(plan)},
        models=plan.folder / f"{name}.macros.v",
        table=plan.folder / f"{name}.memories.json",
        memories=tuple(memories),
    )
    about = f"configuration {program.config.hash:016x}; memories are macros"
    head = f"// Behaviour of the macros of {name}, for simulation; written by Spikeloom\n"
    texts = {
        emission.verilog.name: dressed(body, name, about),
        emission.models.name: "\n".join([head, *map(model_of, emission.macros)]),
        emission.table.name: _table(emission),
    }
    write_files(emission.folder, texts | companions(program, top, emission))
    return emission


def _with_macros(netlist: str, name: str, smallest: int) -> tuple[str, list[PlacedMemory]]:
    """Give the Verilog of a netlist with macros in it, and what became of its memories."""
    with tempfile.TemporaryDirectory(prefix="spikeloom-asic-") as temporary:
        folder = Path(temporary)
        (folder / "design.il").write_text(netlist)
        run_yosys(_READ, folder)
        design = json.loads((folder / "read.json").read_text())
        memories = extract_memories(design["modules"][name], smallest)
        for macro in {m.macro for m in memories if m.macro is not None}:
            design["modules"][macro.name] = _black_box(macro)
        (folder / "macros.json").write_text(json.dumps(design))
        run_yosys(_WRITE, folder)
        return (folder / "design.v").read_text(), memories


def _black_box(macro: Macro) -> dict[str, object]:
    """Tell Yosys of a macro."""
    ports, wire = {}, 2
    for pin, (direction, width) in macro.pins.items():
        ports[pin] = {"direction": direction, "bits": list(range(wire, wire + width))}
        wire += width
    return {"attributes": {"blackbox": "1"}, "ports": ports, "cells": {}, "netnames": {}}


def _table(emission: AsicEmission) -> str:
    """Write the table of the memories."""
    built = {m.name: m.macro.name if m.macro else None for m in emission.memories}
    content = {
        "format": "spikeloom-memories",
        "version": 1,
        "macros": {
            macro.name: {
                **asdict(macro),
                "bits": macro.depth * macro.width,
                "pins": {
                    pin: {"direction": direction, "width": width}
                    for pin, (direction, width) in macro.pins.items()
                },
            }
            for macro in emission.macros
        },
        "memories": [
            {
                "name": m.name,
                "depth": m.depth,
                "width": m.width,
                "bits": m.bits,
                "macro": built[m.name],
                "instances": list(m.instances),
            }
            for m in emission.memories
        ],
    }
    return json.dumps(content, indent=1) + "\n"
