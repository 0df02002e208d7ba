from pathlib import Path

import pytest

from spikeloom_hw.blocks import Blocks
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.ram_shape import FAMILIES, LOGIC_COST, RamKind, RamShape, ram_shape, split_shapes
from spikeloom_hw.yosys import run_yosys

LIBRARIES = {
    "ice40": ("ice40/brams.txt", "ice40/spram.txt"),
    "ecp5": ("lattice/lutrams_trellis.txt", "lattice/brams_16kd.txt"),
    "gowin": ("gowin/lutrams.txt", "gowin/brams.txt"),
}
KINDS = {
    "$mem_v2": RamKind.REGISTERS,
    "$__ICE40_RAM4K_": RamKind.BLOCK,
    "$__DP16KD_": RamKind.BLOCK,
    "$__PDPW16KD_": RamKind.BLOCK,
    "$__GOWIN_DP_": RamKind.BLOCK,
    "$__GOWIN_SDP_": RamKind.BLOCK,
    "$__TRELLIS_DPR16X4_": RamKind.DISTRIBUTED,
    "$__GOWIN_LUTRAM_": RamKind.DISTRIBUTED,
}
SHAPES = [
    *[(2, 4), (2, 25), (2, 32), (4, 8), (4, 24), (11, 32), (16, 9), (32, 32), (33, 32), (64, 16)],
    *[(128, 10), (256, 3), (256, 19), (300, 1), (512, 36), (513, 32), (700, 20), (1600, 32)],
    *[(2048, 8), (4096, 32), (6400, 32), (8192, 32)],
]


@pytest.mark.parametrize("family", FAMILIES)
def test_yosys_makes_of_a_memory_what_was_told(family: str, tmp_path: Path) -> None:
    options = "".join(f" -lib +/{name}" for name in LIBRARIES[family])
    mapping = f"memory_libmap{options} -logic-cost-ram {LOGIC_COST[family]}"
    commands = []
    for number, (depth, width) in enumerate(SHAPES):
        blocks = Blocks(width, depth, split=False)
        text = netlist_of(blocks, f"top{number}", defined_collisions=False)
        (tmp_path / f"{number}.il").write_text(text)
        commands += [f"read_rtlil {number}.il", "flatten", "proc", "opt", "memory -nomap"]
        commands += ["opt -full", mapping, f"tee -o {number}.txt stat -top top{number}"]
        commands += ["design -reset"]
    run_yosys(commands, tmp_path)
    for number, (depth, width) in enumerate(SHAPES):
        words = (tmp_path / f"{number}.txt").read_text().split()
        found = {KINDS[name]: int(words[at - 1]) for at, name in enumerate(words) if name in KINDS}
        told = ram_shape(family, depth, width)
        count = 1 if told.kind is RamKind.REGISTERS else told.count
        assert found == {told.kind: count}, (depth, width)


def test_a_memory_with_a_single_port_fits_single_port_ram() -> None:
    told = ram_shape("ice40", 16384, 32, ports=1)
    assert told == RamShape(RamKind.SINGLE_PORT, 2, 16, 1)
    assert ram_shape("ice40", 16384, 32).kind is RamKind.BLOCK


def test_a_dear_bit_in_registers_asks_for_block_ram() -> None:
    assert ram_shape("ice40", 4, 24, logic_cost=1.0).kind is RamKind.REGISTERS
    assert ram_shape("ice40", 4, 24, logic_cost=3.0).kind is RamKind.BLOCK


def test_a_row_is_cut_into_words_and_words_into_blocks() -> None:
    told = list(split_shapes("ecp5", 6400, 64))
    assert [shape.count for shape in told] == 2 * [8, 4, 1]
    assert {shape.parts for shape in told} == {1}
    assert sum(shape.count for shape in split_shapes("ice40", 16384, 64, ports=1)) == 4
