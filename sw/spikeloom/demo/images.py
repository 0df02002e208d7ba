"""The network and the images that are shipped with the package."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spikeloom_hw.validate import check_choice
from spikeloom_sim.quantised import QuantisedNetwork

from .. import encode

__all__ = ["DemoImages", "load_digits", "load_network"]

_HERE = Path(__file__).parent
_LEVELS = 16
_NETWORKS = {8: "network.npz", 4: "network4.npz"}


@dataclass(frozen=True, eq=False)
class DemoImages:
    """Test images of MNIST, and how they become spikes.

    Parameters
    ----------
    images : (images, 28, 28) uint8 array
        Grey values, 255 for ink.
    labels : (images,) uint8 array
        Digits.
    steps, gain, stagger : int
        Settings of :func:`spikeloom.encode.rate` with which the network was trained.
    """

    images: np.ndarray
    labels: np.ndarray
    steps: int
    gain: int
    stagger: int

    @classmethod
    def load(cls, path: Path = _HERE / "images.npz") -> "DemoImages":
        """Read the images that are shipped with the package."""
        with np.load(path, allow_pickle=False) as data:
            settings = {name: int(data[name]) for name in ("steps", "gain", "stagger")}
            return cls(data["images"], data["labels"], **settings)

    def first(self, count: int) -> "DemoImages":
        """Keep the first ``count`` images."""
        settings = self.steps, self.gain, self.stagger
        return DemoImages(self.images[:count], self.labels[:count], *settings)

    def spikes(self) -> np.ndarray:
        """Encode the images: (steps, images, 784) bool array."""
        flat = self.images.reshape(len(self.images), -1)
        return encode.rate(flat, self.steps, gain=self.gain, stagger=self.stagger)


def load_digits() -> tuple[np.ndarray, np.ndarray]:
    """Read the images to learn from that are shipped with the package.

    They are the first 2,000 training images of MNIST in 16 levels of grey, in which
    ``examples/mnist/ship.py`` packs them.

    Returns
    -------
    images : (2000, 784) uint8 array
        Grey values, 255 for ink.
    labels : (2000,) uint8 array
        Digits.
    """
    with np.load(_HERE / "digits.npz", allow_pickle=False) as data:
        levels, labels = data["levels"], data["labels"]
    return (levels * (255 // (_LEVELS - 1))).reshape(len(levels), -1), labels


def load_network(bits: int = 8) -> QuantisedNetwork:
    """Read a trained network that is shipped with the package, 784-128-10.

    Parameters
    ----------
    bits : int
        Bits of a weight, 8 or 4. Each was trained with weights on its own grid.
    """
    check_choice("Weight bits", bits, tuple(_NETWORKS))
    return QuantisedNetwork.load(_HERE / _NETWORKS[bits])
