"""Where a program keeps populations and projections, and how their neurons are numbered."""

from dataclasses import dataclass

import numpy as np

from .config import Walk
from .neuron import Output

__all__ = ["PlacedPopulation", "PlacedProjection", "group_blocks"]


@dataclass(frozen=True)
class PlacedPopulation:
    """A population, and where the core keeps it.

    A population that a convolution leaves or reaches is laid out pixel by pixel: its index on
    the bus is ``pixel * stride + channel``, while its arrays are in the order of
    (channels, height, width). All others have the same order in both.

    Parameters
    ----------
    name : str
        Name in the network.
    size : int
        Neurons.
    source : int
        Number by which its events are known on the event bus.
    row : int or None
        First row of its neurons; None for an input population.
    scale : float
        Real value of one unit of weight, for converting potentials back.
    fraction : int
        Fractional bits of the potential.
    shape : tuple of int or None
        Channels, height and width, if it has them.
    stride : int
        Indices on the bus from one pixel to the next; 0 if it is not laid out in pixels.
    output : Output
        What its neurons send; SPIKE for an input.
    largest : int
        Greatest magnitude that one of its events has for a synapse: 1 for spikes, 0 if it sends
        nothing to synapses.
    """

    name: str
    size: int
    source: int
    row: int | None = None
    scale: float = 1.0
    fraction: int = 0
    shape: tuple[int, int, int] | None = None
    stride: int = 0
    output: Output = Output.SPIKE
    largest: int = 1

    @property
    def channels(self) -> int:
        """Neurons of a pixel; all of them if it is not laid out in pixels."""
        return self.shape[0] if self.stride and self.shape else self.size

    @property
    def span(self) -> int:
        """One more than the greatest index on the bus."""
        return (self.size // self.channels - 1) * self.stride + self.channels

    def to_index(self, neurons: np.ndarray) -> np.ndarray:
        """Index on the bus of each neuron, given in the order of the array."""
        pixels = self.size // self.channels
        neurons = np.asarray(neurons)
        return neurons % pixels * self.stride + neurons // pixels

    def to_neuron(self, indices: np.ndarray) -> np.ndarray:
        """Neuron, in the order of the array, of each index on the bus.

        An index between the pixels, which no event has, gives no sensible answer.
        """
        indices = np.asarray(indices)
        if not self.stride:
            return indices
        return indices % self.stride * (self.size // self.channels) + indices // self.stride

    def to_place(self, neurons: np.ndarray) -> np.ndarray:
        """Place of each neuron in the order of the bus, without the gaps between pixels."""
        pixels = self.size // self.channels
        neurons = np.asarray(neurons)
        return neurons % pixels * self.channels + neurons // pixels


@dataclass(frozen=True)
class PlacedProjection:
    """A projection, and where the core keeps its weights.

    Parameters
    ----------
    source, target : str
        Names of the populations.
    kind : Walk
        What walks it. A dense projection from a population with gaps between its pixels is
        walked as a convolution whose kernel is the whole map.
    shape : tuple of int
        Shape of its weights in the network: (pre, post) if dense, (out, in / groups, height,
        width) if a convolution, (synapses,) if sparse.
    weight_row, rows : int
        Rows of its weights in :attr:`memory`.
    pointer : int
        First of its pointers, if it is sparse.
    groups : int
        Groups of channels, if it is a convolution.
    entry : int or None
        Its entry in the table of the learning engine; None if it does not learn.
    taught : bool
        Whether it learns from errors.
    """

    source: str
    target: str
    kind: Walk
    shape: tuple[int, ...]
    weight_row: int
    rows: int
    pointer: int = 0
    groups: int = 1
    entry: int | None = None
    taught: bool = False

    @property
    def memory(self) -> str:
        """Memory that holds its weights."""
        return "synapses" if self.kind is Walk.SPARSE else "weights"

    def locate(
        self, source: PlacedPopulation, target: PlacedPopulation, lanes: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell row and lane of every weight, counted from ``weight_row``; not if it is sparse.

        Parameters
        ----------
        source, target : PlacedPopulation
            Its populations.
        lanes : int
            Weights in a row.

        Returns
        -------
        tuple of int array
            Rows and lanes, which broadcast to ``shape``.
        """
        if len(self.shape) == 2:
            index = target.to_index(np.arange(self.shape[1]))
            blocks = -(-target.span // lanes)
            places = source.to_place(np.arange(self.shape[0]))
            return places[:, None] * blocks + index // lanes, index % lanes
        first, count = group_blocks(self.shape[0], self.groups, lanes)
        out, inner, line, column = np.ogrid[tuple(slice(n) for n in self.shape)]
        group = out * self.groups // self.shape[0]
        before = np.cumsum(count) - count
        # A position of the kernel has the blocks of every channel, group by group.
        position = (line * self.shape[3] + column) * (count.sum() * self.shape[1])
        offset = before[group] * self.shape[1] + inner * count[group]
        return position + offset + out // lanes - first[group], out % lanes


def group_blocks(channels: int, groups: int, lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``lanes`` channels that each group of a convolution's output touches.

    Returns
    -------
    tuple of (groups,) int array
        First row, and how many; neighbouring groups may share one.
    """
    each = channels // groups
    begin = np.arange(groups) * each
    first = begin // lanes
    return first, (begin + each - 1) // lanes - first + 1
