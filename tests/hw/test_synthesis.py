import json
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest

from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import verilog_of
from spikeloom_hw.yosys import YosysError, run_yosys
from spikeloom_sim.compiled import emitted_verilog
from spikeloom_sim.structures import STRUCTURES
from spikeloom_sim.tools import find_tool

# What Yosys says when a design is not what its author meant.
FAULTS = (
    r"^(?:ERROR: )?Latch inferred for signal",
    r"multiple conflicting drivers",
    r"^(?:Warning: )?Replacing memory .* with list of registers",
    r"^(?:Warning|ERROR):",
)
# So few bits may be cheaper in flip-flops: a block RAM counts 64 of them, and beside it Yosys needs
# logic for a read that meets a write, which plain Verilog defines.
FEW_BITS = 96

SMALL = ChipConfig(CoreConfig(lanes=4, update_lanes=2, weight_rows=1024, neuron_rows=16))
ICE40 = ChipConfig(
    CoreConfig(
        lanes=8,
        update_lanes=1,
        accumulator_width=16,
        weight_rows=16384,
        neuron_rows=16,
        weight_ports=1,
    )
)


def synthesise(verilog: Path, commands: str) -> tuple[str, Counter[str]]:
    """Run Yosys; give its log, and the cells of the result: none if it stops at a fault."""
    cells = verilog.with_suffix(".json")
    statistics = f"tee -q -o {cells.name} stat -width -json"
    try:
        log = run_yosys([f"read_verilog {verilog.name}", commands, statistics], verilog.parent)
    except YosysError as error:
        kept = Path(str(error).rpartition(" ")[2])
        log = kept.read_text()
        kept.unlink()
        return log, Counter()
    (module,) = json.loads(cells.read_text())["modules"].values()
    return log, Counter(module["num_cells_by_type"])


def memories(verilog: str) -> dict[str, tuple[int, int]]:
    """Width and depth of the memories of a Verilog file, by name."""
    found = re.findall(r"^ *reg (?:\[(\d+):0\] )?\\?(\S+) +\[(\d+):0\];", verilog, re.MULTILINE)
    return {name: (int(width or 0) + 1, int(depth) + 1) for width, name, depth in found}


def faults(log: str, verilog: str) -> list[str]:
    """Lines of a log that tell of a fault."""
    lines = [line for f in FAULTS for line in re.findall(f"{f}.*", log, re.MULTILINE)]
    for line, name in re.findall(r"^(using FF mapping for memory \w+\.(\S+))", log, re.MULTILINE):
        width, depth = memories(verilog)[name]
        if width * depth > FEW_BITS:
            lines.append(line)
    return lines


def registers(cells: Counter[str]) -> int:
    """Bits of registers among cells that are not mapped to a technology."""
    return sum(n * int(t.rpartition("_")[2]) for t, n in cells.items() if re.search("dff", t))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("small") / "chip.v"
    path.write_text(verilog_of(Chip(SMALL), "chip"))
    return path


@pytest.fixture(scope="module")
def ice40(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ice40") / "chip.v"
    path.write_text(verilog_of(Chip(ICE40), "chip"))
    return path


@pytest.fixture
def structure(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A file of its own with the hardware of one of the structures."""
    emitted = emitted_verilog(ChipConfig(STRUCTURES[request.param]))
    return Path(shutil.copy(emitted, tmp_path / "spikeloom.v"))


def flip_flops(path: Path, top: str = "chip") -> int:
    """Most flip-flops that a mapping may need: the registers, and two for each bit read.

    A memory without a read enable needs them to hold what was read.
    """
    log, cells = synthesise(path, f"synth -top {top} -run begin:fine; check -assert")
    assert faults(log, path.read_text()) == []
    known = memories(path.read_text())
    assert known and cells["$mem_v2"] == len(known)
    return registers(cells) + 2 * sum(width for width, _ in known.values()) + FEW_BITS


@pytest.mark.slow
def test_generic_synthesis_finds_no_fault(small: Path) -> None:
    most = flip_flops(small)
    total = sum(width * depth for width, depth in memories(small.read_text()).values())
    assert most < total / 4


@pytest.mark.slow
@pytest.mark.parametrize(
    "structure", ["convolutions", "sparse with delays", "everything"], indirect=True
)
def test_no_structure_dissolves_its_memories(structure: Path) -> None:
    most = flip_flops(structure, "spikeloom")
    total = sum(width * depth for width, depth in memories(structure.read_text()).values())
    assert most < total / 4


@pytest.mark.slow
def test_synthesis_for_ecp5_finds_no_fault_and_uses_its_memories(small: Path) -> None:
    log, cells = synthesise(small, "synth_ecp5 -top chip")
    assert faults(log, small.read_text()) == []
    assert cells["DP16KD"] >= 2
    assert cells["TRELLIS_DPR16X4"] >= 16
    assert cells["TRELLIS_FF"] <= flip_flops(small)


@pytest.mark.slow
def test_synthesis_for_ice40_finds_no_fault_and_uses_its_memories(ice40: Path) -> None:
    log, cells = synthesise(ice40, "synth_ice40 -spram -dsp -top chip")
    assert faults(log, ice40.read_text()) == []
    assert cells["SB_SPRAM256KA"] == 4
    assert cells["SB_RAM40_4K"] >= 10
    assert cells["SB_MAC16"] >= 1
    used = sum(n for cell, n in cells.items() if cell.startswith("SB_DFF"))
    assert used <= flip_flops(ice40)


BAD = {
    "latch": (
        "module bad(input e, d, output reg q); always @* if (e) q = d; endmodule",
        r"^ERROR: Latch inferred for signal",
    ),
    "drivers": (
        "module bad(input a, b, output y); assign y = a; assign y = b; endmodule",
        r"multiple conflicting drivers",
    ),
    "registers": (
        (
            "module bad(input [1:0] a, input [7:0] d, output reg [7:0] q);\n"
            "  reg [7:0] kept [3:0];\n"
            "  always @* begin q = kept[a]; kept[0] = d; end\nendmodule"
        ),
        r"^Warning: Replacing memory",
    ),
    "dissolved": (
        (
            "module bad(input c, w, input [4:0] a, b, input [31:0] d, output [31:0] q);\n"
            "  reg [31:0] kept [31:0];\n"
            "  always @(posedge c) if (w) kept[a] <= d;\n"
            "  assign q = kept[b];\nendmodule"
        ),
        r"^using FF mapping for memory",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", BAD)
def test_a_fault_would_be_found(fault: str, tmp_path: Path) -> None:
    text, expected = BAD[fault]
    path = tmp_path / "bad.v"
    path.write_text(text + "\n")
    log, _ = synthesise(path, "synth_ice40 -top bad")
    assert [line for line in faults(log, text) if re.search(expected, line)]


def lint(path: Path) -> str:
    command = [find_tool("verilator"), "--lint-only", "-Wall", "--quiet", path.name]
    done = subprocess.run(command, cwd=path.parent, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_verilator_finds_nothing_to_warn_of(small: Path, ice40: Path) -> None:
    assert lint(small) == ""
    assert lint(ice40) == ""


@pytest.mark.parametrize("structure", STRUCTURES, indirect=True)
def test_verilator_finds_nothing_to_warn_of_in_any_structure(structure: Path) -> None:
    assert lint(structure) == ""


@pytest.mark.parametrize(
    "fault, warning",
    [
        ("always @(posedge rst) tx__valid <= 1;", "MULTIDRIVEN"),
        ("reg kept; always @* if (rst) kept = clk;", "LATCH"),
        ("assign nowhere = rst;", "IMPLICIT"),
    ],
)
def test_verilator_would_warn(small: Path, tmp_path: Path, fault: str, warning: str) -> None:
    path = tmp_path / "chip.v"
    path.write_text(small.read_text().replace("endmodule", f"{fault}\nendmodule"))
    assert f"-{warning}:" in lint(path)
