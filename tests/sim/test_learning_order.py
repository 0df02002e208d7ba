from dataclasses import replace

import numpy as np

from spikeloom_hw.learning import Backward, Errors, LearningRule, Post, Rounding, Surrogate, Term
from spikeloom_hw.neuron import NeuronParameters, Output
from spikeloom_sim.golden import Golden
from spikeloom_sim.learning import labels, plastic_projections
from spikeloom_sim.projection import Dense
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation


def test_errors_go_back_before_the_weights_change_and_against_the_phases() -> None:
    # One neuron each; the error of the output is 128, psi always 1.
    rule = LearningRule(
        (Term(1, post=Post.DELTA),),
        shift=0,
        low=-1000,
        high=1000,
        errors=Errors(Surrogate.NONE),
        rounding=Rounding.NEAREST,
    )
    silent = NeuronParameters(1 << 16, output=Output.SILENT)
    populations = (
        QuantisedPopulation("in", 1),
        QuantisedPopulation("hidden", 1, NeuronParameters(1 << 16)),
        QuantisedPopulation("out", 1, silent),
    )
    projections = (
        Dense("in", "hidden", np.array([[7]]), rule=rule),
        Dense("hidden", "out", np.array([[-40]]), rule=replace(rule, back=Backward(3))),
    )
    golden = Golden(QuantisedNetwork(populations, projections, 16, 24))
    golden.run(np.zeros((1, 1), bool), errors={"out": [[128]]})
    first, second = golden.learned.projections
    # delta is 255 * 128 / 256 = 127.5; what goes back -40 * 127 / 8 = -635; its delta is -632.5.
    assert second.weights.item() == -40 + 127
    assert first.weights.item() == 7 - 632


def test_projections_learn_against_the_phases_and_then_in_order() -> None:
    rule = LearningRule((Term(1),), 4, -5, 5)
    ends = [("in", "a"), ("a", "b"), ("in", "b"), ("b", "a"), ("in", "a")]
    projections = [Dense(s, t, np.zeros((1, 1), int), rule=rule) for s, t in ends]
    projections.insert(1, Dense("in", "b", np.zeros((1, 1), int)))
    phases = {"a": 0, "b": 1}
    assert labels(projections) == [
        "in -> a",
        "in -> b",
        "a -> b",
        "in -> b (2)",
        "b -> a",
        "in -> a (2)",
    ]
    assert list(plastic_projections(projections, phases)) == [
        "a -> b",
        "in -> b (2)",
        "in -> a",
        "b -> a",
        "in -> a (2)",
    ]
