"""
Train a convolutional spiking network on the events of N-MNIST.

Two layers of convolution and a dense layer, all of integrate-and-fire neurons, are trained by
backpropagation through time with a surrogate gradient. Only 750 recordings are there to learn
from. So a small network learns from them how the camera turns an image into events, and renders
the images of MNIST that none of the 1000 recordings shows; the spiking network learns from
both. In the second half the forward pass rounds the weights to the 8-bit grid of the hardware.

The float network has the semantics of the hardware without its rounding: in each step
``s = beta * v + x``, a spike if ``s > threshold``, which is then subtracted; there is no delay
between the layers, and the class is the output neuron with most spikes.
"""

import argparse
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from events import SIDE, STEP_US, STEPS, Distortion, Recordings, binned, split
from render import fit_camera, render
from torch.nn import functional

CLASSES = 10
WEIGHT_MAX = 127
TEST_BATCH = 125

Weights = dict[str, torch.Tensor]


@dataclass(frozen=True)
class Settings:
    """
    The network's constants and those of its training.

    ``channels``, ``kernel``, ``stride`` and ``padding`` are of the layers of convolution;
    ``beta`` and ``threshold`` of all layers. ``slope`` is the surrogate gradient's; ``logit`` is
    what one output spike adds to its class's logit; ``activity`` is what a spike of each layer of
    convolution costs, in loss per 1000 spikes. A batch holds ``rendered`` and ``recorded`` items.
    """

    channels: tuple[int, ...] = (16, 32)
    kernel: tuple[int, ...] = (5, 3)
    stride: tuple[int, ...] = (2, 2)
    padding: tuple[int, ...] = (2, 1)
    beta: tuple[float, ...] = (1.0, 1.0, 1.0)
    threshold: tuple[float, ...] = (1.0, 1.0, 1.0)
    slope: float = 2.0
    logit: float = 0.7
    smoothing: float = 0.02
    activity: float = 0.01
    rendered: int = 48
    recorded: int = 16
    learning_rate: float = 4e-3
    weight_decay: float = 1e-4
    warm_up: float = 0.15
    camera_epochs: int = 16


class Population(torch.autograd.Function):
    """Neurons over all steps; backwards, the step has the slope of a fast sigmoid."""

    @staticmethod
    def forward(
        ctx: Any, drive: torch.Tensor, beta: float, threshold: float, slope: float
    ) -> torch.Tensor:
        """Return the spikes, 0 or 1, that the drive (steps, batch, ...) causes."""
        potential, spikes = torch.empty_like(drive), torch.empty_like(drive)
        v = torch.zeros_like(drive[0])
        for x, s, z in zip(drive, potential, spikes, strict=True):
            torch.add(x, v, alpha=beta, out=s)
            torch.gt(s, threshold, out=z)
            torch.sub(s, z, alpha=threshold, out=v)
        ctx.save_for_backward(potential)
        ctx.constants = beta, threshold, slope
        return spikes

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradient of the drive."""
        beta, threshold, slope = ctx.constants
        (potential,) = ctx.saved_tensors
        steepness = (potential / threshold - 1).abs_().mul_(slope).add_(1).square_().reciprocal_()
        drive = torch.empty_like(potential)
        ahead = torch.zeros_like(potential[0])
        for k in reversed(range(len(potential))):
            received = gradients[0][k] / threshold - ahead
            torch.addcmul(ahead, received, steepness[k], out=drive[k])
            torch.mul(drive[k], beta, out=ahead)
        return drive, None, None, None


def quantised(w: torch.Tensor) -> torch.Tensor:
    """Round weights to the grid of int8 codes -127..127, passing the gradient through."""
    fixed = w.detach()
    delta = fixed.abs().max() / WEIGHT_MAX
    return w + (torch.round(fixed / delta) * delta - fixed)


def network(
    weights: Weights, spikes: torch.Tensor, settings: Settings
) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """
    Count the output spikes that a batch causes.

    Parameters
    ----------
    weights : dict
        ``conv1``, ``conv2``: (output channel, input channel, y, x); ``dense``: (inputs, 10).
    spikes : torch.Tensor
        Spikes as 0 and 1, float32, shape (batch, steps, polarity, y, x).
    settings : Settings
        Constants of the network.

    Returns
    -------
    counts : torch.Tensor
        Output spikes, shape (batch, 10).
    activity : list of torch.Tensor
        Mean number of spikes per item in each layer of convolution.
    """
    batch, steps = spikes.shape[:2]
    x = spikes.transpose(0, 1).flatten(0, 1).contiguous(memory_format=torch.channels_last)
    constants = list(zip(settings.beta, settings.threshold, strict=True))
    activity = []
    for k, (stride, padding) in enumerate(zip(settings.stride, settings.padding, strict=True)):
        drive = functional.conv2d(x, weights[f"conv{k + 1}"], stride=stride, padding=padding)
        inner = drive.permute(0, 2, 3, 1).unflatten(0, (steps, batch))
        fired = Population.apply(inner, *constants[k], settings.slope)
        activity.append(fired.sum() / batch)
        x = fired.flatten(0, 1).permute(0, 3, 1, 2)
    drive = x.flatten(1).unflatten(0, (steps, batch)) @ weights["dense"]
    return Population.apply(drive, *constants[-1], settings.slope).sum(0), activity


def initial_weights(settings: Settings) -> Weights:
    """Draw the weights from PyTorch's global generator."""
    weights, inputs, side = {}, 2, SIDE
    layers = zip(settings.channels, settings.kernel, settings.stride, settings.padding, strict=True)
    for k, (channels, kernel, stride, padding) in enumerate(layers):
        shape = (channels, inputs, kernel, kernel)
        bound = 2.5 / (inputs * kernel * kernel) ** 0.5
        weights[f"conv{k + 1}"] = torch.empty(shape).uniform_(-bound, bound)
        inputs, side = channels, (side + 2 * padding - kernel) // stride + 1
    bound = 1 / (inputs * side * side) ** 0.5
    weights["dense"] = torch.empty(inputs * side * side, CLASSES).uniform_(-bound, bound)
    return {name: w.requires_grad_() for name, w in weights.items()}


def unpacked(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return the spikes (n, steps, polarity, y, x) that :func:`render.render` packed."""
    return np.unpackbits(packed, axis=-1, count=SIDE).view(bool)


def measure(
    weights: Weights, spikes: npt.NDArray[np.bool_], labels: npt.NDArray[Any], settings: Settings
) -> tuple[float, list[float]]:
    """Return the accuracy, the lowest index winning a tie, and mean spikes per item and layer."""
    correct, activity = 0, np.zeros(len(settings.channels))
    with torch.no_grad():
        for i in range(0, len(labels), TEST_BATCH):
            batch = torch.from_numpy(spikes[i : i + TEST_BATCH]).float()
            counts, active = network(weights, batch, settings)
            correct += int(np.sum(counts.numpy().argmax(1) == labels[i : i + TEST_BATCH]))
            activity += np.array([a.item() * len(batch) for a in active])
    return correct / len(labels), (activity / len(labels)).tolist()


@dataclass(frozen=True)
class Material:
    """Recordings with the indices to learn from, and rendered spikes with their labels."""

    recordings: Recordings
    picked: npt.NDArray[np.int64]
    rendered: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.uint8]

    def batch(
        self, index: npt.NDArray[np.int64], recorded: int, rng: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return spikes and labels of rendered items and of random distorted recordings."""
        drawn = rng.choice(self.picked, recorded, replace=False)
        real = binned(self.recordings, drawn, Distortion(), rng)
        spikes = torch.from_numpy(np.concatenate([unpacked(self.rendered[index]), real]))
        labels = np.concatenate([self.labels[index], self.recordings.label[drawn]])
        return spikes.float(), torch.from_numpy(labels.astype(np.int64))


def fit(material: Material, settings: Settings, epochs: int, seed: int) -> Weights:
    """
    Train the network, printing each epoch's mean loss and accuracy.

    The seed fixes the initial weights, the order of the items and their distortion.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weights = initial_weights(settings)
    size, total = settings.rendered, len(material.rendered)
    batches, peak = total // size, settings.learning_rate
    optimiser = torch.optim.AdamW(list(weights.values()), peak, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=epochs * batches, pct_start=settings.warm_up
    )
    start = time.perf_counter()
    for epoch in range(epochs):
        rounded, losses, right, active = 2 * epoch >= epochs, 0.0, 0, 0.0
        for pick in rng.permutation(total)[: batches * size].reshape(batches, size):
            used = {n: quantised(w) for n, w in weights.items()} if rounded else weights
            spikes, labels = material.batch(pick, settings.recorded, rng)
            counts, activity = network(used, spikes, settings)
            error = functional.cross_entropy(
                counts * settings.logit, labels, label_smoothing=settings.smoothing
            )
            loss = error + settings.activity / 1000 * sum(activity)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            losses += error.item() / batches
            right += int((counts.argmax(1) == labels).sum())
            active = active + np.array([a.item() for a in activity]) / batches
        share = right / (batches * (size + settings.recorded))
        print(
            f"Epoch {epoch + 1}/{epochs}: loss {losses:.4f}, accuracy {share:.2%}, spikes "
            f"{np.round(active)}, {time.perf_counter() - start:.0f} s",
            flush=True,
        )
    return weights


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    folder = Path(os.environ.get("SPIKELOOM_DATA", "data"))
    parser = argparse.ArgumentParser(description="Train the convolutional network on N-MNIST.")
    parser.add_argument("--nmnist", type=Path, default=Recordings.default_path())
    parser.add_argument("--mnist", type=Path, default=folder / "mnist" / "mnist.npz")
    parser.add_argument("--seed", type=int, default=1, help="seed (default: 1)")
    parser.add_argument("--epochs", type=int, default=6, help="default: 6")
    parser.add_argument("--final", action="store_true", help="learn from the validation part too")
    parser.add_argument("--output", type=Path, default=Path("trained.npz"))
    return parser.parse_args()


def main() -> None:
    """Train the network, measure it on the part that it has not seen, and save it."""
    chosen, settings = arguments(), Settings()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    recordings = Recordings.load(chosen.nmnist)
    parts = split(recordings)
    learned, seen = parts["train"], parts["validation"]
    if chosen.final:
        learned, seen = np.concatenate([learned, seen]), parts["held_out"]
    with np.load(chosen.mnist) as mnist:
        images, labels = mnist["x_train"], mnist["y_train"]
    shown = images[recordings.id[learned] - 1]
    camera = fit_camera(recordings, learned, shown, settings.camera_epochs, chosen.seed)
    others = np.setdiff1d(np.arange(len(images)), recordings.id - 1)
    material = Material(recordings, learned, render(camera, images[others]), labels[others])
    weights = fit(material, settings, chosen.epochs, chosen.seed)
    rounded = {name: quantised(w).detach() for name, w in weights.items()}
    share, activity = measure(rounded, binned(recordings, seen), recordings.label[seen], settings)
    print(f"Accuracy on {len(seen)} recordings not seen: {share:.2%}; spikes {activity}")
    constants = {
        name: np.array(getattr(settings, name))
        for name in ("stride", "padding", "beta", "threshold")
    }
    np.savez_compressed(
        chosen.output,
        **{name: w.numpy() for name, w in rounded.items()},
        **constants,
        steps=STEPS,
        step_us=STEP_US,
        seed=chosen.seed,
    )


if __name__ == "__main__":
    main()
