"""TENNLab's own test cases 01 to 19 of RISP: every raster."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import Device, Golden, compile
from spikeloom.dialect import risp
from spikeloom.dialect.risp import RispNetwork
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.neuron import Constant, Fields, NeuronParameters
from spikeloom_sim.projection import Sparse
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.run_state import RunState

FILE = Path(__file__).parents[1] / "data" / "risp" / "risp_cases_01_19.json.gz"
CASES: dict[str, dict[str, Any]] = {
    case["id"]: case for case in json.loads(gzip.decompress(FILE.read_bytes()))["cases"]
}
CONTINUED = ("17", "18", "19")


def expected(network: RispNetwork, run: dict[str, Any]) -> np.ndarray:
    rasters = run["expect"]["raster"]
    rows = [rasters[str(node)].ljust(run["T"], "0") for node in network.nodes]
    return np.array([[bit == "1" for bit in row] for row in rows]).T


def compare(network: RispNetwork, case: dict[str, Any], *, carry: bool = True) -> tuple[int, int]:
    """Rasters in all, and those that differ."""
    golden = Golden(network.quantised)
    state: RunState | None = None
    wrong = total = 0
    for run in case["runs"]:
        begin = None if run["clear_before"] else state
        recording = golden.run(network.stimulus(run["input"], run["T"]), state=begin)
        after = golden.state
        assert after is not None
        empty = {name: np.zeros_like(array) for name, array in after.pending.items()}
        state = after if carry else RunState(after.neurons, empty, after.time)
        differ = recording.spikes["nodes"][:, 0] != expected(network, run)
        wrong += int(differ.any(axis=0).sum())
        total += differ.shape[1]
    return total, wrong


def changed(network: RispNetwork, **parameters: Any) -> RispNetwork:
    """The network with other neurons."""
    inputs, nodes = network.quantised.populations
    assert nodes.neuron is not None
    neuron: NeuronParameters = replace(nodes.neuron, **parameters)
    populations = (inputs, replace(nodes, neuron=neuron))
    return replace(network, quantised=replace(network.quantised, populations=populations))


def later(network: RispNetwork) -> RispNetwork:
    """The network with all synapses slower by a step."""
    projections = [
        replace(p, delay=p.delay + (p.source == "nodes")) for p in network.quantised.projections
    ]
    quantised: QuantisedNetwork = replace(network.quantised, projections=tuple(projections))
    return replace(network, quantised=quantised)


@pytest.mark.parametrize("dense", [False, True], ids=["list", "matrices"])
@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_every_raster_is_that_of_tennlab(case: dict[str, Any], dense: bool) -> None:
    network = risp.read(case, dense=dense)
    nodes, runs = len(case["neurons"]), len(case["runs"])
    assert compare(network, case) == (nodes * runs, 0)


def test_the_cases_are_all_there_and_have_what_matters() -> None:
    assert list(CASES) == [f"{k:02}" for k in range(1, 20)]
    delays = {edge[3] for case in CASES.values() for edge in case["synapses"]}
    assert delays == {1, 2, 3, 4, 5}
    assert [c["id"] for c in CASES.values() if len(c["runs"]) > 1] == list(CONTINUED)
    listed = risp.read(CASES["18"]).quantised.projections[1]
    assert isinstance(listed, Sparse) and listed.longest_delay == 4


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_a_neuron_that_must_exceed_its_threshold_fails(case: dict[str, Any]) -> None:
    assert compare(changed(risp.read(case), inclusive=False), case)[1] > 0


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_synapses_that_are_a_step_slower_fail(case: dict[str, Any]) -> None:
    assert compare(later(risp.read(case)), case)[1] > 0


# In the others no charge is left over that would matter.
@pytest.mark.parametrize("name", "01 03 04 05 08 09 10 11 12 13 14 15 16".split())
def test_the_other_leak_fails(name: str) -> None:
    case = CASES[name]
    decay = 4096 if case["params"]["leak_mode"] == "all" else 0
    assert compare(changed(risp.read(case), decay=decay), case)[1] > 0


@pytest.mark.parametrize("name", CONTINUED)
def test_spikes_on_their_way_persist_between_runs(name: str) -> None:
    case = CASES[name]
    assert compare(risp.read(case), case, carry=False)[1] > 0


def roomy(network: RispNetwork) -> ChipConfig:
    """Hardware for all cases: what they differ in is loaded, not built in."""
    config = compile(network.quantised).config
    core = config.core
    fields = Fields({"reset": Constant(0), "inclusive": Constant(1), "shift": Constant(0)})
    rows = {name: 64 for name in ("weight_rows", "synapse_rows", "pointers") if getattr(core, name)}
    return replace(config, core=replace(core, fields=fields, projections=8, **rows))


@pytest.mark.slow
@pytest.mark.parametrize("dense", [False, True], ids=["list", "matrices"])
def test_the_emitted_verilog_gives_every_raster(dense: bool) -> None:
    networks = {name: risp.read(case, dense=dense) for name, case in CASES.items()}
    config = roomy(networks["18"])
    programs = {name: compile(n.quantised, config) for name, n in networks.items()}
    with Device.simulate(programs["18"]) as device:
        for name, case in CASES.items():
            device.load(programs[name])
            for run in case["runs"]:
                stimulus = networks[name].stimulus(run["input"], run["T"])
                recording = device.run(stimulus, reset=run["clear_before"])
                spikes = recording.spikes["nodes"][:, 0]
                np.testing.assert_array_equal(spikes, expected(networks[name], run), name)
