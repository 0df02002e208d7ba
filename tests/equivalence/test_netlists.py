"""What Yosys makes of a chip for an FPGA, simulated with the cells of the family."""

import re
from typing import Any, cast

import numpy as np
import pytest
from amaranth.hdl import Module, Signal, unsigned
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from spikeloom import Golden, compile
from spikeloom.host.script import read_run, script_of
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.yosys import YosysError
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.cosim import cosimulate
from spikeloom_sim.netlists import CELLS, Family, cell_models, mapped_chip, mapped_verilog
from spikeloom_sim.random_network import random_case
from spikeloom_sim.vectors import play_vectors

STEPS = 3
CORE = CoreConfig(
    lanes=2,
    update_lanes=1,
    weight_width=4,
    accumulator_width=12,
    weight_rows=1024,
    neuron_rows=16,
    populations=4,
    sources=8,
    phases=4,
)
CONFIG = ChipConfig(CORE, counters=False)
MEMORY = {"ice40": "SB_RAM40_4K", "ecp5": "DP16KD"}
PRODUCT = {"ice40": "SB_MAC16", "ecp5": "MULT18X18D"}


# That of an iCE40 takes as long again: it is in benchmarks/netlists.py.
@pytest.mark.slow
@pytest.mark.parametrize("family", ["ecp5"])
def test_the_netlist_equals_golden(family: Family) -> None:
    case = random_case(6, CORE, steps=STEPS, largest=10)
    program = compile(case.network, CONFIG)
    path = mapped_chip(CONFIG, family)
    text = path.read_text()
    assert f"  {MEMORY[family]} " in text and f"  {PRODUCT[family]} " in text
    script = script_of(program, {name: array[:, 0] for name, array in case.spikes.items()})
    (exchange,) = cosimulate(path, [script], patience=300)
    expected = Golden(case.network).run(case.spikes)
    assert any(array.any() for array in expected.spikes.values())
    assert expected.difference(read_run(program, exchange.output, STEPS)) is None
    # To the cycle, too.
    assert exchange == CompiledChip(CONFIG).exchange(script, patience=300)


class Pair(wiring.Component):
    """An array of which element 1 has the name that Yosys gives to bit 1 of the whole."""

    i: Signal
    row: Signal
    o: Signal

    def __init__(self) -> None:
        super().__init__({"i": In(8), "row": In(8), "o": Out(8)})

    def elaborate(self, platform: object) -> Module:
        m = Module()
        words = Signal(data.ArrayLayout(unsigned(4), 2))
        kept = Signal(data.ArrayLayout(unsigned(4), 2))
        m.d.comb += words.eq(self.i + self.row)
        m.d.sync += kept.eq(words)
        m.d.comb += self.o.eq(kept[0] * 3 + kept[1])
        return m


def test_no_wire_has_the_name_of_a_bit_of_another() -> None:
    text = mapped_verilog(Pair(), "ecp5", "pair")
    netlist = text[: text.index("endmodule")]
    assert not re.search(r"\\\S*\[\d+\]\s", netlist)
    rows = np.random.default_rng(0).integers(0, 256, (50, 2)).tolist()
    shown = play_vectors(
        text, "pair", {"i": 8, "row": 8, "rst": 1}, {"o": 8}, [[*row, 0] for row in rows]
    )
    for (i, row), (output,) in zip(rows, shown, strict=True):
        total = (i + row) % 256
        assert int(output, 2) == (total % 16) * 3 + total // 16


def bus(name: str, width: int) -> list[str]:
    return [f"{name}{k}" for k in reversed(range(width))]


def block_ram(widths: tuple[int, int], mode: str, rows: list[list[int]]) -> list[tuple[str, str]]:
    """Outputs of a DP16KD for rows of enable, write, address and data of port A and port B."""
    inputs: dict[str, int] = {}
    for port in "AB":
        inputs |= {f"CE{port}": 1, f"WE{port}": 1}
        inputs |= dict.fromkeys((*bus(f"AD{port}", 14), *bus(f"DI{port}", 18)), 1)
    rest = dict.fromkeys(("OCE", "RST", "CS2", "CS1", "CS0"), 0)
    idle = {
        f"{pin[:-1]}{port}{pin[-1]}" if pin[-1].isdigit() else f"{pin}{port}": value
        for port in "AB"
        for pin, value in rest.items()
    }
    inputs |= dict.fromkeys(idle, 1)
    outputs = dict.fromkeys((*bus("DOA", 18), *bus("DOB", 18)), 1)
    lines = []
    for row in rows:
        line: list[int] = []
        for enable, write, address, value in (row[:4], row[4:]):
            line += [enable, write]
            line += [address >> k & 1 for k in reversed(range(14))]
            line += [value >> k & 1 for k in reversed(range(18))]
        lines.append([*line, *idle.values()])
    shown = play_vectors(
        cell_models("ecp5", {"DP16KD"}),
        "DP16KD",
        inputs,
        outputs,
        lines,
        clocks=("CLKA", "CLKB"),
        parameters=f".DATA_WIDTH_A({widths[0]}), .DATA_WIDTH_B({widths[1]}), "
        f'.WRITEMODE_A("{mode}"), .WRITEMODE_B("{mode}")',
    )
    return [("".join(line[:18]), "".join(line[18:])) for line in shown]


def places(width: int, address: int) -> list[int]:
    """Bits of the memory, counted from the first, that an access of a DP16KD reaches."""
    if width >= 9:
        first = address >> {9: 3, 18: 4, 36: 5}[width]
        return list(range(first * width, (first + 1) * width))
    return [(address >> 3) * 9 + (address % 8) // width * width + k for k in range(width)]


def enabled(width: int, address: int) -> list[bool]:
    """Which bits of an access are written."""
    return [width < 18 or bool(address >> k // 9 & 1) for k in range(width)]


@pytest.mark.parametrize("mode", ["NORMAL", "READBEFOREWRITE", "WRITETHROUGH"])
@pytest.mark.parametrize("widths", [(9, 9), (18, 18), (4, 18), (1, 2), (36, 36), (36, 9)])
def test_the_block_ram_of_the_ecp5_equals_a_plain_model(widths: tuple[int, int], mode: str) -> None:
    rng = np.random.default_rng(5)
    wide = widths[0] == 36
    limits = [2, 2, 64, 1 << 18] * 2
    rows = rng.integers(0, limits, (300, 8)).tolist()
    if wide:
        # Port A only writes, port B only reads.
        rows = [[row[0], 1, *row[2:5], 0, *row[6:]] for row in rows]
    memory: dict[int, str] = {}
    held = [["0"] * widths[0], ["0"] * widths[1]]
    for row, shown in zip(rows, block_ram(widths, mode, rows), strict=True):
        before, wrote = dict(memory), [dict[int, str]() for _ in range(2)]
        values = [row[3] | (row[7] << 18 if wide else 0), row[7]]
        ports = [(row[4 * p], row[4 * p + 1], row[4 * p + 2]) for p in range(2)]
        for p, (on, write, address) in enumerate(ports):
            if on and write:
                reached = zip(places(widths[p], address), enabled(widths[p], address), strict=True)
                wrote[p] = {
                    bit: str(values[p] >> k & 1) for k, (bit, yes) in enumerate(reached) if yes
                }
        for p, (on, write, address) in enumerate(ports):
            reads = not write or mode == "READBEFOREWRITE"
            if on and (reads or mode == "WRITETHROUGH"):
                source, other = (before, "0") if reads else (wrote[p], "x")
                held[p] = [
                    "x" if bit in wrote[1 - p] else source.get(bit, other)
                    for bit in places(widths[p], address)
                ]
        for bit in wrote[0].keys() | wrote[1].keys():
            both = bit in wrote[0] and bit in wrote[1]
            memory[bit] = "x" if both else (wrote[0] | wrote[1])[bit]
        for p, width in enumerate(widths):
            output = shown[1] + shown[0] if width == 36 else shown[p]
            if not wide or p == 1:
                assert output[-width:] == "".join(held[p][::-1])
    assert "1" in memory.values()


@pytest.mark.parametrize("modes", [(0, 0), (1, 1), (2, 2), (3, 3), (0, 3), (2, 1)])
def test_the_block_ram_of_the_ice40_equals_a_plain_model(modes: tuple[int, int]) -> None:
    rng = np.random.default_rng(6)
    inputs = {"RCLKE": 1, "RE": 1, "RADDR": 11, "WCLKE": 1, "WE": 1, "WADDR": 11}
    inputs |= {"MASK": 16, "WDATA": 16}
    limits = [2, 2, 2048, 2, 2, 2048, 1 << 16, 1 << 16]
    rows = rng.integers(0, limits, (500, 8)) & [1, 1, 0x703, 1, 1, 0x703, 0xFFFF, 0xFFFF]
    shown = play_vectors(
        cell_models("ice40", {"SB_RAM40_4K"}),
        "SB_RAM40_4K",
        inputs,
        {"RDATA": 16},
        rows.tolist(),
        clocks=("RCLK", "WCLK"),
        parameters=f".WRITE_MODE({modes[0]}), .READ_MODE({modes[1]})",
    )
    memory, held = ["0"] * 4096, ["0"] * 16
    for row, (output,) in zip(rows.tolist(), shown, strict=True):
        read_on, read, read_address, write_on, write, write_address, mask, value = row
        written = {}
        if write_on and write:
            for bit, pin in reached_by(modes[0], write_address):
                if modes[0] or not mask >> pin & 1:
                    written[bit] = str(value >> pin & 1)
        if read_on and read:
            held = ["0"] * 16
            for bit, pin in reached_by(modes[1], read_address):
                held[pin] = "x" if bit in written else memory[bit]
        for bit, new in written.items():
            memory[bit] = new
        assert output == "".join(held[::-1])
    assert "1" in memory


def reached_by(mode: int, address: int) -> list[tuple[int, int]]:
    """Bits of the memory that an access of an SB_RAM40_4K reaches, each with its pin."""
    share, pin = 1 << mode, (0, 0, 1, 3)[mode]
    word, part = address % 256, (address >> 8) % share
    return [(16 * word + k + part, k + pin) for k in range(0, 16, share)]


def test_the_multiplier_of_the_ecp5_equals_a_plain_product() -> None:
    rng = np.random.default_rng(7)
    inputs = dict.fromkeys((*bus("A", 18), *bus("B", 18), *bus("C", 18)), 1)
    inputs |= dict.fromkeys(("SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB"), 1)
    rows, products = [], []
    for a, b, signs in rng.integers(0, [1 << 18, 1 << 18, 4], (100, 3)).tolist():
        bits = [a >> k & 1 for k in reversed(range(18))] + [b >> k & 1 for k in reversed(range(18))]
        rows.append([*bits, *[0] * 18, signs & 1, signs >> 1, 0, 0])
        signed = [v - (v >> 17 << 18) * (signs >> k & 1) for k, v in enumerate((a, b))]
        products.append(signed[0] * signed[1] % (1 << 36))
    text = cell_models("ecp5", {"MULT18X18D"})
    outputs = dict.fromkeys(bus("P", 36), 1)
    shown = play_vectors(text, "MULT18X18D", inputs, outputs, rows, clocks=())
    assert [int("".join(line), 2) for line in shown] == products


def test_a_cell_without_a_model_is_told() -> None:
    with pytest.raises(YosysError, match="^There is no model of NONESUCH for ice40$"):
        cell_models("ice40", {"SB_LUT4", "NONESUCH"})


def test_models_of_ours_come_first() -> None:
    assert (CELLS / "ice40.v").read_text().count("module SB_RAM40_4K") == 1
    assert "INITIAL" in cell_models("ice40", {"SB_RAM40_4K"})


def test_an_unknown_family_is_refused() -> None:
    text = "^Family must be one of ice40, ecp5, not 'stratix'$"
    with pytest.raises(ValueError, match=text):
        mapped_verilog(cast(Any, None), cast(Any, "stratix"))
