from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom.errors import MappingError
from spikeloom.mapping import place
from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.neuron import (
    Constant,
    Fields,
    NeuronParameters,
)
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

TARGET = Target("small", "for tests", 8, 2, weight_rows=64, neuron_rows=8)


def network_of(
    *neurons: NeuronParameters, sizes: tuple[int, ...] = (20,), pre: int = 4, **widths: Any
) -> QuantisedNetwork:
    """An input into each of some populations."""
    populations = [QuantisedPopulation("in", pre)]
    populations += [
        QuantisedPopulation(f"p{k}", size, neuron)
        for k, (neuron, size) in enumerate(zip(neurons, sizes, strict=True))
    ]
    projections = [Dense("in", p.name, np.ones((pre, p.size), int)) for p in populations[1:]]
    return QuantisedNetwork(tuple(populations), tuple(projections), **widths)


SIMPLE = NeuronParameters(threshold=10)


def core_of(network: QuantisedNetwork, target: Target = TARGET) -> CoreConfig:
    """Core of the hardware that the network asks for."""
    return place(network, target).config.core


def test_memories_are_as_deep_as_the_network_needs() -> None:
    core = core_of(network_of(SIMPLE, SIMPLE, sizes=(20, 9), pre=5))
    assert (core.lanes, core.update_lanes) == (8, 2)
    # 5 * (3 + 2) rows of weights, 3 + 2 rows of neurons, each rounded up to a power of two.
    assert (core.weight_rows, core.neuron_rows) == (32, 8)
    assert (core.populations, core.projections, core.sources, core.phases) == (2, 2, 4, 2)


@pytest.mark.parametrize("width, built", [(2, 2), (3, 4), (5, 8), (8, 8), (9, 16), (16, 16)])
def test_weights_have_the_next_width_that_there_is(width: int, built: int) -> None:
    assert core_of(network_of(SIMPLE, weight_width=width)).weight_width == built


WIDE = NeuronParameters(threshold=10, width=20)
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
        place(network, replace(TARGET, **limits))


def test_a_core_has_a_most_of_populations() -> None:
    network = network_of(*[SIMPLE] * 65, sizes=(1,) * 65, pre=1)
    message = (
        "^The network needs 65 populations, target 'generic-16' has 64; "
        "choose a larger target or a smaller network$"
    )
    with pytest.raises(MappingError, match=message):
        place(network, TARGETS["generic-16"], cores=1, chips=1)


def test_potentials_of_several_widths_are_refused() -> None:
    message = (
        "^A core keeps all membrane potentials in one width, but 'p0' has 18, 'p1' has 20 bits; "
        "quantise all populations with the same potential width$"
    )
    with pytest.raises(MappingError, match=message):
        place(network_of(SIMPLE, WIDE, sizes=(2, 2)), TARGET)


def test_potentials_of_few_bits_are_refused() -> None:
    message = "^A core keeps membrane potentials of at least 8 bits, not 7$"
    with pytest.raises(MappingError, match=message):
        place(network_of(NeuronParameters(threshold=10, width=7)), TARGET)


HARDWARE = CoreConfig(
    lanes=8, update_lanes=2, weight_rows=16, neuron_rows=4, fields=Fields({"bias": Constant(3)})
)


def test_hardware_must_have_the_room() -> None:
    message = (
        "^The network needs 18 rows of weights, the hardware has 16; "
        "choose a larger target or a smaller network$"
    )
    with pytest.raises(MappingError, match=message):
        place(network_of(SIMPLE, pre=6), ChipConfig(HARDWARE))


def test_hardware_must_have_the_same_potential() -> None:
    message = (
        "^The network has membrane potentials of 20 bits, the hardware of 18, which would "
        "saturate elsewhere; quantise the network with potential_width=18$"
    )
    with pytest.raises(MappingError, match=message):
        place(network_of(WIDE), ChipConfig(HARDWARE))


def test_hardware_must_have_the_same_constants() -> None:
    place(network_of(NeuronParameters(threshold=10, bias=3)), ChipConfig(HARDWARE))
    message = (
        "^Population 'p0' has 'bias' at 0, the hardware was generated with 3; "
        "generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        place(network_of(SIMPLE), ChipConfig(HARDWARE))


def test_hardware_must_keep_per_neuron_what_differs() -> None:
    neuron = NeuronParameters(threshold=np.arange(20), bias=3)
    message = (
        "^Neurons of population 'p0' differ in 'threshold', which the hardware keeps once per "
        "population; generate hardware for this network$"
    )
    with pytest.raises(MappingError, match=message):
        place(network_of(neuron), ChipConfig(HARDWARE))


def test_no_memory_outgrows_the_address_map() -> None:
    network = QuantisedNetwork(
        (QuantisedPopulation("in", 40_000), QuantisedPopulation("out", 1, SIMPLE)),
        (Dense("in", "out", np.zeros((40_000, 1), int)),),
        weight_width=16,
    )
    message = (
        "Population 'out' needs at least 40000 rows of weights on one core, as it cannot be cut "
        "further, 7232 more than a core of target 'generic-64' has, 32768; "
        "choose a larger target or a smaller network"
    )
    with pytest.raises(MappingError, match=f"^{message}$"):
        place(network, TARGETS["generic-64"])
    assert core_of(network, TARGETS["generic-32"]).weight_rows == 40960


ROOMY = replace(TARGET, weight_rows=256)


def joined(*projections: Projection, **inputs: Any) -> QuantisedNetwork:
    """An input of 4 x 3 x 3, and 20 neurons, and what joins them."""
    populations = (
        QuantisedPopulation("in", 36, shape=(4, 3, 3), **inputs),
        QuantisedPopulation("out", 20, SIMPLE, shape=(5, 2, 2)),
    )
    return QuantisedNetwork(populations, projections, accumulator_width=16)


def sparse_of(count: int, delay: int = 0) -> Sparse:
    pre = np.arange(count) // 20
    columns = {"pre": pre, "post": np.arange(count) % 20, "delay": delay}
    return Sparse("in", "out", np.ones(count, int), **columns, size=(36, 20))


CONVOLUTION = Convolution("in", "out", np.ones((5, 4, 2, 2), int), input_shape=(4, 3, 3))
DENSE = Dense("in", "out", np.ones((36, 20), int))


def test_a_network_that_is_dense_has_nothing_else_built() -> None:
    core = core_of(joined(DENSE), ROOMY)
    assert (core.delay_slots, core.payload_width, core.value_groups) == (1, 0, 0)
    assert (core.taps, core.pointers, core.synapse_rows) == (0, 0, 0)


def test_convolutions_have_tables_as_long_as_their_axes() -> None:
    core = core_of(joined(CONVOLUTION, CONVOLUTION), ROOMY)
    # Two times 4 channels, 3 lines and 3 columns; 4 pixels of a row; 2 * 2 * 4 rows of weights.
    assert (core.taps, core.neuron_rows, core.weight_rows) == (8, 4, 32)
    assert core.pointers == 0


def test_sparse_projections_have_pointers_and_words() -> None:
    core = core_of(joined(sparse_of(20)), ROOMY)
    # 20 synapses of one neuron on 8 lanes; a pointer for each of 36 neurons.
    assert (core.pointers, core.synapse_rows, core.weight_rows) == (64, 4, 2)


def test_a_count_of_synapses_fits_its_member() -> None:
    one = sparse_of(20)
    many = replace(
        one,
        weights=np.ones(200, int),
        pre=np.zeros(200, int),
        post=np.arange(200) % 20,
        delays=np.arange(200) // 20,
    )
    core = core_of(joined(many), ROOMY)
    assert core.neuron_rows * core.lanes >= 200


@pytest.mark.parametrize(("delay", "slots"), [(0, 1), (1, 2), (2, 4), (3, 4), (15, 16), (63, 64)])
def test_a_delay_has_a_slot_beyond_it(delay: int, slots: int) -> None:
    for projection in (DENSE, CONVOLUTION, sparse_of(3)):
        assert core_of(joined(replace(projection, delay=delay)), ROOMY).delay_slots == slots


def test_a_delay_that_is_too_long_is_refused() -> None:
    message = (
        "^Projection 'in' -> 'out' has a delay of 64 steps, target 'small' holds up to 63; chain "
        "a relay population that passes the spikes on, or shorten the delay$"
    )
    with pytest.raises(MappingError, match=message):
        place(joined(replace(DENSE, delay=64)), ROOMY)
    message = (
        "^Projection 'in' -> 'out' has a delay of 2 steps, the hardware holds up to 1; chain "
        "a relay population that passes the spikes on, or shorten the delay$"
    )
    config = place(joined(replace(DENSE, delay=1)), ROOMY).config
    with pytest.raises(MappingError, match=message):
        place(joined(replace(DENSE, delay=2)), config)


@pytest.mark.parametrize(("largest", "width"), [(1, 0), (2, 3), (31, 6), (127, 8), (32767, 16)])
def test_graded_values_have_the_width_that_they_need(largest: int, width: int) -> None:
    weights = np.zeros((36, 20), int)
    network = joined(Dense("in", "out", weights), largest=largest)
    assert core_of(network, ROOMY).payload_width == width


@pytest.mark.parametrize(
    ("network", "missing"),
    [
        (joined(CONVOLUTION), "4 entries in a table of convolutions"),
        (joined(sparse_of(20)), "36 pointers of sparse projections"),
        (joined(DENSE, largest=3), "3 bits per graded value"),
    ],
)
def test_hardware_without_a_part_is_refused(network: QuantisedNetwork, missing: str) -> None:
    core = replace(core_of(joined(DENSE), ROOMY), neuron_rows=16, weight_rows=128)
    message = (
        f"^The network needs {missing}, the hardware has 0; "
        f"choose a larger target or a smaller network$"
    )
    with pytest.raises(MappingError, match=message):
        place(network, ChipConfig(core))


def test_memories_that_the_address_map_has_no_room_for_are_refused() -> None:
    network = QuantisedNetwork(
        (QuantisedPopulation("in", 1), QuantisedPopulation("out", 60_000, SIMPLE)),
        (Dense("in", "out", np.zeros((1, 60_000), int), delay=63),),
    )
    message = (
        "^The memory 'accumulators' would have 4194304 words, the address map has room for "
        "1048576; use fewer neurons or synapses, or shorter delays$"
    )
    with pytest.raises(MappingError, match=message):
        place(network, TARGETS["generic-16"])


def test_generic_targets_skip_quiet_rows() -> None:
    assert core_of(joined(DENSE), TARGETS["generic-8"]).skip
    assert not core_of(joined(DENSE), ROOMY).skip


def test_deep_memories_are_as_deep_as_their_blocks() -> None:
    core = core_of(network_of(SIMPLE, pre=210), replace(TARGET, weight_rows=1024))
    # 210 * 3 rows: 512, and 118 in a block of 128.
    assert core.weight_rows == 640
    single = replace(TARGET, weight_rows=1024, weight_ports=1)
    assert core_of(network_of(SIMPLE, pre=210), single).weight_rows == 1024
