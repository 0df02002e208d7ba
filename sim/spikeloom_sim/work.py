"""What a run is to record, and how much work it does."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from .projection import Projection

__all__ = ["Request", "Work", "check_record", "costs"]


class Request(NamedTuple):
    """What a run is to record."""

    names: tuple[str, ...]
    potentials: bool = False


class Work:
    """Events and synaptic operations of a run.

    Parameters
    ----------
    costs : Mapping of str to int or array
        Operations of an event of each population, as :func:`costs` tells them.
    """

    def __init__(self, costs: Mapping[str, Any]) -> None:
        self._costs = costs
        self.counters = {"events": 0, "synaptic_operations": 0}

    def add(self, sent: Mapping[str, np.ndarray]) -> None:
        """Count what every population has sent, (steps, batch, neurons) arrays."""
        for name, each in self._costs.items():
            if isinstance(each, int):
                events = int(np.count_nonzero(sent[name]))
                operations = events * each
            else:
                fired = np.count_nonzero(sent[name], axis=(0, 1))
                events, operations = int(fired.sum()), int(fired @ each)
            self.counters["events"] += events
            self.counters["synaptic_operations"] += operations


def costs(sources: Iterable[str], projections: Sequence[Projection]) -> dict[str, Any]:
    """Tell how many synapses an event reaches.

    Parameters
    ----------
    sources : iterable of str
        Populations whose events synapses can receive, inputs included.
    projections : sequence of Projection
        The projections.

    Returns
    -------
    dict of str to int or (neurons,) int64 array
        Synapses of each neuron; a single number if all neurons of the population have as many.
    """
    found: dict[str, Any] = dict.fromkeys(sources, 0)
    for projection in projections:
        if projection.source in found:
            found[projection.source] += projection.operations
    return {
        name: int(np.max(each)) if np.min(each) == np.max(each) else each
        for name, each in found.items()
    }


def check_record(known: Sequence[str], default: Sequence[str], record: Any) -> tuple[str, ...]:
    """Tell which populations to record, in order of declaration.

    Parameters
    ----------
    known : sequence of str
        All populations.
    default : sequence of str
        Those recorded if ``record`` is None.
    record : iterable of str or None
        Names that the user asked for.
    """
    if record is None:
        return tuple(default)
    if isinstance(record, str) or not isinstance(record, Iterable):
        raise TypeError(f"Record must be a list of names of populations, not {record!r}")
    wanted = list(record)
    for name in wanted:
        if name not in known:
            raise ValueError(
                f"Record names {name!r}, but the populations are {', '.join(map(repr, known))}"
            )
    return tuple(name for name in known if name in wanted)
