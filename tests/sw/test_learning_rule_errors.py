import re
from typing import Any

import numpy as np
import pytest

from spikeloom import LI, LIF, Network, quantise
from spikeloom.errors import QuantisationError
from spikeloom.learning import (
    Rule,
    RuleBack,
    RuleNeurons,
    RuleTerm,
    RuleTrace,
    RuleWindow,
    pair_stdp,
    stop,
)

WINDOW = RuleWindow(potential=0.5, up=(0.1, 8.0), down=(0.1, 4.0))
RULE = "Rule of projection 'in' -> 'out' does not fit: "


def joined(rule: Any, start: Any = 0.5, width: int = 8, **neuron: Any) -> Network:
    """One input that reaches one neuron, which a teacher makes fire."""
    network = Network()
    network.add_input("in", 1)
    network.add_input("teacher", 1)
    network.add_population("out", 1, LIF(**{"decay": 0.9, "threshold": 0.8, **neuron}))
    network.connect("in", "out", [[start]], rule=rule)
    network.connect("teacher", "out", [[1.0]])
    return network


def deep(rule: Rule, output: Rule) -> Network:
    network = Network()
    network.add_input("in", 1)
    network.add_population("hidden", 1, LIF(decay=0.9, threshold=1.0))
    network.add_population("out", 1, LIF(decay=0.9, threshold=1.0))
    network.connect("in", "hidden", [[0.25]], rule=rule)
    network.connect("hidden", "out", [[0.5]], rule=output)
    return network


def integrator(rule: Rule) -> Network:
    network = Network()
    network.add_input("in", 3)
    network.add_population("out", 2, LI(decay=0.9))
    network.connect("in", "out", np.zeros((3, 2)), rule=rule)
    return network


def network_of(start: float = 0.5, **changes: Any) -> Any:
    return lambda: quantise(joined(Rule((RuleTerm(0.01),), **changes), start))


ERRORS: dict[str, tuple[Any, str]] = {
    "no rule": (
        lambda: joined("stdp"),
        "Rule of projection 'in' -> 'out' must be a Rule, not 'stdp'",
    ),
    "weights out of range": (
        lambda: joined(pair_stdp(), -0.5),
        (
            "Weights of projection 'in' -> 'out' must begin between 0 and 1, where its rule "
            "keeps them, not with -0.5"
        ),
    ),
    "ends": (
        lambda: pair_stdp(low=1.0, high=1.0),
        "Least weight 1.0 must lie below the greatest weight, 1.0",
    ),
    "range": (
        network_of(0.5015, low=0.501, high=0.502),
        RULE + "its range is less than one step of the weights, 0.00787402",
    ),
    "too large": (
        lambda: quantise(joined(Rule((RuleTerm(3.0),)))),
        RULE + "an amplitude is 3 times too large",
    ),
    "too small": (
        lambda: quantise(joined(Rule((RuleTerm(1e-11),)))),
        RULE + "an amplitude is 23.5 times too small: use wider weights",
    ),
    "too different": (
        lambda: quantise(joined(Rule((RuleTerm(0.5), RuleTerm(-1e-4))))),
        RULE + "coefficients of its terms would differ by a factor of 5e+03, more than 8 bits can",
    ),
    "no trace": (
        lambda: quantise(joined(Rule((RuleTerm(0.1, pre="x2"),)))),
        RULE + "a term has the factor 'x2', but there is no such trace",
    ),
    "no errors": (
        lambda: quantise(joined(Rule((RuleTerm(0.1, post="delta"),)))),
        RULE + "a term has the factor 'delta', so it needs 'errors'",
    ),
    "no errors for neurons": (
        network_of(neurons=RuleNeurons(0.1)),
        RULE + "thresholds and leaks learn from errors, so it needs 'errors'",
    ),
    "no calcium": (
        network_of(window=WINDOW),
        RULE + "SDSP looks at the trace y1, so it needs 1 of post_traces",
    ),
    "too long a time constant": (
        lambda: quantise(joined(pair_stdp(taus=(20000.0, 20.0)))),
        RULE + "a time constant of 20000 steps is too long for a decay in steps of "
        "1/4096: use at most 8191, or infinity",
    ),
    "gain": (
        lambda: quantise(deep(stop(low=-1.0), stop(low=-1.0, back=RuleBack(1e6)))),
        (
            "Rule of projection 'hidden' -> 'out' does not fit: the gain of errors back is too "
            "large by a factor of 8192"
        ),
    ),
    "a surrogate without a threshold": (
        lambda: quantise(integrator(stop(low=-1.0))),
        RULE + "its target never fires, so nothing is near its threshold: use RuleErrors('none')",
    ),
    "sign of a modulated term": (
        lambda: RuleTerm(-0.1, modulated=True),
        "Amplitude of a modulated term must be positive: it has no sign",
    ),
    "time constant": (
        lambda: RuleTrace(0),
        "Time constant of a trace must be positive, not 0",
    ),
    "what STOP learns": (
        lambda: stop("TL"),
        "What STOP learns must be one of W, WT, WTL, not 'TL'",
    ),
}


@pytest.mark.parametrize(("make", "message"), ERRORS.values(), ids=list(ERRORS))
def test_a_rule_that_cannot_be_is_refused(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError, QuantisationError), match=f"^{re.escape(message)}$"):
        make()


def test_a_projection_cannot_learn_and_pool() -> None:
    network = Network()
    network.add_input("in", (1, 4, 4))
    network.add_population("out", 2, LIF(decay=0.9))
    message = "Projection 'in' -> 'out' cannot learn and pool: leave one of them out"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        network.connect("in", "out", np.zeros((4, 2)), pool=2, rule=pair_stdp())
