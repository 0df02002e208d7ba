"""Projections that are lists of synapses."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from spikeloom_hw.learning import LearningRule

from .base import Deliver, Projection, Synapses, magnitude

__all__ = ["Sparse"]

_PIECE = 1 << 21
"""Synaptic operations that are done at once, give or take those of one event."""

_MOST_SPARE = 100


@dataclass(frozen=True, eq=False)
class Sparse(Projection):
    """A list of synapses, each with its own weight and delay.

    Parameters
    ----------
    source, target : str
        Names of the populations.
    weights : (synapses,) array
        Float64 or integer weights.
    delay : int
        Further updates of the target that every spike waits.
    pre, post : (synapses,) int array
        Presynaptic and postsynaptic neurons; no pair appears twice with the same delay.
    size : tuple of int
        Presynaptic and postsynaptic neurons there are.
    delays : (synapses,) int array or None
        Delay of each synapse, on top of ``delay``; None means 0.
    spare : float
        Room that hardware keeps for other synapses, on top of what these take: 0.25 is a quarter
        more. What is computed does not depend on it.
    rule : LearningRule or None
        How the weights learn, in integers; of real weights a :class:`spikeloom.learning.Rule`.
    """

    pre: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    post: np.ndarray = field(default_factory=lambda: np.zeros(0, int))
    size: tuple[int, int] = (1, 1)
    delays: np.ndarray | None = None
    spare: float = field(default=0.0, kw_only=True)
    rule: Any = field(default=None, kw_only=True)

    FORM: ClassVar[tuple[str, ...]] = ("synapses",)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.set_integers("size", 2, 1)
        self._set_column("pre", self.size[0])
        self._set_column("post", self.size[1])
        if self.delays is not None:
            self._set_column("delays", None)
        self._set_spare()
        order = np.lexsort((self._extra, self.post, self.pre))
        columns = np.stack([self.pre, self.post, self._extra])[:, order]
        double = np.flatnonzero((columns[:, 1:] == columns[:, :-1]).all(axis=0))
        if len(double):
            pre, post, extra = (int(number) for number in columns[:, double[0]])
            raise ValueError(
                f"Projection {self} has the synapse from {pre} to {post} with the delay {extra} "
                f"more than once; add up the weights"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Presynaptic and postsynaptic neurons."""
        return self.size

    @property
    def longest_delay(self) -> int:
        """Greatest delay of any synapse, ``delay`` included."""
        return self.delay + int(self._extra.max(initial=0))

    @property
    def operations(self) -> np.ndarray:
        """Synapses of each presynaptic neuron, those of weight 0 included: (pre,) int64 array."""
        return np.bincount(self.pre, minlength=self.size[0]).astype(np.int64)

    def magnitudes(self) -> np.ndarray:
        """Sum of the magnitudes of the weights into each neuron: (post,) array.

        Of integer weights that learn it is the greatest that they may come to.
        """
        known = magnitude(self.weights)
        if isinstance(self.rule, LearningRule):
            known = np.full(len(known), self.rule.largest_weight, np.int64)
        sums = np.zeros(self.size[1], known.dtype)
        np.add.at(sums, self.post, known)
        return sums

    def synapses(self) -> Iterator[Synapses]:
        """Give all synapses in pieces: (n,) arrays of pre, post, weight and whole delay."""
        yield self.pre, self.post, self.weights, self._extra + self.delay

    def delivery(self, dtype: Any) -> Deliver:
        """Prepare for the delivery of events, see :meth:`Projection.delivery`."""
        return _Delivery(self)

    @property
    def _extra(self) -> np.ndarray:
        """Delay of each synapse, on top of that of all."""
        return np.zeros(len(self.pre), np.int64) if self.delays is None else self.delays

    def _set_spare(self) -> None:
        spare = self.spare
        if isinstance(spare, bool) or not isinstance(spare, int | float):
            raise TypeError(f"{self._label('spare')} must be a number, not {spare!r}")
        if not 0 <= spare <= _MOST_SPARE:
            raise ValueError(
                f"{self._label('spare')} must be a share from 0 to {_MOST_SPARE}, not {spare}"
            )
        object.__setattr__(self, "spare", float(spare))

    def _set_column(self, name: str, limit: int | None) -> None:
        column = np.asarray(getattr(self, name))
        if column.dtype.kind not in "iu" or column.shape != self.weights.shape:
            raise TypeError(
                f"{self._label(name)} must be a ({len(self.weights)},) array of integers, "
                f"one for each weight, not {column.dtype} of shape {column.shape}"
            )
        low, high = int(column.min(initial=0)), int(column.max(initial=0))
        if low < 0 or (limit is not None and high >= limit):
            upper = f"lie between 0 and {limit - 1}" if limit is not None else "be at least 0"
            raise ValueError(f"{self._label(name)} must {upper}, not {low if low < 0 else high}")
        column = np.array(column, np.int64)
        column.setflags(write=False)
        object.__setattr__(self, name, column)


class _Delivery:
    """Adds the synapses of every event, and of no other neuron, in float64.

    Parameters
    ----------
    projection : Sparse
        What to deliver through.
    """

    def __init__(self, projection: Sparse) -> None:
        order = np.argsort(projection.pre, kind="stable")
        ((_, post, weights, delays),) = projection.synapses()
        self._shape = projection.shape
        self._longest = projection.longest_delay
        self._post = post[order]
        self._weights = weights[order].astype(np.float64)
        self._delays = delays[order]
        self._count = projection.operations
        self._first = np.cumsum(self._count) - self._count

    def __call__(self, events: np.ndarray, into: np.ndarray) -> None:
        """Add what ``events`` bring to ``into``."""
        steps, batch, pre = events.shape
        flat = events.reshape(-1, pre)
        rows, neurons = np.nonzero(flat)
        values = flat[rows, neurons].astype(np.float64)
        sums = into[: steps + self._longest].reshape(-1)
        pieces = np.cumsum(self._count[neurons]) // _PIECE
        bounds = [0, *(np.flatnonzero(np.diff(pieces)) + 1), len(rows)]
        for start, end in zip(bounds, bounds[1:], strict=False):
            some = slice(start, end)
            count = self._count[neurons[some]]
            total = int(count.sum())
            if total:
                begins = self._first[neurons[some]] - np.cumsum(count) + count
                synapse = np.arange(total) + np.repeat(begins, count)
                row = np.repeat(rows[some], count) + self._delays[synapse] * batch
                place = row * self._shape[1] + self._post[synapse]
                added = self._weights[synapse] * np.repeat(values[some], count)
                sums += np.bincount(place, added, sums.size)
