import json
import re
import stat
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from spikeloom import compile
from spikeloom_hw.config import ChipConfig, CoreConfig, Walk
from spikeloom_hw.emit import Emission, emit, verilog_of
from spikeloom_hw.event import Kind
from spikeloom_hw.folder import EmitError
from spikeloom_hw.header import c_header, ports_of
from spikeloom_hw.host.frame import MAGIC, FrameType
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import Register, regions
from spikeloom_hw.yosys import YosysError, run_yosys
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import STRUCTURES

CONFIG = ChipConfig(CoreConfig(lanes=4, update_lanes=2, weight_rows=32, neuron_rows=4))


@pytest.fixture(scope="module")
def program() -> Program:
    known = regions(CONFIG)
    rng = np.random.default_rng(0)
    images = {
        name: rng.integers(0, 1 << 32, (5, known[name].words), np.uint32)
        for name in ("weights", "populations")
    }
    return Program(CONFIG, images, (PlacedPopulation("input", 3, 0),), ())


@pytest.fixture(scope="module")
def emission(program: Program, tmp_path_factory: pytest.TempPathFactory) -> Emission:
    return emit(program, tmp_path_factory.mktemp("emission"))


class Table(wiring.Component):
    """A memory with contents beside one without."""

    row: Signal
    first: Signal
    second: Signal

    def __init__(self) -> None:
        super().__init__({"row": In(2), "first": Out(8), "second": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        for name, out, init in (("full", self.first, [1, 2, 3]), ("empty", self.second, [])):
            m.submodules[name] = memory = Memory(shape=unsigned(8), depth=4, init=init)
            reading, writing = memory.read_port(), memory.write_port()
            m.d.comb += [reading.addr.eq(self.row), out.eq(reading.data), writing.en.eq(0)]
            m.d.comb += [writing.en.eq(self.row == 3), writing.data.eq(7)]
        return m


def test_all_files_are_written_and_no_other(emission: Emission) -> None:
    names = ["h", "inst.v", "map.json", "populations.mem", "v", "weights.mem"]
    assert sorted(p.name for p in emission.folder.iterdir()) == [f"spikeloom.{n}" for n in names]
    assert sorted(emission.files) == sorted(emission.folder.iterdir())


def test_two_emissions_are_the_same_bytes(
    program: Program, emission: Emission, tmp_path: Path
) -> None:
    again = emit(program, tmp_path)
    for first, second in zip(emission.files, again.files, strict=True):
        assert first.read_bytes() == second.read_bytes()


def test_the_ports_are_those_of_the_contract(emission: Emission) -> None:
    ports = json.loads(emission.map.read_text())["ports"]
    assert {p["name"]: (p["direction"], p["width"]) for p in ports} == {
        "clk": ("in", 1),
        "rst": ("in", 1),
        "rx__payload": ("in", 8),
        "rx__valid": ("in", 1),
        "rx__ready": ("out", 1),
        "tx__payload": ("out", 8),
        "tx__valid": ("out", 1),
        "tx__ready": ("in", 1),
    }
    for port in ports:
        width = f"[{port['width'] - 1}:0] " if port["width"] > 1 else ""
        assert (
            f"\n  {port['direction']}put {width}{port['name']};\n" in emission.verilog.read_text()
        )


def test_the_verilog_has_no_block_that_waits_for_its_inputs(emission: Emission) -> None:
    text = emission.verilog.read_text()
    blocks = re.findall(r"always\b.*", text)
    assert blocks and set(blocks) <= {"always @(posedge clk)", "always @(posedge clk) begin"}
    assert "initial" not in text and "readmem" not in text


def test_the_map_tells_how_to_read_a_memory(program: Program, emission: Emission) -> None:
    content = json.loads(emission.map.read_text())
    region = content["regions"]["populations"]
    known = regions(CONFIG)["populations"]
    assert [region[k] for k in ("base", "rows", "words", "stride", "width")] == [
        known.base,
        known.rows,
        known.words,
        known.stride,
        known.layout.size,
    ]
    columns = unpack_rows(known.layout, program.images["populations"])
    words = program.images["populations"][2]
    row = sum(int(word) << 32 * k for k, word in enumerate(words))
    for name, field in region["row"]["fields"].items():
        value = row >> field["offset"] & (1 << field["width"]) - 1
        if field["signed"] and value >> field["width"] - 1:
            value -= 1 << field["width"]
        assert columns[name][2] == value, name


def test_the_map_tells_what_a_structure_with_everything_has(tmp_path: Path) -> None:
    config = ChipConfig(STRUCTURES["everything"])
    case = random_case(4, config.core, steps=1, largest=24)
    program = compile(case.network, config)
    emission = emit(program, tmp_path)
    content = json.loads(emission.map.read_text())
    assert ChipConfig.from_dict(content["config"]) == config
    assert content["regions"].keys() == regions(config).keys()
    assert {p["name"]: p["stride"] for p in content["populations"]} == {
        p.name: p.stride for p in program.populations
    }
    assert {p["kind"] for p in content["projections"]} == set(Walk)
    assert content["events"]["kind"]["VALUE"] == Kind.VALUE

    # A synapse is found by the layout alone: lane 2 of the second row.
    region = content["regions"]["synapses"]
    synapse = region["row"]["element"]["fields"]
    size = region["width"] // region["row"]["elements"]
    line = int(emission.images["synapses"].read_text().split()[1], 16)
    columns = unpack_rows(regions(config)["synapses"].layout, program.images["synapses"])
    for name, field in synapse.items():
        value = line >> 2 * size + field["offset"] & (1 << field["width"]) - 1
        assert value == columns[name][1, 2] % (1 << field["width"]), name


def test_the_map_tells_the_configuration_and_the_link(emission: Emission) -> None:
    content = json.loads(emission.map.read_text())
    assert ChipConfig.from_dict(content["config"]) == CONFIG
    assert content["config_hash"] == f"{CONFIG.hash:016x}"
    assert content["registers"]["STATUS"]["address"] == Register.STATUS
    assert content["link"]["magic"] == MAGIC
    assert content["link"]["frames"]["PONG"] == FrameType.PONG
    assert content["populations"][0]["name"] == "input"
    files = content["files"]
    names = {
        files["verilog"],
        files["header"],
        files["instance"],
        *files["images"].values(),
        emission.map.name,
    }
    assert names == {path.name for path in emission.files}


def test_an_image_holds_a_row_a_line_for_readmemh(program: Program, emission: Emission) -> None:
    lines = emission.images["populations"].read_text().split()
    words = program.images["populations"]
    assert [int(line, 16) for line in lines] == [
        sum(int(word) << 32 * k for k, word in enumerate(row)) for row in words
    ]
    assert {len(line) for line in lines} == {8 * words.shape[1]}


@pytest.mark.parametrize("config", [CONFIG, ChipConfig(CONFIG.core, cores=2, parents=(0,))])
def test_the_c_header_has_each_number_of_the_map_once(config: ChipConfig) -> None:
    text = c_header(config)
    defined = re.findall(r"^#define (\w+) (0x[0-9A-F]{8})u$", text, re.MULTILINE)
    numbers = dict(defined)
    assert len(numbers) == len(defined) and len(defined) == text.count("#define") - 1
    for register in Register:
        assert int(numbers[f"SPIKELOOM_{register.name}"], 16) == register
    for name, region in regions(config).items():
        prefix = f"SPIKELOOM_{name.upper().replace('@', '_')}"
        assert int(numbers[f"{prefix}_BASE"], 16) == region.base
        assert int(numbers[f"{prefix}_STRIDE"], 16) == region.stride


def test_a_serial_chip_has_pins(program: Program, tmp_path: Path) -> None:
    emission = emit(program, tmp_path, link="uart", divisor=12.5, name="serial_chip")
    assert emission.verilog.name == "serial_chip.v"
    ports = json.loads(emission.map.read_text())["ports"]
    assert [(p["name"], p["direction"]) for p in ports[2:]] == [("rx", "in"), ("tx", "out")]
    assert re.search(
        r"^module serial_chip\(clk, rst, tx, rx\);$", emission.verilog.read_text(), re.M
    )


def test_only_memories_with_contents_have_initial_ones() -> None:
    text = verilog_of(Table(), "table_of_two")
    assert text.count("initial begin") == 1
    assert re.findall(r"full\S*\s*\[\d\] = 8'h0(\d);", text) == ["1", "2", "3", "0"]
    assert not re.search(r"empty\S*\s*\[\d\] =", text)


def test_ports_of_any_component_are_told() -> None:
    table = Table()
    verilog_of(table)
    assert [(p["name"], p["width"]) for p in ports_of(table)] == [
        ("clk", 1),
        ("rst", 1),
        ("row", 2),
        ("first", 8),
        ("second", 8),
    ]


@pytest.mark.parametrize(
    "options, message",
    [
        ({"link": "spi"}, "Link must be one of bytes, uart, axi, wishbone, not 'spi'"),
        ({"divisor": 8}, "Divisor must not be given for link 'bytes', not 8"),
        ({"link": "axi", "divisor": 8}, "Divisor must not be given for link 'axi', not 8"),
        (
            {"link": "uart"},
            r"Divisor must be given for link 'uart': clock frequency over baud rate",
        ),
        ({"name": "1st"}, "Name must be letters, digits and underscores, not '1st'"),
    ],
)
def test_options_without_meaning_are_refused(
    program: Program, tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        emit(program, tmp_path / "new", **options)
    assert not (tmp_path / "new").exists()


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    text = "^Program must be a Program, not ChipConfig: compile one$"
    with pytest.raises(TypeError, match=text):
        emit(cast(Any, CONFIG), tmp_path)


def test_a_folder_that_is_a_file_is_refused(program: Program, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    text = f"^{tmp_path}/file is a file; give the name of a folder$"
    with pytest.raises(ValueError, match=text):
        emit(program, tmp_path / "file")


def test_nothing_is_left_of_an_emission_that_fails(program: Program, tmp_path: Path) -> None:
    (tmp_path / "spikeloom.v").write_text("old")
    (tmp_path / "spikeloom.weights.mem").mkdir()
    with pytest.raises(EmitError, match="^Cannot write into .*: is a directory; .*$"):
        emit(program, tmp_path)
    assert (tmp_path / "spikeloom.v").read_text() == "old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["spikeloom.v", "spikeloom.weights.mem"]


def test_the_files_can_be_read_by_others(emission: Emission) -> None:
    assert stat.S_IMODE(emission.verilog.stat().st_mode) & 0o444 == 0o444


def test_a_failure_of_yosys_names_its_log(tmp_path: Path) -> None:
    with pytest.raises(YosysError) as caught:
        run_yosys(["read_verilog nonesuch.v"], tmp_path)
    found = re.fullmatch(
        r"Yosys failed: File `nonesuch.v' not found or is a directory; its log is (\S+)",
        str(caught.value),
    )
    assert found
    log = Path(found[1])
    assert "nonesuch.v" in log.read_text()
    log.unlink()
