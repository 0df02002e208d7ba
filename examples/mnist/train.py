"""
Train the 784-128-10 network of leaky integrate-and-fire neurons on MNIST.

Backpropagation through time with a surrogate gradient. The second half of the epochs is
quantisation-aware: the forward pass rounds the weights to the grid of the hardware, of 8 bits or
as many as ``--bits`` says, the backward pass ignores the rounding. With fewer than 8 bits the
weights are also kept within 3 standard deviations, so that the grid is finer. 30 epochs take 5
minutes on one core of a 2-core machine; the result depends on the seed and the versions of PyTorch
and NumPy.

The float network has the semantics of the hardware without its rounding: in each step
``s = beta * v + x``, a spike if ``s > threshold``, which is then subtracted; there is no
delay between the layers, and the class is the output neuron with most spikes.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import numpy.typing as npt
import torch
from torch.nn import functional

from spikeloom.encode import STAGGER, rate

SIDE = 28
HIDDEN = 128
CLASSES = 10
CLIP = 3.0
TEST_BATCH = 500
EPOCHS = 30
OBTAIN = (
    "Give --mnist the path of mnist.npz (arrays x_train, y_train, x_test and y_test, as "
    "Keras distributes MNIST), or set SPIKELOOM_DATA to a folder that holds mnist/mnist.npz."
)

Weights = tuple[torch.Tensor, torch.Tensor]
Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Settings:
    """
    The network's constants and those of its training.

    Pairs are of the hidden and the output population. ``gain`` and ``stagger`` are the
    encoder's; ``slope`` is the surrogate gradient's; ``logit`` is what one output spike
    adds to its class's logit; ``reach`` is the largest random shift in pixels; ``bits``
    are those of a weight.
    """

    steps: int = 16
    gain: int = 128
    stagger: int = STAGGER
    beta: tuple[float, float] = (0.9, 0.95)
    threshold: tuple[float, float] = (1.0, 1.0)
    slope: float = 2.0
    logit: float = 0.5
    smoothing: float = 0.05
    batch: int = 128
    learning_rate: float = 2e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.15
    reach: int = 1
    bits: int = 8


def fire(excess: torch.Tensor, slope: float) -> torch.Tensor:
    """Return 1 where the excess is positive, else 0, with the slope of a fast sigmoid."""
    soft = excess / (1 + slope * excess.abs())
    return (excess > 0).to(excess.dtype) + (soft - soft.detach())


def population(drive: torch.Tensor, beta: float, threshold: float, slope: float) -> torch.Tensor:
    """
    Run one population over all steps.

    Parameters
    ----------
    drive : torch.Tensor
        Weighted sums of the incoming spikes, float32, shape (steps, batch, n).
    beta, threshold : float
        Decay factor and threshold of the population.
    slope : float
        Steepness of the surrogate gradient.

    Returns
    -------
    torch.Tensor
        Spikes as 0 and 1, float32, shape (steps, batch, n).
    """
    v = torch.zeros_like(drive[0])
    spikes = []
    for x in drive.unbind(0):
        s = beta * v + x
        z = fire(s / threshold - 1, slope)
        v = s - z * threshold
        spikes.append(z)
    return torch.stack(spikes)


def network(weights: Weights, images: Images, settings: Settings) -> torch.Tensor:
    """
    Count the output spikes that a batch of images causes.

    Parameters
    ----------
    weights : tuple of torch.Tensor
        Weights of shapes (784, 128) and (128, 10), float32.
    images : numpy.ndarray
        Images of dtype uint8, shape (batch, 28, 28).
    settings : Settings
        Constants of the network.

    Returns
    -------
    torch.Tensor
        Spike counts, float32, shape (batch, 10).
    """
    pixels = images.reshape(len(images), SIDE * SIDE)
    spikes = rate(pixels, settings.steps, gain=settings.gain, stagger=settings.stagger)
    train = torch.from_numpy(spikes).float()
    for w, beta, threshold in zip(weights, settings.beta, settings.threshold, strict=True):
        train = population(train @ w, beta, threshold, settings.slope)
    return train.sum(0)


def fake_quantise(w: torch.Tensor, bits: int) -> torch.Tensor:
    """Round weights to the symmetric grid of so many bits, passing the gradient through."""
    fixed = w.detach()
    delta = fixed.abs().max() / (2 ** (bits - 1) - 1)
    return w + (torch.round(fixed / delta) * delta - fixed)


def clip(weights: Weights) -> None:
    """Keep weights within a few standard deviations, in place."""
    with torch.no_grad():
        for w in weights:
            most = CLIP * float(w.std())
            w.clamp_(-most, most)


def shift(images: Images, reach: int, rng: np.random.Generator) -> Images:
    """
    Shift each image by a random number of pixels in both directions.

    Parameters
    ----------
    images : numpy.ndarray
        Images of dtype uint8, shape (batch, 28, 28).
    reach : int
        Largest shift in pixels.
    rng : numpy.random.Generator
        Source of the shifts.

    Returns
    -------
    numpy.ndarray
        Shifted images of dtype uint8, shape (batch, 28, 28), zero where nothing moved in.
    """
    padded = np.pad(images, ((0, 0), (reach, reach), (reach, reach)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (SIDE, SIDE), axis=(1, 2))
    rows, columns = rng.integers(0, 2 * reach + 1, (2, len(images)))
    return windows[np.arange(len(images)), rows, columns]


def accuracy(weights: Weights, images: Images, labels: Labels, settings: Settings) -> float:
    """Return the share of images classified correctly, the lowest index winning a tie."""
    correct = 0
    with torch.no_grad():
        for i in range(0, len(images), TEST_BATCH):
            counts = network(weights, images[i : i + TEST_BATCH], settings).numpy()
            correct += int(np.sum(counts.argmax(1) == labels[i : i + TEST_BATCH]))
    return correct / len(images)


def initial_weights() -> Weights:
    """Draw the weights, (784, 128) and (128, 10), from PyTorch's global generator."""
    return (
        torch.empty(SIDE * SIDE, HIDDEN).uniform_(-1 / SIDE, 1 / SIDE).requires_grad_(),
        torch.empty(HIDDEN, CLASSES).uniform_(-0.15, 0.15).requires_grad_(),
    )


def fit(images: Images, labels: Labels, settings: Settings, epochs: int, seed: int) -> Weights:
    """
    Train the network on images (n, 28, 28) of classes (n,), printing each epoch's mean loss.

    The seed fixes the initial weights, the order of the images and their shifts.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weights, size = initial_weights(), settings.batch
    batches, peak = len(images) // size, settings.learning_rate
    optimiser = torch.optim.AdamW(weights, lr=peak, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=epochs * batches, pct_start=settings.warm_up
    )
    start = time.perf_counter()
    for epoch in range(epochs):
        quantised, total = 2 * epoch >= epochs, 0.0
        for pick in rng.permutation(len(images))[: batches * size].reshape(batches, size):
            used = weights
            if quantised:
                first, second = (fake_quantise(w, settings.bits) for w in weights)
                used = (first, second)
            counts = network(used, shift(images[pick], settings.reach, rng), settings)
            loss = functional.cross_entropy(
                counts * settings.logit,
                torch.from_numpy(labels[pick]),
                label_smoothing=settings.smoothing,
            )
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            if quantised and settings.bits < 8:
                clip(weights)
            total += loss.item()
        mean, elapsed = total / batches, time.perf_counter() - start
        print(f"Epoch {epoch + 1}/{epochs}: loss {mean:.4f}, {elapsed:.0f} s", flush=True)
    return weights


def load(path: Path, part: str) -> tuple[Images, Labels]:
    """Read the images (n, 28, 28) and labels (n,) of the part "train" or "test"."""
    try:
        with np.load(path) as data:
            images, labels = data[f"x_{part}"], data[f"y_{part}"]
    except (OSError, KeyError, TypeError, ValueError, BadZipFile) as error:
        raise SystemExit(f"Cannot read MNIST from {path}. {OBTAIN}") from error
    if images.dtype != np.uint8 or images.shape != (len(labels), SIDE, SIDE):
        raise SystemExit(f"The images in {path} must be uint8 of shape (n, 28, 28). {OBTAIN}")
    return images, labels.astype(np.int64)


def arguments() -> argparse.Namespace:
    """Parse the command line, refusing what would fail only after the training."""
    folder = os.environ.get("SPIKELOOM_DATA")
    default = Path(folder) / "mnist" / "mnist.npz" if folder else None
    parser = argparse.ArgumentParser(description="Train the spiking network of the MNIST demo.")
    parser.add_argument("--mnist", type=Path, default=default, help="path of mnist.npz")
    parser.add_argument("--seed", type=int, default=1, help="seed (default: 1)")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help=f"default: {EPOCHS}")
    parser.add_argument("--bits", type=int, default=8, choices=range(2, 9), help="default: 8")
    parser.add_argument("--output", type=Path, default=Path("net.npz"), help="default: net.npz")
    chosen = parser.parse_args()
    if chosen.mnist is None:
        parser.error(OBTAIN)
    if chosen.epochs < 1:
        parser.error(f"--epochs must be at least 1, not {chosen.epochs}.")
    if chosen.seed < 0:
        parser.error(f"--seed must not be negative, not {chosen.seed}.")
    if chosen.output.suffix != ".npz" or not chosen.output.parent.is_dir():
        parser.error(f"--output must be an .npz file in an existing folder, not {chosen.output}.")
    return chosen


def main() -> None:
    """Train the network, measure it on the test images and save it."""
    chosen = arguments()
    settings = Settings(bits=chosen.bits)
    train, test = load(chosen.mnist, "train"), load(chosen.mnist, "test")
    torch.set_num_threads(1)
    weights = fit(*train, settings, chosen.epochs, chosen.seed)
    share = accuracy(weights, *test, settings)
    np.savez(
        chosen.output,
        w1=weights[0].detach().numpy(),
        w2=weights[1].detach().numpy(),
        beta=settings.beta,
        threshold=settings.threshold,
        steps=settings.steps,
        gain=settings.gain,
        stagger=settings.stagger,
        seed=chosen.seed,
        float_accuracy=share,
    )
    print(f"Float accuracy on {len(test[0])} test images: {share:.2%}; saved to {chosen.output}")


if __name__ == "__main__":
    main()
