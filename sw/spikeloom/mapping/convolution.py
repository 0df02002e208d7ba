"""Convolutions as three tables, one for each axis of the source."""

from dataclasses import dataclass
from math import gcd

import numpy as np

from spikeloom_hw.config import Walk
from spikeloom_hw.placement import group_blocks
from spikeloom_hw.program import PlacedPopulation
from spikeloom_sim.projection import Convolution

from .part import Columns, Part

__all__ = ["Axis", "map_convolution"]


@dataclass(frozen=True, eq=False)
class Axis:
    """Taps of a convolution along one axis, for each coordinate y of the source.

    The kernel meets y at the output o with the tap k where ``o * stride - padding + k * dilation
    = y // pool``. Two taps of the same y are a multiple of ``stride / gcd(stride, dilation)``
    apart, and their outputs a multiple of ``dilation / gcd(stride, dilation)``, the other way.

    Parameters
    ----------
    kernel : (coordinates,) int array
        First tap.
    output : (coordinates,) int array
        Output that the first tap adds to.
    count : (coordinates,) int array
        How many taps there are; 0 also for what fills no window of the pooling.
    kernel_step, output_step : int
        From one tap to the next.
    """

    kernel: np.ndarray
    output: np.ndarray
    count: np.ndarray
    kernel_step: int
    output_step: int

    @classmethod
    def of(cls, projection: Convolution, axis: int, first: int, length: int) -> "Axis":
        """Solve for all coordinates: 0 is the axis of lines, 1 that of columns.

        Of the outputs, only ``length`` count, which are numbered from ``first`` on.
        """
        stride, dilation = projection.stride[axis], projection.dilation[axis]
        pool, padding = projection.pool[axis], projection.padding[axis][0]
        pooled = np.arange(projection.input_shape[1 + axis]) // pool
        taps = np.arange(projection.weights.shape[2 + axis])
        output, rest = np.divmod(pooled[:, None] + padding - taps * dilation, stride)
        output -= first
        meets = (rest == 0) & (output >= 0) & (output < length)
        meets &= (pooled < projection.pooled_shape[1 + axis])[:, None]
        tap = meets.argmax(axis=1)
        count = meets.sum(axis=1)
        common = gcd(stride, dilation)
        return cls(
            np.where(count > 0, tap, 0),
            np.where(count > 0, output[np.arange(len(pooled)), tap], 0),
            count,
            stride // common,
            -(dilation // common),
        )

    def entries(self, weight: int, row: int) -> Columns:
        """Entries of the table, with the rows of weights and neurons from index to index."""
        return {"weight": self.kernel * weight, "row": self.output * row, "count": self.count}


def map_convolution(
    projection: Convolution, target: PlacedPopulation, lanes: int, base: int = 0
) -> Part:
    """Map a convolution into its target, or into a slice of it that begins at the row ``base``.

    The weights of a position of the kernel lie together: for every channel of the source the
    rows that the output channels of its group touch. Where groups share a row, the lanes of the
    other groups hold 0.
    """
    outputs, inner, height, width = projection.weights.shape
    first, blocks = group_blocks(outputs, projection.groups, lanes)
    rows = np.repeat(blocks, inner)
    channels = {
        "weight": np.cumsum(rows) - rows,
        "row": np.repeat(first, inner),
        "count": rows,
    }
    position, pixel = int(rows.sum()), max(1, target.stride // lanes)
    across = projection.output_shape[2]
    size = target.shape[1:] if target.stride and target.shape else (1, 1)
    begin = divmod(base // pixel, across) if target.stride else (0, 0)
    lines, columns = (Axis.of(projection, k, begin[k], size[k]) for k in range(2))
    line = (width * position, size[1] * pixel)
    column = (position, pixel)
    return Part(
        Walk.CONVOLUTION,
        height * width * position,
        size=outputs // projection.groups,
        taps={
            "channels": channels,
            "lines": lines.entries(*line),
            "columns": columns.entries(*column),
        },
        steps={
            "line_weight": lines.kernel_step * line[0],
            "line_row": lines.output_step * line[1],
            "column_weight": columns.kernel_step * column[0],
            "column_row": columns.output_step * column[1],
        },
    )
