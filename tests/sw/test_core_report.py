"""What cores hold and do, and what passes between chips."""

from itertools import product

import numpy as np
import pytest

from spikeloom import Dense, NeuronParameters, QuantisedNetwork, QuantisedPopulation, compile
from spikeloom.core_report import HeldSlice, report_chips, report_cores
from spikeloom.estimate import estimate
from spikeloom.mapping.filters import tree_filters
from spikeloom_boards.target import Target
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.registers import regions
from spikeloom_sim.random_network import random_case
from spikeloom_sim.structures import STRUCTURES

TARGET = Target("bench", "for tests", 8, 2, 1 << 12, 1 << 9, cores=4, chips=4)


def layers() -> QuantisedNetwork:
    """An input of 40, a hidden layer of 64 that hears itself, and 8 outputs."""
    neuron = NeuronParameters(threshold=10)
    populations = (
        QuantisedPopulation("in", 40),
        QuantisedPopulation("hidden", 64, neuron),
        QuantisedPopulation("out", 8, neuron),
    )
    ends = (("in", "hidden"), ("hidden", "hidden"), ("hidden", "out"))
    sizes = {p.name: p.size for p in populations}
    projections = [Dense(a, b, np.ones((sizes[a], sizes[b]), int)) for a, b in ends]
    return QuantisedNetwork(populations, tuple(projections))


def test_a_core_tells_what_it_holds_and_does() -> None:
    program = compile(layers(), TARGET, cores=2, pins={"hidden": (0, 1), "out": 1})
    first, second = report_cores(program, {"in": 0.5, "hidden": 0.25, "out": 0.5})
    assert first.holds == (HeldSlice("hidden", 32, 0, 4),)
    assert second.holds == (HeldSlice("hidden", 32, 4, 4), HeldSlice("out", 8, 0, 1))
    assert (first.chip, second.chip) == (0, 0)
    # 104 presynaptic neurons and 4 rows; 64 more with one row.
    core = program.config.core
    assert first.memories["weight_rows"] == (416, core.weight_rows)
    assert second.memories["weight_rows"] == (480, core.weight_rows)
    assert second.memories["neuron_rows"] == (5, core.neuron_rows)
    assert "synapse_rows" not in first.memories
    # 20 events of the input and 16 of the hidden layer, of 4 rows each.
    assert first.walk == 36 * 4
    assert second.walk == 36 * 4 + 16
    assert (first.events_in, second.events_in) == (36, 36)
    assert (first.events_out, second.events_out) == (8, 8 + 4)


def test_the_slowest_core_sets_the_pace() -> None:
    network = layers()
    even = compile(network, TARGET, cores=4, pins={"hidden": (0, 1, 2, 3)})
    odd = compile(network, TARGET, cores=4, pins={"hidden": 2})
    one = compile(network, TARGET)
    activity = {"in": 1.0}
    spread, bundled, alone = (estimate(program, activity) for program in (even, odd, one))
    assert spread.synaptic_operations == bundled.synaptic_operations == 40 * 64
    assert spread.integrate < 0.3 * bundled.integrate
    assert spread.update < 0.6 * bundled.update
    assert bundled.integrate == pytest.approx(alone.integrate, rel=0.05)


def test_an_event_takes_the_bus_for_a_cycle() -> None:
    populations = (
        QuantisedPopulation("in", 400),
        QuantisedPopulation("out", 8, NeuronParameters(threshold=10)),
        QuantisedPopulation("other", 8, NeuronParameters(threshold=10)),
    )
    projections = [Dense("in", name, np.ones((400, 8), int)) for name in ("out", "other")]
    network = QuantisedNetwork(populations, tuple(projections))
    program = compile(network, TARGET, cores=2, pins={"out": 0, "other": 1})
    assert estimate(program, {"in": 1.0}).core > 400


def test_links_carry_what_is_needed_on_their_other_side() -> None:
    program = compile(
        layers(), TARGET, cores=1, chips=3, pins={"hidden": (1, 2), "out": 2}, record=("out",)
    )
    one, two = report_chips(program, {"in": 0.5, "hidden": 0.25, "out": 0.5})
    # Chip 1 has half of the hidden layer, which chip 2 hears, and hears the other half.
    assert (one.chip, one.parent, one.up, one.down) == (1, 0, 8, 20 + 8)
    # Chip 2 has the output, too, which the host hears.
    assert (two.chip, two.parent, two.up, two.down) == (2, 0, 8 + 4, 20 + 8)
    # The two phases are begun and ended, and so is the step.
    assert (two.words_up, two.words_down) == (two.up + 2, two.down + 3)
    # Frames of 16 words have 90 bytes, those of one have 15; 4 cycles are in the ends of a link.
    assert two.busy == 31 * 90 / 16 + 4
    assert two.turns == 2 * (14 + 2 * (15 + 4))


def deliver(
    parents: tuple[int, ...], filters: dict[str, np.ndarray], source: int, origin: int
) -> list[int]:
    """Chips whose bus an event reaches, from the chip of its origin, by the filters of the tree."""

    def passes(way: str, chip: int) -> bool:
        return bool(filters[f"{way}@{chip}"].ravel()[source])

    reached, ahead = [], [(origin, -1)]
    while ahead:
        chip, came = ahead.pop()
        reached.append(chip)
        if chip and came != parents[chip - 1] and passes("up", chip):
            ahead.append((parents[chip - 1], chip))
        for child, parent in enumerate(parents, 1):
            if parent == chip and child != came and passes("down", child):
                ahead.append((child, chip))
    return reached


@pytest.mark.parametrize("chips", [2, 3, 4])
@pytest.mark.parametrize("seed", range(8))
def test_every_event_reaches_once_who_needs_it(seed: int, chips: int) -> None:
    network = random_case(seed, STRUCTURES["everything"], largest=60).network
    target = Target("bench", "for tests", 4, 2, 1 << 12, 1 << 9, cores=2, chips=4)
    names = [p.name for p in network.neurons]
    rng = np.random.default_rng(seed)
    pins = {name: int(rng.integers(2 * chips)) for name in names if rng.random() < 0.3}
    recorded = tuple(name for name in names if rng.random() < 0.5)
    program = compile(network, target, cores=2, chips=chips, pins=pins, record=recorded)
    filters, parents = tree_filters(program), program.config.parents
    for population in program.populations:
        needed = {
            part.core // 2
            for projection in program.projections
            if projection.source == population.name
            for part in projection.parts
        } | ({0} if population.name in recorded else set())
        origins = {piece.core // 2 for piece in population.slices} or {0}
        for origin in origins:
            reached = deliver(parents, filters, population.source, origin)
            assert len(reached) == len(set(reached))
            assert needed <= set(reached)
            # On the way it passes through others, but none is at the end of a way in vain.
            if origins == {origin}:
                passed = {parents[chip - 1] for chip in reached if chip}
                assert set(reached) <= needed | passed | {origin, 0}


def test_the_filters_of_the_tree_are_among_the_images() -> None:
    program = compile(layers(), TARGET, cores=1, chips=3)
    filters = tree_filters(program)
    assert filters.keys() == {f"{way}@{chip}" for way, chip in product(("up", "down"), (1, 2))}
    for name, bits in filters.items():
        held = unpack_rows(regions(program.config)[name].layout, program.images[name])[""]
        assert np.array_equal(held.ravel(), bits.ravel()[: held.size])
    assert tree_filters(compile(layers(), TARGET, cores=2)) == {}
