"""Where a program keeps populations and projections, and how their neurons are numbered."""

from dataclasses import dataclass, replace

import numpy as np

from .config import Walk
from .neuron import Output

__all__ = ["PlacedPart", "PlacedPopulation", "PlacedProjection", "PlacedSlice", "group_blocks"]


@dataclass(frozen=True)
class PlacedSlice:
    """A run of rows of a population, and where it lies.

    Parameters
    ----------
    core : int
        Core that computes it.
    row : int
        Its first row of neurons there.
    base : int
        Row of the population in which it begins.
    rows : int
        Rows that it has.
    """

    core: int
    row: int
    base: int
    rows: int


@dataclass(frozen=True)
class PlacedPart:
    """The part of a projection that is on one core: all that reaches the slice of its target.

    Parameters
    ----------
    core : int
        The core.
    number : int
        Its row in the table of projections there.
    weight_row, rows : int
        Its rows in the memory of weights there; in that of synapses if it is sparse, with those
        that it has spare.
    pointer : int
        First of its pointers, if it is sparse.
    entry : int or None
        Its entry in the table of the learning engine there; None if it does not learn.
    """

    core: int
    number: int
    weight_row: int
    rows: int
    pointer: int = 0
    entry: int | None = None


@dataclass(frozen=True)
class PlacedPopulation:
    """A population, and where its neurons are.

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
    slices : tuple of PlacedSlice
        Where its neurons are, from the first row to the last; none for an input population.
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
    slices: tuple[PlacedSlice, ...] = ()
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

    @property
    def whole(self) -> bool:
        """Whether it is not cut."""
        return len(self.slices) < 2

    def on(self, core: int) -> PlacedSlice | None:
        """Slice that a core has of it, if it has one."""
        return next((piece for piece in self.slices if piece.core == core), None)

    def members(self, piece: PlacedSlice, lanes: int) -> np.ndarray:
        """Neurons of one of its slices, in the order of the array, at so many neurons in a row."""
        rows = self.to_index(np.arange(self.size)) // lanes
        return np.flatnonzero((rows >= piece.base) & (rows < piece.base + piece.rows))

    def view(self, piece: PlacedSlice, lanes: int) -> "PlacedPopulation":
        """One of its slices as a population of its own, whose first neuron has the index 0.

        Its neurons are those of :meth:`members`, in that order.
        """
        size, shape = len(self.members(piece, lanes)), self.shape
        if self.stride and shape is not None:
            # Lines are kept whole; a single line is cut between its pixels.
            width = shape[2] if shape[1] > 1 else size // shape[0]
            shape = shape[0], size // (shape[0] * width), width
        return replace(self, size=size, shape=shape, slices=(replace(piece, base=0),))


@dataclass(frozen=True)
class PlacedProjection:
    """A projection, and where its weights are.

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
    parts : tuple of PlacedPart
        One on each core that has a slice of its target, in the order of the slices.
    groups : int
        Groups of channels, if it is a convolution.
    turn : int or None
        Its turn among the projections that learn in a step; None if it does not learn.
    taught : bool
        Whether it learns from errors.
    """

    source: str
    target: str
    kind: Walk
    shape: tuple[int, ...]
    parts: tuple[PlacedPart, ...]
    groups: int = 1
    turn: int | None = None
    taught: bool = False

    @property
    def memory(self) -> str:
        """Memory that holds its weights."""
        return "synapses" if self.kind is Walk.SPARSE else "weights"

    def locate(
        self, source: PlacedPopulation, target: PlacedPopulation, lanes: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell row and lane of every weight of a part, counted from ``weight_row``.

        Not if it is sparse.

        Parameters
        ----------
        source : PlacedPopulation
            Its source.
        target : PlacedPopulation
            The :meth:`~PlacedPopulation.view` of a slice of its target.
        lanes : int
            Weights in a row.

        Returns
        -------
        tuple of int array
            Rows and lanes, which broadcast to the shape of the weights that reach the slice:
            ``shape`` with its neurons in place of all, or its output channels.
        """
        if len(self.shape) == 2:
            index = target.to_index(np.arange(target.size))
            blocks = -(-target.span // lanes)
            places = source.to_place(np.arange(self.shape[0]))
            return places[:, None] * blocks + index // lanes, index % lanes
        shape = (target.channels, *self.shape[1:])
        first, count = group_blocks(shape[0], self.groups, lanes)
        out, inner, line, column = np.ogrid[tuple(slice(n) for n in shape)]
        group = out * self.groups // shape[0]
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
