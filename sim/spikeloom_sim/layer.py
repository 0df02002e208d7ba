"""Populations and projections as the executor sees them."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from spikeloom_hw.neuron import NeuronState, Output

from .projection import Deliver, Projection

__all__ = ["Group", "Layer", "Link", "Neuron", "gather", "lateness", "prepare"]


class Neuron(Protocol):
    """Arithmetic of one population."""

    def rest(self, shape: tuple[int, ...], dtype: Any = ...) -> NeuronState:
        """State before the first step."""
        ...

    def advance(
        self,
        state: NeuronState,
        currents: np.ndarray,
        sent: np.ndarray,
        potentials: np.ndarray | None = None,
        time: int = 0,
    ) -> NeuronState:
        """Advance by many steps, the first of which has the number ``time``: state after them.

        What leaves the neurons is filled into ``sent``, the potentials into ``potentials``, both
        (steps, ..., neurons) arrays.
        """
        ...


class Layer(NamedTuple):
    """A population as the executor sees it; an input has no neuron."""

    name: str
    size: int
    neuron: Neuron | None = None
    output: Output = Output.SPIKE

    @property
    def dtype(self) -> Any:
        """Dtype of what it sends; potentials stay float64 while they are computed."""
        return np.float64 if self.output is Output.VALUE else self.output.dtype

    @property
    def delivers(self) -> bool:
        """Whether synapses receive what it sends."""
        return self.output in (Output.SPIKE, Output.COUNT)


class Link(NamedTuple):
    """A projection that is ready to deliver; ``back`` is 1 if it reaches the next step only."""

    source: str
    target: str
    back: int
    deliver: Deliver


class Group(NamedTuple):
    """Populations that reach one another, in their phases, and the links that join them."""

    phases: list[list[str]]
    outer: list[Link]
    inner: dict[str, list[Link]]


def prepare(
    projection: Projection, phases: Mapping[str, int], dtype: Any, deliver: Deliver | None = None
) -> Link:
    """Make a projection ready to deliver, with sums in ``dtype``, unless there is ``deliver``."""
    back, deliver = _back(projection, phases), deliver or projection.delivery(dtype)
    return Link(projection.source, projection.target, back, deliver)


def lateness(projections: Sequence[Projection], phases: Mapping[str, int]) -> dict[str, int]:
    """Tell, for each population of neurons, at how many coming updates spikes may arrive."""
    return {
        name: max(
            (p.longest_delay + _back(p, phases) for p in projections if p.target == name),
            default=0,
        )
        for name in phases
    }


def _back(projection: Projection, phases: Mapping[str, int]) -> int:
    """Tell whether a spike comes after the update that its target has in the same step."""
    return int(phases.get(projection.source, -1) >= phases[projection.target])


def gather(names: list[str], phases: Mapping[str, int], links: Sequence[Link]) -> Group:
    """Sort populations that reach one another by their phases, and the links that end in them."""
    levels = sorted({phases[name] for name in names})
    into = [link for link in links if link.target in names]
    return Group(
        [[name for name in names if phases[name] == level] for level in levels],
        [link for link in into if link.source not in names],
        {name: [link for link in into if link.source == name] for name in names},
    )
