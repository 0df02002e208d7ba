import re
from pathlib import Path

import pytest

from spikeloom_hw.yosys import YosysError, run_yosys, synthesis


def test_a_missing_yosys_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    text = "^Yosys is missing: install it with 'pip install pyosys'$"
    with pytest.raises(YosysError, match=text):
        run_yosys(["help"], tmp_path)


def test_a_wire_with_two_drivers_stops_a_synthesis(tmp_path: Path) -> None:
    (tmp_path / "bad.v").write_text(
        "module bad(input c, a, b, output reg y);\n"
        "  always @(posedge c) y <= a;\n  always @(posedge c) y <= b;\nendmodule\n"
    )
    with pytest.raises(YosysError) as caught:
        run_yosys(["read_verilog bad.v", *synthesis("ice40", "bad")], tmp_path)
    found = re.fullmatch(
        r"Yosys failed: Found \d+ problems .*; its log is (\S+)", str(caught.value)
    )
    assert found
    assert "multiple conflicting drivers" in Path(found[1]).read_text()
    Path(found[1]).unlink()


def test_a_family_that_yosys_does_not_know_is_refused() -> None:
    text = "^Family must be one of ecp5, gw1n, gw2a, ice40, xilinx, not 'stratix'$"
    with pytest.raises(ValueError, match=text):
        synthesis("stratix", "top")
