"""Which pieces of which population go to which core."""

from collections.abc import Mapping, Sequence

import numpy as np

from .demand import Demand

__all__ = ["assign"]

_WHOLE = 1 << 16


class _Cores:
    """Cores that fill up.

    Parameters
    ----------
    count : int
        How many.
    room : (3,) int array
        Rows of neurons, of weights and of synapses of each.
    windows : int
        Windows of a step.
    packed : bool
        Whether one core is filled after the other; else all get equal work.
    """

    def __init__(self, count: int, room: np.ndarray, windows: int, packed: bool) -> None:
        self.room, self.packed = room, packed
        self.used = np.zeros((count, 3), np.int64)
        self.load = np.zeros((count, windows), np.int64)

    def best(self, choice: Sequence[int], ask: np.ndarray, work: np.ndarray) -> int:
        """Core that something is to go to: ask is a row for each core of the choice.

        That with the least work in the same windows, of those that have the room; if none has,
        that which lacks least.
        """
        cores = np.asarray(choice)
        after = self.used[cores] + ask
        fill = (after * _WHOLE // np.maximum(1, self.room)).max(axis=1)
        order = np.zeros(len(cores), np.int64) if self.packed else self.load[cores] @ work
        order = np.where(fill > _WHOLE, np.iinfo(np.int64).max, order)
        ties = fill if not self.packed or (fill > _WHOLE).all() else np.arange(len(cores))
        return int(cores[np.lexsort((cores, ties, order))[0]])

    def take(self, core: int, ask: np.ndarray, work: np.ndarray) -> None:
        """Put something on a core."""
        self.used[core] += ask
        self.load[core] += work


def assign(
    demands: Mapping[str, Demand],
    together: Sequence[Sequence[str]],
    cores: int,
    *,
    room: np.ndarray,
    pins: Mapping[str, tuple[int, ...]],
    packed: bool = False,
) -> dict[str, list[tuple[int, int]]]:
    """Spread populations over cores.

    What is kept together goes first, the largest ahead, each to the core with the least work in
    the same windows of the step. Then the others, piece by piece.

    Parameters
    ----------
    demands : Mapping of str to Demand
        What every population of neurons asks for.
    together : sequence of sequences of str
        Populations that are not cut, with those that lie on the same core.
    cores : int
        How many there are.
    room : (3,) int array
        Rows of neurons, of weights and of sparse synapses of a core.
    pins : Mapping of str to tuple of int
        Cores that populations are bound to.
    packed : bool
        Whether to fill one core after the other, which cuts least; else all have equal work.

    Returns
    -------
    dict of str to list of pairs of int
        Core and number of pieces of each slice, in order, by name of the population. A core may
        get more than it has room for, if there is no other way.
    """
    windows = len(next(iter(demands.values())).work)
    state = _Cores(cores, room, windows, packed)
    found: dict[str, list[tuple[int, int]]] = {}
    whole = [(_sum(demands, group), group) for group in together]
    for (ask, work), group in sorted(whole, key=lambda one: -int(one[0][0].max())):
        choice = next((pins[name] for name in group if name in pins), tuple(range(cores)))
        core = state.best(choice, ask[None], work)
        state.take(core, ask, work)
        found |= {name: [(core, demands[name].pieces)] for name in group}
    free = [name for name in demands if name not in found]
    for name in sorted(free, key=lambda n: -int(demands[n].work.sum()) * demands[n].pieces):
        found[name] = _spread(demands[name], state, pins.get(name), cores)
    return {name: found[name] for name in demands}


def _sum(demands: Mapping[str, Demand], group: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Room and work of some populations, whole."""
    asked = [demands[name] for name in group]
    room = np.sum([d.room * d.pieces + d.fixed for d in asked], axis=0)
    return room, np.sum([d.work * d.pieces for d in asked], axis=0)


def _spread(
    demand: Demand, state: _Cores, pinned: tuple[int, ...] | None, cores: int
) -> list[tuple[int, int]]:
    """Cut a population; every core that it is pinned to gets a piece."""
    choice = pinned or tuple(range(cores))
    counts = dict.fromkeys(choice, 0)
    for number in range(demand.pieces):
        if pinned and number < len(pinned):
            core = pinned[number]
        else:
            fixed = np.array([counts[core] == 0 for core in choice])
            ask = demand.room + np.outer(fixed, demand.fixed)
            core = state.best(choice, ask, demand.work)
        state.take(core, demand.room + demand.fixed * (counts[core] == 0), demand.work)
        counts[core] += 1
    return [(core, count) for core, count in counts.items() if count]
