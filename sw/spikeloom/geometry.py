"""Geometry of a convolution as users write it, brought into the form of the projections."""

from typing import Any, Literal, TypedDict

import numpy as np

from spikeloom_sim.projection import Convolution

__all__ = ["Geometry", "make_convolution", "pooled_shape"]

Pair = tuple[int, int]


class Geometry(TypedDict, total=False):
    """How the kernel of a convolution moves over its input; the terms are those of PyTorch.

    Attributes
    ----------
    stride, dilation : int or pair of int
        Pixels from one position of the kernel to the next, and from one of its taps to the next,
        by height and width; 1 by default. One number holds for both, or for the width alone if
        the kernel has no height.
    padding : int, pair of int, pair of pairs, "same" or "valid"
        Zeros around the input: at both ends of both axes; by height and width; as
        ((above, below), (left, right)); as many as keep height and width; or none, the default.
    groups : int
        Groups of channels that do not mix; as many as there are channels for a depthwise
        convolution.
    pool : int or pair of int
        Height and width of the windows that are summed before the convolution; 1 by default.
        For the average, divide the weights by the size of the window.
    delay : int
        Further steps that every spike waits.
    """

    stride: int | Pair
    dilation: int | Pair
    padding: int | Pair | tuple[Pair, Pair] | Literal["same", "valid"]
    groups: int
    pool: int | Pair
    delay: int


def make_convolution(
    ends: tuple[str, str], weights: Any, shape: tuple[int, int, int], geometry: Geometry
) -> Convolution:
    """Make a convolution of (out, in / groups, height, width) or (out, in / groups, width) weights.

    Parameters
    ----------
    ends : tuple of str
        Names of the source and of the target.
    weights : float64 array
        Kernel.
    shape : tuple of int
        Shape (channels, height, width) of the source; in one dimension the height is 1.
    geometry : Geometry
        How the kernel moves.

    Raises
    ------
    TypeError, ValueError
        If kernel, shape and geometry do not fit one another.
    """
    label = f"{ends[0]!r} -> {ends[1]!r}"
    for name in geometry:
        if name not in Geometry.__annotations__:
            known = ", ".join(sorted(Geometry.__annotations__))
            raise TypeError(f"Projection {label} has no {name!r}, a convolution has {known}")
    flat = weights.ndim == 3
    if flat:
        if shape[1] != 1:
            raise ValueError(
                f"Projection {label} has a kernel of one dimension, "
                f"so its source must have the shape (channels, 1, length), not {shape}"
            )
        weights = weights[:, :, None, :]
    kernel = weights.shape[2:]
    steps = {
        name: _pair(f"{name.capitalize()} of projection {label}", geometry.get(name, 1), 1, flat)
        for name in ("stride", "dilation", "pool")
    }
    padding = geometry.get("padding", 0)
    if padding == "same" and steps["stride"] != (1, 1):
        raise ValueError(
            f"Padding of projection {label} can be 'same' only with a stride of 1, "
            f"not {steps['stride']}"
        )
    extent = [d * (k - 1) for d, k in zip(steps["dilation"], kernel, strict=True)]
    return Convolution(
        *ends,
        weights,
        input_shape=shape,
        padding=_padding(f"Padding of projection {label}", padding, extent, flat),
        groups=geometry.get("groups", 1),
        delay=geometry.get("delay", 0),
        **steps,
    )


def pooled_shape(label: str, shape: tuple[int, int, int], pool: Any) -> tuple[int, int, int]:
    """Shape that is left of ``shape`` after a pooling."""
    down, right = _pair(f"Pool of projection {label}", pool, 1, flat=False)
    if not (1 <= down <= shape[1] and 1 <= right <= shape[2]):
        raise ValueError(
            f"Pool of projection {label} must have windows that fit in {shape}, not {pool!r}"
        )
    return shape[0], shape[1] // down, shape[2] // right


def _pair(label: str, value: Any, neutral: int, flat: bool) -> Pair:
    """Give a number to both axes, or only to the width if there is no height to speak of."""
    numbers = np.asarray(value)
    if numbers.dtype.kind not in "iu" or numbers.shape not in ((), (2,)):
        raise TypeError(f"{label} must be an integer or a pair of integers, not {value!r}")
    if not numbers.ndim:
        return neutral if flat else int(numbers), int(numbers)
    return int(numbers[0]), int(numbers[1])


def _padding(label: str, value: Any, extent: list[int], flat: bool) -> tuple[Pair, Pair]:
    """Give the zeros at both ends of both axes; ``extent`` is what "same" has to make up for."""
    if value == "valid":
        return (0, 0), (0, 0)
    if value == "same":
        high, wide = extent
        return (high // 2, high - high // 2), (wide // 2, wide - wide // 2)
    if isinstance(value, str):
        raise ValueError(f"{label} must be 'same', 'valid' or integers, not {value!r}")
    numbers = np.asarray(value)
    if numbers.shape == (2, 2) and numbers.dtype.kind in "iu":
        (above, below), (left, right) = numbers.tolist()
        return (above, below), (left, right)
    high, wide = _pair(label, value, 0, flat)
    return (high, high), (wide, wide)
