"""All projections of a network that learn, after each step of a run."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from spikeloom_hw.neuron import NeuronParameters, NeuronState, Output

from ..population import QuantisedPopulation
from ..projection import Deliver, Dense, Projection, Sparse
from .lesson import Lesson
from .order import labels, plastic_projections
from .plastic import Neurons, Plastic, Step
from .plastic_sparse import SparsePlastic
from .state import LearningState

__all__ = ["Learner"]


class Learner:
    """Weights, parameters and traces of a network while it learns.

    Parameters
    ----------
    populations : sequence of QuantisedPopulation
        All populations.
    projections : sequence of Projection
        All projections.
    phases : Mapping of str to int
        Phase of each population of neurons.
    width : int
        Bits of a weight.
    """

    def __init__(
        self,
        populations: Sequence[QuantisedPopulation],
        projections: Sequence[Projection],
        phases: Mapping[str, int],
        width: int,
    ) -> None:
        self.plastic = {
            name: _plastic(projection, width)
            for name, projection in plastic_projections(projections, phases).items()
        }
        self.neurons = {p.name: p.neuron for p in populations if p.neuron is not None}
        self._spiking = {
            p.name: p.neuron is None or p.neuron.output is Output.SPIKE for p in populations
        }
        self._errors = {
            p.name: np.zeros(p.size, np.int64) for p in populations if p.neuron is not None
        }
        self.lesson: Lesson
        self._start = 0
        self.age = 0
        self._weights: dict[str, list[np.ndarray]] = {}
        self._traces: dict[str, list[np.ndarray]] = {}

    @property
    def state(self) -> dict[str, LearningState]:
        """Copy of the state of each projection that learns, by its label."""
        return {name: plastic.state.copy() for name, plastic in self.plastic.items()}

    def delivery(self, projection: Projection) -> Deliver | None:
        """Delivery through weights that learn; None for any other projection."""
        for plastic in self.plastic.values():
            if plastic.projection is projection:
                return plastic.delivery()
        return None

    def begin(self, lesson: Lesson, state: Mapping[str, LearningState], age: int) -> None:
        """Begin a run at the ``age`` of the network, with a copy of a state that was left.

        An empty ``state`` means at rest; weights and parameters are those of the learner.
        """
        self.lesson, self._start, self.age = lesson, age, age
        self._weights, self._traces = {}, {}
        for name, plastic in self.plastic.items():
            kept = state.get(name)
            rest = LearningState.rest(plastic.rule, plastic.projection.shape)
            plastic.state = kept.copy() if kept else rest

    def step(
        self, sent: Mapping[str, np.ndarray], states: Mapping[str, NeuronState]
    ) -> dict[str, NeuronParameters]:
        """Learn from one step of one sample.

        Parameters
        ----------
        sent : Mapping of str to (1, 1, neurons) array
            What every population has sent.
        states : Mapping of str to NeuronState
            States of (1, neurons) arrays after the step.

        Returns
        -------
        dict of str to NeuronParameters
            Parameters from the next step on, of populations of which they have changed.
        """
        lesson, index = self.lesson, self.age - self._start
        changed: dict[str, dict[str, np.ndarray]] = {}
        if lesson.learning:
            errors = self._errors | {name: e[index] for name, e in lesson.errors.items()}
            step = Step(self.age, int(lesson.modulator[index]), errors)
            for plastic in self.plastic.values():
                if plastic.rule.enabled:
                    source, target = plastic.projection.source, plastic.projection.target
                    spikes = sent[source][0, 0].astype(bool)
                    seen = self._seen(target, sent[target], states[target])
                    changed.setdefault(target, {}).update(plastic.learn(step, spikes, seen))
        self.follow(1)
        return self.renew(changed)

    def follow(self, steps: int) -> None:
        """Count steps that have been learned from, and keep what is recorded after the last."""
        self.age += steps
        self._record(self.age - self._start - 1)

    def renew(self, changed: Mapping[str, dict[str, np.ndarray]]) -> dict[str, NeuronParameters]:
        """Take new parameters of populations, and give all of those that have changed."""
        fresh = {name: replace(self.neurons[name], **new) for name, new in changed.items() if new}
        self.neurons |= fresh
        return fresh

    def recorded(self) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
        """Give the snapshots of the weights, and the traces, as stacks of arrays."""
        weights, traces = (
            {name: np.stack(arrays) for name, arrays in kept.items()}
            for kept in (self._weights, self._traces)
        )
        return weights, traces

    def learned_populations(
        self, populations: Sequence[QuantisedPopulation]
    ) -> tuple[QuantisedPopulation, ...]:
        """Give ``populations`` the parameters that were learned."""
        return tuple(
            p if p.neuron is None else replace(p, neuron=self.neurons[p.name]) for p in populations
        )

    def learned_projections(self, projections: Sequence[Projection]) -> tuple[Projection, ...]:
        """Give ``projections`` the weights that were learned."""
        return tuple(
            replace(p, weights=self.plastic[name].weights) if name in self.plastic else p
            for name, p in zip(labels(projections), projections, strict=True)
        )

    def _seen(self, name: str, sent: np.ndarray, state: NeuronState) -> Neurons:
        neuron = self.neurons[name]
        size = sent.shape[-1]
        thresholds, decays = (
            np.broadcast_to(np.asarray(value, np.int64), size)
            for value in (neuron.threshold, neuron.decay)
        )
        spikes = sent[0, 0].astype(bool) if self._spiking[name] else np.zeros(size, bool)
        potential, adaptation = (
            array[0].astype(np.int64) for array in (state.potential, state.adaptation)
        )
        return Neurons(spikes, potential, thresholds + adaptation, thresholds, decays)

    def _record(self, index: int) -> None:
        every = self.lesson.weights_every
        for name, plastic in self.plastic.items():
            if every and (index + 1) % every == 0:
                self._weights.setdefault(name, []).append(plastic.weights.copy())
            if self.lesson.traces:
                state = plastic.state
                for letter, kept in (("x", state.pre_traces), ("y", state.post_traces)):
                    for number, trace in enumerate(kept, 1):
                        key = f"{name}/{letter}{number}"
                        self._traces.setdefault(key, []).append(trace.copy())


def _plastic(projection: Dense | Sparse, width: int) -> Plastic:
    if isinstance(projection, Sparse):
        return SparsePlastic(projection, width)
    return Plastic(projection, width)
