"""Populations that convolutions leave or reach are laid out pixel by pixel."""

from typing import Any

import numpy as np
import pytest

from spikeloom.errors import MappingError
from spikeloom.mapping import place
from spikeloom_boards.target import Target
from spikeloom_hw.config import Walk
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_hw.packing import unpack_rows
from spikeloom_hw.program import Program
from spikeloom_hw.registers import regions
from spikeloom_sim.projection import Convolution, Dense, Projection, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

TARGET = Target("bench", "for tests", 8, 2, 1 << 16, 1 << 12)
SIMPLE = NeuronParameters(threshold=10)


def network_of(channels: int = 5, **neuron: Any) -> QuantisedNetwork:
    """An image of 3 x 4 x 6, maps of 3 x 4 pixels, and 7 classes."""
    rng = np.random.default_rng(channels)
    maps = channels, 3, 4
    size, given = channels * 12, {"threshold": 10, **neuron}
    populations = (
        QuantisedPopulation("image", 72, shape=(3, 4, 6)),
        QuantisedPopulation("maps", size, NeuronParameters(**given), 1.0, maps),
        QuantisedPopulation("digit", 7, SIMPLE),
    )
    convolution = Convolution(
        "image", "maps", rng.integers(-9, 9, (channels, 3, 2, 3)), input_shape=(3, 4, 6)
    )
    classes = Dense("maps", "digit", rng.integers(-9, 9, (size, 7)))
    pre, post = np.nonzero(rng.random((72, 7)) < 0.1)
    sparse = Sparse(
        "image", "digit", rng.integers(1, 9, len(pre)), pre=pre, post=post, size=(72, 7)
    )
    recurrent = Dense("maps", "maps", rng.integers(-2, 2, (size, size)))
    return QuantisedNetwork(populations, (convolution, classes, sparse, recurrent))


def image(program: Program, name: str) -> dict[str, np.ndarray]:
    return unpack_rows(regions(program.config)[name].layout, program.images[name])


@pytest.mark.parametrize(
    ("channels", "stride"), [(1, 8), (5, 8), (8, 8), (9, 16), (17, 32), (32, 32)]
)
def test_a_pixel_has_a_power_of_two_of_rows(channels: int, stride: int) -> None:
    program = place(network_of(channels), TARGET)
    pixels, maps, digit = program.populations
    assert (pixels.stride, maps.stride, digit.stride) == (4, stride, 0)
    assert (pixels.shape, maps.shape, digit.shape) == ((3, 4, 6), (channels, 3, 4), None)
    assert pixels.span == 23 * 4 + 3
    assert digit.slices[0].row == (11 * stride + channels + 7) // 8


@pytest.mark.parametrize("channels", [1, 5, 6, 8, 9, 17])
@pytest.mark.parametrize(("lanes", "update_lanes"), [(8, 1), (8, 8), (16, 4), (4, 2)])
def test_the_masks_leave_the_neurons_and_nothing_else(
    channels: int, lanes: int, update_lanes: int
) -> None:
    target = Target("bench", "for tests", lanes, update_lanes, 1 << 16, 1 << 12)
    program = place(network_of(channels), target)
    descriptors = image(program, "populations")
    for k, source in enumerate(descriptors["source"]):
        (population,) = [p for p in program.neurons if p.source == source]
        entry = {name: int(column[k]) for name, column in descriptors.items()}
        found = []
        for group in range(entry["last_group"] + 1):
            part = group & entry["period"]
            whole = (1 << update_lanes) - 1
            mask = whole if part < entry["full"] else entry["tail"]
            mask = 0 if part > entry["full"] else mask
            found += [group * update_lanes + u for u in range(update_lanes) if mask >> u & 1]
        assert found == sorted(population.to_index(np.arange(population.size)))


def test_parameters_of_neurons_follow_the_pixels() -> None:
    thresholds = np.arange(60) + 1
    program = place(network_of(5, threshold=thresholds), TARGET)
    held = image(program, "neurons")["threshold"].ravel()
    maps = program.population("maps")
    assert held[maps.to_index(np.arange(60))].tolist() == thresholds.tolist()
    # Between the pixels, nothing ever fires.
    assert held[5:8].tolist() == [(1 << 17) - 1] * 3


@pytest.mark.parametrize("shape", [(3, 4, 6), (1, 1, 300), (2, 128, 128), (1, 7, 1), (9, 1, 1)])
def test_a_source_tells_how_an_index_is_split(shape: tuple[int, int, int]) -> None:
    size = int(np.prod(shape))
    populations = (
        QuantisedPopulation("in", size, shape=shape),
        QuantisedPopulation("out", 1, SIMPLE),
    )
    weights = np.ones((1, shape[0], *shape[1:]), int)
    network = QuantisedNetwork(populations, (Convolution("in", "out", weights, input_shape=shape),))
    program = place(network, TARGET)
    entry = {name: int(column[0]) for name, column in image(program, "sources").items()}
    neurons = np.arange(size)
    index = program.population("in").to_index(neurons)
    assert entry["size"] == index.max() + 1
    pixel = index >> entry["channel_bits"]
    line = pixel * entry["reciprocal"] >> 18
    column = pixel - line * entry["width"]
    wrong = column >= entry["width"]
    line, column = line + wrong, column - wrong * entry["width"]
    channel = index & ((1 << entry["channel_bits"]) - 1)
    assert np.array_equal((channel * shape[1] + line) * shape[2] + column, neurons)


@pytest.mark.parametrize("channels", [5, 8, 9])
def test_weights_are_read_back_as_they_were(channels: int) -> None:
    network = network_of(channels)
    program = place(network, TARGET)
    for placed in program.projections:
        (projection,) = [
            p for p in network.projections if (p.source, p.target) == (placed.source, placed.target)
        ]
        (part,) = placed.parts
        rows = slice(part.weight_row, part.weight_row + part.rows)
        columns = {name: c[rows] for name, c in image(program, placed.memory).items()}
        assert np.array_equal(program.weights_of(placed, [columns]), matrix_of(projection))


def matrix_of(projection: Projection) -> np.ndarray:
    if not isinstance(projection, Sparse):
        return projection.weights
    matrix = np.zeros(projection.size, int)
    matrix[projection.pre, projection.post] = projection.weights
    return matrix


@pytest.mark.parametrize(("channels", "walk"), [(5, Walk.CONVOLUTION), (8, Walk.DENSE)])
def test_a_dense_projection_has_no_weights_between_pixels(channels: int, walk: Walk) -> None:
    program = place(network_of(channels), TARGET)
    (classes,) = [p for p in program.projections if (p.source, p.target) == ("maps", "digit")]
    assert classes.kind is walk
    assert classes.parts[0].rows == channels * 12


def pixels_of(shape: tuple[int, int, int], **neuron: Any) -> QuantisedNetwork:
    """A convolution of 1 x 1 from an input to neurons, both of one shape."""
    size = int(np.prod(shape))
    populations = (
        QuantisedPopulation("in", size, shape=shape),
        QuantisedPopulation("out", size, NeuronParameters(threshold=10, **neuron), 1.0, shape),
    )
    weights = np.ones((shape[0], 1, 1, 1), int)
    convolution = Convolution("in", "out", weights, input_shape=shape, groups=shape[0])
    return QuantisedNetwork(populations, (convolution,))


LEAVE_IT = "which a population laid out in pixels cannot have; leave it out, or use no convolution"
TOO_MUCH = {
    "Population 'in' has 129 x 128 pixels, a convolution takes up to 16384; "
    "pool or crop it first": pixels_of((1, 129, 128)),
    "Population 'in' takes 1843137 indices, 128 for each of its pixels; an event can name "
    "1048576, use fewer channels or pixels": pixels_of((65, 120, 120)),
    f"Population 'out' has noise, {LEAVE_IT} there": pixels_of((2, 3, 3), noise=4),
    f"Population 'out' has winner-take-all, {LEAVE_IT} there": pixels_of((2, 3, 3), winner=True),
}


@pytest.mark.parametrize("message", TOO_MUCH)
def test_what_pixels_cannot_have_is_refused(message: str) -> None:
    with pytest.raises(MappingError, match=f"^{message}$"):
        place(TOO_MUCH[message], TARGET)


def test_a_single_pixel_is_flat_and_may_have_noise() -> None:
    network = pixels_of((12, 1, 1), noise=4)
    program = place(network, TARGET)
    assert [p.stride for p in program.populations] == [0, 0]
    assert program.population("out").span == 12


def test_a_projection_back_is_consumed_one_update_later() -> None:
    populations = (
        QuantisedPopulation("in", 3),
        QuantisedPopulation("a", 4, SIMPLE),
        QuantisedPopulation("b", 5, SIMPLE),
    )
    edges = [("in", "a", 3), ("a", "b", 5), ("b", "a", 4), ("b", "b", 0)]
    sizes = {p.name: p.size for p in populations}
    projections = tuple(
        Dense(s, t, np.ones((sizes[s], sizes[t]), int), delay=d) for s, t, d in edges
    )
    delays = {
        timing: image(
            place(QuantisedNetwork(populations, projections, timing=timing), TARGET), "projections"
        )["delay"].tolist()
        for timing in ("exact", "pipelined")
    }
    assert delays == {"exact": [3, 5, 5, 1], "pipelined": [3, 6, 5, 1]}
