"""State and weights of the hardware, in the order of the network's arrays."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from spikeloom import (
    Convolution,
    Dense,
    Device,
    Golden,
    NeuronParameters,
    QuantisedNetwork,
    QuantisedPopulation,
    Sparse,
    compile,
)
from spikeloom_hw.config import ChipConfig
from spikeloom_sim.compiled import CompiledChip, SimulatedTransport
from spikeloom_sim.projection import Projection
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import STRUCTURES

CONFIG = ChipConfig(STRUCTURES["everything"])
SEEDS = range(12)


@pytest.fixture(scope="module")
def chip() -> CompiledChip:
    return CompiledChip(CONFIG)


@contextmanager
def loaded(chip: CompiledChip, network: QuantisedNetwork) -> Iterator[Device]:
    chip.reset()
    with Device(SimulatedTransport(chip), compile(network, CONFIG)) as device:
        yield device


def weights_of(projection: Projection) -> np.ndarray:
    """Weights as the device gives them: one for each pair of neurons if they are sparse."""
    if not isinstance(projection, Sparse):
        return projection.weights
    weights = np.zeros(projection.shape, np.int64)
    np.add.at(weights, (projection.pre, projection.post), projection.weights)
    return weights


def check_weights(device: Device, network: QuantisedNetwork) -> None:
    before: dict[tuple[str, str], int] = {}
    for projection in network.projections:
        ends = projection.source, projection.target
        number = before[ends] = before.get(ends, -1) + 1
        weights = device.weights(*ends, number)
        assert weights.dtype == np.int64
        np.testing.assert_array_equal(weights, weights_of(projection))


@pytest.mark.parametrize("seed", SEEDS)
def test_the_state_is_that_of_golden(chip: CompiledChip, seed: int) -> None:
    case = random_case(seed, CONFIG.core, steps=8, largest=24)
    golden = Golden(case.network)
    golden.run(case.spikes)
    assert golden.state is not None
    with loaded(chip, case.network) as device:
        device.run(case.spikes)
        for population in case.network.neurons:
            state = device.state(population.name)
            assert state.keys() == {"potential", "refractory", "fired", "current", "adaptation"}
            for member, values in state.items():
                expected = getattr(golden.state[population.name], member)[0]
                np.testing.assert_array_equal(values, expected, err_msg=member)
            np.testing.assert_array_equal(device.potentials(population.name), state["potential"])


@pytest.mark.parametrize("seed", SEEDS)
def test_weights_come_back(chip: CompiledChip, seed: int) -> None:
    case = random_case(seed, CONFIG.core, steps=1, largest=24)
    with loaded(chip, case.network) as device:
        check_weights(device, case.network)


def test_the_cases_have_all_kinds_of_projections_and_states() -> None:
    networks = [random_case(seed, CONFIG.core, steps=8, largest=24).network for seed in SEEDS]
    assert {type(p) for n in networks for p in n.projections} == {Convolution, Dense, Sparse}
    neurons = [p.neuron for n in networks for p in n.neurons if p.neuron]
    assert any(np.any(neuron.current_decay) for neuron in neurons)
    assert any(np.any(neuron.adaptation_step) for neuron in neurons)
    assert any(np.any(neuron.refractory) for neuron in neurons)


def test_several_projections_between_the_same_two_populations_are_told_apart(
    chip: CompiledChip,
) -> None:
    rng = np.random.default_rng(3)
    neuron = NeuronParameters(threshold=100, decay=4000, width=20)
    # Neurons 1 and 2 are joined twice, with delays of their own.
    pre, post, delays = np.array([(1, 2, 0), (1, 2, 3), (5, 0, 1), (8, 8, 2)]).T
    none = np.zeros(0, int)
    size = (9, 9)
    network = QuantisedNetwork(
        (QuantisedPopulation("in", 9), QuantisedPopulation("out", 9, neuron)),
        (
            Dense("in", "out", rng.integers(-99, 99, size)),
            Sparse(
                "in",
                "out",
                np.array([3, 4, -5, 6]),
                pre=pre,
                post=post,
                size=size,
                delays=delays,
            ),
            Dense("in", "out", rng.integers(-99, 99, size), delay=2),
            Sparse("out", "out", none, pre=none, post=none, size=size),
        ),
    )
    with loaded(chip, network) as device:
        check_weights(device, network)
        assert device.weights("in", "out", 1)[1, 2] == 7
