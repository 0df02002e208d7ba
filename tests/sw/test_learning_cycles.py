"""What learning takes of a step, as it is told before anything is built."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from spikeloom import LIF, Network, Program, QuantisedNetwork, compile, quantise
from spikeloom.cli import main
from spikeloom.learning import RuleTrace, pair_stdp, reward_stdp, stop, triplet_stdp, weight_decay
from spikeloom.learning.rule import Rule
from spikeloom.learning_cycles import expected_learning_cycles, most_learning_cycles
from spikeloom_hw.learning.layout import rule_words

RULES: dict[str, Any] = {
    "pair": pair_stdp(),
    "triplet": triplet_stdp(),
    "reward": reward_stdp(),
    "decay": weight_decay(0.01),
    "stop": stop(),
}


def learner(rule: Rule | None, pre: int = 64, post: int = 48) -> tuple[Program, QuantisedNetwork]:
    network = Network()
    network.add_input("in", pre)
    network.add_population("out", post, LIF(decay=0.9, threshold=0.8))
    network.connect("in", "out", np.full((pre, post), 0.5), rule=rule)
    quantised = quantise(network)
    return compile(quantised, "generic-16"), quantised


@pytest.mark.parametrize("name", RULES)
def test_what_is_expected_grows_with_activity_up_to_the_bound(name: str) -> None:
    program, network = learner(RULES[name])
    told = [expected_learning_cycles(program, network, share) for share in (0, 0.01, 0.1, 1)]
    assert told == sorted(told)
    assert 0 < told[0] and told[-1] <= most_learning_cycles(program)


def test_a_rule_that_changes_all_weights_takes_all_rows_whoever_fires() -> None:
    cases = [learner(weight_decay(0.01), pre, 48) for pre in (64, 32)]
    for share in (0.0, 0.3):
        larger, smaller = (
            expected_learning_cycles(*case, share) - rule_words(case[0].config.core)
            for case in cases
        )
        # Three blocks for each neuron.
        assert larger - smaller == 3 * 32


def test_rows_without_a_spike_are_not_counted() -> None:
    program, network = learner(pair_stdp())
    core = program.config.core
    silent = expected_learning_cycles(program, network, 0.0)
    # Three blocks of four groups with two terms, and four presynaptic neurons at once.
    assert 0 <= silent - (rule_words(core) + 2 * 3 * 4 + 64 / 4) <= 32
    only_before = expected_learning_cycles(program, network, {"in": 0.1})
    both = expected_learning_cycles(program, network, {"in": 0.1, "out": 0.1})
    assert silent < only_before < both


def test_a_trace_that_never_fades_is_always_seen() -> None:
    faded, kept = (
        learner(Rule((pair_stdp().terms[1],), pre_traces=(RuleTrace(tau),), low=0.0, high=1.0))
        for tau in (2.0, np.inf)
    )
    assert expected_learning_cycles(*faded, 0.01) < expected_learning_cycles(*kept, 0.01)


def test_nothing_is_told_where_nothing_learns() -> None:
    program, network = learner(None)
    assert expected_learning_cycles(program, network) == most_learning_cycles(program) == 0


def test_check_tells_both(tmp_path: Path) -> None:
    _, network = learner(pair_stdp())
    network.save(tmp_path / "network.npz")
    result = CliRunner().invoke(main, ["check", str(tmp_path / "network.npz"), "--activity", "0"])
    assert result.exit_code == 0, result.output
    program, _ = learner(pair_stdp())
    told = expected_learning_cycles(program, network, 0.0)
    most = most_learning_cycles(program)
    line = f"Learning adds to each step about {told:,.0f} cycles, at most {most:,}.\n"
    assert line in result.output
