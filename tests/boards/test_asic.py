import json
import re
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from spikeloom import Golden, Program, compile
from spikeloom.host.script import read_run, script_of
from spikeloom_boards.asic import AsicEmission, emit_asic
from spikeloom_boards.asic_mapping import map_to_library
from spikeloom_boards.asic_memory import Macro, model_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_sim.cosim import cosimulate
from spikeloom_sim.random_network import Case, random_case
from spikeloom_sim.structures import STRUCTURES
from spikeloom_sim.vectors import play_vectors

TINY = Path(__file__).parents[1] / "data" / "liberty" / "tiny.lib"
STEPS = 6
PATIENCE = 1500
SMALLEST = 256


def drawn(structure: str, seed: int) -> tuple[Case, Program]:
    core = STRUCTURES[structure]
    case = random_case(seed, core, steps=STEPS, largest=14)
    return case, compile(case.network, ChipConfig(core))


def joined(emission: AsicEmission, *parts: Path) -> Path:
    """One file of the design and what it is made of."""
    path = emission.folder / "all" / f"{emission.name}.v"
    path.parent.mkdir(exist_ok=True)
    path.write_text("\n".join(part.read_text() for part in parts))
    return path


@pytest.fixture(scope="module")
def case() -> tuple[Case, Program]:
    return drawn("everything", 1)


@pytest.fixture(scope="module")
def emission(case: tuple[Case, Program], tmp_path_factory: pytest.TempPathFactory) -> AsicEmission:
    return emit_asic(case[1], tmp_path_factory.mktemp("asic"), smallest=SMALLEST)


@pytest.mark.parametrize("structure", ["everything", "plain integrate and fire"])
def test_from_registers_and_memories_of_x_the_chip_equals_golden(
    structure: str, tmp_path: Path
) -> None:
    cases = [drawn(structure, seed) for seed in (6, 7)]
    emission = emit_asic(cases[0][1], tmp_path, smallest=SMALLEST)
    path = joined(emission, emission.verilog, emission.models)
    assert not re.search(r"^ +initial\b|^ +reg [^;]*=", path.read_text(), re.MULTILINE)
    scripts = [
        script_of(program, {name: array[:, 0] for name, array in case.spikes.items()})
        for case, program in cases
    ]
    exchanges = cosimulate(path, scripts, patience=PATIENCE)
    fired = 0
    for (case, program), exchange in zip(cases, exchanges, strict=True):
        expected = Golden(case.network).run(case.spikes)
        assert expected.difference(read_run(program, exchange.output, STEPS)) is None
        fired += sum(int(np.count_nonzero(array)) for array in expected.spikes.values())
    assert fired > 0


def test_the_table_tells_every_memory_of_the_design(emission: AsicEmission) -> None:
    content = json.loads(emission.table.read_text())
    text = emission.verilog.read_text()
    used: list[str] = []
    for memory in content["memories"]:
        assert memory["bits"] == memory["depth"] * memory["width"]
        assert (memory["macro"] is not None) == (memory["bits"] >= SMALLEST)
        if memory["macro"]:
            macro = content["macros"][memory["macro"]]
            assert (macro["depth"], macro["width"]) == (memory["depth"], memory["width"])
        for instance in memory["instances"]:
            assert re.search(rf"^  {memory['macro']} \\{re.escape(instance)} +\(", text, re.M)
            used.append(memory["macro"])
    assert set(used) == set(content["macros"])
    assert len(used) == len(re.findall(r"^  spikeloom_ram_\w+ ", text, re.M))
    assert any(memory["macro"] is None for memory in content["memories"])


def test_the_pins_of_the_table_are_those_of_the_models(emission: AsicEmission) -> None:
    models = emission.models.read_text()
    for name, macro in json.loads(emission.table.read_text())["macros"].items():
        head = re.search(rf"^module {name}\(([^)]*)\);", models, re.M)
        assert head
        found = {}
        for line in head[1].strip().split(",\n"):
            pin = re.fullmatch(r" *(input|output)(?: reg)?(?: \[(\d+):0\])? (\w+)", line)
            assert pin
            found[pin[3]] = {"direction": pin[1], "width": int(pin[2] or 0) + 1}
        assert found == macro["pins"]


def test_weights_of_one_port_are_in_a_macro_of_one_port(tmp_path: Path) -> None:
    _, program = drawn("plain integrate and fire", 0)
    emission = emit_asic(program, tmp_path)
    weights = [m for m in emission.memories if "weights" in m.name]
    assert weights and {m.macro.ports for m in weights if m.macro} == {"1rw"}
    others = {m.macro.ports for m in emission.memories if m.macro and m not in weights}
    assert others == {"1r1w"}


@pytest.mark.parametrize(
    "macro",
    [
        Macro("1r1w", 16, 9),
        Macro("1r1w", 5, 12, groups=3),
        Macro("1rw", 16, 8),
        Macro("1rw", 6, 8, groups=4),
    ],
    ids=lambda macro: macro.name,
)
def test_the_model_of_a_macro_does_what_it_says(macro: Macro) -> None:
    rng = np.random.default_rng(3)
    inputs = {
        pin: width
        for pin, (direction, width) in macro.pins.items()
        if direction == "input" and pin != "clk"
    }
    limits = [macro.depth if "addr" in pin else 1 << width for pin, width in inputs.items()]
    rows = rng.integers(0, limits, (400, len(limits))).tolist()
    outputs = play_vectors(model_of(macro), macro.name, inputs, {"q": macro.width}, rows)
    span = macro.width // macro.groups
    memory = [["x"] * macro.width for _ in range(macro.depth)]
    q = ["x"] * macro.width
    for row, (output,) in zip(rows, outputs, strict=True):
        given = dict(zip(inputs, row, strict=True))
        shared = macro.ports == "1rw"
        write = given["addr" if shared else "waddr"]
        enabled = given["we"] if not shared or given["ce"] else 0
        written = [bool(enabled >> k // span & 1) for k in range(macro.width)]
        if given["ce" if shared else "re"]:
            read = given["addr" if shared else "raddr"]
            unknown = [bool(enabled)] * macro.width if shared else written
            clash = read == write
            q = ["x" if clash and unknown[k] else memory[read][k] for k in range(macro.width)]
        for k in range(macro.width):
            if written[k]:
                memory[write][k] = str(given["d"] >> k & 1)
        assert output == "".join(q[::-1])
    assert any("x" not in output for (output,) in outputs)


@pytest.mark.slow
def test_a_library_of_a_few_cells_takes_the_design(tmp_path: Path) -> None:
    core = CoreConfig(lanes=1, update_lanes=1, weight_width=2, weight_rows=2048, neuron_rows=64)
    case = random_case(4, core, steps=STEPS, largest=14)
    program = compile(case.network, ChipConfig(core, counters=False))
    emission = emit_asic(program, tmp_path, smallest=64)
    mapping = map_to_library(emission, TINY)
    areas = {"TINY_BUF": 3, "TINY_DFF": 16, "TINY_INV": 2, "TINY_NAND2": 4, "TINY_NOR2": 4}
    assert mapping.cells.keys() <= areas.keys()
    assert mapping.area == sum(areas[cell] * n for cell, n in mapping.cells.items())
    assert mapping.register_area == 16 * mapping.cells["TINY_DFF"]
    assert mapping.gates == mapping.area / 4
    assert sum(mapping.macros.values()) == sum(len(m.instances) for m in emission.memories)
    assert mapping.delay > 0
    assert str(mapping.to_dict()["gates"]) in json.dumps(mapping.to_dict())
    assert mapping.text().startswith(f"tiny.lib: {sum(mapping.cells.values()):,} cells, area ")
    cells = tmp_path / "cells.v"
    cells.write_text(CELLS)
    netlist = tmp_path / "netlist.v"
    netlist.write_text(mapping.netlist)
    script = script_of(program, {name: array[:, 0] for name, array in case.spikes.items()})
    path = joined(emission, netlist, cells, emission.models)
    (exchange,) = cosimulate(path, [script], patience=PATIENCE)
    expected = Golden(case.network).run(case.spikes)
    assert expected.difference(read_run(program, exchange.output, STEPS)) is None


CELLS = """
module TINY_INV(input A, output Y); assign Y = ~A; endmodule
module TINY_BUF(input A, output Y); assign Y = A; endmodule
module TINY_NAND2(input A, B, output Y); assign Y = ~(A & B); endmodule
module TINY_NOR2(input A, B, output Y); assign Y = ~(A | B); endmodule
module TINY_DFF(input CK, D, output reg Q); always @(posedge CK) Q <= D; endmodule
"""


def test_a_file_that_is_no_library_is_refused(emission: AsicEmission, tmp_path: Path) -> None:
    text = f"^{tmp_path}/none is not a file: give a library in Liberty format$"
    with pytest.raises(ValueError, match=text):
        map_to_library(emission, tmp_path / "none")
    other = tmp_path / "other.lib"
    other.write_text("library (other) { cell (AND2) { area : 3; } }")
    text = "^other.lib has no cell with NAND2 in its name: give a library of standard cells$"
    with pytest.raises(ValueError, match=text):
        map_to_library(emission, other)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    text = "^Program must be a Program, not str: compile one$"
    with pytest.raises(TypeError, match=text):
        emit_asic(cast(Any, "network"), tmp_path)


def test_a_name_that_verilog_lacks_is_refused(case: tuple[Case, Program], tmp_path: Path) -> None:
    text = "^Name must be letters, digits and underscores, not 'a b'$"
    with pytest.raises(ValueError, match=text):
        emit_asic(case[1], tmp_path / "new", name="a b")
    assert not (tmp_path / "new").exists()
