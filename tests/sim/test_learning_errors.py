import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from spikeloom_hw.learning import (
    Backward,
    Errors,
    LearningRule,
    NeuronLearning,
    Post,
    Pre,
    Term,
    Trace,
)
from spikeloom_hw.neuron import Leak, NeuronParameters, Output, Reset
from spikeloom_sim.golden import Golden
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation

TRACE = Trace(3900, 12000)
STDP = LearningRule(
    (Term(-90, on_pre=True, post=Post.Y1), Term(100, pre=Pre.X1, on_post=True)),
    shift=10,
    low=0,
    high=100,
    pre_traces=(TRACE,),
    post_traces=(TRACE,),
)
TAUGHT = replace(STDP, terms=(Term(10, post=Post.DELTA),), errors=Errors())
NEURON = NeuronParameters(300, reset=Reset.SUBTRACT)


def network(
    *rules: Any, source: Any = None, weights: Any = None, timing: str = "exact", **neuron: Any
) -> QuantisedNetwork:
    """Join "in" to "a" to "b" by projections of these rules."""
    first, *others = rules
    populations = [source or QuantisedPopulation("in", 3)]
    populations += [QuantisedPopulation(n, 3, replace(NEURON, **neuron)) for n in "ab"]
    start = np.full((3, 3), 50) if weights is None else weights
    projections = [Dense("in", "a", start, rule=first), Dense("a", "b", start)]
    for rule in others:
        projections[1] = replace(projections[1], rule=rule)
    return QuantisedNetwork(tuple(populations), tuple(projections), timing=timing)


def neurons(**changes: Any) -> LearningRule:
    return replace(TAUGHT, neurons=NeuronLearning(4, 4, **changes))


NETWORKS: dict[str, tuple[Any, str]] = {
    "no rule": (
        lambda: network("stdp"),
        "Projection 'in' -> 'a' must have a LearningRule, not 'stdp'",
    ),
    "values": (
        lambda: network(STDP, source=QuantisedPopulation("in", 3, largest=5)),
        "Projection 'in' -> 'a' learns, so its source must send spikes, not values",
    ),
    "counts": (
        lambda: network(STDP, output=Output.COUNT),
        (
            "Projection 'in' -> 'a' learns, so its target must fire at most once a step: give it "
            "another output than COUNT"
        ),
    ),
    "weights at the start": (
        lambda: network(STDP, weights=np.full((3, 3), -1)),
        (
            "Projection 'in' -> 'a' learns weights from 0 to 100, so it must begin with such "
            "weights, not with -1"
        ),
    ),
    "bits of a weight": (
        lambda: network(replace(STDP, high=128)),
        "Projection 'in' -> 'a' learns weights from 0 to 128, but 8 bits hold -128 to 127",
    ),
    "accumulator": (
        lambda: QuantisedNetwork(
            (QuantisedPopulation("in", 30), QuantisedPopulation("a", 1, NEURON)),
            (Dense("in", "a", np.zeros((30, 1), int), rule=STDP),),
            accumulator_width=12,
        ),
        (
            "Accumulator of population 'a', neuron 0, can reach 3000, more than 12 bits hold, "
            "mostly through projection 'in' -> 'a': use an accumulator of 13 bits, or weights of "
            "fewer bits"
        ),
    ),
    "operand widths": (
        lambda: network(STDP, replace(STDP, operand_width=9)),
        (
            "All rules of a network must see traces in as many bits, but projection 'a' -> 'b' has "
            "an operand width of 9, projection 'in' -> 'a' of 8"
        ),
    ),
    "reset": (
        lambda: network(neurons(), reset=Reset.TO_VALUE),
        "Population 'a' learns thresholds or leaks, so its reset must be SUBTRACT, not TO_VALUE",
    ),
    "leak": (
        lambda: network(neurons(), leak=Leak.SHIFT, decay=3),
        "Population 'a' learns thresholds or leaks, so its leak must be MULTIPLY, not SHIFT",
    ),
    "thresholds and their format": (
        lambda: network(neurons(thresholds=(1, 1 << 17))),
        (
            "Population 'a' learns thresholds or leaks from 1 to 131072, but potentials of 18 bits "
            "hold -131072 to 131071"
        ),
    ),
    "thresholds at the start": (
        lambda: network(neurons(thresholds=(1, 200))),
        (
            "Population 'a' learns thresholds or leaks: thresholds from 1 to 200, so it must begin "
            "with such, not with 300"
        ),
    ),
    "two rules for one population": (
        lambda: QuantisedNetwork(
            (QuantisedPopulation("in", 3), QuantisedPopulation("a", 3, NEURON)),
            (Dense("in", "a", np.full((3, 3), 1), rule=neurons()),) * 2,
        ),
        (
            "Thresholds and leaks of population 'a' can learn by one rule only, but projections "
            "'in' -> 'a' and 'in' -> 'a' both have one"
        ),
    ),
    "errors of an input": (
        lambda: network(replace(TAUGHT, back=Backward(3))),
        (
            "Projection 'in' -> 'a' sends errors back, but its source is an input, which learns "
            "nothing: leave 'back' out"
        ),
    ),
    "shape of the feedback": (
        lambda: network(TAUGHT, replace(TAUGHT, back=Backward(3, np.ones((3, 2), int)))),
        "Feedback of projection 'a' -> 'b' must have the shape (3, 3) of its weights, not (3, 2)",
    ),
    "format of the feedback": (
        lambda: network(TAUGHT, replace(TAUGHT, back=Backward(3, np.full((3, 3), -129)))),
        "Feedback of projection 'a' -> 'b' must fit in 8 bits like its weights, -129 does not",
    ),
    "order of errors": (
        lambda: network(TAUGHT, replace(TAUGHT, back=Backward(3)), timing="pipelined"),
        (
            "Projection 'a' -> 'b' sends errors back to 'a' after projection 'in' -> 'a' has "
            "learned from those of the step: errors go against the phases, or against the order of "
            "declaration within a phase"
        ),
    ),
}


@pytest.mark.parametrize(("make", "message"), NETWORKS.values(), ids=list(NETWORKS))
def test_a_network_that_cannot_learn_so_is_refused(make: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        make()


SPIKES = np.zeros((5, 3), bool)
RUNS: dict[str, tuple[dict[str, Any], str]] = {
    "no integers": (
        {"modulator": np.zeros(5)},
        "Modulator must be a (5,) array of integers, not float64",
    ),
    "steps of the modulator": (
        {"modulator": [1, 2]},
        "Modulator must have the shape (5,), not (2,)",
    ),
    "a reward out of range": (
        {"modulator": [0, 0, 0, 0, 128]},
        "Modulator must lie between -128 and 127, not 128",
    ),
    "errors of none": (
        {"errors": {"b": np.zeros((5, 3), int)}},
        "Errors are given for 'b', but the populations that learn from errors are 'a'",
    ),
    "no dict of errors": (
        {"errors": 3},
        "Errors must be a dict from population to array, not 3",
    ),
    "shape of errors": (
        {"errors": {"a": np.zeros((5, 2), int)}},
        "Errors of 'a' must have the shape (5, 3), not (5, 2)",
    ),
    "range of errors": (
        {"errors": {"a": np.full((5, 3), -32769)}},
        "Errors of 'a' must lie between -32768 and 32767, not -32769",
    ),
    "kind of snapshots": (
        {"weights_every": 2.5},
        "Steps between snapshots must be an integer, not 2.5",
    ),
    "number of snapshots": (
        {"weights_every": 0},
        "Steps between snapshots must be at least 1, not 0",
    ),
    "nothing to record": (
        {"weights_every": 2, "learning": False},
        "A run without learning has no weights and traces to record",
    ),
}


@pytest.mark.parametrize(("teaching", "message"), RUNS.values(), ids=list(RUNS))
def test_a_run_that_cannot_be_taught_so_is_refused(teaching: Any, message: str) -> None:
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}$"):
        Golden(network(TAUGHT)).run(SPIKES, **teaching)


def test_a_batch_does_not_learn() -> None:
    golden = Golden(network(STDP))
    message = (
        "A network that learns takes one sample after the other, not 2 at once: use learn(), "
        "or learning=False"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        golden.run(np.zeros((5, 2, 3), bool))
    golden.run(np.zeros((5, 2, 3), bool), learning=False)


def test_a_network_without_rules_is_not_taught() -> None:
    golden = Golden(network(None))
    message = "The network has no projection that learns, so a run takes no 'modulator'"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        golden.run(SPIKES, modulator=np.zeros(5, int))
    message = "The network has no projection that learns: give one a rule"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        list(golden.learn([]))


def test_a_state_of_another_network_is_refused() -> None:
    one, other = Golden(network(STDP)), Golden(network(STDP, STDP))
    one.run(SPIKES)
    message = (
        "State is that of a network that learns in 'in -> a', this one does in 'a -> b', 'in -> a'"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        other.run(SPIKES, state=one.state)
    other = Golden(network(replace(STDP, pre_traces=(TRACE, TRACE))))
    message = (
        "State of learning of projection 'in -> a' must have pre_traces of the shape (2, 3), "
        "not (1, 3): is it of another rule?"
    )
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        other.run(SPIKES, state=one.state)
