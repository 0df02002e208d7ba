"""Convolutional projections in one and two dimensions."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np

from .base import Deliver, Projection, Synapses, magnitude

__all__ = ["Convolution"]

Pair = tuple[int, int]

_COLUMNS = 1 << 19
"""Numbers in the matrix of a convolution, which should stay in the cache."""


@dataclass(frozen=True, eq=False)
class Convolution(Projection):
    """Correlation with a kernel, as PyTorch's ``Conv2d``, after an optional sum pooling.

    A one-dimensional convolution has height 1. A fully connected layer behind a pooling is one
    whose kernel is as large as the pooled map.

    Parameters
    ----------
    source, target : str
        Names of the populations.
    weights : (out channels, in channels / groups, kernel height, kernel width) array
        Float64 or integer weights.
    delay : int
        Further updates of the target that every spike waits.
    input_shape : tuple of int
        Shape (channels, height, width) of the source.
    stride, dilation, pool : tuple of int
        By height and width. ``pool`` sums non-overlapping windows before the kernel is applied,
        and leaves out what fills no window.
    padding : tuple of pairs of int
        Zeros (above, below) and (left, right) of the pooled map.
    groups : int
        Groups of channels, which do not mix.
    """

    input_shape: tuple[int, int, int] = (1, 1, 1)
    stride: Pair = (1, 1)
    padding: tuple[Pair, Pair] = ((0, 0), (0, 0))
    dilation: Pair = (1, 1)
    groups: int = 1
    pool: Pair = (1, 1)

    FORM: ClassVar[tuple[str, ...]] = (
        "out channels",
        "in channels / groups",
        "kernel height",
        "kernel width",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.set_integers("input_shape", 3, 1)
        for name in ("stride", "dilation", "pool"):
            self.set_integers(name, 2, 1)
        self.set_integer("groups", 1)
        self._set_padding()
        channels, outputs = self.input_shape[0], self.weights.shape[0]
        if 0 in self.weights.shape or channels % self.groups or outputs % self.groups:
            raise ValueError(
                f"Groups of projection {self} must divide {channels} channels into "
                f"{outputs}, {self.groups} does not"
            )
        if self.weights.shape[1] != channels // self.groups:
            raise ValueError(
                f"Weights of projection {self} must have {channels // self.groups} in channels, "
                f"those of a group, not {self.weights.shape[1]}"
            )
        if min(self.pooled_shape) < 1 or min(self.output_shape) < 1:
            raise ValueError(
                f"Projection {self} must leave something of the shape {self.input_shape}, "
                f"not {self.output_shape} of the pooled {self.pooled_shape}"
            )

    @property
    def pooled_shape(self) -> tuple[int, int, int]:
        """Shape (channels, height, width) after the pooling."""
        channels, height, width = self.input_shape
        return channels, height // self.pool[0], width // self.pool[1]

    @property
    def output_shape(self) -> tuple[int, int, int]:
        """Shape (channels, height, width) of the target."""
        pooled, kernel = self.pooled_shape[1:], self.weights.shape[2:]
        height, width = (
            (pooled[k] + sum(self.padding[k]) - self.dilation[k] * (kernel[k] - 1) - 1)
            // self.stride[k]
            + 1
            for k in range(2)
        )
        return self.weights.shape[0], height, width

    @property
    def shape(self) -> tuple[int, int]:
        """Presynaptic and postsynaptic neurons."""
        return int(np.prod(self.input_shape)), int(np.prod(self.output_shape))

    @property
    def longest_delay(self) -> int:
        """Delay of all synapses."""
        return self.delay

    @property
    def operations(self) -> np.ndarray:
        """Synapses of each presynaptic neuron, those of weight 0 included: (pre,) int64 array."""
        lines, columns = (
            np.bincount(self._pairs(axis)[0], minlength=self.input_shape[1 + axis])
            for axis in range(2)
        )
        taps = np.outer(lines, columns) * (self.weights.shape[0] // self.groups)
        return np.broadcast_to(taps, self.input_shape).reshape(-1).astype(np.int64)

    def magnitudes(self) -> np.ndarray:
        """Sum of the magnitudes of the weights into each neuron: (post,) array."""
        known = magnitude(self.weights)
        sums = np.zeros((1, 1, self.shape[1]))
        deliver = replace(self, weights=known, delay=0).delivery(np.float64)
        deliver(np.ones((1, 1, self.shape[0])), sums)
        return sums[0, 0].astype(known.dtype)

    def synapses(self) -> Iterator[Synapses]:
        """Give all synapses in pieces: (n,) arrays of pre, post, weight and whole delay."""
        ins, outs = (
            np.arange(np.prod(s)).reshape(s) for s in (self.input_shape, self.output_shape)
        )
        inside, outside = len(ins) // self.groups, len(outs) // self.groups
        lines, columns = self._pairs(0), self._pairs(1)
        for group in range(self.groups):
            for channel in range(outside):
                kernel = self.weights[group * outside + channel]
                pre = ins[group * inside : (group + 1) * inside]
                pre = pre[:, lines[0]][:, :, columns[0]]
                post = outs[group * outside + channel][lines[1]][:, columns[1]]
                weights = kernel[:, lines[2]][:, :, columns[2]]
                post = np.broadcast_to(post, pre.shape)
                delays = np.full(pre.size, self.delay)
                yield pre.ravel(), post.ravel(), weights.ravel(), delays

    def delivery(self, dtype: Any) -> Deliver:
        """Prepare for the delivery of events, see :meth:`Projection.delivery`."""
        convolve = _Correlation(self, dtype)

        def deliver(events: np.ndarray, into: np.ndarray) -> None:
            steps, batch, pre = events.shape
            product = convolve(events.reshape(-1, pre))
            into[self.delay : self.delay + steps] += product.reshape(steps, batch, -1)

        return deliver

    def _set_padding(self) -> None:
        padding = np.asarray(self.padding)
        if padding.dtype.kind not in "iu" or padding.shape != (2, 2) or padding.min() < 0:
            raise ValueError(
                f"{self._label('padding')} must be ((above, below), (left, right)), "
                f"integers of at least 0, not {self.padding!r}"
            )
        (above, below), (left, right) = padding.tolist()
        object.__setattr__(self, "padding", ((above, below), (left, right)))

    def _pairs(self, axis: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """List what meets along an axis: coordinates of the source, the target and the kernel."""
        outputs, taps = np.indices((self.output_shape[1 + axis], self.weights.shape[2 + axis]))
        pooled = outputs * self.stride[axis] + taps * self.dilation[axis] - self.padding[axis][0]
        there = (pooled >= 0) & (pooled < self.pooled_shape[1 + axis])
        window = self.pool[axis]
        sources = (pooled[there][:, None] * window + np.arange(window)).ravel()
        return sources, np.repeat(outputs[there], window), np.repeat(taps[there], window)


class _Correlation:
    """Correlates many maps at once, as products of matrices.

    Parameters
    ----------
    projection : Convolution
        What to compute.
    dtype : dtype
        Float32 or float64.
    """

    def __init__(self, projection: Convolution, dtype: Any) -> None:
        self._projection = projection
        outputs = projection.weights.shape[0] // projection.groups
        kernel = projection.weights.astype(dtype)
        self._kernel = kernel.reshape(projection.groups, outputs, -1)
        pooled = projection.pooled_shape
        self._padded = [
            size + sum(padding)
            for size, padding in zip(pooled[1:], projection.padding, strict=True)
        ]

    def __call__(self, events: np.ndarray) -> np.ndarray:
        """Turn (n, pre) events into (n, post) sums."""
        outputs = np.empty((len(events), self._projection.shape[1]), events.dtype)
        groups, _, taps = self._kernel.shape
        pixels = int(np.prod(self._projection.output_shape[1:]))
        at_once = max(1, _COLUMNS // (groups * taps * pixels))
        for start in range(0, len(events), at_once):
            columns = self._columns(self._pad(events[start : start + at_once]))
            columns = columns.reshape(len(columns), groups, taps, pixels)
            product = self._kernel @ columns
            outputs[start : start + at_once] = product.reshape(len(columns), -1)
        return outputs

    def _pad(self, events: np.ndarray) -> np.ndarray:
        """Pool the maps, and put zeros around them: (n, channels, height, width) array."""
        projection = self._projection
        (channels, height, width), (down, right) = projection.pooled_shape, projection.pool
        maps = events.reshape(-1, *projection.input_shape)
        maps = maps[:, :, : height * down, : width * right]
        padded = np.zeros((len(events), channels, *self._padded), events.dtype)
        (above, _), (left, _) = projection.padding
        inside = padded[:, :, above : above + height, left : left + width]
        for line in range(down):
            for column in range(right):
                inside += maps[:, :, line::down, column::right]
        return padded

    def _columns(self, padded: np.ndarray) -> np.ndarray:
        """Gather what each pixel of the output sees: (n, channels, kernel, output) numbers."""
        projection = self._projection
        kernel, output = projection.weights.shape[2:], projection.output_shape[1:]
        n, channel, *pixel = padded.strides
        steps = [s * d for s, d in zip(pixel, projection.dilation, strict=True)]
        strides = [s * d for s, d in zip(pixel, projection.stride, strict=True)]
        view = np.lib.stride_tricks.as_strided(
            padded,
            (*padded.shape[:2], *kernel, *output),
            (n, channel, *steps, *strides),
            writeable=False,
        )
        return np.ascontiguousarray(view)
