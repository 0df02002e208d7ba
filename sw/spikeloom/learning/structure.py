"""Structural plasticity: synapses of sparse projections removed and created between runs."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from spikeloom_hw.learning import LearningRule
from spikeloom_sim.layer import lateness
from spikeloom_sim.learning import labels
from spikeloom_sim.projection import Sparse
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.run_state import RunState

__all__ = ["best_pairs", "carried_over", "grow", "prune", "random_pairs", "rewire", "weakest"]

Pairs = tuple[np.ndarray, np.ndarray]
"""Presynaptic and postsynaptic neurons."""


def weakest(projection: Sparse, fraction: float) -> np.ndarray:
    """Mark the synapses with the smallest magnitudes of weights.

    Parameters
    ----------
    projection : Sparse
        Projection, with the weights of the time.
    fraction : float
        Share of its synapses, from 0 to 1, rounded down to a whole number of them.

    Returns
    -------
    (synapses,) bool array
        True for each of them; of equal magnitudes, those that come first in the arrays.
    """
    if isinstance(fraction, bool) or not isinstance(fraction, int | float):
        raise TypeError(f"Fraction must be a number, not {fraction!r}")
    if not 0 <= fraction <= 1:
        raise ValueError(f"Fraction must lie between 0 and 1, not be {fraction}")
    marked = np.zeros(len(projection.weights), bool)
    order = np.argsort(np.abs(projection.weights.astype(np.float64)), kind="stable")
    marked[order[: int(fraction * len(order))]] = True
    return marked


def prune(projection: Sparse, remove: Any) -> Sparse:
    """Remove synapses.

    Parameters
    ----------
    projection : Sparse
        Projection.
    remove : (synapses,) bool array
        True for each synapse that goes: ``abs(projection.weights) < 5``, or :func:`weakest`.
    """
    mask = np.asarray(remove)
    if mask.dtype != bool or mask.shape != projection.weights.shape:
        raise TypeError(
            f"Synapses to remove from projection {projection} must be a "
            f"({len(projection.weights)},) array of bool, not {mask.dtype} of shape {mask.shape}"
        )
    delays = projection.delays
    return replace(
        projection,
        weights=projection.weights[~mask],
        pre=projection.pre[~mask],
        post=projection.post[~mask],
        delays=None if delays is None else delays[~mask],
    )


def grow(projection: Sparse, pairs: Pairs, weight: Any = 0, delay: Any = 0) -> Sparse:
    """Create synapses.

    Parameters
    ----------
    projection : Sparse
        Projection.
    pairs : pair of (n,) int arrays
        Presynaptic and postsynaptic neurons: those of :func:`random_pairs` or
        :func:`best_pairs`, or others.
    weight : number or (n,) array
        Weights that they begin with, integers in a quantised network.
    delay : int or (n,) array
        Delays on top of that of the projection.

    Raises
    ------
    ValueError
        If there is such a neuron not, or such a synapse already.
    """
    pre, post = (np.asarray(end) for end in pairs)
    delays = projection.delays
    if delays is not None or np.any(delay):
        old = np.zeros(len(projection.pre), np.int64) if delays is None else delays
        delays = np.concatenate([old, np.broadcast_to(delay, pre.shape)])
    return replace(
        projection,
        weights=np.concatenate([projection.weights, np.broadcast_to(weight, pre.shape)]),
        pre=np.concatenate([projection.pre, pre]),
        post=np.concatenate([projection.post, post]),
        delays=delays,
    )


def random_pairs(projection: Sparse, count: int, seed: int) -> Pairs:
    """Draw pairs of neurons without a synapse, each equally likely, none twice.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    taken = _taken(projection)
    free = _free(projection, taken, count)
    # Free pair number r comes after as many taken ones as have at most r free pairs before them.
    ranks = np.sort(np.random.default_rng(seed).choice(free, count, replace=False))
    before = np.searchsorted(taken - np.arange(len(taken)), ranks, side="right")
    pre, post = np.divmod(ranks + before, projection.shape[1])
    return pre, post


def best_pairs(projection: Sparse, count: int, scores: Any) -> Pairs:
    """Choose the pairs of neurons without a synapse that have the greatest scores.

    Parameters
    ----------
    projection : Sparse
        Projection.
    count : int
        How many.
    scores : (pre, post) array
        How much a synapse is wanted, such as how often the two have fired together; of equal
        ones, those that come first are chosen.
    """
    numbers = np.array(scores, np.float64)
    if numbers.shape != projection.shape:
        raise ValueError(
            f"Scores for projection {projection} must have the shape {projection.shape}, "
            f"(pre, post), not {numbers.shape}"
        )
    taken = _taken(projection)
    _free(projection, taken, count)
    numbers.ravel()[taken] = -np.inf
    order = np.argsort(-numbers.ravel(), kind="stable")
    pre, post = np.divmod(np.sort(order[:count]), projection.shape[1])
    return pre, post


def rewire(
    network: QuantisedNetwork,
    fraction: float = 0.3,
    *,
    seed: int,
    weight: int = 0,
    scores: Mapping[str, Any] | None = None,
    only: Iterable[str] | None = None,
) -> QuantisedNetwork:
    """Remove the weakest synapses, and create as many between neurons that had none.

    Removing a share of the weakest, 0.3 of them, and creating as many at random after each epoch
    is SET (Mocanu et al., 2018); synapses that begin with the weight 0, and a number of synapses
    that stays the same, are also those of Deep Rewiring (Bellec et al., 2018), which draws from
    the same free pairs.

    Parameters
    ----------
    network : QuantisedNetwork
        Network with the weights of the time: ``Golden.learned``, or ``Device.learned(network)``.
    fraction : float
        Share of the synapses of each projection.
    seed : int
        Of the random pairs; the same seed gives the same pairs.
    weight : int
        Weight of new synapses; brought into the range of the rule, where there is one.
    scores : Mapping of str to (pre, post) array, or None
        By label of the projection, ``"a -> b"``: how much each pair is wanted, in place of chance.
    only : iterable of str or None
        Labels of the projections; None means all sparse ones.

    Returns
    -------
    QuantisedNetwork
        To be given to ``Golden``, ``compile`` or ``recompile``.

    Raises
    ------
    ValueError
        If there is no such projection, it has too few free pairs, or the weights into a neuron
        could sum to more than its accumulator holds.
    """
    named = dict(zip(labels(network.projections), network.projections, strict=True))
    chosen = _chosen(named, only)
    _chosen(named, scores)
    for offset, name in enumerate(chosen):
        old = chosen[name]
        remove = weakest(old, fraction)
        count = int(remove.sum())
        if scores and name in scores:
            pairs = best_pairs(old, count, scores[name])
        else:
            pairs = random_pairs(old, count, seed + offset)
        named[name] = grow(prune(old, remove), pairs, _allowed(old, weight))
    return replace(network, projections=tuple(named.values()))


def carried_over(state: RunState, network: QuantisedNetwork) -> RunState:
    """State in which a rewired network goes on: that after a clear.

    Parameters
    ----------
    state : RunState
        State that the network was in before synapses were replaced: ``Golden.state``.
    network : QuantisedNetwork
        The network with other synapses.

    Returns
    -------
    RunState
        All is 0 but the age, and the eligibilities of dense projections.
    """
    cleared = state.cleared()
    late = lateness(network.projections, network.phases)
    pending = {
        name: np.zeros((late[name], *array.shape[1:]), array.dtype)
        for name, array in cleared.pending.items()
    }
    return replace(cleared, pending=pending, network=network.fingerprint)


def _chosen(named: Mapping[str, Any], only: Iterable[str] | None) -> dict[str, Sparse]:
    sparse = {name: p for name, p in named.items() if isinstance(p, Sparse)}
    if only is None:
        return sparse
    for name in only:
        if name not in sparse:
            known = ", ".join(map(repr, sparse)) or "none"
            raise ValueError(f"There is no sparse projection {name!r}; there are {known}")
    return {name: sparse[name] for name in only}


def _allowed(projection: Sparse, weight: int) -> int:
    rule = getattr(projection, "rule", None)
    return min(max(weight, rule.low), rule.high) if isinstance(rule, LearningRule) else weight


def _taken(projection: Sparse) -> np.ndarray:
    """Pairs with a synapse, in the order of a (pre, post) array: sorted (pairs,) int64 array."""
    return np.unique(projection.pre * projection.shape[1] + projection.post)


def _free(projection: Sparse, taken: np.ndarray, count: int) -> int:
    pre, post = projection.shape
    free = pre * post - len(taken)
    if count > free:
        raise ValueError(
            f"Projection {projection} has {free} pairs of neurons without a synapse, "
            f"{count} are to be joined"
        )
    return free
