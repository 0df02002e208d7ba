import numpy as np
import pytest

from spikeloom.errors import MappingError
from spikeloom.field_places import field_values
from spikeloom.mapping import place
from spikeloom_boards.target import TARGETS, Target
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.event import Operation
from spikeloom_hw.neuron import Constant, Fields, NeuronParameters, Per
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.random_network import random_case

CORES = [
    CoreConfig(lanes=4, update_lanes=1, fields=Fields({"threshold": Per.NEURON})),
    CoreConfig(lanes=16, update_lanes=4, fields=Fields({"decay": Constant(4096)}, 16)),
    CoreConfig(lanes=8, update_lanes=8, fields=Fields({"bias": Per.NEURON}, 24)),
]
LANES = [(4, 1), (8, 8), (16, 4), (32, 2)]


def target_of(lanes: int, update_lanes: int) -> Target:
    return Target("bench", "for tests", lanes, update_lanes, 1 << 16, 1 << 10)


def network_of(seed: int) -> QuantisedNetwork:
    return random_case(seed, CORES[seed % len(CORES)]).network


def image(program: Program, name: str) -> dict[str, np.ndarray]:
    return unpack_rows(regions(program.config)[name].layout, program.images[name])


def weights_of(program: Program, number: int) -> np.ndarray:
    """Weights of a placed projection, as the host finds them in its memory."""
    projection = program.projections[number]
    (part,) = projection.parts
    rows = slice(part.weight_row, part.weight_row + part.rows)
    columns = {name: c[rows] for name, c in image(program, projection.memory).items()}
    return program.weights_of(projection, [columns])


@pytest.mark.parametrize("lanes, update_lanes", LANES)
@pytest.mark.parametrize("seed", range(6))
def test_the_memories_hold_the_weights_of_the_network(
    lanes: int, update_lanes: int, seed: int
) -> None:
    network = network_of(seed)
    program = place(network, target_of(lanes, update_lanes))
    left = list(network.projections)
    for number, placed in enumerate(program.projections):
        found = weights_of(program, number)
        (same,) = [
            p
            for p in left
            if (p.source, p.target) == (placed.source, placed.target)
            and np.array_equal(p.weights, found)
        ]
        left.remove(same)
    assert left == []
    # A lane that has no neuron adds 0.
    total = sum(int(np.abs(p.weights, dtype=np.int64).sum()) for p in network.projections)
    assert np.abs(image(program, "weights")[""]).sum() == total


@pytest.mark.parametrize("seed", range(6))
def test_each_source_leads_to_its_projections(seed: int) -> None:
    network = network_of(seed)
    program = place(network, target_of(8, 2))
    sources, targets = image(program, "sources"), image(program, "projections")
    for population in program.populations:
        first, count = (int(sources[name][population.source]) for name in ("first", "count"))
        found = program.projections[first : first + count]
        assert all(p.source == population.name for p in found)
        expected = network.projections_from(population.name)
        assert [p.target for p in found] == [p.target for p in expected]
        assert sources["size"][population.source] == population.size
    placed = {p.name: p for p in program.populations}
    for number, projection in enumerate(program.projections):
        assert targets["row"][number] == placed[projection.target].slices[0].row
        assert targets["size"][number] == projection.shape[1]
        assert targets["blocks"][number] == -(-projection.shape[1] // 8)


@pytest.mark.parametrize("lanes, update_lanes", LANES)
@pytest.mark.parametrize("seed", range(3))
def test_the_tables_hold_every_parameter_of_every_neuron(
    lanes: int, update_lanes: int, seed: int
) -> None:
    network = network_of(seed)
    program = place(network, target_of(lanes, update_lanes))
    fields = program.config.core.fields
    descriptors = image(program, "populations")
    placed = {p.source: p for p in program.neurons}
    assert sorted(descriptors["source"]) == sorted(placed)
    for k, source in enumerate(descriptors["source"]):
        population = network.population(placed[int(source)].name)
        row = placed[int(source)].slices[0].row
        assert descriptors["row"][k] == row
        groups = int(descriptors["last_group"][k]) + 1
        full, tail = int(descriptors["full"][k]), int(descriptors["tail"][k])
        assert full * update_lanes + tail.bit_count() == population.size
        assert groups == full + bool(tail)
        assert descriptors["period"][k] >= full - bool(not tail)
        for name in fields.layout.members:
            values, where = field_values(population, str(name)), fields[str(name)]
            if where is Per.NEURON:
                first = row * lanes
                held = image(program, "neurons")[str(name)].ravel()[first : first + len(values)]
            elif where is Per.POPULATION:
                held = np.full(len(values), descriptors[str(name)][k])
            else:
                held = np.full(len(values), where.value)
            assert np.array_equal(held, values), name


@pytest.mark.parametrize("seed", range(6))
def test_populations_do_not_share_rows(seed: int) -> None:
    program = place(network_of(seed), target_of(8, 2))
    pieces = [p.slices[0] for p in program.neurons]
    rows = sorted((piece.row, piece.row + piece.rows) for piece in pieces)
    assert [piece.rows for piece in pieces] == [-(-p.size // 8) for p in program.neurons]
    assert rows[0][0] == 0
    assert all(end == begin for (_, end), (begin, _) in zip(rows, rows[1:], strict=False))


@pytest.mark.parametrize("seed", range(6))
def test_the_schedule_updates_each_population_in_its_phase(seed: int) -> None:
    network = network_of(seed)
    program = place(network, target_of(8, 2))
    schedule, phases = image(program, "schedule"), image(program, "phases")
    sources = image(program, "populations")["source"]
    names = {p.source: p.name for p in program.populations}
    count = len(schedule["phase"])
    assert schedule["phase"].tolist() == list(range(count))
    assert set(schedule["operation"]) == {Operation.UPDATE.value}
    assert schedule["last"].tolist() == [0] * (count - 1) + [1]
    for phase, (first, some) in enumerate(zip(phases["first"], phases["count"], strict=True)):
        found = {names[int(source)] for source in sources[first : first + some]}
        assert found == {name for name, at in network.phases.items() if at == phase}


def test_the_host_hears_what_is_recorded() -> None:
    network = network_of(1)
    names = [p.name for p in network.populations]
    everything = place(network, target_of(8, 2))
    assert [p.name for p in everything.recorded] == [p.name for p in network.neurons]
    for name in names:
        chosen = place(network, target_of(8, 2), record=(name,))
        assert [p.name for p in chosen.recorded] == [name]
    with pytest.raises(ValueError, match=r"^There is no population 'nobody'; the network has .*$"):
        place(network, target_of(8, 2), record=("nobody",))


def test_a_target_that_does_not_exist_is_named_with_those_that_do() -> None:
    message = f"^There is no target 'fpga'; there are {', '.join(TARGETS)}$"
    with pytest.raises(MappingError, match=message):
        place(network_of(0), "fpga")


def test_a_network_loads_into_hardware_that_was_made_for_another() -> None:
    core = CoreConfig(lanes=8, update_lanes=2, projections=32, weight_rows=1 << 13, neuron_rows=64)
    networks = [random_case(seed, core).network for seed in range(3)]
    programs = [place(network, ChipConfig(core)) for network in networks]
    assert {program.config.hash for program in programs} == {ChipConfig(core).hash}


def test_several_projections_between_two_populations_keep_apart() -> None:
    populations = (
        QuantisedPopulation("in", 2),
        QuantisedPopulation("out", 3, NeuronParameters(threshold=1)),
    )
    weights = [np.full((2, 3), value) for value in (5, -7)]
    network = QuantisedNetwork(populations, tuple(Dense("in", "out", w) for w in weights))
    program = place(network, target_of(4, 1))
    assert [weights_of(program, k).tolist() for k in range(2)] == [w.tolist() for w in weights]
