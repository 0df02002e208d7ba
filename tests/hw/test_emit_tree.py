import json
import re
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.emit import emit
from spikeloom_hw.interchip import SerialLine
from spikeloom_hw.program import PlacedPopulation, Program

CONFIG = ChipConfig(CoreConfig(lanes=4, update_lanes=2, weight_rows=32, neuron_rows=4))


def test_each_chip_of_a_tree_is_a_module_with_the_pins_of_its_links(tmp_path: Path) -> None:
    config = replace(CONFIG, parents=(0,))
    tree = Program(config, {}, (PlacedPopulation("input", 3, 0),), ())
    emission = emit(tree, tmp_path, line=partial(SerialLine, 8))
    assert [path.name for path in emission.branches] == ["spikeloom_chip1.v"]
    content = json.loads(emission.map.read_text())
    root, branch = content["ports"], content["branches"]["spikeloom_chip1"]
    assert (branch["verilog"], branch["parent"]) == ("spikeloom_chip1.v", 0)
    for path, ports, side in (
        (emission.verilog, root, "child1"),
        (emission.branches[0], branch["ports"], "parent"),
    ):
        assert [p["name"] for p in ports][-2:] == [f"{side}__tx_pin", f"{side}__rx_pin"]
        module = re.search(rf"^module {path.stem}\((.*)\);", path.read_text(), re.MULTILINE)
        assert module and sorted(module[1].split(", ")) == sorted(p["name"] for p in ports)


@pytest.mark.parametrize(
    ("parents", "options", "message"),
    [
        (
            (0,),
            {"link": "uart"},
            "The root of several chips has link 'bytes', 'axi' or 'wishbone', not 'uart'",
        ),
        (
            (),
            {"line": SerialLine},
            "Line must not be given for one chip, which has no other to be joined to",
        ),
    ],
)
def test_links_that_cannot_be_are_refused(
    parents: tuple[int, ...], options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    program = Program(replace(CONFIG, parents=parents), {}, (PlacedPopulation("input", 3, 0),), ())
    with pytest.raises(ValueError, match=f"^{message}$"):
        emit(program, tmp_path, **options)
