"""The float reference: a network in real numbers, run as the hardware would run it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.neuron import LIFState
from spikeloom_sim.execution import Executor, Link, Request, check_record
from spikeloom_sim.golden import Golden
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.recording import Recording
from spikeloom_sim.stimulus import as_stimulus

from .network import Network

__all__ = ["Agreement", "Reference", "compare"]


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
        self._inputs = {p.name: p.size for p in populations if p.neuron is None}
        neurons = {p.name: p.neuron for p in populations if p.neuron is not None}
        if not self._inputs:
            raise ValueError("A network must have an input population")
        if not neurons:
            raise ValueError("A network must have a population of neurons")
        self._known = [p.name for p in populations]
        self._neurons = list(neurons)
        self._executor = Executor(
            {p.name: p.size for p in populations},
            neurons,
            [Link(p.source, p.target, p.weights) for p in network.projections],
        )
        self._state: dict[str, LIFState] | None = None

    @property
    def state(self) -> dict[str, LIFState] | None:
        """State of each population after the last run; None before a run."""
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
            Spikes of each input population, as :meth:`spikeloom_sim.golden.Golden.run` takes them.
        record : iterable of str or None
            Populations whose spikes are recorded; None means all but the inputs.
        potentials : bool
            Whether the potentials of the recorded populations are recorded too.
        state : Mapping of str to LIFState or None
            Where to start, as :attr:`state` gave it after a run; None means at rest.

        Returns
        -------
        Recording
            Spikes, float64 potentials after each step if asked for, and counters.
        """
        stimulus = as_stimulus(self._inputs, spikes)
        request = Request(check_record(self._known, self._neurons, record), potentials)
        recording, self._state = self._executor.run(stimulus, request, state)
        return recording


@dataclass(frozen=True)
class Agreement:
    """How near the spikes of a quantised population are to those of the float reference.

    Parameters
    ----------
    same : float
        Share of all (step, sample, neuron) in which both fire, or neither does.
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

    Parameters
    ----------
    network : Network
        The network in real numbers.
    quantised : QuantisedNetwork
        The same network in integers.
    spikes : array or Mapping of str to array
        Spikes of each input population, as :meth:`spikeloom_sim.golden.Golden.run` takes them.

    Returns
    -------
    dict of str to Agreement
        One entry for each population of neurons.
    """
    expected, got = Reference(network).run(spikes), Golden(quantised).run(spikes)
    found = {}
    for name, fires in expected.spikes.items():
        other = got.spikes[name]
        either = np.count_nonzero(fires | other)
        counts = np.abs(expected.counts(name) - got.counts(name))
        found[name] = Agreement(
            same=float(np.mean(fires == other)),
            overlap=float(np.count_nonzero(fires & other) / either) if either else 1.0,
            mean_count_difference=float(counts.mean()),
            largest_count_difference=int(counts.max()),
        )
    return found
