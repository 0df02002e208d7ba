"""The program: everything that the software hands to the gateware."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from amaranth.lib import data

from .archive import read_archive, write_archive
from .config import ChipConfig, Walk
from .neuron import Output
from .packing import unpack_rows
from .placement import PlacedPart, PlacedPopulation, PlacedProjection, PlacedSlice
from .registers import on_core, regions

__all__ = [
    "KIND",
    "PlacedPart",
    "PlacedPopulation",
    "PlacedProjection",
    "PlacedSlice",
    "Program",
    "ProgramError",
]

KIND = ("program", 3)
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
        return tuple(p for p in self.populations if not p.slices)

    @property
    def neurons(self) -> tuple[PlacedPopulation, ...]:
        """Populations that the cores compute."""
        return tuple(p for p in self.populations if p.slices)

    @property
    def recorded(self) -> tuple[PlacedPopulation, ...]:
        """Populations whose events the host receives."""
        bits = unpack_rows(data.ArrayLayout(1, 32), self.images["record"])[""].ravel()
        return tuple(p for p in self.populations if bits[p.source])

    @property
    def plastic(self) -> tuple[PlacedProjection, ...]:
        """Projections that learn, in the order in which they do in a step."""
        found = [p for p in self.projections if p.turn is not None]
        return tuple(sorted(found, key=lambda p: p.turn or 0))

    def population(self, name: str) -> PlacedPopulation:
        """Return the population called ``name``."""
        for population in self.populations:
            if population.name == name:
                return population
        known = ", ".join(repr(p.name) for p in self.populations)
        raise ValueError(f"There is no population {name!r}; the program has {known}")

    def weights_of(
        self, projection: PlacedProjection, parts: Sequence[Mapping[str, np.ndarray]]
    ) -> np.ndarray:
        """Find the weights of a projection in rows that were read back.

        Parameters
        ----------
        projection : PlacedProjection
            One of ``projections``.
        parts : sequence of mappings of str to int array
            The unpacked ``rows`` rows of its ``memory`` from ``weight_row`` on, for each of its
            parts.

        Returns
        -------
        int64 array
            (pre, post) weights; (out, in / groups, height, width) ones of a convolution. The
            synapses of a sparse projection that join the same two neurons are added up.
        """
        source, target = self.population(projection.source), self.population(projection.target)
        lanes = self.config.core.lanes
        if projection.kind is Walk.SPARSE:
            synapses = self.synapses_of(projection, parts)
            weights = np.zeros((source.size, target.size), np.int64)
            np.add.at(weights, (synapses["pre"], synapses["post"]), synapses["weight"])
            return weights
        weights = np.zeros(projection.shape, np.int64)
        for piece, columns in zip(target.slices, parts, strict=True):
            view, members = target.view(piece, lanes), target.members(piece, lanes)
            rows, lane = projection.locate(source, view, lanes)
            found = columns[""][rows, lane]
            if weights.ndim == 2:
                weights[:, members] = found
            else:
                # A kernel is whole wherever pixels of its output are.
                weights[slice(None) if target.stride else members] = found
        return weights

    def synapses_of(
        self, projection: PlacedProjection, parts: Sequence[Mapping[str, np.ndarray]]
    ) -> dict[str, np.ndarray]:
        """Find the synapses of a sparse projection in rows that were read back.

        Parameters
        ----------
        projection, parts
            As for :meth:`weights_of`.

        Returns
        -------
        dict of str to (synapses,) int64 array
            ``pre``, ``post``, ``weight``, and ``delay`` on top of that of the projection; the
            number of its ``part``, ``row``, counted from its ``weight_row``, and ``lane``. A lane
            without a synapse has the weight 0, so synapses of that weight are left out, unless the
            hardware lets sparse projections learn and marks the others.
        """
        found = [
            self._part_synapses(projection, number, columns) for number, columns in enumerate(parts)
        ]
        return {name: np.concatenate([part[name] for part in found]) for name in found[0]}

    def _part_synapses(
        self, projection: PlacedProjection, number: int, columns: Mapping[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Synapses of a part of a sparse projection."""
        source, target = self.population(projection.source), self.population(projection.target)
        lanes, piece = self.config.core.lanes, target.slices[number]
        first, words = self.words_of(projection, projection.parts[number])
        begins = np.cumsum(words) - words
        owned = np.repeat(first - begins, words) + np.arange(words.sum())
        owner = np.repeat(np.arange(source.span), words)
        which, lane = np.nonzero(columns.get("used", columns["weight"])[owned])
        at = owned[which], lane
        index = (columns["row"][at] - piece.row) * lanes + lane
        return {
            "pre": source.to_neuron(owner[which]),
            "post": target.members(piece, lanes)[target.view(piece, lanes).to_neuron(index)],
            "weight": columns["weight"][at],
            "delay": columns["delay"][at] if "delay" in columns else np.zeros_like(lane),
            "part": np.full_like(lane, number),
            "row": at[0],
            "lane": lane,
        }

    def words_of(
        self, projection: PlacedProjection, part: PlacedPart
    ) -> tuple[np.ndarray, np.ndarray]:
        """Tell the words of each presynaptic neuron in a part of a sparse projection.

        Returns
        -------
        tuple of (indices,) int64 array
            First word, counted from ``weight_row``, and number of words.
        """
        memory = on_core("pointers", part.core)
        image = self.images[memory][part.pointer :][: self.population(projection.source).span]
        pointers = unpack_rows(regions(self.config)[memory].layout, image)
        return pointers["first"] - part.weight_row, pointers["words"]

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
    return PlacedPopulation(**{
        **plain,
        "shape": plain["shape"] and tuple(plain["shape"]),
        "slices": tuple(PlacedSlice(**piece) for piece in plain["slices"]),
        "output": Output(plain["output"]),
    })


def _projection(plain: dict[str, Any]) -> PlacedProjection:
    return PlacedProjection(**{
        **plain,
        "shape": tuple(plain["shape"]),
        "kind": Walk(plain["kind"]),
        "parts": tuple(PlacedPart(**part) for part in plain["parts"]),
    })
