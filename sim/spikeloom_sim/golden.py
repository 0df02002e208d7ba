"""The golden model: what the hardware must compute, in NumPy."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, Unpack

import numpy as np

from spikeloom_hw.neuron import NeuronState
from spikeloom_hw.validate import check_choice

from .checkpoint import Checkpoint
from .execution import Executor, Layer
from .layer import lateness
from .learning import Learner, Lesson, Sample, Teaching, as_lesson, plastic_projections
from .quantised import QuantisedNetwork
from .recording import Recording
from .run_state import RunState
from .state_check import check_state
from .stimulus import as_stimulus
from .work import Request, check_record

__all__ = ["Golden"]

ENGINES = ("numpy", "numba")

# Below this magnitude float32 holds every integer, so that a sum in any order is exact.
_FLOAT32_EXACT = 1 << 24

_NO_NUMBA = "Engine 'numba' needs the package numba: pip install 'spikeloom[numba]'"


class Golden:
    """Runs an integer network bit for bit as the hardware does.

    It knows the quantised network only, nothing of cores, memories or mapping. In each step the
    spikes of the inputs are delivered first; then, phase by phase, every population of the phase
    takes what its accumulators hold, advances, and delivers its spikes. So a target of a later
    phase sees them in the same step, any other in the next; through a projection with a delay,
    as many updates later. All state starts at 0.

    The arithmetic of the neurons is that of :meth:`spikeloom_hw.neuron.NeuronParameters.step`. Sums
    of weights pass through floating-point matrix products, which are exact here: the static bound
    of :class:`QuantisedNetwork` keeps every partial sum within the integers of the format.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network to run.
    engine : str
        ``"numpy"``, or ``"numba"``: compiled, for long runs of few samples through dense
        projections without delays, of neurons without further features; needs numba. A network
        that learns may have winners and adaptation too; switched off, it runs in NumPy.
    """

    def __init__(self, quantised: QuantisedNetwork, *, engine: str = "numpy") -> None:
        if not isinstance(quantised, QuantisedNetwork):
            raise TypeError(f"Golden runs a QuantisedNetwork, not {quantised!r}")
        check_choice("Engine", engine, ENGINES)
        self.quantised = quantised
        self.engine = engine
        self._plastic = plastic_projections(quantised.projections, quantised.phases)
        compiled = engine == "numba" and not self._plastic
        self._executor = _compiled(quantised) if compiled else _executor(quantised)
        self._late = lateness(quantised.projections, quantised.phases)
        self._state: RunState | None = None
        self._learner: Learner | None = None
        self._learned: QuantisedNetwork | None = quantised
        if self._plastic and engine == "numba":
            _compiled_learner(quantised, _learner(quantised))

    @property
    def state(self) -> RunState | None:
        """State after the last run, in integers; None before a run."""
        return self._state

    @property
    def checkpoint(self) -> Checkpoint:
        """What the last run has learned, and where it stopped; one file, if saved.

        Raises
        ------
        ValueError
            If nothing was run.
        """
        if self._state is None:
            raise ValueError("There is no state to keep: run the network first")
        return Checkpoint(self.learned, self._state)

    @property
    def learned(self) -> QuantisedNetwork:
        """Network with the weights, thresholds and decays that the last run has learned."""
        network, learner = self.quantised, self._learner
        if self._learned is None and learner is not None:
            self._learned = replace(
                network,
                populations=learner.learned_populations(network.populations),
                projections=learner.learned_projections(network.projections),
            )
        return self._learned or network

    def run(
        self,
        spikes: Any,
        *,
        record: Iterable[str] | None = None,
        potentials: bool = False,
        state: RunState | None = None,
        **teaching: Unpack[Teaching],
    ) -> Recording:
        """Run all steps of the input spikes, for all samples of the batch.

        A network with projections that learn takes one sample, and begins with the weights that
        it was made with; :attr:`learned` is the network after the run. ``Golden(learned)`` goes on
        from there with :attr:`state`, as if there had been no break.

        Parameters
        ----------
        spikes : array or Mapping of str to array
            Spikes of each input population, (steps, batch, neurons) or (steps, neurons), bool or
            0 and 1; of a graded input its values, whole numbers, 0 for no event. A single array
            will do for a network with one input.
        record : iterable of str or None
            Populations whose spikes or values are recorded; None means all but the inputs.
        potentials : bool
            Whether the potentials of the recorded populations are recorded too.
        state : RunState or None
            Where to start, as :attr:`state` gave it after a run; None means at rest.
        **teaching
            ``modulator``, ``errors``, ``learning``, ``weights_every`` and ``traces``, see
            :class:`~spikeloom_sim.learning.Teaching`.

        Returns
        -------
        Recording
            Spikes and values, int64 potentials after each step if asked for, counters, and
            snapshots of weights and traces if asked for.
        """
        known = [p.name for p in self.quantised.populations]
        names = [p.name for p in self.quantised.neurons]
        request = Request(check_record(known, names, record), potentials)
        stimulus = self._stimulus(spikes)
        steps, batch = next(iter(stimulus.values())).shape[:2]
        lesson = self._lesson(teaching, steps)
        if state is not None:
            check_state(self.quantised, self._late, state, batch)
        if not (self._plastic and lesson.learning):
            return self._follow(self._executor, stimulus, request, state)
        learner = _learner(self.quantised)
        executor = self._executor_with(learner)
        return self._teach(executor, learner, (stimulus, request, lesson), state)

    def learn(
        self,
        samples: Iterable[Sample],
        *,
        record: Iterable[str] | None = None,
        state: RunState | None = None,
    ) -> Iterator[Recording]:
        """Show samples one after the other, each to a network at rest that keeps what it learned.

        It is a generator: the network learns from a sample when its recording is asked for, and
        :attr:`learned` and :attr:`state` are those after that sample.

        Parameters
        ----------
        samples : iterable of Sample
            Spikes, modulator and errors of each.
        record : iterable of str or None
            Populations whose spikes or values are recorded; None means all but the inputs.
        state : RunState or None
            State that an earlier run or sample has left; of it the eligibilities and the age of
            the network are kept.

        Yields
        ------
        Recording
            Of each sample.
        """
        if not self._plastic:
            raise ValueError("The network has no projection that learns: give one a rule")
        known = [p.name for p in self.quantised.populations]
        names = [p.name for p in self.quantised.neurons]
        request = Request(check_record(known, names, record))
        if state is not None:
            check_state(self.quantised, self._late, state, 1)
        learner = _learner(self.quantised)
        executor = self._executor_with(learner)
        for sample in samples:
            stimulus = self._stimulus(sample.spikes)
            teaching: Teaching = {"modulator": sample.modulator, "errors": sample.errors}
            lesson = self._lesson(teaching, len(next(iter(stimulus.values()))))
            begin = state and state.cleared()
            yield self._teach(executor, learner, (stimulus, request, lesson), begin)
            state = self._state

    def _executor_with(self, learner: Learner) -> Any:
        make = _compiled_learner if self.engine == "numba" else _executor
        return make(self.quantised, learner)

    def _stimulus(self, spikes: Any) -> dict[str, np.ndarray]:
        inputs = self.quantised.inputs
        largest = {p.name: p.largest for p in inputs}
        return as_stimulus({p.name: p.size for p in inputs}, spikes, largest)

    def _lesson(self, teaching: Teaching, steps: int) -> Lesson:
        for name in teaching:
            if not self._plastic and name != "learning":
                raise ValueError(
                    f"The network has no projection that learns, so a run takes no {name!r}"
                )
        sizes = {p.target: p.shape[1] for p in self._plastic.values() if p.rule.errors}
        return as_lesson(teaching, steps, sizes)

    def _teach(
        self,
        executor: Any,
        learner: Learner,
        what: tuple[dict[str, np.ndarray], Request, Lesson],
        state: RunState | None,
    ) -> Recording:
        """Run a network that learns."""
        stimulus, request, lesson = what
        batch = next(iter(stimulus.values())).shape[1]
        if batch > 1:
            raise ValueError(
                f"A network that learns takes one sample after the other, not {batch} at once: "
                f"use learn(), or learning=False"
            )
        learner.begin(lesson, state.learning if state else {}, state.age if state else 0)
        recording = self._follow(executor, stimulus, request, state)
        recording.weights, recording.traces = learner.recorded()
        last = self._state
        assert last is not None
        self._state = replace(last, learning=learner.state)
        self._learner, self._learned = learner, None
        return recording

    def _follow(
        self, executor: Any, stimulus: dict[str, np.ndarray], request: Request, state: Any
    ) -> Recording:
        """Run, and keep the state in integers."""
        recording, end = executor.run(stimulus, request, state)
        steps = len(next(iter(stimulus.values())))
        self._state = RunState(
            {name: NeuronState(*map(_as_integers, last)) for name, last in end.items()},
            {name: array.astype(np.int64, copy=False) for name, array in end.pending.items()},
            end.time,
            state.learning if state else {},
            (state.age if state else 0) + steps,
            self.quantised.fingerprint,
        )
        self._learned = self.quantised
        for arrays in (recording.potentials, recording.values):
            arrays |= {name: array.astype(np.int64, copy=False) for name, array in arrays.items()}
        return recording


def _as_integers(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64) if array.dtype == np.float64 else array


def _learner(network: QuantisedNetwork) -> Learner:
    return Learner(network.populations, network.projections, network.phases, network.weight_width)


def _executor(network: QuantisedNetwork, learner: Learner | None = None) -> Executor:
    largest = max(int(network.largest_input(p.name).max()) for p in network.neurons)
    dtype = np.float32 if largest <= _FLOAT32_EXACT else np.float64
    layers = [
        Layer(p.name, p.size, p.neuron, p.neuron.output) if p.neuron else Layer(p.name, p.size)
        for p in network.populations
    ]
    return Executor(layers, network.projections, network.phases, dtype, learner)


def _compiled(network: QuantisedNetwork) -> Any:
    try:
        from .golden_numba import CompiledExecutor
    except ModuleNotFoundError as error:
        raise ImportError(_NO_NUMBA) from error
    return CompiledExecutor(network)


def _compiled_learner(network: QuantisedNetwork, learner: Learner) -> Any:
    try:
        from .learning.compiled import CompiledLearner
    except ModuleNotFoundError as error:
        raise ImportError(_NO_NUMBA) from error
    return CompiledLearner(network, learner)
