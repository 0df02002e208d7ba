"""The images of MNIST for benchmarks that learn: all of them, or without the test images."""

from pathlib import Path

import click
import numpy as np

__all__ = ["HELD_OUT", "digits"]

HELD_OUT = click.option(
    "--held-out",
    default=0,
    show_default=True,
    help="Test on so many of the last training images, unlearned, instead of the test images.",
)

Digits = tuple[np.ndarray, np.ndarray]


def digits(path: Path, held_out: int = 0) -> tuple[Digits, Digits, str]:
    """Give (images, 784) uint8 and labels to learn from, the same to test on, and what these are.

    The settings of the examples were found with an eye on the test images; held-out images had no
    part in that.
    """
    with np.load(path) as data:
        images, labels = data["x_train"].reshape(-1, 784), data["y_train"]
        if held_out:
            first = len(images) - held_out
            learned, unseen = (images[:first], labels[:first]), (images[first:], labels[first:])
            return learned, unseen, "held-out"
        return (images, labels), (data["x_test"].reshape(-1, 784), data["y_test"]), "test"
