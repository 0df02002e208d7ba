"""What a run of a network gives: spikes, potentials and counters, and how two runs differ."""

import os
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from spikeloom_hw.archive import read_archive, write_archive

__all__ = ["Difference", "Recording"]

_KIND = ("recording", 2)
_KINDS = ("potentials", "values", "weights", "traces")


class Difference(NamedTuple):
    """First spike, count or value in which two recordings differ."""

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
    spikes : dict of str to (steps, batch, neurons) bool or uint8 array
        Spikes of each recorded population; uint8 counts of those that may fire several times in a
        step.
    potentials : dict of str to (steps, batch, neurons) array
        Membrane potentials after each step, where they were asked for: int64, or float64 from
        the float reference.
    counters : dict of str to int
        What was counted over the whole run, all samples together. Every source counts
        ``"events"``, those of all populations and inputs that synapses could receive, and
        ``"synaptic_operations"``, the weights added because a presynaptic neuron sent an event.
    values : dict of str to (steps, batch, neurons) array
        Values of each recorded population that sends its potential, and of each recorded graded
        input: int64, or float64 from the float reference.
    weights : dict of str to (snapshots, pre, post) or (snapshots, synapses) int64 array
        Weights of each projection that learns, by its label (``"a -> b"``), where they were asked
        for: the first after as many steps as lie between two snapshots.
    traces : dict of str to (steps, neurons) int64 array
        Traces after each step, where they were asked for: ``"a -> b/x1"`` and so on.
    """

    spikes: dict[str, np.ndarray]
    potentials: dict[str, np.ndarray] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    values: dict[str, np.ndarray] = field(default_factory=dict)
    weights: dict[str, np.ndarray] = field(default_factory=dict)
    traces: dict[str, np.ndarray] = field(default_factory=dict)

    def counts(self, name: str) -> np.ndarray:
        """Count the spikes of each neuron of population ``name``: (batch, neurons) int64 array."""
        if name not in self.spikes:
            known = _listed(self.spikes)
            raise ValueError(f"Spikes of {name!r} were not recorded, but those of {known}")
        return self.spikes[name].sum(axis=0, dtype=np.int64)

    def difference(self, other: "Recording") -> Difference | None:
        """Find the first spike or value that ``other`` has otherwise than this recording expects.

        First means the earliest step, in it the population that comes first here, spikes before
        values, in it the least sample, then the least neuron. Populations that only one of the
        two holds are not compared.

        Returns
        -------
        Difference or None
            None if all spikes and values are equal.

        Raises
        ------
        ValueError
            If the two share no population, or the shapes of one differ.
        """
        shared = [
            (name, label, ours[name], theirs[name])
            for label, ours, theirs in (
                ("Spikes", self.spikes, other.spikes),
                ("Values", self.values, other.values),
            )
            for name in ours
            if name in theirs
        ]
        if not shared:
            raise ValueError(
                f"Recordings of {_listed(self.spikes | self.values)} and of "
                f"{_listed(other.spikes | other.values)} have no population in common"
            )
        first: Difference | None = None
        for name, label, expected, got in shared:
            if expected.shape != got.shape:
                raise ValueError(
                    f"{label} of {name!r} must have the same shape to be compared, "
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
        packed = {name: array.dtype == bool for name, array in self.spikes.items()}
        description = {
            "spikes": {
                name: array.shape[-1] if packed[name] else 0 for name, array in self.spikes.items()
            },
            **{kind: list(getattr(self, kind)) for kind in _KINDS},
            "counters": self.counters,
        }
        arrays = {
            f"spikes/{index}": np.packbits(array, axis=-1) if packed[name] else array
            for index, (name, array) in enumerate(self.spikes.items())
        }
        for kind in _KINDS:
            kept = getattr(self, kind).values()
            arrays |= {f"{kind}/{index}": array for index, array in enumerate(kept)}
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
        spikes = {}
        for index, (name, size) in enumerate(description["spikes"].items()):
            array = arrays[f"spikes/{index}"]
            # What fires at most once in a step is packed; its neurons are told as they may end
            # within a byte.
            spikes[name] = np.unpackbits(array, axis=-1, count=size).astype(bool) if size else array
        # Files from before networks could learn have neither weights nor traces.
        others = {
            kind: {
                name: arrays[f"{kind}/{index}"]
                for index, name in enumerate(description.get(kind, ()))
            }
            for kind in _KINDS
        }
        return cls(spikes, counters=description["counters"], **others)


def _listed(names: dict[str, np.ndarray]) -> str:
    return ", ".join(map(repr, names)) or "nothing"
