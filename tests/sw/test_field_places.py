"""Each neuron parameter is kept where it costs least."""

from typing import Any

import numpy as np
import pytest

from spikeloom.field_places import field_values
from spikeloom.mapping import place
from spikeloom_boards.target import Target
from spikeloom_hw.config import CoreConfig
from spikeloom_hw.neuron import Constant, Leak, NeuronParameters, Output, Per, Reset, Synapse
from spikeloom_hw.neuron.fields import OPTIONAL
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

TARGET = Target("small", "for tests", 8, 2, weight_rows=64, neuron_rows=8)
SIMPLE = NeuronParameters(threshold=10)


def network_of(*neurons: NeuronParameters, sizes: tuple[int, ...] = (20,)) -> QuantisedNetwork:
    """An input into each of some populations."""
    populations = [QuantisedPopulation("in", 4)]
    populations += [
        QuantisedPopulation(f"p{k}", size, neuron)
        for k, (neuron, size) in enumerate(zip(neurons, sizes, strict=True))
    ]
    projections = [Dense("in", p.name, np.ones((4, p.size), int)) for p in populations[1:]]
    return QuantisedNetwork(tuple(populations), tuple(projections))


def core_of(network: QuantisedNetwork) -> CoreConfig:
    """Core of the hardware that the network asks for."""
    return place(network, TARGET).config.core


def test_what_is_alike_is_logic_and_what_is_trained_is_memory() -> None:
    fields = core_of(network_of(SIMPLE, SIMPLE, sizes=(4, 4))).fields
    for name in ("reset", "reset_value", "minimum", "refractory", "inclusive", "shift"):
        assert isinstance(fields[name], Constant), name
    for name in ("decay", "threshold", "bias"):
        assert fields[name] is Per.POPULATION, name


def test_what_differs_is_kept_where_it_must_be() -> None:
    one = NeuronParameters(threshold=np.arange(4), reset=Reset.SUBTRACT, refractory=2)
    other = NeuronParameters(threshold=7, reset=Reset.NONE, refractory=2)
    fields = core_of(network_of(one, other, sizes=(4, 4))).fields
    assert fields["threshold"] is Per.NEURON
    assert fields["reset"] is Per.POPULATION
    assert fields["refractory"] == Constant(2)


def test_values_of_a_field_are_given_for_every_neuron() -> None:
    population = QuantisedPopulation(
        "p", 3, NeuronParameters(np.array([1, 2, 3]), reset=Reset.NONE)
    )
    assert field_values(population, "threshold").tolist() == [1, 2, 3]
    assert field_values(population, "reset").tolist() == [2, 2, 2]


def neuron_of(**parameters: Any) -> NeuronParameters:
    return NeuronParameters(threshold=10, **parameters)


def test_what_no_neuron_has_is_not_built() -> None:
    fields = core_of(network_of(SIMPLE, SIMPLE, sizes=(4, 4))).fields
    assert not any(name in fields.places for name in OPTIONAL)


def test_what_one_population_has_is_kept_per_population() -> None:
    current = neuron_of(synapse=Synapse.NEW, current_decay=2000, reset=Reset.SUBTRACT)
    adaptive = neuron_of(adaptation_step=3, adaptation_decay=4000, reset=Reset.SUBTRACT)
    fields = core_of(network_of(current, adaptive, sizes=(4, 4))).fields
    for name in ("synapse", "current_decay", "adaptation_step", "adaptation_decay"):
        # The decay of what only one population has must be loadable all the same.
        assert fields[name] is Per.POPULATION, name
    assert fields["leak"] == Constant(Leak.MULTIPLY)
    assert fields["reset"] == Constant(Reset.SUBTRACT)


def test_populations_that_cannot_fire_have_no_say_in_how_others_do() -> None:
    firing = neuron_of(reset=Reset.SUBTRACT, refractory=2, inclusive=True)
    fields = core_of(network_of(firing, neuron_of(output=Output.VALUE), sizes=(4, 4))).fields
    assert fields["reset"] == Constant(Reset.SUBTRACT)
    assert fields["refractory"] == Constant(2)
    assert fields["inclusive"] == Constant(1)
    assert fields["output"] is Per.POPULATION


@pytest.mark.parametrize("output", [Output.COUNT, Output.VALUE])
def test_values_have_room_for_all_groups_that_send_them(output: Output) -> None:
    sends = neuron_of(output=output, reset=Reset.SUBTRACT)
    core = core_of(network_of(SIMPLE, sends, sizes=(4, 13)))
    assert core.value_groups == 8
    assert core.payload_width == 0


def test_counts_that_reach_synapses_are_multiplied() -> None:
    network = QuantisedNetwork(
        (
            QuantisedPopulation("in", 3),
            QuantisedPopulation("a", 4, neuron_of(output=Output.COUNT, reset=Reset.SUBTRACT)),
            QuantisedPopulation("b", 5, SIMPLE),
        ),
        (Dense("in", "a", np.ones((3, 4), int)), Dense("a", "b", np.ones((4, 5), int))),
    )
    assert core_of(network).payload_width == 6
