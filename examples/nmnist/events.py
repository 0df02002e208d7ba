"""Event recordings of N-MNIST: reading, splitting, distorting and binning them."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["SIDE", "STEPS", "STEP_US", "Distortion", "Recordings", "binned", "split"]

SIDE = 34
STEPS = 16
STEP_US = 20_000

Spikes = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Recordings:
    """
    Event recordings of an event camera in front of a digit.

    Attributes
    ----------
    addr : numpy.ndarray
        ``x | y << 6 | polarity << 12`` of each event, uint16.
    dt_us : numpy.ndarray
        Microseconds from the event before, or from the start, uint16.
    offset : numpy.ndarray
        Where each recording begins in ``addr``, and the end of the last.
    label : numpy.ndarray
        The digit of each recording.
    id : numpy.ndarray
        Number of the recording in N-MNIST's training set, from 1.
    """

    addr: npt.NDArray[np.uint16]
    dt_us: npt.NDArray[np.uint16]
    offset: npt.NDArray[np.int64]
    label: npt.NDArray[np.uint8]
    id: npt.NDArray[np.uint16]

    @classmethod
    def load(cls, path: Path) -> "Recordings":
        """Read recordings from a file that :meth:`save` wrote."""
        if not path.is_file():
            raise SystemExit(
                f"There is no {path}; set SPIKELOOM_DATA to a folder that holds "
                "nmnist/nmnist_train1000.npz"
            )
        with np.load(path) as data:
            return cls(*(data[name] for name in cls.__dataclass_fields__))

    @staticmethod
    def default_path() -> Path:
        """Tell where ``SPIKELOOM_DATA`` holds the recordings."""
        return Path(os.environ.get("SPIKELOOM_DATA", "data")) / "nmnist" / "nmnist_train1000.npz"

    def save(self, path: Path) -> None:
        """Write the recordings to a compressed file."""
        np.savez_compressed(path, **{n: getattr(self, n) for n in self.__dataclass_fields__})

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, k: int) -> tuple[npt.NDArray[np.int64], ...]:
        """Return x, y, polarity (1: brighter) and microseconds of the events of recording k."""
        part = slice(self.offset[k], self.offset[k + 1])
        addr = self.addr[part].astype(np.int64)
        return addr & 63, addr >> 6 & 63, addr >> 12, np.cumsum(self.dt_us[part], dtype=np.int64)

    def choose(self, picked: npt.ArrayLike) -> "Recordings":
        """Return the recordings of the given indices, in that order."""
        index = np.asarray(picked)
        parts = [np.arange(*self.offset[k : k + 2].tolist()) for k in index]
        events = np.concatenate(parts)
        offset = np.concatenate([[0], np.cumsum([len(part) for part in parts])])
        return Recordings(
            self.addr[events], self.dt_us[events], offset, self.label[index], self.id[index]
        )


def split(recordings: Recordings) -> dict[str, npt.NDArray[np.int64]]:
    """
    Split the recordings by their id.

    Returns
    -------
    dict
        Indices of the parts: "held_out" (ids that 4 divides: a quarter), "validation" (ids that
        leave 1 when divided by 8: an eighth) and "train" (the others).
    """
    held_out, validation = recordings.id % 4 == 0, recordings.id % 8 == 1
    return {
        "held_out": np.flatnonzero(held_out),
        "validation": np.flatnonzero(validation),
        "train": np.flatnonzero(~held_out & ~validation),
    }


@dataclass(frozen=True)
class Distortion:
    """
    How far recordings are distorted at random while training.

    Attributes
    ----------
    shift : float
        Largest shift in pixels, each way.
    turn : float
        Largest rotation in radians.
    stretch : float
        Largest relative change of the size, of each axis on its own.
    tempo : float
        Largest relative change of the duration.
    delay_us : float
        Largest change of the start in microseconds.
    loss : float
        Largest share of events that get lost.
    flips : float
        Largest share of events whose polarity is inverted.
    noise : int
        Largest number of events added anywhere at any time.
    """

    shift: float = 2.5
    turn: float = 0.15
    stretch: float = 0.1
    tempo: float = 0.04
    delay_us: float = 6000.0
    loss: float = 0.2
    flips: float = 0.02
    noise: int = 60


def _distorted(
    events: tuple[npt.NDArray[np.int64], ...], amount: Distortion, rng: np.random.Generator
) -> tuple[npt.NDArray[np.int64], ...]:
    kept = rng.random(len(events[0])) >= amount.loss * rng.random()
    x, y, p, t = (values[kept] for values in events)
    angle = amount.turn * rng.uniform(-1, 1)
    wide, tall = 1 + amount.stretch * rng.uniform(-1, 1, 2)
    u, v = x - (SIDE - 1) / 2, y - (SIDE - 1) / 2
    centre = (SIDE - 1) / 2 + amount.shift * rng.uniform(-1, 1, 2)
    moved_x = wide * (np.cos(angle) * u - np.sin(angle) * v) + centre[0]
    moved_y = tall * (np.sin(angle) * u + np.cos(angle) * v) + centre[1]
    moved_t = t * (1 + amount.tempo * rng.uniform(-1, 1)) + amount.delay_us * rng.uniform(-1, 1)
    p = p ^ (rng.random(len(p)) < amount.flips * rng.random())
    added = rng.integers(0, amount.noise + 1)
    stray = rng.integers(0, [[SIDE], [SIDE], [2], [STEPS * STEP_US]], (4, added))
    moved = np.rint(moved_x), np.rint(moved_y), p, np.maximum(moved_t, 0)
    together = [np.concatenate([a, b]).astype(np.int64) for a, b in zip(moved, stray, strict=True)]
    x, y = together[:2]
    inside = (x >= 0) & (x < SIDE) & (y >= 0) & (y < SIDE)
    return tuple(values[inside] for values in together)


def binned(
    recordings: Recordings,
    picked: npt.ArrayLike,
    amount: Distortion | None = None,
    rng: np.random.Generator | None = None,
) -> Spikes:
    """
    Turn recordings into spikes: a pixel spikes in a step in which it had any event.

    Parameters
    ----------
    recordings : Recordings
        Where to take the events from.
    picked : array-like of int
        Indices of the recordings.
    amount, rng : Distortion and numpy.random.Generator, optional
        Distort the events at random first.

    Returns
    -------
    numpy.ndarray
        Spikes of dtype bool, shape (n, steps, polarity, y, x). Later events are left out.
    """
    index = np.asarray(picked)
    spikes = np.zeros((len(index), STEPS, 2, SIDE, SIDE), bool)
    for n, k in enumerate(index):
        events = recordings[k]
        if amount is not None and rng is not None:
            events = _distorted(events, amount, rng)
        x, y, p, t = events
        early = t < STEPS * STEP_US
        spikes[n, t[early] // STEP_US, p[early], y[early], x[early]] = True
    return spikes
