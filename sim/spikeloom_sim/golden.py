"""The golden model: what the hardware must compute, in NumPy."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spikeloom_hw.neuron import LIFState
from spikeloom_hw.validate import check_choice

from .execution import Executor, Link, Request, check_record
from .quantised import QuantisedNetwork
from .recording import Recording
from .stimulus import as_stimulus

__all__ = ["Golden"]

ENGINES = ("numpy", "numba")

# Below this magnitude float32 holds every integer, so that a sum in any order is exact.
_FLOAT32_EXACT = 1 << 24


class Golden:
    """Runs an integer network bit for bit as the hardware does.

    It knows the quantised network only, nothing of cores, memories or mapping. In each step the
    spikes of the inputs are delivered first; then, phase by phase, every population of the phase
    takes what its accumulators hold, advances, and delivers its spikes. So a target of a later
    phase sees them in the same step, any other in the next. All state starts at 0.

    The arithmetic of the neurons is that of :meth:`spikeloom_hw.neuron.LIFParameters.step`. Sums
    of weights pass through floating-point matrix products, which are exact here: the static bound
    of :class:`QuantisedNetwork` keeps every partial sum within the integers of the format.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network to run.
    engine : str
        ``"numpy"``, or ``"numba"``: compiled, for long runs of few samples; needs numba.
    """

    def __init__(self, quantised: QuantisedNetwork, *, engine: str = "numpy") -> None:
        if not isinstance(quantised, QuantisedNetwork):
            raise TypeError(f"Golden runs a QuantisedNetwork, not {quantised!r}")
        check_choice("Engine", engine, ENGINES)
        self.quantised = quantised
        self.engine = engine
        self._executor = _compiled(quantised) if engine == "numba" else _executor(quantised)
        self._state: dict[str, LIFState] | None = None

    @property
    def state(self) -> dict[str, LIFState] | None:
        """State of each population after the last run, int64 potentials; None before a run."""
        return self._state

    def run(
        self,
        spikes: Any,
        *,
        record: Iterable[str] | None = None,
        potentials: bool = False,
        state: Mapping[str, LIFState] | None = None,
    ) -> Recording:
        """Run all steps of the input spikes, for all samples of the batch.

        Parameters
        ----------
        spikes : array or Mapping of str to array
            Spikes of each input population, (steps, batch, neurons) or (steps, neurons), bool or
            0 and 1; a single array will do for a network with one input.
        record : iterable of str or None
            Populations whose spikes are recorded; None means all but the inputs.
        potentials : bool
            Whether the potentials of the recorded populations are recorded too.
        state : Mapping of str to LIFState or None
            Where to start, as :attr:`state` gave it after a run; None means at rest.

        Returns
        -------
        Recording
            Spikes, int64 potentials after each step if asked for, and counters.
        """
        network = self.quantised
        stimulus = as_stimulus({p.name: p.size for p in network.inputs}, spikes)
        names = [p.name for p in network.neurons]
        known = [p.name for p in network.populations]
        request = Request(check_record(known, names, record), potentials)
        if state is not None:
            self._check_state(state, next(iter(stimulus.values())).shape[1])
        recording, end = self._executor.run(stimulus, request, state)
        self._state = {
            name: last._replace(potential=last.potential.astype(np.int64))
            for name, last in end.items()
        }
        for name, array in recording.potentials.items():
            recording.potentials[name] = array.astype(np.int64, copy=False)
        return recording

    def _check_state(self, state: Mapping[str, LIFState], batch: int) -> None:
        for population in self.quantised.neurons:
            if population.name not in state:
                raise ValueError(f"State of population {population.name!r} is missing")
            expected, got = (batch, population.size), state[population.name].potential.shape
            if got != expected:
                raise ValueError(
                    f"State of population {population.name!r} must have the shape {expected}, "
                    f"not {got}"
                )


def _executor(network: QuantisedNetwork) -> Executor:
    largest = max(int(network.largest_input(p.name).max()) for p in network.neurons)
    dtype = np.float32 if largest <= _FLOAT32_EXACT else np.float64
    return Executor(
        {p.name: p.size for p in network.populations},
        {p.name: p.neuron for p in network.populations if p.neuron is not None},
        [Link(p.source, p.target, p.weights.astype(dtype)) for p in network.projections],
    )


def _compiled(network: QuantisedNetwork) -> Any:
    try:
        from .golden_numba import CompiledExecutor
    except ModuleNotFoundError as error:
        raise ImportError(
            "Engine 'numba' needs the package numba: pip install 'spikeloom[numba]'"
        ) from error
    return CompiledExecutor(network)
