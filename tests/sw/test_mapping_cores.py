"""Networks on several cores: the same sums, wherever neurons are."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom.mapping import place
from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import on_core, regions
from spikeloom_sim.learning import plastic_projections
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.random_learning import random_learning_case
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import LEARNING, STRUCTURES
from spikeloom_sim.table_check import check_tables

NAMES = ["everything", "convolutions with delays", "sparse with delays", "competing", "values"]
TARGET = Target("bench", "for tests", 4, 2, 1 << 12, 1 << 9, cores=8, chips=4)


def network_of(seed: int) -> QuantisedNetwork:
    return random_case(seed, STRUCTURES[NAMES[seed % len(NAMES)]], largest=60).network


def image(program: Program, name: str, core: int = 0) -> dict[str, np.ndarray]:
    memory = on_core(name, core)
    return unpack_rows(regions(program.config)[memory].layout, program.images[memory])


def check_slices(program: Program) -> None:
    """Slices cut every population exactly, and share no row of a core."""
    lanes = program.config.core.lanes
    taken: dict[int, list[tuple[int, int]]] = {}
    for population in program.neurons:
        members = [population.members(piece, lanes) for piece in population.slices]
        assert sorted(np.concatenate(members).tolist()) == list(range(population.size))
        cores = [piece.core for piece in population.slices]
        assert len(set(cores)) == len(cores)
        bases = [piece.base for piece in population.slices]
        assert bases[0] == 0
        assert bases == sorted(bases)
        for piece in population.slices:
            taken.setdefault(piece.core, []).append((piece.row, piece.row + piece.rows))
    for core, rows in taken.items():
        assert core < program.config.all_cores
        ends = [0, *(end for _, end in sorted(rows))]
        assert all(begin == end for (begin, _), end in zip(sorted(rows), ends, strict=False))


def pins_of(network: QuantisedNetwork, cores: int, rng: np.random.Generator) -> dict[str, int]:
    """Pin some populations to random cores."""
    names = [p.name for p in network.neurons if rng.random() < 0.4]
    return {name: int(rng.integers(cores)) for name in names}


@pytest.mark.parametrize("seed", range(60))
def test_every_event_adds_the_same_on_any_number_of_cores(seed: int) -> None:
    cores = (2, 4, 8)[seed // len(NAMES) % 3]
    rng = np.random.default_rng([seed, cores])
    network = network_of(seed)
    pins = pins_of(network, cores, rng)
    program = place(network, TARGET, cores=cores, pins=pins)
    assert program.config.cores == cores
    for name, core in pins.items():
        assert [piece.core for piece in program.population(name).slices] == [core]
    check_slices(program)
    check_tables(network, program, rng)


@pytest.mark.parametrize("seed", range(10))
def test_weights_are_found_on_all_cores(seed: int) -> None:
    network = network_of(seed)
    program = place(network, TARGET, cores=4)
    left = list(network.projections)
    for placed in program.projections:
        columns = []
        for part in placed.parts:
            rows = slice(part.weight_row, part.weight_row + part.rows)
            held = image(program, placed.memory, part.core)
            columns.append({name: column[rows] for name, column in held.items()})
        found = program.weights_of(placed, columns)
        (same,) = [
            p
            for p in left
            if (p.source, p.target) == (placed.source, placed.target)
            and np.array_equal(weights_of(p), found)
        ]
        left.remove(same)
    assert left == []


def weights_of(projection: Projection) -> np.ndarray:
    if not isinstance(projection, Sparse):
        return projection.weights
    weights = np.zeros(projection.shape, np.int64)
    np.add.at(weights, (projection.pre, projection.post), projection.weights)
    return weights


@pytest.mark.parametrize("seed", range(6))
def test_a_program_depends_on_network_target_and_pins_alone(seed: int) -> None:
    pins = {network_of(seed).neurons[0].name: 1}
    one, other = (place(network_of(seed), TARGET, cores=4, pins=pins) for _ in range(2))
    assert (one.config, one.populations, one.projections) == (
        other.config,
        other.populations,
        other.projections,
    )
    assert all(np.array_equal(image, other.images[name]) for name, image in one.images.items())


@pytest.mark.parametrize("cores", [2, 4])
@pytest.mark.parametrize("seed", range(12))
def test_entries_of_the_learning_engines_say_where_slices_are(seed: int, cores: int) -> None:
    network = random_learning_case(seed, 1).network
    target = replace(TARGET, lanes=4, update_lanes=2)
    program = place(network, target, cores=cores)
    check_slices(program)
    turns = plastic_projections(network.projections, network.phases).values()
    assert [(p.source, p.target) for p in program.plastic] == [(p.source, p.target) for p in turns]
    for core in range(cores):
        rules = image(program, "rules", core)
        here = [
            (part, placed)
            for placed in program.plastic
            for part in placed.parts
            if part.core == core
        ]
        assert [part.entry for part, _ in here] == list(range(len(here)))
        assert rules["last"].tolist() == [0] * (max(1, len(here)) - 1) + [1]
        assert here or rules["enabled"].tolist() == [0]
        for part, placed in here:
            piece = program.population(placed.target).on(core)
            assert piece is not None
            base = rules["base"][part.entry] if "base" in rules else 0
            assert (rules["row"][part.entry], base) == (piece.row, piece.base)
            assert rules["weight_row"][part.entry] == part.weight_row
            assert image(program, "projections", core)["plastic"][part.number] == int(
                rules["enabled"][part.entry]
            )


def test_what_competes_or_shares_errors_stays_together() -> None:
    for seed in range(12):
        network = random_learning_case(seed, 1).network
        program = place(network, TARGET, cores=4)
        for population in network.neurons:
            if population.neuron and population.neuron.winner:
                assert program.population(population.name).whole
        for projection in network.projections:
            rule = projection.rule if isinstance(projection, Dense) else None
            if rule and rule.back:
                ends = [program.population(n) for n in (projection.source, projection.target)]
                assert all(end.whole for end in ends)
                assert ends[0].slices[0].core == ends[1].slices[0].core


def dense(pre: int, *sizes: int, **neuron: Any) -> QuantisedNetwork:
    """A chain of dense layers."""
    populations = [QuantisedPopulation("in", pre)]
    projections = []
    for k, size in enumerate(sizes):
        parameters = NeuronParameters(**{"threshold": 10, **neuron})
        populations.append(QuantisedPopulation(f"p{k}", size, parameters))
        shape = populations[k].size, size
        projections.append(Dense(populations[k].name, f"p{k}", np.ones(shape, int)))
    return QuantisedNetwork(tuple(populations), tuple(projections), accumulator_width=16)


@pytest.mark.parametrize("cores", [2, 3, 4, 8])
def test_rows_of_each_layer_are_spread_evenly(cores: int) -> None:
    program = place(dense(30, 128, 77, 10), TARGET, cores=cores)
    for population in program.neurons:
        rows = [piece.rows for piece in population.slices]
        total = -(-population.size // 4)
        assert sum(rows) == total
        assert max(rows) == -(-total // cores)
        assert len(rows) == min(cores, total)


def test_a_layer_that_cannot_be_spread_evenly_is_made_up_for_by_another() -> None:
    # Both in one phase; 5 rows on 4 cores leave room that 7 rows take.
    populations = (
        QuantisedPopulation("in", 20),
        QuantisedPopulation("a", 20, NeuronParameters(threshold=10)),
        QuantisedPopulation("b", 28, NeuronParameters(threshold=10)),
    )
    projections = [Dense("in", name, np.ones((20, n), int)) for name, n in (("a", 20), ("b", 28))]
    program = place(QuantisedNetwork(populations, tuple(projections)), TARGET, cores=4)
    rows = np.zeros(4, int)
    for population in program.neurons:
        for piece in population.slices:
            rows[piece.core] += piece.rows
    assert rows.tolist() == [3, 3, 3, 3]


def maps_of(height: int, width: int, channels: int = 3) -> QuantisedNetwork:
    """A convolution of 3 x 3 that keeps the shape, and a recurrent one of 1 x 1."""
    shape = channels, height, width
    rng = np.random.default_rng(height)
    populations = (
        QuantisedPopulation("in", channels * height * width, shape=shape),
        QuantisedPopulation(
            "maps", channels * height * width, NeuronParameters(threshold=9), shape=shape
        ),
    )
    kernel = rng.integers(-4, 4, (channels, channels, 1 if height == 1 else 3, 3))
    padding = ((0, 0) if height == 1 else (1, 1), (1, 1))
    projections = (
        Convolution("in", "maps", kernel, input_shape=shape, padding=padding),
        Convolution("maps", "maps", kernel[:, :, :1, :1], input_shape=shape),
    )
    return QuantisedNetwork(populations, projections)


@pytest.mark.parametrize(("height", "width", "unit"), [(7, 5, 5), (1, 9, 1)])
def test_maps_are_cut_between_lines(height: int, width: int, unit: int) -> None:
    network = maps_of(height, width)
    program = place(network, TARGET, cores=4)
    (maps,) = program.neurons
    rows = unit * maps.stride // 4
    assert len(maps.slices) == 4
    assert all(piece.base % rows == 0 for piece in maps.slices)
    check_tables(network, program, np.random.default_rng(0))


def test_the_least_number_of_cores_is_taken() -> None:
    # 40 x 64 weights are 640 rows; recurrent ones are 1024.
    network = dense(40, 64)
    assert place(network, replace(TARGET, weight_rows=640)).config.all_cores == 1
    for rows, cores in ((639, 2), (320, 2), (319, 3), (160, 4), (80, 8), (79, 16)):
        program = place(network, replace(TARGET, weight_rows=rows))
        assert program.config.all_cores == cores
        check_tables(network, program, np.random.default_rng(rows))


def test_more_cores_than_a_chip_has_are_on_several_chips() -> None:
    program = place(dense(40, 64), replace(TARGET, weight_rows=40))
    assert (program.config.cores, program.config.parents) == (8, (0,))
    asked = place(dense(40, 64), TARGET, cores=2, chips=4)
    assert (asked.config.cores, asked.config.parents) == (2, (0, 0, 0))
    assert place(dense(40, 64), TARGETS["generic-4"], chips=7).config.parents == (0, 0, 0, 0, 1, 1)


def test_a_population_is_cut_over_the_cores_that_it_is_pinned_to() -> None:
    program = place(dense(8, 40, 12), TARGET, cores=4, pins={"p0": (3, 1), "p1": 2})
    first, second = program.neurons
    assert [(piece.core, piece.base, piece.rows) for piece in first.slices] == [
        (3, 0, 5),
        (1, 5, 5),
    ]
    assert [piece.core for piece in second.slices] == [2]
    # As many cores are taken as pins name.
    assert place(dense(8, 40), TARGET, pins={"p0": (0, 2)}).config.cores == 3


def test_a_network_loads_into_the_cores_of_hardware_that_was_made_for_another() -> None:
    config = place(dense(30, 64, 64), TARGET, cores=4).config
    for network in (dense(30, 64, 64), dense(20, 40), dense(3, 2)):
        program = place(network, config)
        assert program.config.hash == config.hash
        check_slices(program)
        check_tables(network, program, np.random.default_rng(1))
    # Hardware without bases keeps every population whole.
    plain = ChipConfig(replace(config.core, bases=0), cores=4)
    program = place(
        dense(30, 64, 64),
        ChipConfig(replace(plain.core, weight_rows=1024, neuron_rows=16), cores=4),
    )
    assert all(p.whole for p in program.neurons)
    assert {p.slices[0].core for p in program.neurons} == {0, 1}


def test_learning_hardware_of_several_cores_takes_what_was_made_for_it() -> None:
    config = ChipConfig(replace(LEARNING, bases=4), cores=2)
    for seed in range(4):
        network = random_learning_case(seed, 1).network
        check_slices(place(network, config))
