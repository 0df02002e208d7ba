"""From recorded speech to spikes: a bank of filters, levels, and events when they change."""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["BANDS", "INPUTS", "STEPS", "Recordings", "all_levels", "encode", "levels"]

RATE = 8000
HOP = 100
WINDOW = 256
BANDS = 40
LOWEST_HZ, HIGHEST_HZ = 80.0, 3900.0
RANGE_DB = 50.0
STEPS = 64
CHANGE = 0.12
INPUTS = 3 * BANDS

Levels = npt.NDArray[np.float32]
Spikes = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Recordings:
    """
    Recordings of spoken digits, 8 kHz.

    Attributes
    ----------
    pcm : numpy.ndarray
        Samples of all recordings, int16.
    offset : numpy.ndarray
        Where each recording begins in ``pcm``, and the end of the last.
    label : numpy.ndarray
        The digit of each recording.
    index : numpy.ndarray
        Which of a speaker's 50 recordings of a digit it is; below 5 are the test part.
    """

    pcm: npt.NDArray[np.int16]
    offset: npt.NDArray[np.int64]
    label: npt.NDArray[np.uint8]
    index: npt.NDArray[np.uint8]

    @classmethod
    def load(cls, path: Path) -> "Recordings":
        """Read recordings from an .npz file."""
        if not path.is_file():
            raise SystemExit(
                f"There is no {path}; set SPIKELOOM_DATA to a folder that holds fsdd/fsdd_8khz.npz"
            )
        with np.load(path) as data:
            return cls(*(data[name] for name in cls.__dataclass_fields__))

    @staticmethod
    def default_path() -> Path:
        """Tell where ``SPIKELOOM_DATA`` holds the recordings."""
        return Path(os.environ.get("SPIKELOOM_DATA", "data")) / "fsdd" / "fsdd_8khz.npz"

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, k: int) -> npt.NDArray[np.int16]:
        """Return the samples of recording k."""
        return self.pcm[self.offset[k] : self.offset[k + 1]]


def _filters() -> npt.NDArray[np.float64]:
    """Return the triangular mel filters, shape (frequencies, bands)."""
    lowest, highest = 2595 * np.log10(1 + np.array([LOWEST_HZ, HIGHEST_HZ]) / 700)
    mel = np.linspace(lowest, highest, BANDS + 2)
    corner = 700 * (10 ** (mel / 2595) - 1)
    low, centre, high = corner[:-2], corner[1:-1], corner[2:]
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)[:, None]
    rising, falling = (hertz - low) / (centre - low), (high - hertz) / (high - centre)
    return np.maximum(0, np.minimum(rising, falling))


def levels(samples: npt.NDArray[np.int16]) -> Levels:
    """
    Tell how loud each band of frequencies is in each frame.

    Parameters
    ----------
    samples : numpy.ndarray
        A recording of dtype int16, 8 kHz.

    Returns
    -------
    numpy.ndarray
        Levels of dtype float32, shape (frames, 40), a frame every 12.5 ms: 1 at the loudest band
        of the loudest frame, 0 at 50 dB below it and less.
    """
    count = max(1, 1 + (len(samples) - WINDOW) // HOP)
    padded = np.pad(samples.astype(np.float64), (0, max(0, WINDOW - len(samples))))
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][:count]
    power = np.abs(np.fft.rfft(frames * np.hanning(WINDOW))) ** 2 @ _filters()
    decibel = 10 * np.log10(power + 1e-9)
    return np.clip(1 + (decibel - decibel.max()) / RANGE_DB, 0, 1).astype(np.float32)


def encode(level: Levels) -> Spikes:
    """
    Turn levels into spikes.

    Each band has three inputs. The first adds up the level and spikes whenever the sum reaches 1,
    which is then subtracted. The others follow the level by at most 0.12 a step: one spikes when
    it follows upwards, one when it follows downwards.

    Parameters
    ----------
    level : numpy.ndarray
        Levels of dtype float32, shape (n, steps, 40).

    Returns
    -------
    numpy.ndarray
        Spikes of dtype bool, shape (n, steps, 120): 40 sums, 40 rises, 40 falls.
    """
    spikes = np.zeros((*level.shape[:2], 3, BANDS), bool)
    total, followed = np.zeros((2, len(level), BANDS), np.float32)
    for t in range(level.shape[1]):
        now = level[:, t]
        total += now
        spikes[:, t, 0] = total >= 1
        total -= spikes[:, t, 0]
        spikes[:, t, 1] = now > followed + CHANGE
        spikes[:, t, 2] = now < followed - CHANGE
        followed += CHANGE * spikes[:, t, 1] - CHANGE * spikes[:, t, 2]
    return spikes.reshape(*level.shape[:2], INPUTS)


def all_levels(recordings: Recordings) -> Levels:
    """
    Return the levels of all recordings, shape (n, steps, 40).

    What is longer than 64 steps is cut, what is shorter is followed by silence.
    """
    result = np.zeros((len(recordings), STEPS, BANDS), np.float32)
    for k in range(len(recordings)):
        level = levels(recordings[k])[:STEPS]
        result[k, : len(level)] = level
    return result
