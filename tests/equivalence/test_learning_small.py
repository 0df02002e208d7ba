"""Small engines: what is built for one rule, and what is refused."""

import numpy as np
import pytest

from spikeloom import LIF, Golden, Network, compile, quantise
from spikeloom.errors import MappingError
from spikeloom.host.script import read_run, script_of
from spikeloom.learning import pair_stdp
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_sim.bench import simulate_bytes


@pytest.mark.parametrize(("ports", "skip"), [(1, True), (2, False)])
def test_amaranth_learns_what_golden_learns(ports: int, skip: bool) -> None:
    core = CoreConfig(
        lanes=2,
        update_lanes=1,
        weight_rows=64,
        neuron_rows=8,
        weight_ports=ports,
        skip=skip,
        learning=LearningConfig(entries=2, pre_lanes=1, pre_rows=32, post_rows=32),
        populations=2,
        projections=2,
        sources=4,
        phases=4,
    )
    network = quantise(small_network())
    spikes = {"in": np.random.default_rng(2).random((8, 5)) < 0.5}
    golden = Golden(network)
    expected = golden.run(spikes)
    program = compile(network, ChipConfig(core))
    (exchange,) = simulate_bytes(Chip(program.config), [script_of(program, spikes)], patience=2000)
    recording = read_run(program, exchange.output, 8)
    assert expected.difference(recording) is None
    assert not np.array_equal(golden.learned.projections[0].weights, network.projections[0].weights)


def small_network() -> Network:
    network = Network()
    network.add_input("in", 5)
    network.add_population("out", 3, LIF(decay=0.9, threshold=0.8))
    rule = pair_stdp((0.3, 0.2))
    network.connect("in", "out", np.random.default_rng(3).uniform(0, 0.6, (5, 3)), rule=rule)
    return network


def test_hardware_without_an_engine_is_refused() -> None:
    core = CoreConfig(lanes=4, update_lanes=2, weight_rows=128, neuron_rows=8)
    message = (
        "^The network learns, but the hardware has no learning engine; "
        "generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        compile(quantise(small_network()), ChipConfig(core))


def test_an_engine_that_lacks_something_is_refused() -> None:
    core = CoreConfig(
        lanes=4, update_lanes=2, weight_rows=128, neuron_rows=8, learning=LearningConfig(terms=1)
    )
    message = (
        "^The learning engine of the hardware has terms 1, the network needs 2; "
        "generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        compile(quantise(small_network()), ChipConfig(core))


def test_a_network_that_learns_gets_an_engine() -> None:
    program = compile(quantise(small_network()), "generic-16")
    assert program.config.core.learning == LearningConfig(
        entries=2, pre_lanes=4, pre_rows=2, post_rows=2
    )
    assert [p.entry for p in program.plastic] == [0]
