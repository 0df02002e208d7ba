"""The float reference: a network in real numbers, run as the hardware would run it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_sim.execution import Executor, Layer
from spikeloom_sim.golden import Golden
from spikeloom_sim.phases import assign_phases
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.recording import Recording
from spikeloom_sim.run_state import RunState
from spikeloom_sim.stimulus import as_stimulus
from spikeloom_sim.work import Request, check_record

from .encode import graded
from .network import Network
from .neuron import OUTPUTS

__all__ = ["Agreement", "Reference", "compare", "in_integers"]


class Reference:
    """Runs a network in float64 without rounding; all else is as in the golden model.

    Parameters
    ----------
    network : Network
        The network to run; what is added to it later is not seen.
    """

    def __init__(self, network: Network) -> None:
        if not isinstance(network, Network):
            raise TypeError(f"Reference runs a Network, not {network!r}")
        populations = list(network.populations.values())
        self._inputs = {p.name: p for p in populations if p.neuron is None}
        self._neurons = [p.name for p in populations if p.neuron is not None]
        if not self._inputs:
            raise ValueError("A network must have an input population")
        if not self._neurons:
            raise ValueError("A network must have a population of neurons")
        self._known = [p.name for p in populations]
        projections = list(network.projections)
        edges = [(p.source, p.target) for p in projections]
        self._executor = Executor(
            [Layer(p.name, p.size, p.neuron, OUTPUTS[p.output]) for p in populations],
            projections,
            assign_phases(self._neurons, edges, network.timing),
        )
        self._state: RunState | None = None

    @property
    def state(self) -> RunState | None:
        """State after the last run; None before a run."""
        return self._state

    def run(
        self,
        spikes: Any,
        *,
        record: Iterable[str] | None = None,
        potentials: bool = False,
        state: RunState | None = None,
    ) -> Recording:
        """Run all steps of the input, for all samples of the batch.

        Parameters
        ----------
        spikes : array or Mapping of str to array
            Spikes of each input population, as :meth:`spikeloom_sim.golden.Golden.run` takes them;
            real numbers for inputs of values.
        record : iterable of str or None
            Populations whose spikes or values are recorded; None means all but the inputs.
        potentials : bool
            Whether the potentials of the recorded populations are recorded too.
        state : RunState or None
            Where to start, as :attr:`state` gave it after a run; None means at rest.

        Returns
        -------
        Recording
            Spikes and float64 values, float64 potentials after each step if asked for, and
            counters.
        """
        stimulus = self._stimulus(spikes)
        request = Request(check_record(self._known, self._neurons, record), potentials)
        recording, self._state = self._executor.run(stimulus, request, state)
        return recording

    def _stimulus(self, spikes: Any) -> dict[str, np.ndarray]:
        """Bring the input into (steps, batch, neurons) arrays, bool for spikes."""
        if not isinstance(spikes, Mapping) and len(self._inputs) == 1:
            spikes = {next(iter(self._inputs)): spikes}
        events, values = spikes, {}
        if isinstance(spikes, Mapping):
            names = [name for name in spikes if name in self._inputs and self._inputs[name].range]
            values = {name: _as_values(name, spikes[name]) for name in names}
            events = dict(spikes) | {name: array != 0 for name, array in values.items()}
        stimulus = as_stimulus({p.name: p.size for p in self._inputs.values()}, events)
        return stimulus | {
            name: array.reshape(stimulus[name].shape) for name, array in values.items()
        }


@dataclass(frozen=True)
class Agreement:
    """How near the spikes of a quantised population are to those of the float reference.

    Of neurons that fire several times in a step, the numbers of spikes are compared.

    Parameters
    ----------
    same : float
        Share of all (step, sample, neuron) in which both fire as often, or neither does.
    overlap : float
        Spikes that both have, over spikes that either has; 1 if there are none.
    mean_count_difference : float
        Mean, over samples and neurons, of the magnitude of the difference in spike count.
    largest_count_difference : int
        Greatest such difference.
    """

    same: float
    overlap: float
    mean_count_difference: float
    largest_count_difference: int


def compare(network: Network, quantised: QuantisedNetwork, spikes: Any) -> dict[str, Agreement]:
    """Run a network in real numbers and in integers, and compare them population by population.

    What learns stands still meanwhile.

    Parameters
    ----------
    network : Network
        The network in real numbers.
    quantised : QuantisedNetwork
        The same network in integers.
    spikes : array or Mapping of str to array
        Spikes of each input population, as :meth:`Reference.run` takes them; the real numbers of
        inputs of values are rounded for the run in integers.

    Returns
    -------
    dict of str to Agreement
        One entry for each population of neurons that may fire.
    """
    expected = Reference(network).run(spikes)
    got = Golden(quantised).run(in_integers(quantised, spikes), learning=False)
    found = {}
    for name, fires in expected.spikes.items():
        other = got.spikes[name]
        both, either = np.minimum(fires, other).sum(), np.maximum(fires, other).sum()
        counts = np.abs(expected.counts(name) - got.counts(name))
        found[name] = Agreement(
            same=float(np.mean(fires == other)),
            overlap=float(both / either) if either else 1.0,
            mean_count_difference=float(counts.mean()),
            largest_count_difference=int(counts.max()),
        )
    return found


def in_integers(quantised: QuantisedNetwork, spikes: Any) -> Any:
    """Round the real numbers for inputs of values to the integers that the golden model takes.

    Parameters
    ----------
    quantised : QuantisedNetwork
        The network, which knows the units of its inputs.
    spikes : array or Mapping of str to array
        Spikes and real numbers, as :meth:`Reference.run` takes them.

    Returns
    -------
    array or dict of str to array
        The same, with :func:`spikeloom.encode.graded` applied where the input takes values.
    """
    inputs = {p.name: p for p in quantised.inputs if p.largest > 1}
    if not isinstance(spikes, Mapping):
        if len(quantised.inputs) != 1 or not inputs:
            return spikes
        (name,) = inputs
        return in_integers(quantised, {name: spikes})[name]
    return {
        name: graded(array, range=p.scale * p.largest, largest=p.largest)
        if (p := inputs.get(name))
        else array
        for name, array in spikes.items()
    }


def _as_values(name: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"Values of input {name!r} must be real numbers, not {array.dtype}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        raise ValueError(f"Values of input {name!r} must be finite")
    return array
