"""Small engines: what is built for one rule, and what is refused."""

import numpy as np
import pytest

from spikeloom import LIF, Golden, Network, compile, quantise
from spikeloom.errors import MappingError
from spikeloom.host.script import read_run, script_of
from spikeloom.learning import Rule, diehl_cook, pair_stdp
from spikeloom_boards.target import Target
from spikeloom_hw.chip import Chip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.learning.config import LearningConfig
from spikeloom_sim.bench import simulate_bytes


def target_of(ports: int, *, fixed: bool) -> Target:
    return Target("small", "two lanes", 2, 1, 64, 8, weight_ports=ports, fixed_rules=fixed)


def hardware_of(ports: int, *, skip: bool) -> ChipConfig:
    learning = LearningConfig(entries=2, pre_lanes=1, pre_rows=32, post_rows=32)
    core = CoreConfig(
        lanes=2,
        update_lanes=1,
        weight_rows=64,
        neuron_rows=8,
        weight_ports=ports,
        skip=skip,
        learning=learning,
        populations=2,
        projections=2,
        sources=4,
        phases=4,
    )
    return ChipConfig(core)


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        (hardware_of(1, skip=True), pair_stdp((0.3, 0.2))),
        (hardware_of(2, skip=False), pair_stdp((0.3, 0.2))),
        (target_of(1, fixed=True), pair_stdp((0.3, 0.2))),
        (target_of(2, fixed=False), diehl_cook(0.3)),
    ],
    ids=["products-1", "products-2", "masks-1-fixed", "masks-2-dependent"],
)
def test_amaranth_learns_what_golden_learns(target: Target | ChipConfig, rule: Rule) -> None:
    network = quantise(small_network(rule))
    spikes = {"in": np.random.default_rng(2).random((8, 5)) < 0.5}
    golden = Golden(network)
    expected = golden.run(spikes)
    program = compile(network, target)
    learning = program.config.core.learning
    assert learning is not None
    assert learning.products == isinstance(target, ChipConfig)
    (exchange,) = simulate_bytes(Chip(program.config), [script_of(program, spikes)], patience=2000)
    recording = read_run(program, exchange.output, 8)
    assert expected.difference(recording) is None
    assert not np.array_equal(golden.learned.projections[0].weights, network.projections[0].weights)


def test_amaranth_learns_at_sparse_synapses_what_golden_learns() -> None:
    engine = LearningConfig(
        2, 2, pre_lanes=2, pre_rows=32, post_rows=32, products=False, sparse=True
    )
    core = CoreConfig(
        lanes=2,
        update_lanes=1,
        weight_rows=16,
        neuron_rows=8,
        weight_ports=1,
        skip=True,
        learning=engine,
        populations=2,
        projections=2,
        sources=4,
        phases=4,
        pointers=16,
        synapse_rows=64,
    )
    rng = np.random.default_rng(1)
    network = Network()
    network.add_input("in", 6)
    network.add_population("out", 7, LIF(decay=0.9, threshold=0.8))
    places = rng.random((6, 7)) < 0.5
    weights = places * rng.uniform(0.1, 0.6, places.shape)
    network.connect_sparse("in", "out", weights, rule=pair_stdp((0.3, 0.2)))
    quantised = quantise(network)
    spikes = {"in": rng.random((8, 6)) < 0.5}
    golden = Golden(quantised)
    expected = golden.run(spikes)
    program = compile(quantised, ChipConfig(core))
    chip = Chip(program.config)
    (exchange,) = simulate_bytes(chip, [script_of(program, spikes)], patience=2000)
    assert expected.difference(read_run(program, exchange.output, 8)) is None
    changed = golden.learned.projections[0].weights != quantised.projections[0].weights
    assert np.count_nonzero(changed) > 5


def small_network(rule: Rule | None = None) -> Network:
    network = Network()
    network.add_input("in", 5)
    network.add_population("out", 3, LIF(decay=0.9, threshold=0.8))
    rule = rule or pair_stdp((0.3, 0.2))
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
    learning = program.config.core.learning
    assert learning is not None
    constants = learning.constants
    assert learning == LearningConfig(
        entries=1,
        pre_lanes=4,
        pre_rows=2,
        post_rows=2,
        sum_width=26,
        products=False,
        constants=constants,
    )
    assert constants["term1_on_post"] == 1
    assert not {"shift", "term0_coefficient", "x1_decay", "seed", "blocks"} & set(constants)
    assert [p.turn for p in program.plastic] == [0]


def test_numbers_of_rules_can_be_loaded_unless_they_are_fixed() -> None:
    first, second = (quantise(small_network(pair_stdp((0.3, down)))) for down in (0.2, 0.1))
    program = compile(first, "generic-16")
    assert compile(second, program.config).config.hash == program.config.hash
    fixed = compile(first, target_of(2, fixed=True)).config
    assert compile(first, fixed).config.hash == fixed.hash
    message = (
        "^The learning engine of the hardware was generated with 'shift' at 7, "
        "the network needs 6; generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        compile(second, fixed)


def test_a_rule_of_another_form_is_refused() -> None:
    program = compile(quantise(small_network()), "generic-16")
    message = (
        "^The learning engine of the hardware was generated with 'rounding' at 1, the network "
        "needs 0; generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        compile(quantise(small_network(pair_stdp((0.3, 0.2), rounding="nearest"))), program.config)
