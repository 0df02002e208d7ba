"""Settings of the documentation, its reference pages, one a module, and its pictures."""

import contextlib
import importlib
import importlib.metadata
import inspect
import json
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from amaranth.hdl import Shape
from amaranth.lib.wiring import Component
from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.inspect import stringify_signature

from spikeloom_hw.config import ChipConfig
from spikeloom_hw.registers import Register, regions

HERE = Path(__file__).parent
EXAMPLES = HERE.parent / "examples"
PICTURES = HERE / "guide" / "topologies" / "generated"
PACKAGES = ["sw/spikeloom", "sim/spikeloom_sim", "boards/spikeloom_boards", "hw/spikeloom_hw"]

project = "Spikeloom"
author = "the Spikeloom authors"
release = importlib.metadata.version("spikeloom")

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
exclude_patterns = ["_build"]
html_theme = "furo"
html_title = f"Spikeloom {release}"
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
autodoc_typehints_format = "short"
napoleon_google_docstring = False
napoleon_custom_sections = [("Members", "params_style"), ("Attributes", "params_style")]
# Types are prose ("(steps, neurons) bool array"): no link is sought for their words.
napoleon_use_param = False
napoleon_use_rtype = False


def modules(package: str) -> list[str]:
    """Names of the package in a folder and of all its public modules."""
    folder = HERE.parent / package
    paths = [path.relative_to(folder.parent).with_suffix("") for path in folder.rglob("*.py")]
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths}
    return sorted(name for name in names if "._" not in name)


def page(name: str) -> str:
    """Markdown of the page of a module."""
    text = f"# {name}\n\n```{{eval-rst}}\n.. automodule:: {name}\n   :members:\n"
    try:
        module = importlib.import_module(name)
    except ImportError:  # autodoc says what is wrong
        module = None
    if not hasattr(module, "__path__"):
        return text + "```\n"

    # A package says where its public names are described; they are not described twice.
    text += "   :ignore-module-all:\n```\n"
    homes = {
        n: getattr(getattr(module, n), "__module__", "") for n in getattr(module, "__all__", [])
    }
    away = {n: home for n, home in homes.items() if home.startswith("spikeloom") and home != name}
    if away:
        text += "\n| name | described in |\n|---|---|\n"
    for public, home in sorted(away.items()):
        text += f"| {{py:obj}}`{public} <{home}.{public}>` | {{py:mod}}`{home}` |\n"
    return text


def address_map() -> str:
    """Markdown of the address map, of the registers and of the memories of a default chip."""
    lines = [
        "# Address map",
        "",
        "Addresses count words of 32 bits. The memories are those of the default `ChipConfig`;",
        "the `map.json` beside an emitted chip has its own.",
        "",
        "| address | register | meaning |",
        "|---|---|---|",
        *(f"| `0x{r.value:02x}` | `{r.name}` | {r.meaning} |" for r in Register),
        "",
        "| address | memory | rows | bits of a row | words from row to row |",
        "|---|---|---|---|---|",
    ]
    for region in regions(ChipConfig()).values():
        bits = Shape.cast(region.layout).width
        numbers = f"{region.rows} | {bits} | {region.stride}"
        lines.append(f"| `0x{region.base:08x}` | {region.name} | {numbers} |")
    return "\n".join([*lines, ""])


def boards_table() -> str:
    """Markdown of what builds of boards took, as benchmarks/boards.py measured it."""
    lines = [
        "# Boards, measured",
        "",
        "Bitstreams built from clean with the tools of the lock file, as `report.json` beside each",
        "says. A share is that of the device; LUT are those that place and route took, those that",
        "synthesis made in brackets. `python benchmarks/boards.py --write` renews the page.",
        "",
        "| board | network | LUT | flip-flops | block RAM | SPRAM | DSP | MHz reached | asked |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    path = HERE / "reference" / "measured" / "boards.json"
    measured = json.loads(path.read_text()) if path.exists() else {}
    for name, entry in measured.items():
        report = entry["report"]
        cells = [name, entry["network"]]
        for kind in ("lut", "ff", "block_ram", "spram", "dsp"):
            got = report["resources"].get(kind)
            if got is None:
                cells.append("")
                continue
            text = f"{got['used']} of {got['available']}"
            cells.append(f"{text} ({got['synthesised']})" if kind == "lut" else text)
        reached = "" if report["reached"] is None else f"{report['reached'] / 1e6:.1f}"
        lines.append("| " + " | ".join([*cells, reached, f"{report['wanted'] / 1e6:g}"]) + " |")
    lines.append("")
    for name, entry in measured.items():
        tools = ", ".join(f"{tool} {version}" for tool, version in entry["report"]["tools"].items())
        lines.append(f"- {name}: `{entry['command']}`, {entry['date']}, {tools}")
    return "\n".join([*lines, ""])


def write_reference(_: Sphinx) -> None:
    """Write the pages of the reference, and remove those of modules that are gone."""
    folder = HERE / "reference" / "generated"
    folder.mkdir(exist_ok=True)
    pages = {name: page(name) for package in PACKAGES for name in modules(package)}
    pages |= {"address-map": address_map(), "boards-table": boards_table()}
    for stale in set(folder.glob("*.md")) - {folder / f"{name}.md" for name in pages}:
        stale.unlink()
    for name, text in pages.items():
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def scripts() -> dict[str, Path]:
    """Tell which scripts of the examples draw a picture, by the name of the picture."""
    found = {path.stem: path for path in EXAMPLES.glob("topologies/*.py")}
    found |= {path.parent.name: path for path in EXAMPLES.glob("*/network.py")}
    return {n: path for n, path in sorted(found.items()) if "\ndef picture(" in path.read_text()}


def draw_picture(name: str, script: Path) -> None:
    """Run the ``picture`` of a script, unless the picture is newer than all beside the script."""
    path = PICTURES / f"{name}.png"
    newest = max(p.stat().st_mtime for p in script.parent.iterdir() if p.is_file())
    if path.exists() and path.stat().st_mtime > newest:
        return
    # In a process of its own, as examples import their neighbours by plain names.
    code = f"import pathlib, {script.stem} as s; s.picture(pathlib.Path({str(path)!r}))"
    subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=script.parent,
        env=os.environ | {"MPLBACKEND": "Agg"},
        check=True,
    )


def draw_pictures(_: Sphinx) -> None:
    """Draw the pictures of the examples, and remove those whose script is gone."""
    PICTURES.mkdir(exist_ok=True)
    wanted = scripts()
    for path in PICTURES.glob("*.png"):
        if path.stem not in wanted:
            path.unlink()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(draw_picture, wanted, wanted.values()))


def skip_member(
    _app: Sphinx, _kind: str, name: str, thing: Any, _skip: bool, _options: Any
) -> bool | None:
    """Leave out what says nothing new: the fields of a named tuple, and ``elaborate``."""
    about = getattr(thing, "__doc__", None) or ""
    old = about.startswith("Alias for field number") or name.rpartition(".")[2] == "elaborate"
    return True if old else None


def show_signature(
    _app: Sphinx, kind: str, _name: str, thing: Any, _options: Any, _signature: str, _returns: str
) -> tuple[str, str] | None:
    """Show how a component is made: Amaranth's metaclass hides the signature."""
    if kind != "class" or not issubclass(thing, Component):
        return None
    shown = inspect.signature(thing.__init__)
    parameters = [p for p in shown.parameters.values() if p.name != "self"]
    shown = shown.replace(parameters=parameters, return_annotation=inspect.Signature.empty)
    return stringify_signature(shown, unqualified_typehints=True), ""


def replace(old: str, new: str) -> Callable[..., None]:
    """Give a function that replaces text in the first line of the docstring of a property."""

    def process(_app: Sphinx, kind: str, _n: str, _t: Any, _o: Any, lines: list[str]) -> None:
        if lines and kind in {"attribute", "data", "property"}:
            lines[0] = lines[0].replace(old, new)

    return process


def resolve_link(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: Any
) -> nodes.Node | None:
    """Follow a link as Python would, from the module it stands in or a package around it.

    What is not ours stays plain text, as the build fetches nothing; what does not exist is an
    error.
    """
    domain, target = env.domains["py"], node["reftarget"].lstrip(".~")
    # Sphinx cuts an alias such as Mapping[str, int] at its comma: a piece is no name.
    if "[" in target:
        return text
    around = (node.get("py:module") or "").split(".")
    places = [".".join(around[:depth]) for depth in range(len(around), 0, -1)]
    for path in (target, *(f"{place}.{target}" for place in places)):
        with contextlib.suppress(ImportError, AttributeError, ValueError):
            thing = pkgutil.resolve_name(path)
            home = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
            found = domain.resolve_any_xref(env, node["refdoc"], app.builder, home, node, text)
            return found[0][1] if found else text

    # A name that is given only once needs no module before it.
    known = [name for name, *_ in domain.get_objects() if name.endswith(f".{target}")]
    if len(known) != 1:
        return None
    return domain.resolve_any_xref(env, node["refdoc"], app.builder, known[0], node, text)[0][1]


def setup(app: Sphinx) -> None:
    """Connect the functions above."""
    app.connect("builder-inited", write_reference)
    app.connect("builder-inited", draw_pictures)
    app.connect("autodoc-skip-member", skip_member)
    app.connect("autodoc-process-signature", show_signature)
    # Napoleon, at 500, takes the words before a colon for the type of a property.
    app.connect("autodoc-process-docstring", replace(": ", "\0 "), priority=400)
    app.connect("autodoc-process-docstring", replace("\0 ", ": "), priority=600)
    app.connect("missing-reference", resolve_link)
