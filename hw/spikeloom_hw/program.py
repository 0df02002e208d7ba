"""The program: everything that the software hands to the gateware."""

import hashlib
import io
import json
import os
import zipfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from amaranth.lib import data

from .config import ChipConfig
from .packing import unpack_rows
from .registers import regions

__all__ = ["PlacedPopulation", "PlacedProjection", "Program", "ProgramError"]

_FORMAT = "spikeloom-program"
_VERSION = 1


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
        """Write the program to one file; an existing file is replaced only when all is written."""
        arrays = {f"images/{name}.npy": _to_bytes(image) for name, image in self.images.items()}
        digest = hashlib.sha256()
        for name in sorted(arrays):
            digest.update(name.encode() + arrays[name])
        header = {
            "format": _FORMAT,
            "version": _VERSION,
            "config": self.config.to_dict(),
            "config_hash": f"{self.config.hash:016x}",
            "populations": [asdict(p) for p in self.populations],
            "projections": [asdict(p) for p in self.projections],
            "images": digest.hexdigest(),
        }
        partial = Path(f"{os.fspath(path)}.part")
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("program.json", json.dumps(header, indent=1))
            for name, content in arrays.items():
                archive.writestr(name, content)
        os.replace(partial, path)

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
        name = os.fspath(path)
        try:
            with zipfile.ZipFile(path) as archive:
                header = json.loads(archive.read("program.json"))
                arrays = {n: archive.read(n) for n in archive.namelist() if n != "program.json"}
        except (zipfile.BadZipFile, KeyError, EOFError, json.JSONDecodeError) as error:
            raise ProgramError(
                f"{name} is not a whole Spikeloom program file (truncated, or another kind of "
                f"file); compile the network again"
            ) from error
        _check_header(name, header, arrays)
        config = ChipConfig.from_dict(header["config"])
        if f"{config.hash:016x}" != header["config_hash"]:
            raise ProgramError(f"{name} was written for hardware that this version cannot build")
        images = {
            n.removeprefix("images/").removesuffix(".npy"): np.load(io.BytesIO(content))
            for n, content in arrays.items()
        }
        return cls(
            config,
            images,
            tuple(PlacedPopulation(**p) for p in header["populations"]),
            tuple(
                PlacedProjection(**{**p, "shape": tuple(p["shape"])}) for p in header["projections"]
            ),
        )


def _to_bytes(image: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(image, np.uint32))
    return buffer.getvalue()


def _check_header(name: str, header: Any, arrays: dict[str, bytes]) -> None:
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ProgramError(f"{name} is not a Spikeloom program file; compile the network again")
    if header["version"] != _VERSION:
        raise ProgramError(
            f"{name} is a program of version {header['version']}, this software reads version "
            f"{_VERSION}; compile the network again"
        )
    digest = hashlib.sha256()
    for entry in sorted(arrays):
        digest.update(entry.encode() + arrays[entry])
    if digest.hexdigest() != header["images"]:
        raise ProgramError(f"{name} is damaged: its memory images do not match their checksum")
