"""Where a run stopped, and from where the next one may go on."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from spikeloom_hw.neuron import NeuronState

__all__ = ["RunState"]


@dataclass(frozen=True, eq=False)
class RunState(Mapping[str, NeuronState]):
    """State of all populations after a run, by name.

    Parameters
    ----------
    neurons : dict of str to NeuronState
        State of each population of neurons, of (batch, neurons) arrays.
    pending : dict of str to (updates, batch, neurons) array
        What each population will find in its accumulators at its coming updates, from spikes that
        are on their way; as many updates as spikes into it can be late.
    time : int
        Steps since the network was at rest.
    """

    neurons: dict[str, NeuronState]
    pending: dict[str, np.ndarray]
    time: int = 0

    def __getitem__(self, name: str) -> NeuronState:
        """State of the population ``name``."""
        return self.neurons[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the populations."""
        return iter(self.neurons)

    def __len__(self) -> int:
        """Number of populations."""
        return len(self.neurons)
