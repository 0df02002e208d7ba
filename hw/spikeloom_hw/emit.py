"""Write a program as plain Verilog, with the map of its addresses and images of its memories."""

import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from amaranth.lib import wiring

from .folder import write_files
from .header import c_header, describe, instantiation
from .netlist import dressed, netlist_of
from .program import Program
from .tops import branches_of, top_of
from .tree.link_end import Line
from .yosys import run_yosys

__all__ = [
    "Emission",
    "companions",
    "emit",
    "emit_top",
    "plan_files",
    "verilog_of",
]

_COMMANDS = [
    "read_rtlil design.il",
    # No process is left, so that no always @* block waits for an event that never comes.
    "proc",
    "flatten",
    "opt_expr",
    "opt_clean -purge",
    "memory_collect",
    "write_verilog -noattr design.v",
]
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Emission:
    """Files that :func:`emit` wrote.

    Parameters
    ----------
    folder : Path
        Where they are.
    name : str
        Name of the Verilog module.
    verilog : Path
        The hardware, one file; of a tree of chips, the root.
    branches : tuple of Path
        The other chips of a tree, each a file with a module of the same name.
    map : Path
        Ports, addresses, layouts and configuration, as JSON.
    header : Path
        Addresses, for C.
    images : dict of str to Path
        Contents of the memories by region, in the form of ``$readmemh``.
    """

    folder: Path
    name: str
    verilog: Path
    branches: tuple[Path, ...]
    map: Path
    header: Path
    images: dict[str, Path]

    @property
    def instance(self) -> Path:
        """An instance of the module, to be copied into a design."""
        return self.folder / f"{self.name}.inst.v"

    @property
    def files(self) -> tuple[Path, ...]:
        """All files."""
        described = (self.map, self.header, self.instance)
        return (self.verilog, *self.branches, *described, *self.images.values())


def emit(
    program: Program,
    folder: str | os.PathLike[str],
    *,
    link: str = "bytes",
    name: str = "spikeloom",
    divisor: float | None = None,
    break_cycles: int | None = None,
    line: Line | None = None,
) -> Emission:
    """Write the hardware of a program, and what belongs to it, into a folder.

    The same program gives the same bytes. All files are complete when the first of them appears in
    ``folder``; files of the same names are replaced, others are left alone.

    Parameters
    ----------
    program : Program
        Configuration of the hardware, and the contents of its memories.
    folder : path
        Where to write; it is made if there is none.
    link : str
        How the host reaches it: ``"bytes"`` for a stream of bytes with valid and ready, ``"uart"``
        for a serial line; ``"axi"`` or ``"wishbone"`` for the bus of a processor, beside
        AXI4-Streams for the events.
    name : str
        Name of the Verilog module, and of the files.
    divisor : float or None
        Clock cycles in a bit of the serial line after reset; only for ``"uart"``, which needs it.
    break_cycles : int or None
        Least cycles of a break, after which the line measures its bit time anew, as
        :func:`~spikeloom_hw.host.uart.break_cycles_at` gives it; None stands for 900 bits, which
        is right at 3 Mbaud.
    line : callable or None
        Makes the physical form of the links between chips, such as
        :class:`~spikeloom_hw.interchip.SerialLine`; None stands for eight parallel lines. Only for
        programs of several chips.

    Returns
    -------
    Emission
        The files.

    Raises
    ------
    TypeError
        If ``program`` is none.
    ValueError
        If an argument has no meaning.
    EmitError
        If the folder cannot be written.
    YosysError
        If Yosys is missing or fails.
    """
    _check_program(program)
    _check_name(name)
    top = top_of(program.config, link, divisor, break_cycles, line)
    return emit_top(
        program, top, folder, name=name, branches=branches_of(program.config, link, line)
    )


def emit_top(
    program: Program,
    top: wiring.Component,
    folder: str | os.PathLike[str],
    *,
    name: str = "spikeloom",
    branches: Sequence[wiring.Component] = (),
) -> Emission:
    """Do what :func:`emit` does, with any top around the hardware of the program.

    Parameters
    ----------
    program : Program
        As of :func:`emit`.
    top : Component
        Such as a :class:`~spikeloom_hw.wrap.single_core.SingleCore`.
    folder : path
        Where to write; it is made if there is none.
    name : str
        Name of the Verilog module, and of the files.
    branches : sequence of Component
        The other chips of a tree.

    Raises
    ------
    TypeError, ValueError, EmitError, YosysError
        As of :func:`emit`.
    """
    _check_program(program)
    emission = plan_files(program, folder, name)
    about = f"configuration {program.config.hash:016x}"
    texts = {emission.verilog.name: verilog_of(top, name, about=about)}
    for chip, (path, branch) in enumerate(zip(emission.branches, branches, strict=True), 1):
        texts[path.name] = verilog_of(branch, path.stem, about=f"{about}, chip {chip}")
    write_files(emission.folder, texts | companions(program, top, emission, branches))
    return emission


def plan_files(program: Program, folder: str | os.PathLike[str], name: str) -> Emission:
    """Tell which files :func:`emit` writes, without writing them.

    Raises
    ------
    ValueError
        If the name is none that Verilog can have.
    """
    _check_name(name)
    place = Path(folder)
    return Emission(
        folder=place,
        name=name,
        verilog=place / f"{name}.v",
        branches=tuple(place / f"{name}_chip{c}.v" for c in range(1, program.config.chips)),
        map=place / f"{name}.map.json",
        header=place / f"{name}.h",
        images={region: place / f"{name}.{region}.mem" for region in sorted(program.images)},
    )


def companions(
    program: Program,
    top: wiring.Component,
    emission: Emission,
    branches: Sequence[wiring.Component] = (),
) -> dict[str, str]:
    """Texts of all files but the Verilog, by name: map, header, instance, memory images."""
    images = {region: path.name for region, path in emission.images.items()}
    files = {
        "verilog": emission.verilog.name,
        "header": emission.header.name,
        "instance": emission.instance.name,
        "images": images,
    }
    others = {p.stem: chip for p, chip in zip(emission.branches, branches, strict=True)}
    return {
        emission.map.name: describe(program, top, files, others),
        emission.header.name: c_header(program.config, getattr(top, "window", None)),
        emission.instance.name: instantiation(top, emission.name),
        **{images[region]: _hex(program.images[region]) for region in images},
    }


def verilog_of(
    component: wiring.Component,
    name: str = "top",
    *,
    about: str = "",
    defined_collisions: bool = True,
) -> str:
    """Verilog of any component, as one module.

    Memories whose contents are all zero have no initial contents: they hold what the technology
    gives them, and in simulation X, until they are written.

    Parameters
    ----------
    component : Component
        What to elaborate.
    name : str
        Name of the module.
    about : str
        Put into the comment at the head of the file.
    defined_collisions : bool
        As of :func:`~spikeloom_hw.netlist.netlist_of`: if not, such a read gives X in simulation,
        which shows that nothing depends on it.

    Returns
    -------
    str
        Verilog-2001.

    Raises
    ------
    ValueError
        If the name is none that Verilog can have.
    YosysError
        If Yosys is missing or fails.
    """
    _check_name(name)
    with tempfile.TemporaryDirectory(prefix="spikeloom-emit-") as temporary:
        folder = Path(temporary)
        netlist = netlist_of(component, name, defined_collisions=defined_collisions)
        (folder / "design.il").write_text(netlist)
        run_yosys(_COMMANDS, folder)
        body = (folder / "design.v").read_text()
    return dressed(body, name, about)


def _check_program(program: object) -> None:
    if not isinstance(program, Program):
        raise TypeError(f"Program must be a Program, not {type(program).__name__}: compile one")


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise ValueError(f"Name must be letters, digits and underscores, not {name!r}")


def _hex(image: np.ndarray) -> str:
    """Rows of a memory, most significant word first, as ``$readmemh`` takes them."""
    return "".join("".join(f"{int(word):08x}" for word in row[::-1]) + "\n" for row in image)
