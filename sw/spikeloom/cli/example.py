"""``spikeloom example``: a trained network and real images, as files to try everything with."""

from pathlib import Path

import click
import numpy as np

from spikeloom_hw.folder import staged

from ..demo import DemoImages
from ..demo.images import load_network
from .report import Outcome, Report, command

__all__ = ["example"]


@click.command()
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), metavar="DIR")
@click.option(
    "--bits",
    default="8",
    show_default=True,
    type=click.Choice(["8", "4"]),
    help="Bits of a weight; with 4, the network takes half the memory.",
)
@click.option(
    "--images",
    default=10,
    show_default=True,
    type=click.IntRange(min=1, max=200),
    help="How many test images of MNIST.",
)
@command
def example(report: Report, output: Path, bits: str, images: int) -> Outcome:
    """Write a trained network, images of digits as spikes, and their labels.

    The network is mnist.npz, 784-128-10; digits.npy has the spikes, (steps, images, 784), and
    labels.npy the digits. They are made for ``spikeloom check``, ``build``, ``simulate`` and
    ``run``.
    """
    network, chosen = load_network(int(bits)), DemoImages.load().first(images)
    with staged(output) as stage:
        network.save(stage / "mnist.npz")
        np.save(stage / "digits.npy", chosen.spikes())
        np.save(stage / "labels.npy", chosen.labels)
        names = sorted(file.name for file in stage.iterdir())
    said = {
        "mnist.npz": f"a network 784-128-10, trained on MNIST, with weights of {bits} bits",
        "digits.npy": f"{images} images as spikes, {chosen.steps} steps each",
        "labels.npy": "what they show",
    }
    report.table(f"{output}", ("file", "what"), list(said.items()))
    return Outcome({
        "folder": output,
        "files": names,
        "bits": int(bits),
        "images": images,
        "steps": chosen.steps,
    })
