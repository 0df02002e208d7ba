"""The whole way, on a small network: described, quantised, compiled, emitted, simulated."""

import json
from pathlib import Path

import numpy as np

from spikeloom import LIF, Device, Golden, Network, Program, compile, emit, quantise

STEPS, SAMPLES = 20, 3


def small_network() -> Network:
    random = np.random.default_rng(7)
    network = Network("small")
    network.add_input("left", 13)
    network.add_input("right", 5)
    network.add_population("hidden", 21, LIF(decay=0.9, reset="to value", refractory=1))
    network.add_population("out", 6, LIF(decay=0.95, threshold=random.uniform(0.5, 1.5, 6)))
    network.connect("left", "hidden", random.normal(0.1, 0.5, (13, 21)))
    network.connect("right", "hidden", random.normal(0, 0.5, (5, 21)))
    network.connect("hidden", "out", random.normal(0.1, 0.5, (21, 6)))
    network.connect("out", "hidden", random.normal(-0.2, 0.2, (6, 21)))
    return network


def test_a_network_runs_on_its_verilog_as_golden_says(tmp_path: Path) -> None:
    quantised = quantise(small_network())
    program = compile(quantised, target="generic-8")
    program.save(tmp_path / "small.spikeloom")
    program = Program.load(tmp_path / "small.spikeloom")
    emission = emit(program, tmp_path / "hardware")
    assert all(file.stat().st_size for file in emission.files)
    assert f"{program.config.hash:016x}" in emission.map.read_text()
    assert json.loads(emission.map.read_text())

    random = np.random.default_rng(8)
    spikes = {
        "left": random.random((STEPS, SAMPLES, 13)) < 0.3,
        "right": random.random((STEPS, SAMPLES, 5)) < 0.3,
    }
    expected = Golden(quantised).run(spikes, potentials=True)
    with Device.simulate(program) as device:
        recording = device.run(spikes, potentials=True)
        weights = device.weights("out", "hidden")

    assert expected.counts("out").sum() > 0
    assert expected.difference(recording) is None
    for name, potentials in expected.potentials.items():
        np.testing.assert_array_equal(recording.potentials[name], potentials)
    for counter in ("events", "synaptic_operations"):
        assert recording.counters[counter] == expected.counters[counter]
    np.testing.assert_array_equal(weights, quantised.projections_from("out")[0].weights)
