"""The golden model: what the hardware must compute, in NumPy."""

from collections.abc import Iterable
from typing import Any

import numpy as np

from spikeloom_hw.neuron import NeuronState
from spikeloom_hw.validate import check_choice

from .execution import Executor, Layer
from .layer import lateness
from .quantised import QuantisedNetwork
from .recording import Recording
from .run_state import RunState
from .stimulus import as_stimulus
from .work import Request, check_record

__all__ = ["Golden"]

ENGINES = ("numpy", "numba")

# Below this magnitude float32 holds every integer, so that a sum in any order is exact.
_FLOAT32_EXACT = 1 << 24


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
        projections without delays, of neurons without further features; needs numba.
    """

    def __init__(self, quantised: QuantisedNetwork, *, engine: str = "numpy") -> None:
        if not isinstance(quantised, QuantisedNetwork):
            raise TypeError(f"Golden runs a QuantisedNetwork, not {quantised!r}")
        check_choice("Engine", engine, ENGINES)
        self.quantised = quantised
        self.engine = engine
        self._executor = _compiled(quantised) if engine == "numba" else _executor(quantised)
        self._late = lateness(quantised.projections, quantised.phases)
        self._state: RunState | None = None

    @property
    def state(self) -> RunState | None:
        """State after the last run, in integers; None before a run."""
        return self._state

    def run(
        self,
        spikes: Any,
        *,
        record: Iterable[str] | None = None,
        potentials: bool = False,
        state: RunState | None = None,
    ) -> Recording:
        """Run all steps of the input spikes, for all samples of the batch.

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

        Returns
        -------
        Recording
            Spikes and values, int64 potentials after each step if asked for, and counters.
        """
        network = self.quantised
        largest = {p.name: p.largest for p in network.inputs}
        stimulus = as_stimulus({p.name: p.size for p in network.inputs}, spikes, largest)
        names = [p.name for p in network.neurons]
        known = [p.name for p in network.populations]
        request = Request(check_record(known, names, record), potentials)
        if state is not None:
            self._check_state(state, next(iter(stimulus.values())).shape[1])
        recording, end = self._executor.run(stimulus, request, state)
        self._state = RunState(
            {name: NeuronState(*map(_as_integers, last)) for name, last in end.items()},
            {name: array.astype(np.int64, copy=False) for name, array in end.pending.items()},
            end.time,
        )
        for arrays in (recording.potentials, recording.values):
            arrays |= {name: array.astype(np.int64, copy=False) for name, array in arrays.items()}
        return recording

    def _check_state(self, state: RunState, batch: int) -> None:
        if not isinstance(state, RunState):
            raise TypeError(f"State must be a RunState, as a run leaves it, not {state!r}")
        for population in self.quantised.neurons:
            name, size = population.name, population.size
            if name not in state or name not in state.pending:
                raise ValueError(f"State of population {name!r} is missing")
            expected, got = (batch, size), state[name].potential.shape
            if got != expected:
                raise ValueError(
                    f"State of population {name!r} must have the shape {expected}, not {got}"
                )
            expected, got = (self._late[name], batch, size), state.pending[name].shape
            if got != expected:
                raise ValueError(
                    f"Pending input of population {name!r} must have the shape {expected}, "
                    f"not {got}"
                )


def _as_integers(array: np.ndarray) -> np.ndarray:
    return array.astype(np.int64) if array.dtype == np.float64 else array


def _executor(network: QuantisedNetwork) -> Executor:
    largest = max(int(network.largest_input(p.name).max()) for p in network.neurons)
    dtype = np.float32 if largest <= _FLOAT32_EXACT else np.float64
    layers = [
        Layer(p.name, p.size, p.neuron, p.neuron.output) if p.neuron else Layer(p.name, p.size)
        for p in network.populations
    ]
    return Executor(layers, network.projections, network.phases, dtype)


def _compiled(network: QuantisedNetwork) -> Any:
    try:
        from .golden_numba import CompiledExecutor
    except ModuleNotFoundError as error:
        raise ImportError(
            "Engine 'numba' needs the package numba: pip install 'spikeloom[numba]'"
        ) from error
    return CompiledExecutor(network)
