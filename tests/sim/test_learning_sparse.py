"""Sparse projections that learn: with all synapses they are dense ones."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import (
    Backward,
    Eligibility,
    Errors,
    LearningRule,
    Post,
    Pre,
    Term,
    Trace,
)
from spikeloom_hw.neuron import NeuronParameters
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Dense, Sparse
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.random_learning import random_learning_case
from spikeloom_sim.run_state import RunState

X, Y = Trace(3900, 30_000), Trace(3900, 30_000)
PAIR = LearningRule((Term(-40, post=Post.Y1, on_pre=True),), 10, -90, 100, (X,), (Y,))


def as_sparse(projection: Any) -> Sparse:
    """All synapses of a dense projection, in an order of chance."""
    order = np.random.default_rng(1).permutation(projection.weights.size)
    pre, post = (end.ravel()[order] for end in np.indices(projection.shape))
    return Sparse(
        projection.source,
        projection.target,
        projection.weights.ravel()[order],
        pre=pre,
        post=post,
        size=projection.shape,
        delay=projection.delay,
        rule=projection.rule,
    )


def matrix(projection: Any) -> np.ndarray:
    if isinstance(projection, Dense):
        return projection.weights
    weights = np.zeros(projection.shape, int)
    weights[projection.pre, projection.post] = projection.weights
    return weights


def may_be_sparse(projection: Any) -> bool:
    rule = projection.rule
    return rule is None or (rule.back is None and rule.eligibility is None)


def small_network(rule: LearningRule, **more: Any) -> QuantisedNetwork:
    rng = np.random.default_rng(4)
    pre, post = np.nonzero(rng.random((12, 9)) < 0.5)
    weights = rng.integers(-20, 40, len(pre))
    sparse = Sparse("in", "out", weights, pre=pre, post=post, size=(12, 9), rule=rule, **more)
    neuron = NeuronParameters(threshold=90, decay=3700)
    populations = QuantisedPopulation("in", 12), QuantisedPopulation("out", 9, neuron)
    return QuantisedNetwork(populations, (sparse,))


@pytest.mark.parametrize("seed", range(8))
def test_with_all_synapses_a_sparse_projection_learns_as_a_dense_one(seed: int) -> None:
    case = random_learning_case(seed, 60)
    projections = tuple(as_sparse(p) if may_be_sparse(p) else p for p in case.network.projections)
    assert any(isinstance(p, Sparse) for p in projections)
    dense, sparse = Golden(case.network), Golden(replace(case.network, projections=projections))
    first, second = (golden.run(case.spikes, **case.teaching) for golden in (dense, sparse))
    for name, spikes in (first.spikes | first.values).items():
        np.testing.assert_array_equal((second.spikes | second.values)[name], spikes)
    pairs = zip(dense.learned.projections, sparse.learned.projections, strict=True)
    for expected, learned in pairs:
        assert isinstance(learned, Sparse) == may_be_sparse(expected)
        np.testing.assert_array_equal(matrix(learned), expected.weights)
    for expected, learned in zip(
        dense.learned.populations, sparse.learned.populations, strict=True
    ):
        if expected.neuron and learned.neuron:
            for name in ("threshold", "decay"):
                values = getattr(learned.neuron, name)
                np.testing.assert_array_equal(values, getattr(expected.neuron, name))


def test_a_run_can_be_stopped_saved_and_continued(tmp_path: Path) -> None:
    network = small_network(PAIR, delays=None, spare=0.5)
    spikes = np.random.default_rng(1).random((80, 12)) < 0.4
    whole = Golden(network)
    whole.run(spikes)
    first = Golden(network)
    first.run(spikes[:33])
    assert first.state is not None
    first.learned.save(tmp_path / "net.npz")
    first.state.save(tmp_path / "state.npz")
    kept = QuantisedNetwork.load(tmp_path / "net.npz")
    assert isinstance(kept.projections[0], Sparse)
    assert kept.projections[0].rule.terms == PAIR.terms and kept.projections[0].spare == 0.5
    second = Golden(kept)
    second.run(spikes[33:], state=RunState.load(tmp_path / "state.npz"))
    weights = [g.learned.projections[0].weights for g in (whole, second)]
    np.testing.assert_array_equal(weights[1], weights[0])
    assert (weights[0] != network.projections[0].weights).any()


def test_the_bound_takes_weights_as_they_may_become() -> None:
    network = small_network(PAIR)
    (sparse,) = network.projections
    assert isinstance(sparse, Sparse)
    expected = np.bincount(sparse.post, minlength=9) * 100
    assert network.largest_input("out").tolist() == expected.tolist()
    with pytest.raises(ValueError, match="^Accumulator of population 'out', neuron [0-9], can "):
        replace(network, accumulator_width=8)


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ({"eligibility": Eligibility(3, 4000, 2)}, "eligibility"),
        ({"errors": Errors(), "back": Backward(3)}, "back"),
    ],
)
def test_what_a_sparse_projection_cannot_have_is_refused(parts: Any, name: str) -> None:
    message = (
        f"^Projection 'in' -> 'out' is sparse, so its rule can have no '{name}': leave it out, or "
        f"use a dense projection$"
    )
    with pytest.raises(ValueError, match=message):
        small_network(replace(PAIR, **parts))


def test_numba_refuses_what_is_sparse() -> None:
    pytest.importorskip("numba")
    message = "^Engine 'numba' learns in dense networks of leaky neurons, but projection 'in' -> "
    with pytest.raises(ValueError, match=f"{message}'out' is not dense; use the engine 'numpy'$"):
        Golden(small_network(PAIR), engine="numba")


def test_a_term_without_traces_reaches_synapses_that_are_there_alone() -> None:
    rule = LearningRule((Term(1, pre=Pre.ONE, post=Post.ONE),), 0, -128, 127)
    golden = Golden(replace(small_network(rule), accumulator_width=20))
    golden.run(np.zeros((5, 12), bool))
    (before,), (after,) = golden.quantised.projections, golden.learned.projections
    assert np.array_equal(after.weights, before.weights + 5)
