"""What a run of a network gives: spikes, potentials and counters, and how two runs differ."""

import os
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from spikeloom_hw.archive import read_archive, write_archive

__all__ = ["Difference", "Recording"]

_KIND = ("recording", 1)


class Difference(NamedTuple):
    """First spike in which two recordings differ."""

    step: int
    sample: int
    population: str
    neuron: int
    expected: int
    got: int

    def __str__(self) -> str:
        return (
            f"step {self.step}, sample {self.sample}, population {self.population!r}, "
            f"neuron {self.neuron}: expected {self.expected}, got {self.got}"
        )


@dataclass
class Recording:
    """Result of a run, of the golden model, of a simulation or of a board.

    Parameters
    ----------
    spikes : dict of str to (steps, batch, neurons) bool array
        Spikes of each recorded population.
    potentials : dict of str to (steps, batch, neurons) array
        Membrane potentials after each step, where they were asked for: int64, or float64 from
        the float reference.
    counters : dict of str to int
        What was counted over the whole run, all samples together. Every source counts
        ``"events"``, the spikes of all populations and inputs, and ``"synaptic_operations"``,
        the weights added because a presynaptic neuron fired.
    """

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def counts(self, name: str) -> np.ndarray:
        """Count the spikes of each neuron of population ``name``: (batch, neurons) int64 array."""
        if name not in self.spikes:
            known = ", ".join(map(repr, self.spikes)) or "nothing"
            raise ValueError(f"Spikes of {name!r} were not recorded, but those of {known}")
        return self.spikes[name].sum(axis=0, dtype=np.int64)

    def difference(self, other: "Recording") -> Difference | None:
        """Find the first spike that ``other`` has otherwise than this recording expects.

        First means the earliest step, in it the population that comes first here, in it the
        least sample, then the least neuron. Populations that only one of the two holds are not
        compared.

        Returns
        -------
        Difference or None
            None if all spikes are equal.

        Raises
        ------
        ValueError
            If the two share no population, or the shapes of one differ.
        """
        shared = [name for name in self.spikes if name in other.spikes]
        if not shared:
            raise ValueError(
                f"Recordings of {', '.join(map(repr, self.spikes))} and of "
                f"{', '.join(map(repr, other.spikes))} have no population in common"
            )
        first: Difference | None = None
        for name in shared:
            expected, got = self.spikes[name], other.spikes[name]
            if expected.shape != got.shape:
                raise ValueError(
                    f"Spikes of {name!r} must have the same shape to be compared, "
                    f"not {expected.shape} and {got.shape}"
                )
            # A later population counts only if it differs in an earlier step.
            limit = len(expected) if first is None else first.step
            differ = expected[:limit] != got[:limit]
            if differ.any():
                step, sample, neuron = (int(i) for i in np.argwhere(differ)[0])
                where = (step, sample, neuron)
                first = Difference(
                    step, sample, name, neuron, int(expected[where]), int(got[where])
                )
        return first

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the recording to one .npz file, spikes packed eight to a byte."""
        description = {
            "spikes": {name: spikes.shape[-1] for name, spikes in self.spikes.items()},
            "potentials": list(self.potentials),
            "counters": self.counters,
        }
        arrays = {
            f"spikes/{index}": np.packbits(spikes, axis=-1)
            for index, spikes in enumerate(self.spikes.values())
        }
        for index, potentials in enumerate(self.potentials.values()):
            arrays[f"potentials/{index}"] = potentials
        write_archive(path, _KIND, description, arrays)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Recording":
        """Read a recording that :meth:`save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged, or holds something else, or another version of it.
        """
        description, arrays = read_archive(path, _KIND)
        spikes = {
            name: np.unpackbits(arrays[f"spikes/{index}"], axis=-1, count=size).astype(bool)
            for index, (name, size) in enumerate(description["spikes"].items())
        }
        potentials = {
            name: arrays[f"potentials/{index}"]
            for index, name in enumerate(description["potentials"])
        }
        return cls(spikes, potentials, description["counters"])
