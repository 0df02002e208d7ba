"""The top of every board has its pins where the board has them, and resets the chip."""

import re
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from spikeloom_boards.board import Board
from spikeloom_boards.catalogue import BOARDS
from spikeloom_boards.top import CHIP, BoardTop, ResetTimer

# Clock, line from the host, line to the host, light; of the schematics.
PINS = {
    "icebreaker": ("35", "6", "9", "37"),
    "ulx3s-85f": ("G2", "M1", "L4", "B2"),
    "ulx3s-12f": ("G2", "M1", "L4", "B2"),
    "orangecrab-25f": ("A9", "N17", "M18", "M3"),
    "ecpix5-45": ("K23", "R26", "R24", "R21"),
    "ecpix5-85": ("K23", "R26", "R24", "R21"),
    "tang-nano-9k": ("52", "18", "17", "10"),
    "tang-nano-20k": ("4", "70", "69", "15"),
    "arty-a7-35": ("E3", "A9", "D10", "H5"),
    "arty-a7-100": ("E3", "A9", "D10", "H5"),
}
PLACE = re.compile(
    r"set_io (?P<ice40>\S+) (\S+)|LOCATE COMP \"(?P<ecp5>\S+)\" SITE \"(\S+)\""
    r"|IO_LOC \"(?P<gowin>\S+)\" (\S+);|LOC (\S+) \[get_ports \"(?P<xilinx>\S+)\"\]"
)
PRIMITIVES = {"ice40": "SB_PLL40_PAD", "ecp5": "EHXPLLL", "gowin": "rPLL"}


def files_of(board: Board) -> dict[str, str]:
    plan = board.make_platform().prepare(BoardTop(board), "top")
    return {n: c if isinstance(c, str) else c.decode() for n, c in plan.files.items()}


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_the_pins_are_those_of_the_board(board: Board) -> None:
    files = files_of(board)
    constraints = next(t for n, t in files.items() if n.endswith((".pcf", ".lpf", ".cst", ".xdc")))
    places = {}
    for found in PLACE.finditer(constraints):
        name, pin = (group for group in found.groups() if group)
        if name not in found.groupdict().values():
            name, pin = pin, name
        places[name] = pin
    clock, receive, send, light = PINS[board.name]
    assert places["uart_0__rx__io"] == receive
    assert places["uart_0__tx__io"] == send
    assert {clock, light} < set(places.values())
    has_button = board.make_platform().default_rst is not None
    assert len(places) == 4 + has_button


@pytest.mark.parametrize("board", BOARDS.values(), ids=lambda board: board.name)
def test_the_chip_is_a_module_of_its_own_behind_the_clock_of_the_core(board: Board) -> None:
    netlist = files_of(board)["top.il"]
    assert netlist.count(f"cell \\{CHIP} \\chip") == 1
    primitive = PRIMITIVES.get(board.device.family.value)
    with_pll = board.crystal != board.frequency
    assert netlist.count(f"cell \\{primitive} ") == with_pll


def test_the_reset_lasts_as_long_as_it_should() -> None:
    m = Module()
    m.submodules.timer = timer = ResetTimer(7)
    seen = []

    async def testbench(ctx: Any) -> None:
        for _ in range(20):
            seen.append(ctx.get(timer.reset))
            await ctx.tick()

    simulator = Simulator(m)
    simulator.add_clock(1e-6)
    simulator.add_testbench(testbench)
    simulator.run()
    assert seen == [1] * 8 + [0] * 12
