"""The golden model of a network that learns, compiled with numba."""

from collections.abc import Sequence

import numpy as np

from spikeloom_hw.neuron import NeuronState

from ..layer import lateness
from ..population import QuantisedPopulation
from ..quantised import QuantisedNetwork
from ..recording import Recording
from ..run_state import RunState
from ..work import Request, Work, costs
from .kernel_network import check_compilable, tabulate_populations, tabulate_synapses
from .kernel_rules import MOST_TRACES, Place, tabulate
from .kernel_tables import Model, Scratch, State, Taught, Trains
from .kernels import run_sample
from .learner import Learner
from .plastic import Plastic

__all__ = ["CompiledLearner"]


class CompiledLearner:
    """Runs a network that learns as an executor with a learner does, a sample of spikes at once.

    Parameters
    ----------
    network : QuantisedNetwork
        Dense projections without delays; leaky neurons that spike, without currents and noise.
    learner : Learner
        Keeps weights, parameters and traces between runs.

    Raises
    ------
    ValueError
        If the network has something else.
    """

    def __init__(self, network: QuantisedNetwork, learner: Learner) -> None:
        check_compilable(network)
        self._learner = learner
        self._costs = costs([p.name for p in network.populations], network.projections)
        self._late = lateness(network.projections, network.phases)
        order = [*network.inputs, *sorted(network.neurons, key=lambda p: network.phases[p.name])]
        ends = np.cumsum([p.size for p in order])
        self._spans = {
            p.name: slice(int(end) - p.size, int(end)) for p, end in zip(order, ends, strict=True)
        }
        self._inputs = [p.name for p in network.inputs]
        self._names = [p.name for p in order if p.neuron is not None]
        self._offsets: dict[str, int] = {}
        self._given: dict[str, np.ndarray] = {}
        self._model = self._tabulate(network, order)

    def run(
        self, stimulus: dict[str, np.ndarray], request: Request, state: RunState | None = None
    ) -> tuple[Recording, RunState]:
        """Run all steps of a sample from rest, or from ``state``, and let the network learn.

        Returns
        -------
        tuple of Recording and RunState
            What was asked for, with int64 potentials, and the state after the last step.
        """
        lesson, total = self._learner.lesson, self._model.state.potential.size
        steps = len(next(iter(stimulus.values())))
        spikes = np.zeros((steps, total), np.uint8)
        for name in self._inputs:
            spikes[:, self._spans[name]] = stimulus[name][:, 0]
        errors = np.zeros((steps if lesson.errors else 0, total), np.int64)
        for name, given in lesson.errors.items():
            errors[:, self._spans[name]] = given
        potentials = np.empty((steps if request.potentials else 0, total), np.int64)
        self._begin(state)

        # As many steps at once as lie between two records of weights or traces.
        piece = 1 if lesson.traces else lesson.weights_every or steps
        for first in range(0, steps, piece):
            here = slice(first, first + piece)
            given = (potentials[here], lesson.modulator[here], errors[here])
            run_sample(self._model, Trains(spikes[here], *given), lesson.learning)
            self._hand_over()
            self._learner.follow(min(piece, steps - first))

        fired = spikes.view(bool)[:, None]
        sent = {name: fired[..., span] for name, span in self._spans.items()}
        work = Work(self._costs)
        work.add(sent)
        asked = [n for n in request.names if n in self._names and request.potentials]
        found = {name: potentials[:, None, self._spans[name]] for name in asked}
        recording = Recording({name: sent[name] for name in request.names}, found, work.counters)
        return recording, self._end(steps + (state.time if state else 0))

    def _tabulate(self, network: QuantisedNetwork, order: Sequence[QuantisedPopulation]) -> Model:
        """Lay out the network, and find where the weights of each projection that learns begin."""
        spans, plastic = self._spans, self._learner.plastic
        links = [network.projections_from(population.name) for population in order]
        ordered = [link for found in links for link in found]
        synapses = tabulate_synapses(ordered, [len(found) for found in links], spans)
        begins = {id(p): int(at) for p, at in zip(ordered, synapses.offset, strict=True)}
        self._offsets = {name: begins[id(p.projection)] for name, p in plastic.items()}
        places = [
            Place(spans[p.projection.source].start, spans[p.projection.target].start, at)
            for p, at in zip(plastic.values(), self._offsets.values(), strict=True)
        ]
        rules = tabulate(list(plastic.values()), places, synapses.weights.size)
        most, total = rules.x.shape[-1], spans[order[-1].name].stop
        factors = (np.zeros((rules.terms.shape[1], most), np.int32) for _ in range(2))
        operands = (np.ones((traces + 1, most), np.int64) for traces in MOST_TRACES)
        rows = (np.zeros(most, kind) for kind in (np.int64, np.int32, np.bool_))
        return Model(
            tabulate_populations(network, order, spans),
            synapses,
            rules,
            State(*(np.zeros(total, np.int64) for _ in State._fields)),
            Taught(*(np.zeros(size, np.int64) for size in (1, 1, total))),
            Scratch(*factors, *operands, *rows),
        )

    def _begin(self, state: RunState | None) -> None:
        """Take weights, parameters and traces from the learner, and the rest from ``state``."""
        model, learner = self._model, self._learner
        now = model.state
        for array in now:
            array[:] = 0
        for name in self._names:
            neuron, span = learner.neurons[name], self._spans[name]
            now.threshold[span] = now.next_threshold[span] = neuron.threshold
            now.decay[span] = now.next_decay[span] = neuron.decay
            if state is not None:
                given = state[name]
                now.potential[span] = given.potential[0]
                now.resting[span] = given.refractory[0]
                now.fired[span] = given.fired[0]
                now.adaptation[span] = given.adaptation[0]
                now.inhibited[span] = given.inhibited[0]
                now.current[span] = state.pending[name].sum(axis=0)[0]
        model.taught.time[0] = learner.age
        for index, (name, plastic) in enumerate(learner.plastic.items()):
            here = slice(self._offsets[name], self._offsets[name] + plastic.weights.size)
            if plastic.weights is not self._given.get(name):
                model.synapses.weights[here] = plastic.weights.ravel()
            if plastic.rule.eligibility:
                model.rules.waiting[here] = plastic.state.eligibility.ravel()
            kept, (pre, post) = plastic.state, plastic.weights.shape
            model.rules.x[index, : len(kept.pre_traces), :pre] = kept.pre_traces
            model.rules.y[index, : len(kept.post_traces), :post] = kept.post_traces
            if plastic.rule.neurons:
                traces = (kept.threshold_trace, kept.decay_trace, kept.fired, kept.potential)
                model.rules.before[index, :, :post] = traces

    def _hand_over(self) -> None:
        """Give the learner the weights, parameters and traces of the time."""
        model, learner = self._model, self._learner
        for index, (name, plastic) in enumerate(learner.plastic.items()):
            shape = pre, post = plastic.weights.shape
            here = slice(self._offsets[name], self._offsets[name] + plastic.weights.size)
            self._given[name] = model.synapses.weights[here].reshape(shape).astype(np.int64)
            plastic.weights = self._given[name]
            kept = plastic.state._replace(
                pre_traces=model.rules.x[index, : len(plastic.rule.pre_traces), :pre].copy(),
                post_traces=model.rules.y[index, : len(plastic.rule.post_traces), :post].copy(),
            )
            if plastic.rule.eligibility:
                waiting = model.rules.waiting[here].reshape(shape).astype(np.int64)
                kept = kept._replace(eligibility=waiting)
            if plastic.rule.neurons:
                before = model.rules.before[index, :, :post].copy()
                kept = kept._replace(
                    threshold_trace=before[0],
                    decay_trace=before[1],
                    fired=before[2] != 0,
                    potential=before[3],
                )
                self._renew(plastic)
            plastic.state = kept

    def _renew(self, plastic: Plastic) -> None:
        """Give the learner the parameters that a projection has taught its target."""
        name, part, state = plastic.projection.target, plastic.rule.neurons, self._model.state
        fresh = {}
        if part and part.threshold_shift is not None:
            fresh["threshold"] = state.threshold[self._spans[name]].copy()
        if part and part.decay_shift is not None:
            fresh["decay"] = state.decay[self._spans[name]].copy()
        if plastic.rule.enabled:
            self._learner.renew({name: fresh})

    def _end(self, time: int) -> RunState:
        state = self._model.state
        nothing = np.zeros_like(state.potential)
        whole = NeuronState(
            state.potential[None].copy(),
            state.resting[None].astype(np.int8),
            state.fired[None] != 0,
            nothing[None],
            state.adaptation[None].copy(),
            state.inhibited[None] != 0,
        )
        spans = [(name, self._spans[name]) for name in self._names]
        neurons = {name: NeuronState(*(a[:, span] for a in whole)) for name, span in spans}
        waiting = {
            name: state.current[None, None, span][: self._late[name]].copy() for name, span in spans
        }
        return RunState(neurons, waiting, time)
