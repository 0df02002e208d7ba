"""The tables, executed as design paper 0006 says, do what the projections say."""

from collections import defaultdict
from typing import Any

import numpy as np
import pytest

from spikeloom.mapping import place
from spikeloom_boards.target import Target
from spikeloom_hw.config import Walk
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import regions
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

Shape = tuple[int, int, int]

LANES = [(4, 1), (4, 4), (8, 2), (16, 4)]


class Tables:
    """Executes the tables of a program in plain integers, one event at a time.

    ``sums`` are the accumulators by (slot, row, lane), ``operations`` and ``requests`` what was
    counted on the way.
    """

    def __init__(self, program: Program) -> None:
        core = program.config.core
        self.slots = core.delay_slots
        self.weight_depth = 1 << (core.weight_rows - 1).bit_length()
        self.row_depth = 1 << (core.neuron_rows - 1).bit_length()
        self.tables = {
            name: unpack_rows(region.layout, program.images[name])
            for name, region in regions(program.config).items()
            if name in program.images
        }
        self.sums: dict[tuple[int, int, int], int] = defaultdict(int)
        self.operations = self.requests = 0

    def row(self, table: str, row: int) -> dict[str, int]:
        return {name: int(column[row]) for name, column in self.tables[table].items()}

    def event(self, source: int, index: int, value: int, step: int) -> None:
        entry = self.row("sources", source)
        assert index < entry["size"]
        for number in range(entry["first"], entry["first"] + entry["count"]):
            job = self.row("projections", number)
            slot = (step + job.get("delay", 0)) % self.slots
            kind = job.get("kind", Walk.DENSE)
            if kind == Walk.DENSE:
                self.operations += job["size"]
                at = job["weight_row"] + index * job["blocks"]
                self.run(at, job["row"], job["blocks"], slot, value)
            elif kind == Walk.CONVOLUTION:
                self.convolution(job, entry, index, slot, value)
            else:
                self.sparse(job["weight_row"] + index * job["blocks"], slot, value)

    def convolution(
        self, job: dict[str, int], entry: dict[str, int], index: int, slot: int, value: int
    ) -> None:
        pixel, channel = index >> entry["channel_bits"], index % (1 << entry["channel_bits"])
        line = pixel * entry["reciprocal"] >> 18
        column = pixel - line * entry["width"]
        if column >= entry["width"]:
            line, column = line + 1, column - entry["width"]
        inner = self.row("channels", job["channels"] + channel)
        down = self.row("lines", job["lines"] + line)
        across = self.row("columns", job["columns"] + column)
        for i in range(down["count"]):
            for j in range(across["count"]):
                weight = job["weight_row"] + inner["weight"] + down["weight"] + across["weight"]
                weight += i * job["line_weight"] + j * job["column_weight"]
                row = job["row"] + inner["row"] + down["row"] + across["row"]
                row += i * job["line_row"] + j * job["column_row"]
                self.operations += job["size"]
                self.run(weight, row, inner["count"], slot, value)

    def run(self, weight: int, row: int, count: int, slot: int, value: int) -> None:
        for block in range(count):
            self.requests += 1
            weights = self.tables["weights"][""][(weight + block) % self.weight_depth]
            for lane, one in enumerate(weights.tolist()):
                self.sums[slot, (row + block) % self.row_depth, lane] += one * value

    def sparse(self, pointer: int, slot: int, value: int) -> None:
        entry = self.row("pointers", pointer)
        self.operations += entry["size"]
        for word in range(entry["first"], entry["first"] + entry["words"]):
            self.requests += 1
            synapses = {name: c[word].tolist() for name, c in self.tables["synapses"].items()}
            delays = synapses.get("delay", [0] * len(synapses["row"]))
            lanes = zip(synapses["weight"], synapses["row"], delays, strict=True)
            for lane, (weight, row, delay) in enumerate(lanes):
                self.sums[(slot + delay) % self.slots, row, lane] += weight * value


def synapses_of(projection: Projection) -> list[tuple[int, int, int, int]]:
    """All synapses as (pre, post, weight, delay), by the definition of the projection."""
    if isinstance(projection, Dense):
        pre, post = projection.weights.shape
        return [
            (i, j, int(projection.weights[i, j]), projection.delay)
            for i in range(pre)
            for j in range(post)
        ]
    if isinstance(projection, Sparse):
        extra = np.zeros_like(projection.pre) if projection.delays is None else projection.delays
        columns = (projection.pre, projection.post, projection.weights, extra + projection.delay)
        return list(zip(*(column.tolist() for column in columns), strict=True))
    assert isinstance(projection, Convolution)
    return [(pre, post, weight, projection.delay) for pre, post, weight in connections(projection)]


def connections(p: Convolution) -> list[tuple[int, int, int]]:
    """Synapses of a convolution: what each output sees, pooled input by pooled input."""
    found = []
    outputs, inner, kernel_height, kernel_width = p.weights.shape
    _, height, width = p.input_shape
    _, lines, columns = p.output_shape
    for out, y, x, i, ky, kx in np.ndindex(
        outputs, lines, columns, inner, kernel_height, kernel_width
    ):
        line = y * p.stride[0] + ky * p.dilation[0] - p.padding[0][0]
        column = x * p.stride[1] + kx * p.dilation[1] - p.padding[1][0]
        if not (0 <= line < height // p.pool[0] and 0 <= column < width // p.pool[1]):
            continue
        channel = out // (outputs // p.groups) * inner + i
        post = (out * lines + y) * columns + x
        for dy, dx in np.ndindex(*p.pool):
            row = channel * height + line * p.pool[0] + dy
            pre = row * width + column * p.pool[1] + dx
            found.append((pre, post, int(p.weights[out, i, ky, kx])))
    return found


def index_of(population: PlacedPopulation, shape: Shape | None, neuron: int) -> int:
    if shape is None or not population.stride:
        return neuron
    channel, pixel = divmod(neuron, shape[1] * shape[2])
    return pixel * population.stride + channel


def check(network: QuantisedNetwork, program: Program, rng: np.random.Generator) -> Tables:
    """Send some events through the tables; every accumulator must hold what it should."""
    tables = Tables(program)
    placed = {p.name: p for p in program.populations}
    shapes = {p.name: p.shape for p in network.populations}
    step = int(rng.integers(0, 1000))
    expected: dict[tuple[int, int, int], int] = defaultdict(int)
    operations = 0
    for name, population in placed.items():
        some = rng.permutation(population.size)[: int(rng.integers(1, 8))]
        values = {int(n): int(rng.integers(1, 4)) * int(rng.choice([-1, 1])) for n in some}
        for neuron, value in values.items():
            index = index_of(population, shapes[name], neuron)
            tables.event(population.source, index, value, step)
        for projection in network.projections_from(name):
            target = placed[projection.target]
            back = network.phases[projection.target] <= network.phases.get(name, -1)
            for pre, post, weight, delay in synapses_of(projection):
                if pre in values:
                    index = index_of(target, shapes[target.name], post)
                    row, lane = divmod(index, program.config.core.lanes)
                    slot = (step + delay + back) % tables.slots
                    expected[slot, target.slices[0].row + row, lane] += weight * values[pre]
                    operations += 1
    assert {k: v for k, v in tables.sums.items() if v} == {k: v for k, v in expected.items() if v}
    assert tables.operations == operations
    return tables


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
    check(network, place(network, target), rng)


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
    tables = check(network, place(network, target), rng)
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
    check(network, place(network, target_of(seed)), rng)
