"""The tables, executed as design paper 0006 says, do what the projections say."""

from typing import Any

import numpy as np
import pytest

from spikeloom.mapping import place
from spikeloom_boards.target import Target
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.table_check import check_tables

Shape = tuple[int, int, int]

LANES = [(4, 1), (4, 4), (8, 2), (16, 4)]


def draw_convolution(rng: np.random.Generator, source: str, target: str, **given: Any) -> Any:
    """Draw a convolution; the shape of its source may be given."""

    def pair(most: int) -> tuple[int, int]:
        return int(rng.integers(1, most + 1)), int(rng.integers(1, most + 1))

    groups = int(rng.choice([1, 1, 2, 3]))
    shape = given.get("input_shape") or (groups * int(rng.integers(1, 4)), *pair(9))
    if shape[0] % groups:
        groups = shape[0]
    # Half of them with few channels out of each group, so that groups share rows.
    outputs = groups * int(rng.integers(1, 4 if rng.random() < 0.5 else 12))
    while True:
        kernel = pair(4)
        weights = rng.integers(-8, 8, (outputs, shape[0] // groups, *kernel))
        above, below, left, right = rng.integers(0, 3, 4).tolist()
        try:
            return Convolution(
                source,
                target,
                weights,
                delay=given.get("delay", 0),
                input_shape=shape,
                stride=pair(3),
                padding=((above, below), (left, right)),
                dilation=pair(3),
                groups=groups,
                pool=pair(2) if rng.random() < 0.5 else (1, 1),
            )
        except ValueError:
            continue


def neurons_of(name: str, shape: Shape | None, size: int) -> QuantisedPopulation:
    return QuantisedPopulation(name, size, NeuronParameters(threshold=5), shape=shape)


def target_of(seed: int) -> Target:
    return Target("bench", "for tests", *LANES[seed % len(LANES)], 1 << 16, 1 << 12)


@pytest.mark.parametrize("seed", range(120))
def test_a_convolution_adds_what_its_definition_says(seed: int) -> None:
    rng = np.random.default_rng(seed)
    target = target_of(seed)
    first = draw_convolution(rng, "in", "mid")
    second = draw_convolution(rng, "mid", "out", input_shape=first.output_shape)
    populations = (
        QuantisedPopulation("in", first.shape[0], shape=first.input_shape),
        neurons_of("mid", first.output_shape, first.shape[1]),
        neurons_of("out", second.output_shape, second.shape[1]),
    )
    network = QuantisedNetwork(populations, (first, second), 4, 24)
    check_tables(network, place(network, target), rng)


@pytest.mark.parametrize("seed", range(40))
def test_a_convolution_takes_a_cycle_for_each_tap_and_block(seed: int) -> None:
    rng = np.random.default_rng(2000 + seed)
    target = target_of(seed)
    convolution = draw_convolution(rng, "in", "out")
    populations = (
        QuantisedPopulation("in", convolution.shape[0], shape=convolution.input_shape),
        neurons_of("out", convolution.output_shape, convolution.shape[1]),
    )
    network = QuantisedNetwork(populations, (convolution,), 4, 24)
    tables = check_tables(network, place(network, target), rng)
    each = convolution.weights.shape[0] // convolution.groups
    taps = tables.operations // each
    blocks = -(-each // target.lanes)
    # A group that does not begin at a row may touch one more.
    assert blocks * taps <= tables.requests <= (blocks + (convolution.groups > 1)) * taps


def draw_projection(
    rng: np.random.Generator, source: QuantisedPopulation, target: QuantisedPopulation
) -> Projection:
    delay = int(rng.choice([0, 0, 1, 5, 13]))
    size = source.size, target.size
    if rng.random() < 0.5:
        return Dense(source.name, target.name, rng.integers(-8, 8, size), delay=delay)
    chosen = rng.random(size) < rng.choice([0.02, 0.2, 1.0])
    chosen[-1, -1] = True
    pre, post = np.nonzero(chosen)
    order = rng.permutation(len(pre))
    return Sparse(
        source.name,
        target.name,
        rng.integers(-8, 8, len(pre)),
        delay=delay,
        pre=pre[order],
        post=post[order],
        size=size,
        delays=rng.integers(0, 9, len(pre)) if rng.random() < 0.5 else None,
    )


@pytest.mark.parametrize("timing", ["exact", "pipelined"])
@pytest.mark.parametrize("seed", range(60))
def test_mixed_projections_add_what_their_definitions_say(seed: int, timing: str) -> None:
    rng = np.random.default_rng(1000 + seed)
    shape = tuple(int(n) for n in rng.integers(1, 6, 3))
    delay = int(rng.choice([0, 3]))
    conv = draw_convolution(rng, "in", "mid", input_shape=shape, delay=delay)
    size = int(rng.integers(1, 40))
    populations = (
        QuantisedPopulation("in", conv.shape[0], shape=conv.input_shape),
        QuantisedPopulation("other", int(rng.integers(1, 30))),
        neurons_of("mid", conv.output_shape, conv.shape[1]),
        neurons_of("out", None, size),
    )
    _, _, mid, out = populations
    edges = [(p, q) for p in populations for q in (mid, out) if rng.random() < 0.6]
    projections = [conv, *(draw_projection(rng, p, q) for p, q in edges)]
    network = QuantisedNetwork(populations, tuple(projections), 4, 32, timing)
    check_tables(network, place(network, target_of(seed)), rng)
