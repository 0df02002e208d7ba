"""Verilog as a shared library, made by CXXRTL or by Verilator behind one C interface."""

import importlib.util
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from spikeloom_hw.validate import check_choice
from spikeloom_hw.yosys import YosysError, run_yosys, yosys_version

from .cache import cached
from .tools import SimulationError, find_tool, has_tool, run_tool, tool_version

__all__ = ["ENGINES", "Engine", "Link", "build_library", "pick_engine"]

Engine = Literal["auto", "cxxrtl", "verilator"]
"""What compiles the Verilog; ``"auto"`` is Verilator where it is installed, as it is faster."""

ENGINES: tuple[Engine, ...] = ("auto", "cxxrtl", "verilator")
Link = Literal["bytes", "uart"]

_PARTS = ("valid", "payload", "ready")
# Nobody asks whether a register has changed: it is copied, which is faster than to compare it.
_REGISTER = re.compile(r"if \(((?!memory_)\w+)\.commit\(observer\)\) changed = true;")
_HARNESS = {
    "bytes": Path(__file__).with_name("harness.cc"),
    "uart": Path(__file__).with_name("harness_pins.cc"),
}
# The functions of a model are so long that a search for what else reads or writes the same takes
# half of the compilation: it is cut short, which costs the model no speed.
_SHORT_SEARCH = {"dse-max-alias-queries-per-store": 8, "sccvn-max-alias-queries-per-access": 20}
_COMPILE = {
    "cxxrtl": ["-std=c++17", "-O2", "-fPIC"],
    "verilator": [
        *("-std=c++17", "-O1", "-fPIC"),
        *(f"--param={name}={limit}" for name, limit in _SHORT_SEARCH.items()),
    ],
}
# Stand around the code that a model runs once, at its start.
_ONCE = ('#pragma GCC optimize("O0")', "#pragma GCC reset_options")

_VERILATE = ["-O3", "--x-assign", "fast", "--x-initial", "fast", "--no-timing", "-Wno-fatal"]
# CXXRTL is slow on values of many words: rows of memories are cut where they are used in parts.
# Operators are not shared, as a multiplexer of its own outputs would have to settle.
_COMMANDS = [
    "proc",
    "opt_expr -mux_undef -undriven -mux_bool",
    "opt_merge -nomux",
    "opt_muxtree",
    "opt_reduce -full",
    "opt_merge -share_all",
    "opt_dff",
    "opt_clean",
    "opt_expr -mux_undef -undriven -mux_bool",
    "wreduce",
    "memory_dff",
    "memory_collect",
    "opt",
    "splitcells r:WIDTH>40 r:Y_WIDTH>200 %u",
    "splitnets -driver s:41:9999",
    "opt",
    "opt_clean -purge",
    "write_cxxrtl -g0 design.cc",
]


def pick_engine(engine: Engine) -> Literal["cxxrtl", "verilator"]:
    """Tell which engine is meant: what ``"auto"`` is on this machine.

    Raises
    ------
    ValueError
        If there is no such engine.
    """
    check_choice("Engine", engine, ENGINES)
    if engine != "auto":
        return engine
    return "verilator" if has_tool("verilator") else "cxxrtl"


def build_library(
    verilog: str | os.PathLike[str], engine: Engine = "auto", link: Link = "bytes"
) -> Path:
    """Compile an emitted Verilog file, unless that has been done before.

    Parameters
    ----------
    verilog : path
        File with one module, named like the file.
    engine : "auto", "cxxrtl" or "verilator"
        What turns Verilog into C++: Yosys, which is always there, or Verilator, which is faster on
        large designs.
    link : "bytes" or "uart"
        Whether ``rx`` and ``tx`` are byte streams or pins.

    Returns
    -------
    Path
        The shared library.

    Raises
    ------
    SimulationError
        If a tool is missing or fails, or the file is not of that kind.
    YosysError
        If Yosys is missing.
    FileNotFoundError
        If there is no such file.
    """
    engine = pick_engine(engine)
    check_choice("Link", link, tuple(_HARNESS))
    path = Path(verilog)
    text = path.read_text()
    ports = re.search(rf"^module {re.escape(path.stem)}\(([^)]*)\)", text, re.MULTILINE)
    streams = _streams(ports[1]) if ports else []
    if ports is None or (link == "bytes") != bool(streams):
        what = "byte streams" if link == "bytes" else "pins"
        raise SimulationError(
            f"{path} has no module {path.stem} with {what} rx and tx: emit it with link={link!r}"
        )
    tools = [tool_version("g++"), _REGISTER.pattern, *(_COMPILE[engine] + _VERILATE + _COMMANDS)]
    make: Callable[[str, str, Path, Path], None] = _with_cxxrtl
    tools.append(yosys_version())
    if engine == "verilator":
        make = _with_verilator
        tools += [tool_version("verilator"), *_ONCE]
    harness = _HARNESS[link]
    head = _header(streams, engine)
    parts = [engine, path.stem, text, harness.read_text(), head, *tools]

    def build(folder: Path) -> None:
        (folder / "streams.h").write_text(head)
        make(path.stem, text, folder, harness)

    return cached(engine, parts, build) / "chip.so"


def _streams(ports: str) -> list[tuple[str, str, str]]:
    """Pairs of byte streams, in and out: first that of the host, or else that of the parent.

    To those of links comes the pin that tells that the other end has left, or an empty name.
    """
    names = set(re.findall(r"\w+", ports))
    found = [("rx", "tx", "")] if "rx__payload" in names else []
    sides = sorted(
        (
            name.removesuffix("__i_bytes__payload")
            for name in names
            if name.endswith("__i_bytes__payload")
        ),
        key=lambda side: (side != "parent", len(side), side),
    )
    for side in sides:
        lost = f"{side}__lost"
        found.append((f"{side}__i_bytes", f"{side}__o_bytes", lost if lost in names else ""))
    return found


def _header(streams: list[tuple[str, str, str]], engine: str) -> str:
    """Tell the harness its streams; CXXRTL doubles underscores, Verilator numbers every second."""

    def named(port: str) -> str:
        if engine == "cxxrtl":
            return f"p_{port.replace('_', '__')}"
        return port.replace("__", "___05F")

    each, lost = [], []
    for number, (into, out, pin) in enumerate(streams):
        ports = [f"{side}__{part}" for side in (into, out) for part in _PARTS]
        each.append(f"DO({number}, {', '.join(map(named, ports))})")
        lost += [f"DO({number}, {named(pin)})"] if pin else []
    return (
        f"#define STREAMS {len(streams)}\n#define EACH_STREAM(DO) {' '.join(each)}\n"
        f"#define EACH_LOST(DO) {' '.join(lost)}\n"
    )


def _with_cxxrtl(name: str, text: str, folder: Path, harness: Path) -> None:
    spec = importlib.util.find_spec("pyosys")
    if spec is None or spec.origin is None:
        raise YosysError("Yosys is missing: install it with 'pip install pyosys'")
    runtime = Path(spec.origin).parent / "share/include/backends/cxxrtl/runtime"
    (folder / f"{name}.v").write_text(text)
    log = run_yosys([f"read_verilog {name}.v", f"hierarchy -top {name}", *_COMMANDS], folder)
    if "feedback arcs" in log:
        raise SimulationError(
            f"Module {name} has wires that feed back into themselves, which take CXXRTL more than "
            "one pass a cycle: use engine='verilator'"
        )
    design = folder / "design.cc"
    design.write_text(_REGISTER.sub(r"\1.curr = \1.next;", design.read_text()))
    options = [f"-I{folder}", f"-I{runtime}", "-DWITH_CXXRTL", f"-DTOP=p_{name.replace('_', '__')}"]
    compiler = [find_tool("g++"), *_COMPILE["cxxrtl"], *options]
    run_tool([*compiler, "-shared", "-o", "chip.so", str(harness)], folder, "The C++ compiler")
    design.unlink()


def _with_verilator(name: str, text: str, folder: Path, harness: Path) -> None:
    verilator = find_tool("verilator")
    include = Path(verilator).resolve().parents[1] / "share/verilator/include"
    options = [f"-I{include}", f"-I{include / 'vltstd'}"]
    compiler = [find_tool("g++"), *_COMPILE["verilator"], *options]
    (folder / f"{name}.v").write_text(text)
    command = [verilator, "--cc", *_VERILATE, "--prefix", "Vdesign", "--top-module", name]
    run_tool([*command, "-Mdir", "model", f"{name}.v"], folder, "Verilator")

    # What all models share takes longer to compile than most of them, so it is kept for itself.
    def compile_runtime(place: Path) -> None:
        names = ["verilated.cpp", "verilated_threads.cpp"]
        sources = [str(include / source) for source in names]
        run_tool([*compiler, "-c", *sources], place, "The C++ compiler")

    versions = [tool_version("g++"), tool_version("verilator"), *compiler]
    runtime = cached("verilated", versions, compile_runtime)
    # As one file, since the headers of Verilator take as long as a small model.
    models = sorted((folder / "model").glob("*.cpp"))
    once = [path for path in models if path.stem.endswith("Slow")]
    often = [harness, *(path for path in models if path not in once)]
    include_all = [[f'#include "{path}"' for path in paths] for paths in (often, once)]
    lines = [*include_all[0], _ONCE[0], *include_all[1], _ONCE[1]]
    (folder / "model" / "all.cc").write_text("\n".join(lines) + "\n")
    objects = [str(runtime / "verilated.o"), str(runtime / "verilated_threads.o"), "-lpthread"]
    command = [*compiler, "-Imodel", "-I.", "-shared", "-o", "chip.so", "model/all.cc", *objects]
    run_tool(command, folder, "The C++ compiler")
    shutil.rmtree(folder / "model")
