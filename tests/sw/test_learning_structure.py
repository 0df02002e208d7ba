"""Synapses that are removed and created."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom import LIF, Golden, Network, QuantisedNetwork, Sparse, pipelined, plot, quantise
from spikeloom.learning import describe, pair_stdp
from spikeloom.learning.structure import best_pairs, grow, prune, random_pairs, rewire, weakest
from spikeloom_hw.learning import LearningRule, Term

PRE, POST = np.array([0, 0, 1, 3, 3]), np.array([0, 4, 2, 0, 1])


def projection(**more: object) -> Sparse:
    weights = np.array([3, -1, 5, 1, -4])
    columns = {"pre": PRE, "post": POST, "size": (4, 5), **more}
    return Sparse("in", "out", weights, **columns)


def network_of(seed: int = 0) -> QuantisedNetwork:
    rng = np.random.default_rng(seed)
    network = Network()
    network.add_input("in", 40)
    network.add_population("out", 30, LIF(decay=0.9, threshold=1.0))
    places = rng.random((40, 30)) < 0.2
    network.connect_sparse("in", "out", places * rng.normal(0, 0.3, places.shape), spare=0.5)
    network.connect("in", "out", rng.normal(0, 0.1, (40, 30)))
    places = rng.random((30, 30)) < 0.1
    network.connect_sparse("out", "out", places * 0.1)
    return quantise(network)


def pairs_of(sparse: Sparse) -> set[tuple[int, int]]:
    return set(zip(sparse.pre.tolist(), sparse.post.tolist(), strict=True))


def test_the_weakest_have_the_smallest_magnitudes_and_the_first_win_ties() -> None:
    assert weakest(projection(), 0.2).tolist() == [False, True, False, False, False]
    assert weakest(projection(), 0.79).tolist() == [True, True, False, True, False]
    assert not weakest(projection(), 0).any() and weakest(projection(), 1).all()


@pytest.mark.parametrize(
    ("fraction", "error", "message"),
    [
        (1.5, ValueError, "^Fraction must lie between 0 and 1, not be 1.5$"),
        ("all", TypeError, "^Fraction must be a number, not 'all'$"),
    ],
)
def test_a_fraction_is_a_share(fraction: float, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        weakest(projection(), fraction)


def test_pruned_synapses_are_gone_with_weight_and_delay() -> None:
    full = projection(delays=np.arange(5), spare=0.5)
    left = prune(full, np.abs(full.weights) < 3)
    assert left.weights.tolist() == [3, 5, -4]
    assert (left.pre.tolist(), left.post.tolist()) == ([0, 1, 3], [0, 2, 1])
    assert left.delays is not None and left.delays.tolist() == [0, 2, 4]
    assert left.spare == 0.5
    message = (
        r"^Synapses to remove from projection 'in' -> 'out' must be a \(5,\) array of bool, "
        r"not int64 of shape \(2,\)$"
    )
    with pytest.raises(TypeError, match=message):
        prune(full, np.array([1, 2]))


def test_grown_synapses_come_last() -> None:
    grown = grow(projection(), (np.array([2, 2]), np.array([0, 3])), 7)
    assert grown.weights.tolist() == [3, -1, 5, 1, -4, 7, 7]
    assert grown.pre.tolist()[5:] == [2, 2] and grown.post.tolist()[5:] == [0, 3]
    assert grown.delays is None
    late = grow(projection(), (np.array([2]), np.array([0])), 7, 3)
    assert late.delays is not None and late.delays.tolist() == [0, 0, 0, 0, 0, 3]
    # A second synapse of the same two neurons needs another delay.
    assert grow(projection(), (np.array([0]), np.array([0])), 7, 3).longest_delay == 3
    message = (
        "^Projection 'in' -> 'out' has the synapse from 0 to 0 with the delay 0 more than once; "
        "add up the weights$"
    )
    with pytest.raises(ValueError, match=message):
        grow(projection(), (np.array([0]), np.array([0])), 7)


def test_random_pairs_are_free_and_all_equally_likely() -> None:
    sparse = projection()
    counts = np.zeros((4, 5), int)
    for seed in range(600):
        pre, post = random_pairs(sparse, 3, seed)
        assert len(set(zip(pre.tolist(), post.tolist(), strict=True))) == 3
        counts[pre, post] += 1
    assert not counts[PRE, POST].any()
    # 120 of each free pair are expected; five standard deviations.
    free = np.delete(counts.ravel(), PRE * 5 + POST)
    assert np.all(np.abs(free - 120) < 5 * np.sqrt(120 * 0.8))
    everything = random_pairs(sparse, 15, 1)
    assert pairs_of(sparse).isdisjoint(zip(*(end.tolist() for end in everything), strict=True))
    message = "^Projection 'in' -> 'out' has 15 pairs of neurons without a synapse, 16 are to be "
    with pytest.raises(ValueError, match=message + "joined$"):
        random_pairs(sparse, 16, 1)


def test_best_pairs_have_the_greatest_scores() -> None:
    scores = np.zeros((4, 5))
    scores[0, 0], scores[2, 4], scores[1, 1] = 9, 8, 7
    pre, post = best_pairs(projection(), 3, scores)
    assert (pre.tolist(), post.tolist()) == ([0, 1, 2], [1, 1, 4])
    message = (
        r"^Scores for projection 'in' -> 'out' must have the shape \(4, 5\), \(pre, post\), "
        r"not \(5, 4\)$"
    )
    with pytest.raises(ValueError, match=message):
        best_pairs(projection(), 1, scores.T)


def test_rewiring_replaces_the_weakest() -> None:
    network = network_of()
    changed = rewire(network, seed=1)
    for old, new in zip(network.projections, changed.projections, strict=True):
        if not isinstance(old, Sparse) or not isinstance(new, Sparse):
            assert new is old
            continue
        count = int(0.3 * len(old.pre))
        assert len(new.pre) == len(old.pre) and new.spare == old.spare
        assert len(pairs_of(new) - pairs_of(old)) == count
        assert not new.weights[-count:].any()
        left = np.sort(np.abs(new.weights[:-count]))
        assert np.array_equal(left, np.sort(np.abs(old.weights))[count:])


def test_rewiring_is_repeatable_and_keeps_to_what_is_named() -> None:
    network = network_of()
    scores = np.random.default_rng(1).random((40, 30))
    options: Any = {"scores": {"in -> out": scores}, "only": ["in -> out"], "weight": 5}
    one, two = (rewire(network, 0.5, seed=seed, **options) for seed in (1, 2))
    first, second = one.projections[0], two.projections[0]
    assert isinstance(first, Sparse) and isinstance(second, Sparse)
    # Scores leave nothing to chance.
    assert pairs_of(first) == pairs_of(second)
    assert one.projections[2] is network.projections[2]
    assert first.weights[-1] == 5
    again, other = (rewire(network, 0.5, seed=seed).projections[0] for seed in (1, 2))
    repeated = rewire(network, 0.5, seed=1).projections[0]
    sets = [pairs_of(p) for p in (again, other, repeated) if isinstance(p, Sparse)]
    assert sets[0] == sets[2] != sets[1]
    wrong: Any
    for wrong in ({"only": ["in -> out (2)"]}, {"scores": {"in -> out (2)": scores}}):
        message = (
            r"^There is no sparse projection 'in -> out \(2\)'; there are 'in -> out', "
            r"'out -> out'$"
        )
        with pytest.raises(ValueError, match=message):
            rewire(network, seed=1, **wrong)


def test_golden_takes_the_rewired_network_and_the_bound_is_checked() -> None:
    network = network_of()
    changed = rewire(network, seed=1, weight=90)
    spikes = np.random.default_rng(2).random((30, 40)) < 0.3
    before, after = (Golden(n).run(spikes).spikes["out"] for n in (network, changed))
    assert not np.array_equal(before, after)
    width = int(network.largest_input("out").max()).bit_length() + 1
    tight = replace(network, accumulator_width=width)
    with pytest.raises(ValueError, match="^Accumulator of population 'out', neuron [0-9]+, can"):
        rewire(tight, seed=1, weight=127, fraction=1.0)


def test_spare_of_a_projection_is_a_share() -> None:
    message = "^Spare of projection 'in' -> 'out' must be a share from 0 to 100, not -1$"
    with pytest.raises(ValueError, match=message):
        projection(spare=-1)
    with pytest.raises(TypeError, match="^Spare of projection 'in' -> 'out' must be a number, "):
        projection(spare="some")


def test_new_synapses_keep_to_the_rule_that_they_learn_by() -> None:
    network = Network()
    network.add_input("in", 20)
    network.add_population("out", 9, LIF(decay=0.9, threshold=1.0))
    places = np.random.default_rng(1).random((20, 9)) < 0.3
    rule = pair_stdp((0.1, 0.1), low=0.05, high=0.2)
    network.connect_sparse("in", "out", places * 0.1, rule=rule)
    (learned,) = quantise(network).projections
    assert isinstance(learned, Sparse) and learned.rule.low > 0
    assert describe(network, quantise(network)).startswith("in -> out: coefficients ")
    (changed,) = rewire(quantise(network), 0.5, seed=1).projections
    assert changed.weights[-1] == learned.rule.low
    message = "^Weights of projection 'in' -> 'out' must begin between 0.05 and 0.2, where its "
    with pytest.raises(ValueError, match=f"{message}rule keeps them, not with 0.3$"):
        network.connect_sparse("in", "out", places * 0.3, rule=rule)
    with pytest.raises(ValueError, match="^Projection 'in' -> 'out' learns, and in pipelined "):
        pipelined(network)


def test_single_synapses_are_not_drawn_as_maps(tmp_path: Path) -> None:
    network = network_of()
    first = replace(network.projections[0], rule=LearningRule((Term(1),), 0, -128, 127))
    taught = replace(network, projections=(first,), accumulator_width=24)
    recording = Golden(taught).run(np.zeros((3, 40), bool), weights_every=1)
    assert recording.weights["in -> out"].shape == (3, len(first.weights))
    message = "^Weights of 'in -> out' are those of single synapses: only dense projections are "
    with pytest.raises(ValueError, match=message + "drawn$"):
        plot.plot_weight_maps(recording, "in -> out", (8, 5), tmp_path / "maps.png")
