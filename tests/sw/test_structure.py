from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom.errors import MappingError
from spikeloom.structure import check_fit, field_values, structure
from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import Constant, Fields, LIFParameters, Per, Reset
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation, QuantisedProjection

TARGET = Target("small", "for tests", 8, 2, weight_rows=64, neuron_rows=8)


def network_of(
    *neurons: LIFParameters, sizes: tuple[int, ...] = (20,), pre: int = 4, **widths: Any
) -> QuantisedNetwork:
    """An input into each of some populations."""
    populations = [QuantisedPopulation("in", pre)]
    populations += [
        QuantisedPopulation(f"p{k}", size, neuron)
        for k, (neuron, size) in enumerate(zip(neurons, sizes, strict=True))
    ]
    projections = [
        QuantisedProjection("in", p.name, np.ones((pre, p.size), int)) for p in populations[1:]
    ]
    return QuantisedNetwork(tuple(populations), tuple(projections), **widths)


SIMPLE = LIFParameters(threshold=10)


def test_memories_are_as_deep_as_the_network_needs() -> None:
    core = structure(network_of(SIMPLE, SIMPLE, sizes=(20, 9), pre=5), TARGET).core
    assert (core.lanes, core.update_lanes) == (8, 2)
    # 5 * (3 + 2) rows of weights, 3 + 2 rows of neurons, each rounded up to a power of two.
    assert (core.weight_rows, core.neuron_rows) == (32, 8)
    assert (core.populations, core.projections, core.sources, core.phases) == (2, 2, 4, 2)


@pytest.mark.parametrize("width, built", [(2, 2), (3, 4), (5, 8), (8, 8), (9, 16), (16, 16)])
def test_weights_have_the_next_width_that_there_is(width: int, built: int) -> None:
    assert structure(network_of(SIMPLE, weight_width=width), TARGET).core.weight_width == built


def test_what_is_alike_is_logic_and_what_is_trained_is_memory() -> None:
    fields = structure(network_of(SIMPLE, SIMPLE, sizes=(4, 4)), TARGET).core.fields
    for name in ("reset", "reset_value", "minimum", "refractory", "inclusive", "shift"):
        assert isinstance(fields[name], Constant), name
    for name in ("decay", "threshold", "bias"):
        assert fields[name] is Per.POPULATION, name


def test_what_differs_is_kept_where_it_must_be() -> None:
    one = LIFParameters(threshold=np.arange(4), reset=Reset.SUBTRACT, refractory=2)
    other = LIFParameters(threshold=7, reset=Reset.NONE, refractory=2)
    fields = structure(network_of(one, other, sizes=(4, 4)), TARGET).core.fields
    assert fields["threshold"] is Per.NEURON
    assert fields["reset"] is Per.POPULATION
    assert fields["refractory"] == Constant(2)


def test_values_of_a_field_are_given_for_every_neuron() -> None:
    population = QuantisedPopulation("p", 3, LIFParameters(np.array([1, 2, 3]), reset=Reset.NONE))
    assert field_values(population, "threshold").tolist() == [1, 2, 3]
    assert field_values(population, "reset").tolist() == [2, 2, 2]


WIDE = LIFParameters(threshold=10, width=20)
TOO_MUCH = [
    (network_of(SIMPLE, sizes=(17,), pre=22), "66 rows of weights", "64", {}),
    (network_of(SIMPLE, sizes=(65,), pre=1), "9 rows of neurons", "8", {}),
    (network_of(SIMPLE, weight_width=9), "9 bits per weight", "8", {"weight_width": 8}),
    (
        network_of(SIMPLE, accumulator_width=17),
        "17 bits per accumulator",
        "16",
        {"accumulator_width": 16},
    ),
    (network_of(WIDE), "20 bits per membrane potential", "18", {"potential_width": 18}),
]


@pytest.mark.parametrize("network, needed, there, limits", TOO_MUCH)
def test_a_network_that_does_not_fit_is_told_what_it_needs_and_what_there_is(
    network: QuantisedNetwork, needed: str, there: str, limits: dict[str, int]
) -> None:
    message = (
        f"^The network needs {needed}, target 'small' has {there}; "
        "choose a larger target or a smaller network$"
    )
    with pytest.raises(MappingError, match=message):
        structure(network, replace(TARGET, **limits))


def test_a_core_has_a_most_of_populations() -> None:
    network = network_of(*[SIMPLE] * 65, sizes=(1,) * 65, pre=1)
    message = (
        "^The network needs 65 populations, target 'generic-16' has 64; "
        "choose a larger target or a smaller network$"
    )
    with pytest.raises(MappingError, match=message):
        structure(network, TARGETS["generic-16"])


def test_potentials_of_several_widths_are_refused() -> None:
    message = (
        "^A core keeps all membrane potentials in one width, but 'p0' has 18, 'p1' has 20 bits; "
        "quantise all populations with the same potential width$"
    )
    with pytest.raises(MappingError, match=message):
        structure(network_of(SIMPLE, WIDE, sizes=(2, 2)), TARGET)


def test_potentials_of_few_bits_are_refused() -> None:
    message = "^A core keeps membrane potentials of at least 8 bits, not 7$"
    with pytest.raises(MappingError, match=message):
        structure(network_of(LIFParameters(threshold=10, width=7)), TARGET)


HARDWARE = CoreConfig(
    lanes=8, update_lanes=2, weight_rows=16, neuron_rows=4, fields=Fields({"bias": Constant(3)})
)


def test_hardware_must_have_the_room() -> None:
    message = (
        "^The network needs 18 rows of weights, the hardware has 16; "
        "choose a larger target or a smaller network$"
    )
    with pytest.raises(MappingError, match=message):
        check_fit(network_of(SIMPLE, pre=6), ChipConfig(HARDWARE))


def test_hardware_must_have_the_same_potential() -> None:
    message = (
        "^The network has membrane potentials of 20 bits, the hardware of 18, which would "
        "saturate elsewhere; quantise the network with potential_width=18$"
    )
    with pytest.raises(MappingError, match=message):
        check_fit(network_of(WIDE), ChipConfig(HARDWARE))


def test_hardware_must_have_the_same_constants() -> None:
    check_fit(network_of(LIFParameters(threshold=10, bias=3)), ChipConfig(HARDWARE))
    message = (
        "^Population 'p0' has 'bias' at 0, the hardware was generated with 3; "
        "generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        check_fit(network_of(SIMPLE), ChipConfig(HARDWARE))


def test_hardware_must_keep_per_neuron_what_differs() -> None:
    neuron = LIFParameters(threshold=np.arange(20), bias=3)
    message = (
        "^Neurons of population 'p0' differ in 'threshold', which the hardware keeps once per "
        "population; generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        check_fit(network_of(neuron), ChipConfig(HARDWARE))


def test_no_memory_outgrows_the_address_map() -> None:
    network = QuantisedNetwork(
        (QuantisedPopulation("in", 40_000), QuantisedPopulation("out", 1, SIMPLE)),
        (QuantisedProjection("in", "out", np.zeros((40_000, 1), int)),),
        weight_width=16,
    )
    message = (
        "The network needs 40000 rows of weights, target 'generic-64' has 32768; "
        "choose a larger target or a smaller network"
    )
    with pytest.raises(MappingError, match=f"^{message}$"):
        structure(network, TARGETS["generic-64"])
    assert structure(network, TARGETS["generic-32"]).core.weight_rows == 65536
