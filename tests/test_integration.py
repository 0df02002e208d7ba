"""The example of integration: linted, simulated against golden, and its driver compiled and run."""

import ctypes
import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markdown_it import MarkdownIt

from spikeloom import Golden
from spikeloom.host.words import StepDecoder
from spikeloom_hw.event import Kind, pack
from spikeloom_hw.program import Program
from spikeloom_hw.registers import ID
from spikeloom_sim.tools import find_tool

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "examples" / "integration"
GUIDE = ROOT / "docs" / "guide" / "integration.md"
STRICT = ("-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-I", ".")
Built = tuple[Path, Program, dict[str, Any]]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    folder = tmp_path_factory.mktemp("integration")
    script = runpy.run_path(str(EXAMPLE / "build.py"))
    return folder, script["build"](folder), script


def said_by(folder: Path, *command: Any) -> str:
    done = subprocess.run(
        list(map(str, command)), cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_verilator_finds_nothing_in_the_design_around_an_accelerator(built: Built) -> None:
    sources = ("spikeloom.v", EXAMPLE / "soc.v")
    lint = ("--lint-only", "-Wall", "--quiet", "--top-module", "soc")
    said = said_by(built[0], find_tool("verilator"), *lint, *sources)
    assert "%" not in said


def test_the_design_gives_what_golden_gives(built: Built) -> None:
    folder, program, script = built
    sources = (EXAMPLE / "testbench.v", EXAMPLE / "soc.v", "spikeloom.v")
    compiler = ("-g2005", "-Wall", "-Wno-timescale", "-I", ".", "-s", "testbench", "-o", "bench")
    assert said_by(folder, find_tool("iverilog"), *compiler, *sources) == ""
    said = said_by(folder, "./bench")
    assert said.endswith("end 1 0\n")
    words = re.findall(r"^word (\w{8}) ([01])$", said, re.MULTILINE)

    network, spikes = script["case"]()
    golden = Golden(network).run(spikes)
    steps = script["STEPS"]
    decoder = StepDecoder(program.recorded, steps, 0)
    decoder.feed(np.array([int(word, 16) for word, _ in words], np.uint32))
    assert decoder.done == steps == sum(last == "1" for _, last in words)
    for name in ("hidden", "out"):
        assert golden.spikes[name].any()
        np.testing.assert_array_equal(decoder.spikes[name], golden.spikes[name][:, 0])


def test_the_instance_that_is_emitted_is_one_of_the_module(built: Built) -> None:
    (built[0] / "copied.v").write_text('module copied;\n`include "spikeloom.inst.v"\nendmodule\n')
    compiler = ("-g2005", "-Wall", "-I", ".", "-t", "null", "-s", "copied")
    said = said_by(built[0], find_tool("iverilog"), *compiler, "copied.v", "spikeloom.v")
    assert said == ""


def test_the_driver_loads_the_network(built: Built) -> None:
    folder, program, _ = built
    shared = ("-shared", "-fPIC", "-o", "driver.so")
    said_by(folder, find_tool("g++"), "-x", "c", *STRICT, *shared, EXAMPLE / "driver.c")
    driver = ctypes.CDLL(str(folder / "driver.so"))

    # The window is plain memory here.
    window = json.loads((folder / "spikeloom.map.json").read_text())["window"]
    memory = (ctypes.c_uint32 * (window["bytes"] // 4))()
    registers = {name: offset // 4 for name, offset in window["registers"].items()}
    memory[registers["ID"]] = ID
    assert driver.accelerator_check(memory) == -2
    memory[registers["HASH_LOW"]] = program.config.hash & 0xFFFFFFFF
    memory[registers["HASH_HIGH"]] = program.config.hash >> 32
    assert driver.accelerator_check(memory) == 0
    assert driver.accelerator_load(memory) == 0
    for name, image in program.images.items():
        first = window["regions"][name] // 4
        stride = json.loads((folder / "spikeloom.map.json").read_text())["regions"][name]["stride"]
        for row, words in enumerate(image):
            start = first + row * stride
            assert memory[start : start + len(words)] == words.tolist(), name
    assert driver.spike_word(3, 17) == pack(Kind.SPIKE, 3, 17)
    assert driver.step_word(1) == pack(Kind.STEP, 0, 1)


def test_the_c_of_the_guide_compiles(built: Built) -> None:
    tokens = MarkdownIt().parse(GUIDE.read_text())
    (program,) = (t.content for t in tokens if t.type == "fence" and t.info.strip() == "c")
    (built[0] / "guide.c").write_text(program)
    said_by(built[0], find_tool("g++"), "-x", "c", *STRICT, "-fsyntax-only", "guide.c")
