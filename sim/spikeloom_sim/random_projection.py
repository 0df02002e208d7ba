"""Random projections that fit a core."""

from dataclasses import dataclass, replace

import numpy as np

from spikeloom_hw.config import CoreConfig, Walk

from .projection import Convolution, Dense, Projection, Sparse
from .quantised import QuantisedPopulation

__all__ = ["Room", "fill", "random_convolution", "random_projection"]

Maps = tuple[int, int, int]


@dataclass
class Room:
    """What is left of the memories of a core; the compiler needs no more than is taken here.

    Parameters
    ----------
    core : CoreConfig
        The core.
    """

    core: CoreConfig

    def __post_init__(self) -> None:
        self.weight_rows = self.core.weight_rows
        self.projections = self.core.projections
        self.taps = self.core.taps
        self.pointers = self.core.pointers
        self.synapse_rows = self.core.synapse_rows

    def rows_of(self, maps: Maps) -> int:
        """Rows of neurons of a population of these channels, height and width."""
        blocks = -(-maps[0] // self.core.lanes)
        pixels = maps[1] * maps[2]
        return blocks if pixels == 1 else pixels << (blocks - 1).bit_length()

    def take(self, projection: Projection, source: Maps, target: Maps) -> bool:
        """Take the room of a projection, unless there is too little."""
        pre, _ = projection.shape
        spread = source[1] * source[2] << (source[0] - 1).bit_length()
        lanes, sparse = self.core.lanes, isinstance(projection, Sparse)
        rows = 0 if sparse else pre * self.rows_of(target)
        walked = isinstance(projection, Convolution) or (source[1:] != (1, 1) and not sparse)
        if isinstance(projection, Convolution):
            outputs, _, height, width = projection.weights.shape
            rows = height * width * source[0] * (-(-outputs // lanes) + 1)
        asked = {
            "projections": 1,
            "weight_rows": rows,
            "taps": max(source) if walked else 0,
            "pointers": max(spread, self.rows_of(source) * lanes) if sparse else 0,
            "synapse_rows": len(projection.weights) if sparse else 0,
        }
        fits = all(getattr(self, name) >= count for name, count in asked.items())
        if sparse and int(projection.operations.max()) > self.core.neuron_rows * lanes:
            fits = False
        if fits:
            for name, count in asked.items():
                setattr(self, name, getattr(self, name) - count)
        return fits


def random_convolution(
    extra: np.random.Generator, source: QuantisedPopulation, most: int
) -> Convolution | None:
    """Draw the shape of a convolution into at most so many neurons; its weights are all 0."""
    channels, height, width = source.maps
    for _ in range(20):
        groups = int(extra.choice([g for g in (1, 1, 2, channels) if channels % g == 0]))
        outputs = groups * int(extra.integers(1, 1 + max(1, 6 // groups)))
        pool = extra.integers(1, 3, 2) if extra.random() < 0.4 else np.ones(2, int)
        sides = np.minimum([height, width], pool) // pool
        if not sides.all():
            continue
        kernel = [int(extra.integers(1, 1 + min(4, s))) for s in (height, width)]
        stride = extra.integers(1, 3, 2)
        padding = extra.integers(0, 3, (2, 2)) if extra.random() < 0.5 else np.zeros((2, 2), int)
        try:
            made = Convolution(
                source.name,
                "",
                np.zeros((outputs, channels // groups, *kernel), int),
                input_shape=source.maps,
                stride=(int(stride[0]), int(stride[1])),
                padding=_pairs(padding),
                dilation=(int(extra.integers(1, 3)), int(extra.integers(1, 3))),
                groups=groups,
                pool=(int(pool[0]), int(pool[1])),
            )
        except ValueError:
            continue
        if made.shape[1] <= most:
            return made
    return None


def random_projection(
    extra: np.random.Generator,
    ends: tuple[QuantisedPopulation, QuantisedPopulation],
    core: CoreConfig,
) -> Projection:
    """Draw a projection of any kind that the core has; the weights of a dense one are all 0."""
    source, target = ends
    delay = int(extra.integers(core.delay_slots)) if extra.random() < 0.5 else 0
    walks = core.walks
    if Walk.CONVOLUTION in walks and source.shape == target.shape and source.shape:
        if extra.random() < 0.6:
            return _same(extra, source, target, delay)
    if Walk.SPARSE in walks and extra.random() < 0.4:
        return _sparse(extra, source, target, core)
    zeros = np.zeros((source.size, target.size), int)
    return Dense(source.name, target.name, zeros, delay=delay)


def fill(
    rng: np.random.Generator, projection: Projection, room: np.ndarray, weights: tuple[int, int]
) -> Projection:
    """Draw the weights of a projection.

    Parameters
    ----------
    rng : Generator
        Source of the weights.
    projection : Projection
        All but the weights.
    room : (post,) int array
        Most that the magnitudes of the weights into a neuron may sum to.
    weights : tuple of int
        Least and greatest weight.
    """
    low, high = weights
    drawn = rng.integers(low, high + 1, projection.weights.shape)
    if rng.random() < 0.1:
        drawn = rng.choice([low, high], projection.weights.shape)
    while True:
        made = replace(projection, weights=drawn)
        if np.all(made.magnitudes() <= room):
            return made
        # Rounding toward zero ends at zero.
        drawn = np.trunc(drawn / 2).astype(int)


def _same(
    extra: np.random.Generator,
    source: QuantisedPopulation,
    target: QuantisedPopulation,
    delay: int,
) -> Convolution:
    channels = source.maps[0]
    around = extra.integers(0, 2, 2)
    return Convolution(
        source.name,
        target.name,
        np.zeros((channels, channels, *(2 * around + 1)), int),
        input_shape=source.maps,
        padding=_pairs(np.stack([around, around], axis=1)),
        delay=delay,
    )


def _sparse(
    extra: np.random.Generator,
    source: QuantisedPopulation,
    target: QuantisedPopulation,
    core: CoreConfig,
) -> Sparse:
    size = (source.size, target.size)
    places = extra.random(size) < extra.choice([0.05, 0.2, 0.6])
    pre, post = np.nonzero(places)
    common = int(extra.integers(core.delay_slots)) if extra.random() < 0.3 else 0
    delays = extra.integers(0, core.delay_slots - common, len(pre))
    weights = np.zeros(len(pre), int)
    return Sparse(
        source.name,
        target.name,
        weights,
        pre=pre,
        post=post,
        size=size,
        delays=delays,
        delay=common,
    )


def _pairs(padding: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]]:
    (above, below), (left, right) = padding.tolist()
    return (above, below), (left, right)
