"""Whether the tables of a program do what the definitions of the projections say."""

from collections import defaultdict

import numpy as np

from spikeloom_hw.program import PlacedPopulation, Program

from .projection import Convolution, Dense, Projection, Sparse
from .quantised import QuantisedNetwork
from .table_machine import TableMachine

__all__ = ["check_tables", "synapses_of"]


def synapses_of(projection: Projection) -> list[tuple[int, int, int, int]]:
    """Give all synapses as (pre, post, weight, delay), by the definition of the projection."""
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
    return [(pre, post, weight, projection.delay) for pre, post, weight in _connections(projection)]


def _connections(p: Convolution) -> list[tuple[int, int, int]]:
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


def check_tables(
    network: QuantisedNetwork, program: Program, rng: np.random.Generator
) -> TableMachine:
    """Send some events through the tables; every accumulator must hold what it should.

    Every neuron must be on one core, and send its own index.

    Parameters
    ----------
    network : QuantisedNetwork
        The network.
    program : Program
        What was made of it.
    rng : Generator
        Draws the events.

    Returns
    -------
    TableMachine
        The machine, after the events.
    """
    machine = TableMachine(program)
    placed = {p.name: p for p in program.populations}
    shapes = {p.name: p.shape for p in network.populations}
    everybody = {
        (placed[p.name].source, _index_of(placed[p.name], p.shape, neuron))
        for p in network.neurons
        for neuron in range(p.size)
    }
    assert machine.home.keys() == everybody
    step = int(rng.integers(0, 1000))
    expected: dict[tuple[int, int, int, int], int] = defaultdict(int)
    operations = 0
    for name, population in placed.items():
        some = rng.permutation(population.size)[: int(rng.integers(1, 8))]
        values = {int(n): int(rng.integers(1, 4)) * int(rng.choice([-1, 1])) for n in some}
        for neuron, value in values.items():
            index = _index_of(population, shapes[name], neuron)
            machine.event(population.source, index, value, step)
        for projection in network.projections_from(name):
            target = placed[projection.target]
            back = network.phases[projection.target] <= network.phases.get(name, -1)
            for pre, post, weight, delay in synapses_of(projection):
                if pre in values:
                    index = _index_of(target, shapes[target.name], post)
                    core, row, lane = machine.home[target.source, index]
                    slot = (step + delay + back) % machine.slots
                    expected[core, slot, row, lane] += weight * values[pre]
                    operations += 1
    assert machine.sums() == {place: total for place, total in expected.items() if total}
    assert machine.operations == operations
    return machine


def _index_of(population: PlacedPopulation, shape: tuple[int, int, int] | None, neuron: int) -> int:
    if shape is None or not population.stride:
        return neuron
    channel, pixel = divmod(neuron, shape[1] * shape[2])
    return pixel * population.stride + channel
