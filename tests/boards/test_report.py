"""A report of a build is the same after JSON, and says in a table what it holds."""

import xml.etree.ElementTree
from dataclasses import replace
from pathlib import Path

import pytest

from spikeloom_boards.path import PathStep
from spikeloom_boards.picture import draw_report
from spikeloom_boards.report import BuildReport, Resource, resources_of

REPORT = BuildReport(
    board="icebreaker",
    device="iCE40UP5K",
    configuration="0123456789abcdef",
    wanted=24e6,
    resources={
        "lut": Resource(4292, 5280, 3109, 3000),
        "block_ram": Resource(12, 30, 12),
    },
    reached=25.5e6,
    path=(PathStep("fabric.bus", 2.5, 5.25), PathStep("system", 0.875, 3.0)),
    seeds={1: 23e6, 2: 25.5e6},
    activity={"events": 16.25, "accumulations": 1280.0},
    tools={"yosys": "0.70"},
)


def test_json_gives_the_report_back() -> None:
    assert BuildReport.from_json(REPORT.to_json()) == REPORT
    plain = replace(REPORT, reached=None, path=(), seeds={}, activity={}, tools={})
    assert BuildReport.from_json(plain.to_json()) == plain


def test_the_text_has_every_figure() -> None:
    lines = [line.split() for line in REPORT.to_text().splitlines()]
    assert ["lut", "4292", "5280", "81.3%", "3109", "3000"] in lines
    assert ["block", "ram", "12", "30", "40.0%", "12"] in lines
    assert ["fabric.bus", "2.5", "5.25", "7.75"] in lines
    assert ["accumulations", "1280.0"] in lines
    assert ["yosys", "0.70"] in lines


def test_without_predictions_there_is_no_column_for_them() -> None:
    bare = replace(REPORT, resources={"lut": Resource(1, 10, 1)})
    assert "predicted" in REPORT.to_text()
    assert "predicted" not in bare.to_text()


VERDICTS = [
    ({}, True, "Reaches 25.5 MHz, 24 MHz were asked for; 2 seeds tried"),
    ({"seeds": {1: 25.5e6}}, True, "Reaches 25.5 MHz, 24 MHz were asked for; 1 seed tried"),
    (
        {"wanted": 100e6},
        False,
        "Too slow: reaches 25.5 MHz, 100 MHz were asked for; 2 seeds tried",
    ),
    (
        {"reached": None},
        None,
        "Asked for 24 MHz; the tools of the vendor tell whether it is reached",
    ),
]


@pytest.mark.parametrize(("changes", "met", "verdict"), VERDICTS)
def test_the_verdict_is_one_sentence(changes: dict, met: bool | None, verdict: str) -> None:
    report = replace(REPORT, **changes)
    assert report.met is met
    assert report.verdict == verdict


def test_what_the_device_lacks_is_left_out() -> None:
    counted = {"lut": 100, "ff": 50, "spram": 0}
    available = {"lut": 1000, "ff": 1000, "spram": 0}
    found = resources_of({"lut": 120}, counted, available, {"lut": 90})
    assert found == {"lut": Resource(120, 1000, 100, 90), "ff": Resource(50, 1000, 50)}
    assert found["lut"].share == 0.12


def test_the_picture_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("first.svg", "second.svg"):
        draw_report(REPORT, tmp_path / name)
    assert (tmp_path / "first.svg").read_bytes() == (tmp_path / "second.svg").read_bytes()
    root = xml.etree.ElementTree.parse(tmp_path / "first.svg").getroot()
    assert root.tag.endswith("svg")
    draw_report(replace(REPORT, path=(), reached=None), tmp_path / "bare.svg")
    assert (tmp_path / "bare.svg").stat().st_size > 0
