"""A network and its state in one file, from which both can go on."""

import os
from typing import NamedTuple

from spikeloom_hw.archive import read_archive, write_archive

from .network_file import KIND
from .quantised import QuantisedNetwork
from .run_state import RunState

__all__ = ["Checkpoint"]


class Checkpoint(NamedTuple):
    """What a network has learned, and where it stopped.

    Its file is one of a network, so that whatever reads networks reads it too; the state comes
    along.

    Members
    -------
    network : QuantisedNetwork
        The network, with the weights, thresholds and decays of the time.
    state : RunState
        Everything else that its next step depends on.
    """

    network: QuantisedNetwork
    state: RunState

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write both to one .npz file."""
        description, arrays = self.network.describe()
        state, kept = self.state.describe()
        kept = {f"state/{name}": array for name, array in kept.items()}
        write_archive(path, KIND, description | {"state": state}, arrays | kept)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Checkpoint":
        """Read what :meth:`save` wrote.

        Raises
        ------
        ValueError
            If the file is damaged, or holds something else, or a network without a state.
        """
        description, arrays = read_archive(path, KIND)
        if "state" not in description:
            raise ValueError(
                f"{os.fspath(path)} holds a network without a state: load it as a QuantisedNetwork"
            )
        kept = {
            name.removeprefix("state/"): array
            for name, array in arrays.items()
            if name.startswith("state/")
        }
        state = RunState.restore(description["state"], kept)
        return cls(QuantisedNetwork.restore(description, arrays), state)
