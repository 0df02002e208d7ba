"""The program: everything that the software hands to the gateware."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from amaranth.lib import data

from .archive import read_archive, write_archive
from .config import ChipConfig, Walk
from .neuron import Output
from .packing import unpack_rows
from .placement import PlacedPopulation, PlacedProjection
from .registers import regions

__all__ = [
    "KIND",
    "PlacedPopulation",
    "PlacedProjection",
    "Program",
    "ProgramError",
]

KIND = ("program", 2)
"""What a program file says that it is, and the version of its layout."""


class ProgramError(ValueError):
    """A program file that cannot be used, or a program that contradicts itself."""


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
    network : str
        Fingerprint of the network, by which it is known again; empty if it is not known.
    """

    config: ChipConfig
    images: dict[str, np.ndarray]
    populations: tuple[PlacedPopulation, ...]
    projections: tuple[PlacedProjection, ...]
    network: str = ""

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
        """Populations whose events the host receives."""
        bits = unpack_rows(data.ArrayLayout(1, 32), self.images["record"])[""].ravel()
        return tuple(p for p in self.populations if bits[p.source])

    @property
    def plastic(self) -> tuple[PlacedProjection, ...]:
        """Projections that learn, in the order in which they do in a step."""
        found = [p for p in self.projections if p.entry is not None]
        return tuple(sorted(found, key=lambda p: p.entry or 0))

    def population(self, name: str) -> PlacedPopulation:
        """Return the population called ``name``."""
        for population in self.populations:
            if population.name == name:
                return population
        known = ", ".join(repr(p.name) for p in self.populations)
        raise ValueError(f"There is no population {name!r}; the program has {known}")

    def weights_of(
        self, projection: PlacedProjection, columns: Mapping[str, np.ndarray]
    ) -> np.ndarray:
        """Find the weights of a projection in rows that were read back.

        Parameters
        ----------
        projection : PlacedProjection
            One of ``projections``.
        columns : mapping of str to int array
            The unpacked ``rows`` rows of its ``memory`` from ``weight_row`` on.

        Returns
        -------
        int64 array
            (pre, post) weights; (out, in / groups, height, width) ones of a convolution. The
            synapses of a sparse projection that join the same two neurons are added up.
        """
        source, target = self.population(projection.source), self.population(projection.target)
        lanes = self.config.core.lanes
        if projection.kind is not Walk.SPARSE:
            rows, lane = projection.locate(source, target, lanes)
            return columns[""][rows, lane]
        pointers = unpack_rows(regions(self.config)["pointers"].layout, self.images["pointers"])
        words = pointers["words"][projection.pointer :][: source.span]
        owner = np.repeat(np.arange(source.span), words)
        # A lane without a synapse has the weight 0, whatever row it names.
        word, lane = np.nonzero(columns["weight"])
        row = columns["row"][word, lane] - (target.row or 0)
        weights = np.zeros((source.size, target.size), np.int64)
        pre, post = source.to_neuron(owner[word]), target.to_neuron(row * lanes + lane)
        np.add.at(weights, (pre, post), columns["weight"][word, lane])
        return weights

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the program to one file; an existing one is replaced only when all is written."""
        description = {
            "config": self.config.to_dict(),
            "config_hash": f"{self.config.hash:016x}",
            "populations": [asdict(p) for p in self.populations],
            "projections": [asdict(p) for p in self.projections],
            "network": self.network,
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
            populations = tuple(_population(p) for p in description["populations"])
            projections = tuple(_projection(p) for p in description["projections"])
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
        network = str(description.get("network", ""))
        return cls(config, images, populations, projections, network)


def _population(plain: dict[str, Any]) -> PlacedPopulation:
    shape = plain["shape"] and tuple(plain["shape"])
    return PlacedPopulation(**{**plain, "shape": shape, "output": Output(plain["output"])})


def _projection(plain: dict[str, Any]) -> PlacedProjection:
    return PlacedProjection(**{
        **plain,
        "shape": tuple(plain["shape"]),
        "kind": Walk(plain["kind"]),
    })
