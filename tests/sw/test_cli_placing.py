"""The options of the command line that say where a network is placed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from spikeloom import Dense, NeuronParameters, Program, QuantisedNetwork, QuantisedPopulation
from spikeloom.cli import main


@pytest.fixture
def network(tmp_path: Path) -> Path:
    neuron = NeuronParameters(threshold=10)
    populations = (
        QuantisedPopulation("in", 6),
        QuantisedPopulation("mid", 20, neuron),
        QuantisedPopulation("out", 4, neuron),
    )
    projections = (
        Dense("in", "mid", np.ones((6, 20), int)),
        Dense("mid", "out", np.ones((20, 4), int)),
    )
    QuantisedNetwork(populations, projections).save(tmp_path / "network.npz")
    return tmp_path / "network.npz"


def spikeloom(*arguments: Any) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_check_tells_what_each_core_holds(network: Path) -> None:
    options = ("--target", "generic-4", "--cores", 2, "--chips", 2)
    pins = ("--pin", "mid=3,0", "--pin", "out=2")
    result = spikeloom("check", network, *options, *pins, "--json")
    assert result.exit_code == 0, result.output
    values = json.loads(result.stdout)
    holds = [[held["population"] for held in core["holds"]] for core in values["cores"]]
    assert holds == [["mid"], [], ["out"], ["mid"]]
    assert [core["chip"] for core in values["cores"]] == [0, 0, 1, 1]
    assert [held["neurons"] for core in values["cores"] for held in core["holds"]] == [12, 4, 8]
    (link,) = values["links"]
    # Up go the spikes of 8 neurons of mid, for the host, and of out; down the others, and the
    # input.
    assert (link["chip"], link["parent"]) == (1, 0)
    assert link["up"] == pytest.approx(1.2)
    assert link["down"] == pytest.approx(1.8)
    assert (link["words_up"], link["words_down"]) == (pytest.approx(3.2), pytest.approx(4.8))
    text = spikeloom("check", network, *options, *pins).stdout
    assert "mid (12)" in text
    assert "Links in a step, on parallel lines" in text


def test_one_core_is_not_worth_a_table(network: Path) -> None:
    result = spikeloom("check", network)
    assert result.exit_code == 0
    assert "Cores" not in result.stdout
    values = json.loads(spikeloom("check", network, "--json").stdout)
    assert len(values["cores"]) == 1
    assert values["links"] == []


def test_build_places_as_it_is_told(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    options = ("--target", "generic-4", "--cores", 2, "--pin", "mid=1", "--link", "axi")
    result = spikeloom("build", network, "-o", folder, *options, "--json")
    assert result.exit_code == 0, result.output
    program = Program.load(folder / "program.spikeloom")
    assert [piece.core for piece in program.population("mid").slices] == [1]
    assert len(json.loads(result.stdout)["cores"]) == 2
    ports = json.loads((folder / "spikeloom.map.json").read_text())["ports"]
    assert {"s_axi_awvalid", "m_axis_tlast"} <= {port["name"] for port in ports}


def test_build_gives_each_chip_the_ports_that_are_asked_for(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    options = ("--target", "generic-4", "--chips", 2, "--link", "wishbone")
    result = spikeloom("build", network, "-o", folder, *options, "--line", "serial", "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["branches"] == [str(folder / "spikeloom_chip1.v")]
    content = json.loads((folder / "spikeloom.map.json").read_text())
    (branch,) = content["branches"].values()
    root, below = ({p["name"] for p in ports} for ports in (content["ports"], branch["ports"]))
    assert below == {"aclk", "aresetn", "parent__tx_pin", "parent__rx_pin"}
    assert root >= {"aclk", "aresetn", "wb_cyc_i", "m_axis_tlast", "child1__tx_pin"}
    assert content["window"]["registers"]["STATUS@1"] > 0
    assert "#define SPIKELOOM_STATUS_1_OFFSET " in (folder / "spikeloom.h").read_text()
    assert {"weights", "weights@1", "down@1"} <= content["window"]["regions"].keys()


def test_build_writes_a_core_alone(network: Path, tmp_path: Path) -> None:
    folder = tmp_path / "built"
    options = ("--target", "generic-4", "--single-core", "--link", "axi", "--json")
    result = spikeloom("build", network, "-o", folder, *options)
    assert result.exit_code == 0, result.output
    content = json.loads((folder / "spikeloom.map.json").read_text())
    assert "schedule" not in content["window"]["regions"]


@pytest.mark.parametrize(
    ("pin", "sentence"),
    [
        ("mid", "--pin takes NAME=CORE or NAME=CORE,CORE, not 'mid'"),
        ("mid=one", "--pin takes NAME=CORE or NAME=CORE,CORE, not 'mid=one'"),
        ("=1", "--pin takes NAME=CORE or NAME=CORE,CORE, not '=1'"),
        ("in=1", "Pins name 'in', but the populations of neurons are 'mid', 'out'"),
    ],
)
def test_a_wrong_pin_is_told_in_a_sentence(network: Path, pin: str, sentence: str) -> None:
    result = spikeloom("check", network, "--pin", pin)
    assert result.exit_code == 2
    assert result.stderr == f"Error: {sentence}\n"


def test_a_network_that_no_core_can_hold_is_told_so(network: Path) -> None:
    result = spikeloom("check", network, "--target", "up5k", "--cores", 2)
    assert result.exit_code == 1
    assert "It does not fit: Target 'up5k' has from 1 to 1 cores on a chip, not 2" in result.stdout
