"""Files that commands read and write, and what is said when they are not what they should be."""

import os
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from spikeloom_hw.archive import archive_kind
from spikeloom_hw.program import KIND as PROGRAM
from spikeloom_hw.program import PlacedPopulation, Program, ProgramError
from spikeloom_sim.quantised import KIND as NETWORK
from spikeloom_sim.quantised import QuantisedNetwork, QuantisedPopulation
from spikeloom_sim.stimulus import as_stimulus

__all__ = [
    "check_output",
    "read_network",
    "read_program",
    "read_spikes",
    "read_work",
]

# What the readers of archives raise, beyond ValueError and OSError, at a file that was altered.
_DAMAGE = (
    AttributeError,
    EOFError,
    KeyError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    TypeError,
    zipfile.BadZipFile,
    zlib.error,
)


def read_network(path: Path) -> QuantisedNetwork:
    """Read a quantised network."""
    try:
        return QuantisedNetwork.load(path)
    except _DAMAGE as error:
        raise ValueError(f"{path} is not a complete quantised network file") from error


def read_program(path: Path) -> Program:
    """Read a program."""
    try:
        return Program.load(path)
    except _DAMAGE as error:
        raise ProgramError(f"{path} is damaged; compile the network again") from error


def read_work(path: Path) -> QuantisedNetwork | Program:
    """Read a quantised network or a program, whichever the file holds."""
    kind = archive_kind(path)
    if kind == PROGRAM[0]:
        return read_program(path)
    if kind == NETWORK[0]:
        return read_network(path)
    raise ValueError(
        f"{path} is neither a whole network (QuantisedNetwork.save) nor a whole program "
        f"(spikeloom build)"
    )


def read_spikes(
    path: Path, inputs: Sequence[QuantisedPopulation | PlacedPopulation]
) -> dict[str, np.ndarray]:
    """Read what the inputs send: (steps, batch, neurons) arrays by input.

    Parameters
    ----------
    path : Path
        A .npy file with the array of the only input, or an .npz file with an array for each.
    inputs : sequence of populations
        The inputs; the array of a graded one holds its values, the others spikes.
    """
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                spikes: np.ndarray | dict[str, np.ndarray] = loaded
            else:
                spikes = {name: loaded[name] for name in loaded.files}
    except (*_DAMAGE, ValueError) as error:
        raise ValueError(f"{path} is not a whole .npy or .npz file of spikes") from error
    sizes = {p.name: p.size for p in inputs}
    try:
        return as_stimulus(sizes, spikes, {p.name: p.largest for p in inputs})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def check_output(path: Path) -> None:
    """Raise before the work is done if a file cannot be written after it."""
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of a file to write")
    if not path.parent.is_dir():
        raise ValueError(f"{path} cannot be written: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK):
        raise ValueError(f"{path} cannot be written: folder {path.parent} is read-only")
