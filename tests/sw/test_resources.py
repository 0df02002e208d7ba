import json
from pathlib import Path

import pytest

from spikeloom.resources import FAMILIES, features, memories, predict
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.netlist import netlist_of
from spikeloom_hw.neuron import Constant, Fields
from spikeloom_hw.yosys import run_yosys, synthesis

PLACES = {
    "reset": Constant(1),
    "reset_value": Constant(0),
    "refractory": Constant(0),
    "inclusive": Constant(0),
    "shift": Constant(4),
}
SMALL = CoreConfig(
    lanes=8,
    update_lanes=1,
    accumulator_width=16,
    fields=Fields(PLACES, 16),
    weight_rows=16384,
    neuron_rows=16,
    populations=2,
    projections=2,
    sources=4,
    phases=2,
    weight_ports=1,
)
TWO_PORTS = CoreConfig(
    lanes=4,
    update_lanes=1,
    fields=Fields(PLACES, 18),
    weight_rows=2560,
    neuron_rows=64,
    populations=2,
    projections=2,
    sources=4,
    phases=2,
)
RAMS = ("DP16KD", "PDPW16KD")


# The chip for the iCEBreaker is looked at in tests/test_icebreaker.py, where it is built anyway.
def test_block_ram_is_told_exactly_and_cells_roughly(tmp_path: Path) -> None:
    family, config = "ecp5", ChipConfig(TWO_PORTS)
    (tmp_path / "design.il").write_text(netlist_of(Chip(config), defined_collisions=False))
    statistics = "tee -q -o cells.json stat -json"
    run_yosys(["read_rtlil design.il", *synthesis(family, "top"), statistics], tmp_path)
    cells = json.loads((tmp_path / "cells.json").read_text())["design"]["num_cells_by_type"]
    told = predict(config, family)
    made = sum(cells.get(cell, 0) for cell in RAMS)
    assert made == told.block_rams > 0
    assert told.single_port_rams == 0
    assert abs(told.luts / cells["LUT4"] - 1) <= 0.15


def test_every_memory_of_a_chip_is_found() -> None:
    found = memories(ChipConfig(SMALL))
    assert (16384, 32, 1) in found
    assert all(ports == 2 for depth, _, ports in found if depth != 16384)


def test_a_model_has_a_term_for_each_feature() -> None:
    known = features(ChipConfig(SMALL))
    assert all(value >= 0 for value in known.values())
    for family in FAMILIES:
        assert predict(ChipConfig(SMALL), family).luts > 1000


def test_a_family_without_a_model_is_named() -> None:
    with pytest.raises(ValueError, match=r"^Cells are predicted for ecp5 and ice40, not for 'x'$"):
        predict(ChipConfig(SMALL), "x")
