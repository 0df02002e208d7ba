"""Where a run stopped, and from where the next one may go on."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from spikeloom_hw.archive import read_archive, write_archive
from spikeloom_hw.neuron import NeuronState

from .learning import LearningState

__all__ = ["RunState"]

_KIND = ("run state", 1)


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
    learning : dict of str to LearningState
        State of each projection that learns, by its label.
    age : int
        Steps since the weights were loaded, through all clears.
    network : str
        :attr:`~spikeloom_sim.quantised.QuantisedNetwork.fingerprint` of the network; empty if it
        is not known.
    """

    neurons: dict[str, NeuronState]
    pending: dict[str, np.ndarray]
    time: int = 0
    learning: dict[str, LearningState] = field(default_factory=dict)
    age: int = 0
    network: str = ""

    def __getitem__(self, name: str) -> NeuronState:
        """State of the population ``name``."""
        return self.neurons[name]

    def __iter__(self) -> Iterator[str]:
        """Names of the populations."""
        return iter(self.neurons)

    def __len__(self) -> int:
        """Number of populations."""
        return len(self.neurons)

    def cleared(self) -> "RunState":
        """State after a clear: all is 0 but eligibilities and the age."""
        return RunState(
            {
                name: NeuronState(*(np.zeros_like(array) for array in state))
                for name, state in self.neurons.items()
            },
            {name: np.zeros_like(array) for name, array in self.pending.items()},
            0,
            {name: state.cleared() for name, state in self.learning.items()},
            self.age,
            self.network,
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the state to one .npz file."""
        write_archive(path, _KIND, *self.describe())

    def describe(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Give the state as a description fit for JSON, and arrays by name."""
        arrays = {f"pending/{i}": array for i, array in enumerate(self.pending.values())}
        for kind, states in (("neurons", self.neurons), ("learning", self.learning)):
            for index, state in enumerate(states.values()):
                arrays |= {f"{kind}/{index}/{n}": a for n, a in state._asdict().items()}
        description = {
            "time": self.time,
            "age": self.age,
            "network": self.network,
            **{kind: list(getattr(self, kind)) for kind in ("neurons", "pending", "learning")},
        }
        return description, arrays

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "RunState":
        """Read a state that :meth:`save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged, or holds something else, or another version of it.
        """
        return cls.restore(*read_archive(path, _KIND))

    @classmethod
    def restore(
        cls, description: Mapping[str, Any], arrays: Mapping[str, np.ndarray]
    ) -> "RunState":
        """Make the state that :meth:`describe` described."""

        def gather(label: str, kind: Any) -> dict[str, Any]:
            return {
                name: kind(*(arrays[f"{label}/{index}/{field}"] for field in kind._fields))
                for index, name in enumerate(description[label])
            }

        return cls(
            gather("neurons", NeuronState),
            {name: arrays[f"pending/{i}"] for i, name in enumerate(description["pending"])},
            description["time"],
            gather("learning", LearningState),
            description["age"],
            description.get("network", ""),
        )
