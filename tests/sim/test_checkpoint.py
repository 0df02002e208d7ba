"""Checkpoints of the golden model, and what tells one network from another."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from spikeloom_hw.learning import Eligibility, LearningRule
from spikeloom_sim.checkpoint import Checkpoint
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.random_learning import random_learning_case
from spikeloom_sim.run_state import RunState

# Eligibilities, thresholds that learn, delays and winners.
SEEDS = (0, 9, 15)


def rule_of(network: QuantisedNetwork, number: int = 0) -> tuple[Dense, LearningRule]:
    found = [p for p in network.projections if isinstance(p, Dense) and p.rule]
    return found[number], found[number].rule


@pytest.mark.parametrize("seed", SEEDS)
def test_a_file_goes_on_as_if_there_had_been_no_break(seed: int, tmp_path: Path) -> None:
    case, path = random_learning_case(seed, 40), tmp_path / "checkpoint.npz"
    whole, first = Golden(case.network), Golden(case.network)
    expected = whole.run(case.spikes)
    first.run({name: array[:23] for name, array in case.spikes.items()})
    first.checkpoint.save(path)

    network, state = Checkpoint.load(path)
    second = Golden(network)
    rest = second.run({name: array[23:] for name, array in case.spikes.items()}, state=state)
    for name, sent in rest.spikes.items():
        np.testing.assert_array_equal(sent, expected.spikes[name][23:])
    for one, other in zip(second.learned.projections, whole.learned.projections, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)


def test_the_file_is_one_of_a_network(tmp_path: Path) -> None:
    case, path = random_learning_case(9, 40), tmp_path / "checkpoint.npz"
    golden = Golden(case.network)
    message = "^There is no state to keep: run the network first$"
    with pytest.raises(ValueError, match=message):
        _ = golden.checkpoint
    golden.run(case.spikes)
    golden.checkpoint.save(path)
    loaded = QuantisedNetwork.load(path)
    for one, other in zip(loaded.projections, golden.learned.projections, strict=True):
        np.testing.assert_array_equal(one.weights, other.weights)
    loaded.save(path)
    message = f"^{path} holds a network without a state: load it as a QuantisedNetwork$"
    with pytest.raises(ValueError, match=message):
        Checkpoint.load(path)


@pytest.mark.parametrize("seed", SEEDS)
def test_what_learns_keeps_its_fingerprint(seed: int, tmp_path: Path) -> None:
    case = random_learning_case(seed, 40)
    golden = Golden(case.network)
    golden.run(case.spikes, **case.teaching)
    assert golden.state is not None
    projection, rule = rule_of(case.network)
    assert any(
        (one.weights != other.weights).any()
        for one, other in zip(golden.learned.projections, case.network.projections, strict=True)
    )
    slower = case.network.with_rule(
        projection.source, projection.target, replace(rule, shift=rule.shift + 1, enabled=False)
    )
    prints = {n.fingerprint for n in (case.network, golden.learned, slower)}
    golden.state.save(tmp_path / "state.npz")
    assert prints == {golden.state.network} == {RunState.load(tmp_path / "state.npz").network}


def test_all_else_changes_the_fingerprint() -> None:
    network = random_learning_case(0, 1).network
    fixed = [p for p in network.projections if isinstance(p, Dense) and p.rule is None]
    projection, rule = rule_of(network)
    others = [
        replace(network, timing="pipelined"),
        replace(network, accumulator_width=network.accumulator_width + 1),
        replace(network, populations=network.populations[::-1]),
        replace(
            network,
            projections=[
                replace(p, weights=p.weights[::-1]) if p is fixed[0] else p
                for p in network.projections
            ],
        ),
        network.with_rule(
            projection.source,
            projection.target,
            replace(rule, eligibility=None if rule.eligibility else Eligibility(3)),
        ),
    ]
    assert len({n.fingerprint for n in [network, *others]}) == len(others) + 1


def test_what_another_network_learned_with_is_refused() -> None:
    case = random_learning_case(9, 5)
    golden = Golden(case.network)
    golden.run(case.spikes)
    other = replace(case.network, accumulator_width=case.network.accumulator_width + 1)
    message = (
        f"^State is that of network {case.network.fingerprint}, which learned, this one is "
        f"{other.fingerprint}: go on with the network that was saved with the state$"
    )
    with pytest.raises(ValueError, match=message):
        Golden(other).run(case.spikes, state=golden.state)


def test_only_a_rule_is_replaced() -> None:
    network = random_learning_case(0, 1).network
    projection, rule = rule_of(network)
    for ends, number, which in (
        (("i", "nobody"), 0, ""),
        ((projection.source, projection.target), 1, " with the number 1"),
    ):
        message = f"^There is no projection from '{ends[0]}' to '{ends[1]}'{which} that learns$"
        with pytest.raises(ValueError, match=message):
            network.with_rule(*ends, rule, number)
