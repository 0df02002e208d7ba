"""The program: everything that the software hands to the gateware."""

import os
from dataclasses import asdict, dataclass

import numpy as np
from amaranth.lib import data

from .archive import read_archive, write_archive
from .config import ChipConfig
from .packing import unpack_rows
from .registers import regions

__all__ = ["KIND", "PlacedPopulation", "PlacedProjection", "Program", "ProgramError"]

KIND = ("program", 1)
"""What a program file says that it is, and the version of its layout."""


class ProgramError(ValueError):
    """A program file that cannot be used, or a program that contradicts itself."""


@dataclass(frozen=True)
class PlacedPopulation:
    """A population, and where the core keeps it.

    Parameters
    ----------
    name : str
        Name in the network.
    size : int
        Neurons.
    source : int
        Number by which its spikes are known on the event bus.
    row : int or None
        First row of its neurons; None for an input population.
    scale : float
        Real value of one unit of weight, for converting potentials back.
    fraction : int
        Fractional bits of the potential.
    """

    name: str
    size: int
    source: int
    row: int | None = None
    scale: float = 1.0
    fraction: int = 0


@dataclass(frozen=True)
class PlacedProjection:
    """A dense projection, and where the core keeps its weights.

    Parameters
    ----------
    source, target : str
        Names of the populations.
    shape : tuple of int
        Presynaptic and postsynaptic neurons.
    weight_row : int
        First row of its weights; each presynaptic neuron has ``ceil(post / lanes)`` rows.
    """

    source: str
    target: str
    shape: tuple[int, int]
    weight_row: int


@dataclass(frozen=True, eq=False)
class Program:
    """Configuration of the hardware, and the contents of its memories for one network.

    Parameters
    ----------
    config : ChipConfig
        Hardware that the program runs on.
    images : dict of str to (rows, words) uint32 array
        Memory contents by region, from row 0; rows that are not given do not matter.
    populations : tuple of PlacedPopulation
        Where each population is.
    projections : tuple of PlacedProjection
        Where the weights are.
    """

    config: ChipConfig
    images: dict[str, np.ndarray]
    populations: tuple[PlacedPopulation, ...]
    projections: tuple[PlacedProjection, ...]

    def __post_init__(self) -> None:
        known = regions(self.config)
        for name, image in self.images.items():
            if name not in known:
                raise ProgramError(f"The configured hardware has no memory {name!r}")
            region = known[name]
            if image.ndim != 2 or image.shape[1] != region.words or len(image) > region.rows:
                raise ProgramError(
                    f"Image of memory {name!r} must be at most ({region.rows}, {region.words}) "
                    f"words, not {image.shape}"
                )

    @property
    def inputs(self) -> tuple[PlacedPopulation, ...]:
        """Populations that the host drives."""
        return tuple(p for p in self.populations if p.row is None)

    @property
    def neurons(self) -> tuple[PlacedPopulation, ...]:
        """Populations that the core computes."""
        return tuple(p for p in self.populations if p.row is not None)

    @property
    def recorded(self) -> tuple[PlacedPopulation, ...]:
        """Populations whose spikes the host receives."""
        bits = unpack_rows(data.ArrayLayout(1, 32), self.images["record"])[""].ravel()
        return tuple(p for p in self.populations if bits[p.source])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to one file; an existing one is replaced only when all is written."""
        description = {
            "config": self.config.to_dict(),
            "config_hash": f"{self.config.hash:016x}",
            "populations": [asdict(p) for p in self.populations],
            "projections": [asdict(p) for p in self.projections],
        }
        write_archive(path, KIND, description, self.images)

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "Program":
        """Read a program from a file that :meth:`save` wrote.

        Raises
        ------
        ProgramError
            If the file is truncated, damaged, no program, or of a version that is not known.
        FileNotFoundError
            If there is no such file.
        """
        try:
            description, images = read_archive(path, KIND)
            config = ChipConfig.from_dict(description["config"])
            populations = tuple(PlacedPopulation(**p) for p in description["populations"])
            projections = tuple(
                PlacedProjection(**{**p, "shape": tuple(p["shape"])})
                for p in description["projections"]
            )
            config_hash = description["config_hash"]
        except ValueError as error:
            raise ProgramError(f"{error}; compile the network again") from error
        except (KeyError, TypeError) as error:
            raise ProgramError(
                f"{os.fspath(path)} lacks a part of a program; compile the network again"
            ) from error
        if f"{config.hash:016x}" != config_hash:
            raise ProgramError(
                f"{os.fspath(path)} was written for hardware that this version cannot build; "
                f"compile the network again"
            )
        return cls(config, images, populations, projections)
