"""Cycles of every kind of walk on the emitted Verilog, against the formula of the guide.

Events come from the golden model and what they cost from the definitions of the projections, not
from the tables of the compiler. One chip that builds all kinds of walk runs all networks.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from spikeloom import (
    Convolution,
    Dense,
    Golden,
    NeuronParameters,
    Program,
    QuantisedNetwork,
    QuantisedPopulation,
    Recording,
    Sparse,
    compile,
)
from spikeloom.host.script import read_run, script_of
from spikeloom.step_windows import Overheads, Window
from spikeloom.walk_costs import walk_costs
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_sim.compiled import CompiledChip
from spikeloom_sim.projection import Projection

LANES, UPDATE_LANES = 8, 4
STEPS = 40
MAPS, HALF = (2, 16, 16), (16, 8, 8)
INPUTS, FEATURES, LAST = 512, 1024, 98
PATIENCE = 20_000  # more than the longest window without a word for the host
NETWORKS = ("dense", "convolution", "sparse", "mixed")

CORE = CoreConfig(
    lanes=LANES,
    update_lanes=UPDATE_LANES,
    weight_rows=8192,
    neuron_rows=512,
    populations=4,
    projections=8,
    sources=8,
    phases=4,
    taps=64,
    pointers=1024,
    synapse_rows=8192,
)

Costs = dict[str, np.ndarray]


@cache
def chip(skip: bool) -> CompiledChip:
    return CompiledChip(ChipConfig(replace(CORE, skip=skip)))


def convolution(source: str, target: str, maps: tuple[int, int, int]) -> Convolution:
    """Give 16 channels at half the size, with a border of 2."""
    weights = np.random.default_rng(2).integers(-20, 30, (16, maps[0], 5, 5))
    padding = ((2, 2), (2, 2))
    return Convolution(source, target, weights, input_shape=maps, stride=(2, 2), padding=padding)


def sparse(source: str, target: str, size: tuple[int, int]) -> Sparse:
    rng = np.random.default_rng(3)
    pre, post = np.nonzero(rng.random(size) < 0.15)
    weights = rng.integers(-20, 40, len(pre))
    return Sparse(source, target, weights, pre=pre, post=post, size=size)


def dense(source: str, target: str, size: tuple[int, int]) -> Dense:
    return Dense(source, target, np.random.default_rng(4).integers(-20, 30, size))


@cache
def network(kind: str) -> QuantisedNetwork:
    neuron = NeuronParameters(threshold=300, decay=3700)
    image = QuantisedPopulation("in", INPUTS, shape=MAPS)
    features = QuantisedPopulation("maps", FEATURES, NeuronParameters(threshold=300), shape=HALF)
    last, few = (QuantisedPopulation(n, s, neuron) for n, s in (("out", LAST), ("few", 16)))
    if kind == "dense":
        return QuantisedNetwork((image, last), (dense("in", "out", (INPUTS, LAST)),))
    if kind == "convolution":
        return QuantisedNetwork((image, features), (convolution("in", "maps", MAPS),))
    if kind == "sparse":
        walks = (sparse("in", "out", (INPUTS, LAST)), sparse("out", "out", (LAST, LAST)))
        return QuantisedNetwork((image, last), walks)
    middle = QuantisedPopulation("middle", 128, neuron)
    chain = (
        convolution("in", "maps", MAPS),
        sparse("maps", "middle", (FEATURES, 128)),
        dense("middle", "few", (128, 16)),
    )
    return QuantisedNetwork((image, features, middle, few), chain)


def corner(activity: float) -> dict[str, np.ndarray]:
    """Spikes in a quarter of the image, as of an event camera that sees one thing move."""
    spikes = np.random.default_rng(1).random((STEPS, *MAPS)) < activity
    spikes[:, :, 8:], spikes[:, :, :, 8:] = False, False
    return {"in": spikes.reshape(STEPS, INPUTS)}


def meetings(layer: Convolution, axis: int) -> np.ndarray:
    """Count the taps that each coordinate of the source meets along an axis."""
    length, padding = layer.input_shape[1 + axis], layer.padding[axis][0]
    outputs, taps = layer.output_shape[1 + axis], layer.weights.shape[2 + axis]
    places = np.add.outer(np.arange(outputs) * layer.stride[axis], np.arange(taps)) - padding
    return np.bincount(places[(places >= 0) & (places < length)], minlength=length)


def cycles_of(projection: Projection) -> np.ndarray:
    """Cycles of an event of each presynaptic neuron, by the definition of the walk."""
    if isinstance(projection, Dense):
        return np.full(projection.shape[0], -(-projection.shape[1] // LANES))
    if isinstance(projection, Sparse):
        load = np.zeros((projection.size[0], LANES), int)
        np.add.at(load, (projection.pre, projection.post % LANES), 1)
        return np.maximum(load.max(axis=1), 1)
    assert isinstance(projection, Convolution)
    blocks = -(-projection.weights.shape[0] // LANES)
    taps = np.outer(meetings(projection, 0), meetings(projection, 1))
    taps = np.maximum(taps * blocks, 1)
    return np.broadcast_to(taps, projection.input_shape).ravel()


def definitions(net: QuantisedNetwork) -> Costs:
    costs = {p.name: np.ones(p.size, int) for p in net.populations}
    return costs | {p.source: cycles_of(p) for p in net.projections}


@cache
def measured(kind: str, skip: bool) -> tuple[Program, dict[str, np.ndarray], dict[str, int]]:
    """Program, what fired in golden by population, and the counters of the Verilog."""
    net = network(kind)
    spikes = corner(0.3)
    program, recording = execute(net, spikes, skip)
    expected = Golden(net).run(spikes)
    assert expected.difference(recording) is None
    fired = {name: array[:, 0] for name, array in expected.spikes.items()} | spikes
    return program, fired, recording.counters


def execute(
    net: QuantisedNetwork, spikes: dict[str, np.ndarray], skip: bool
) -> tuple[Program, Recording]:
    program = compile(net, ChipConfig(replace(CORE, skip=skip)))
    output = chip(skip).exchange(script_of(program, spikes), patience=PATIENCE).output
    return program, read_run(program, output, STEPS)


def windows(
    program: Program, fired: dict[str, np.ndarray], costs: Costs, of: Overheads
) -> Iterable[tuple[Window, int]]:
    """Give each window of each step, and the events in it; each population is a phase."""
    order = program.populations
    for number, population in enumerate(order):
        spikes = fired[population.name]
        for events, work in zip(spikes.sum(axis=1), spikes @ costs[population.name], strict=True):
            window = Window(
                of,
                events=events,
                walk=work / max(1, events),
                words=float(number > 0),
                readouts=0,
                walks=any(p.source == population.name for p in program.projections),
                sweep=-(-population.span // UPDATE_LANES),
                first=number == 0,
                early=number > 0 and population.size > 16,
                last=number == len(order) - 1,
            )
            yield window, int(events)


def told(
    program: Program,
    fired: dict[str, np.ndarray],
    costs: Costs,
    of: Overheads,
    rows: int | None = None,
) -> dict[str, float]:
    """Give the counters of a run in which no sweep finds nothing to do.

    ``rows`` of neurons are updated, or all if None.
    """
    neurons = program.neurons
    steps = len(fired["in"])
    groups = sum(-(-p.span // UPDATE_LANES) for p in neurons) * steps
    every = sum(-(-p.span // LANES) for p in neurons) * steps
    share = 1.0 if rows is None else rows / every
    update = share * groups + of.sweep * len(neurons) * steps
    beside = steps * (of.step + (of.phase + of.population) * len(neurons))
    parts = list(windows(program, fired, costs, of))
    return {
        "cycles_integrate": sum(window.integrate(events) for window, events in parts),
        "cycles_update": update,
        "cycles": beside + update + sum(window.cycles(events) for window, events in parts),
    }


def agree(counters: dict[str, int], expected: dict[str, float], *names: str) -> bool:
    return all(counters[name] == pytest.approx(expected[name], rel=0.02) for name in names)


@pytest.mark.parametrize("kind", NETWORKS)
def test_the_tables_cost_what_the_definitions_say(kind: str) -> None:
    net = network(kind)
    costs = walk_costs(compile(net, ChipConfig(CORE)))
    for name, cycles in definitions(net).items():
        assert np.array_equal(costs[name].cycles, cycles), name


@pytest.mark.slow
@pytest.mark.parametrize("skip", [False, True])
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_formula_tells_the_counters(kind: str, skip: bool) -> None:
    program, fired, counters = measured(kind, skip)
    rows = counters["rows_updated"] if skip else None
    costs = definitions(network(kind))
    expected = told(program, fired, costs, Overheads.of(program.config), rows)
    assert {name: counters[name] for name in expected} == pytest.approx(expected, rel=0.02)


def without_padding(kind: str) -> Costs:
    """Cost of a convolution that walks no tap of the border."""
    (layer,) = network(kind).projections
    assert isinstance(layer, Convolution)
    return {"in": cycles_of(replace(layer, padding=((0, 0), (0, 0))))}


def without_blocks(kind: str) -> Costs:
    return {"in": definitions(network(kind))["in"] // 2}


def without_rounding(kind: str) -> Costs:
    """Cost of synapses that fill all lanes to the last, wherever they lead."""
    return {p.source: p.operations / LANES for p in network(kind).projections}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        ("convolution", without_padding),
        ("convolution", without_blocks),
        ("dense", without_rounding),
        ("sparse", without_rounding),
    ],
)
def test_a_formula_that_leaves_out_a_part_of_the_walk_is_off(
    kind: str, wrong: Callable[[str], Costs]
) -> None:
    program, fired, counters = measured(kind, False)
    costs = definitions(network(kind)) | wrong(kind)
    expected = told(program, fired, costs, Overheads.of(program.config))
    assert not agree(counters, expected, "cycles_integrate")
    assert not agree(counters, expected, "cycles")


@pytest.mark.slow
def test_the_overheads_of_a_plain_core_are_off_where_tables_are_looked_up() -> None:
    program, fired, counters = measured("sparse", True)
    costs = definitions(network("sparse"))
    plain = replace(CORE, taps=0, pointers=0, synapse_rows=0)
    expected = told(program, fired, costs, Overheads.of(ChipConfig(plain)))
    for name in expected:
        assert not agree(counters, expected, name), name


@pytest.mark.slow
def test_rows_are_skipped_where_nothing_moves() -> None:
    # In three quarters of the image; a sweep then takes its groups, and nothing for the others.
    _, _, whole = measured("convolution", False)
    program, fired, counters = measured("convolution", True)
    assert counters["rows_updated"] < 0.5 * whole["rows_updated"]
    of, costs = Overheads.of(program.config), definitions(network("convolution"))
    assert not agree(counters, told(program, fired, costs, of), "cycles_update")


@pytest.mark.slow
def test_a_sweep_that_finds_no_row_takes_a_cycle_for_32() -> None:
    net = network("convolution")
    silence = {"in": np.zeros((STEPS, INPUTS), bool)}
    program, recording = execute(net, silence, skip=True)
    counters, of = recording.counters, Overheads.of(program.config)
    rows = FEATURES // LANES
    whole, rest = divmod(counters["rows_updated"], rows)
    assert rest == 0
    assert 0 < whole < 5
    idle = STEPS - whole
    sweeps = whole * (FEATURES // UPDATE_LANES + of.sweep) + idle * (1 + rows // 32)
    assert counters["cycles_update"] == sweeps
    # END and DONE take the bus, and the sweep one cycle that is not counted.
    beside = STEPS * (of.step + of.phase) + whole * of.population + idle * (of.population + 1)
    assert counters["cycles"] == pytest.approx(sweeps + beside, rel=0.02)
