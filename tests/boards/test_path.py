"""The critical path is told by the modules of the design."""

from typing import Any

import pytest

from spikeloom_boards.path import PathStep, module_of, read_path

CELLS = {
    "chip.chip.fabric.bus.served_LUT4_B": "fabric.bus",
    "chip.chip.fabric.queue.fifo.storage.0.0": "fabric.queue.fifo",
    "chip.chip.system.count_CCU2C_S0$CCU2_COMB0": "system",
    "chip.uart.synchroniser.stage0_TRELLIS_FF_Q": "uart.synchroniser",
    "chip.chip.fabric.core.$abc$12$lut$x.y": "fabric.core",
    "chip.chip.word_LUT4_Z": "chip",
    "clock.locked_SB_LUT4_I3": "clock",
    "cycles_TRELLIS_FF_Q_1": "top",
}


@pytest.mark.parametrize(("cell", "module"), CELLS.items())
def test_a_cell_is_in_a_module(cell: str, module: str) -> None:
    assert module_of(cell) == module


def part(kind: str, cell: str, delay: float) -> dict[str, Any]:
    return {"type": kind, "delay": delay, "from": {"cell": cell}, "to": {"cell": "chip.chip.z.q"}}


def test_the_longest_path_inside_the_clock_is_joined_by_module() -> None:
    short = {"from": "posedge c", "to": "posedge c", "path": [part("logic", "a.b", 1.0)]}
    outside = {"from": "<async>", "to": "posedge c", "path": [part("logic", "a.b", 90.0)]}
    parts = [
        part("clk-to-q", "chip.chip.a.q_FF", 0.5),
        part("routing", "chip.chip.a.q_FF", 1.0),
        part("logic", "chip.chip.b.x_LUT4", 0.25),
        part("routing", "chip.chip.b.x_LUT4", 2.0),
        part("logic", "chip.chip.b.y_LUT4", 0.25),
        part("setup", "chip.chip.a.r_FF", 0.125),
    ]
    long = {"from": "posedge c", "to": "posedge c", "path": parts}
    steps = read_path([short, outside, long])
    assert steps == (
        PathStep("a", 0.5, 1.0),
        PathStep("b", 0.5, 2.0),
        PathStep("a", 0.125, 0.0),
    )
    assert sum(step.delay for step in steps) == 4.125


def test_without_a_path_there_are_no_steps() -> None:
    assert read_path([]) == ()
