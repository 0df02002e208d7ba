"""
Train a recurrent spiking network on spoken digits.

A hidden layer of adaptive-threshold neurons, connected to itself with a delay of one step, and
ten integrators that are read at the end, are trained by backpropagation through time with a
surrogate gradient. In the second half of the epochs the forward pass rounds the weights to the
8-bit grid of the hardware.

The float network has the semantics of the hardware without its rounding: in each step
``s = beta * v + x``, a spike if ``s > threshold + a``, which is then subtracted; afterwards
``a = rho * a``, plus ``jump`` where a neuron fired.
"""

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from front import BANDS, INPUTS, STEPS, Recordings, all_levels, encode
from torch.nn import functional

CLASSES = 10
WEIGHT_MAX = 127
VALIDATION = 10
TEST = 5

Weights = dict[str, torch.Tensor]
Levels = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Settings:
    """
    The network's constants and those of its training.

    ``beta``, ``threshold``, ``rho`` and ``jump`` are of the hidden neurons, ``decay`` is of the
    integrators; ``slope`` is the surrogate gradient's; ``logit`` is what a potential of 1 adds to
    its class's logit; ``activity`` is what a hidden spike costs, in loss per 1000 spikes.
    ``stretch``, ``delay``, ``bend``, ``tilt`` and ``noise`` bound the random distortion: relative
    duration, steps, bands, level from band to band and level.
    """

    hidden: int = 128
    beta: float = 0.9
    threshold: float = 1.0
    rho: float = 0.95
    jump: float = 0.2
    decay: float = 1.0
    slope: float = 2.0
    logit: float = 1.0
    smoothing: float = 0.05
    activity: float = 0.1
    batch: int = 64
    learning_rate: float = 4e-3
    weight_decay: float = 1e-3
    warm_up: float = 0.15
    stretch: float = 0.2
    delay: float = 6.0
    bend: float = 1.5
    tilt: float = 0.2
    noise: float = 0.04


def fire(excess: torch.Tensor, slope: float) -> torch.Tensor:
    """Return 1 where the excess is positive, else 0, with the slope of a fast sigmoid."""
    soft = excess / (1 + slope * excess.abs())
    return (excess > 0).to(excess.dtype) + (soft - soft.detach())


def network(
    weights: Weights, spikes: torch.Tensor, settings: Settings
) -> tuple[torch.Tensor, torch.Tensor]:
    """
    Read the integrators after the last step.

    Parameters
    ----------
    weights : dict
        ``input`` (120, hidden), ``recurrent`` (hidden, hidden) and ``output`` (hidden, 10).
    spikes : torch.Tensor
        Spikes as 0 and 1, float32, shape (batch, steps, 120).
    settings : Settings
        Constants of the network.

    Returns
    -------
    potential : torch.Tensor
        Of the integrators, shape (batch, 10).
    activity : torch.Tensor
        Mean number of hidden spikes per item.
    """
    drive = (spikes @ weights["input"]).unbind(1)
    v = a = z = torch.zeros_like(drive[0])
    hidden = []
    for x in drive:
        s = settings.beta * v + x + z @ weights["recurrent"]
        limit = settings.threshold + a
        z = fire(s - limit, settings.slope)
        v = s - z * limit
        a = settings.rho * a + settings.jump * z
        hidden.append(z)
    train = torch.stack(hidden)
    fading = settings.decay ** torch.arange(len(hidden) - 1, -1, -1.0)
    potential = torch.einsum("tbn,t->bn", train, fading) @ weights["output"]
    return potential, train.sum() / len(spikes)


def quantised(weights: Weights) -> Weights:
    """Round weights to int8 codes times one scale per target, passing the gradient through."""
    result = {}
    for names in (("input", "recurrent"), ("output",)):
        fixed = {name: weights[name].detach() for name in names}
        delta = torch.stack([w.abs().max() for w in fixed.values()]).max() / WEIGHT_MAX
        for name, w in fixed.items():
            result[name] = weights[name] + (torch.round(w / delta) * delta - w)
    return result


def initial_weights(settings: Settings) -> Weights:
    """Draw the weights from PyTorch's global generator."""
    n = settings.hidden
    weights = {
        "input": torch.randn(INPUTS, n) * 2.5 / INPUTS**0.5,
        "recurrent": torch.randn(n, n) * 0.5 / n**0.5,
        "output": torch.randn(n, CLASSES) * 0.5 / n**0.5,
    }
    return {name: w.requires_grad_() for name, w in weights.items()}


def distorted(level: Levels, settings: Settings, rng: np.random.Generator) -> Levels:
    """
    Change levels (n, steps, bands) at random, as other speakers and rooms would.

    Returns
    -------
    numpy.ndarray
        Levels of the same shape: slower or faster, later, on higher or lower bands, with more
        treble or bass, and with noise where there was sound.
    """
    n = len(level)

    def draw(reach: float) -> npt.NDArray[np.float64]:
        return rng.uniform(-reach, reach, (n, 1))

    when = (np.arange(STEPS) - settings.delay * rng.random((n, 1))) * (1 + draw(settings.stretch))
    band = np.arange(BANDS) + draw(settings.bend)
    frame, part = np.floor(when).astype(int), (when % 1)[:, :, None]
    item = np.arange(n)[:, None]
    padded = np.pad(level, ((0, 0), (0, 1), (0, 0)))

    def at(k: npt.NDArray[np.int64]) -> Levels:
        return padded[item, np.where((k >= 0) & (k < STEPS), k, STEPS)]

    moved = at(frame) * (1 - part) + at(frame + 1) * part
    lower, share = np.floor(band).astype(int), (band % 1)[:, None]
    low, high = (np.clip(lower + k, 0, BANDS - 1)[:, None] for k in (0, 1))
    bent = np.take_along_axis(moved, low, 2) * (1 - share)
    bent += np.take_along_axis(moved, high, 2) * share
    slope = draw(settings.tilt)[:, None] * np.linspace(-1, 1, BANDS)
    louder = (
        slope + draw(2 * settings.noise)[:, None] + settings.noise * rng.normal(size=bent.shape)
    )
    return np.clip(bent + np.where(bent > 0, louder, 0), 0, 1).astype(np.float32)


def measure(
    weights: Weights, level: Levels, labels: npt.NDArray[Any], settings: Settings
) -> tuple[float, float]:
    """Return the accuracy, the lowest index winning a tie, and the hidden spikes per item."""
    with torch.no_grad():
        potential, activity = network(weights, torch.from_numpy(encode(level)).float(), settings)
    return float(np.mean(potential.numpy().argmax(1) == labels)), activity.item()


def fit(
    level: Levels, labels: npt.NDArray[np.uint8], settings: Settings, epochs: int, seed: int
) -> Weights:
    """
    Train the network on levels (n, steps, bands), printing the loss now and then.

    The seed fixes the initial weights, the order of the items and their distortion.
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    weights, size = initial_weights(settings), settings.batch
    batches, peak = len(labels) // size, settings.learning_rate
    optimiser = torch.optim.AdamW(list(weights.values()), peak, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser, peak, total_steps=epochs * batches, pct_start=settings.warm_up
    )
    start = time.perf_counter()
    for epoch in range(epochs):
        losses, active, rounded = 0.0, 0.0, 2 * epoch >= epochs
        for pick in rng.permutation(len(labels))[: batches * size].reshape(batches, size):
            spikes = torch.from_numpy(encode(distorted(level[pick], settings, rng))).float()
            used = quantised(weights) if rounded else weights
            potential, activity = network(used, spikes, settings)
            target = torch.from_numpy(labels[pick].astype(np.int64))
            error = functional.cross_entropy(
                potential * settings.logit, target, label_smoothing=settings.smoothing
            )
            loss = error + settings.activity / 1000 * activity
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
            optimiser.step()
            schedule.step()
            losses, active = losses + error.item() / batches, active + activity.item() / batches
        if epoch % 5 == 4:
            elapsed = time.perf_counter() - start
            print(f"Epoch {epoch + 1}: loss {losses:.3f}, spikes {active:.0f}, {elapsed:.0f} s")
    return weights


def arguments() -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description="Train the recurrent network on spoken digits.")
    parser.add_argument("--fsdd", type=Path, default=Recordings.default_path())
    parser.add_argument("--seed", type=int, default=1, help="seed (default: 1)")
    parser.add_argument("--epochs", type=int, default=60, help="default: 60")
    parser.add_argument("--final", action="store_true", help="learn from the validation part too")
    parser.add_argument("--output", type=Path, default=Path("trained.npz"))
    return parser.parse_args()


def main() -> None:
    """Train the network, measure it on the part that it has not heard, and save it."""
    chosen, settings = arguments(), Settings()
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)
    recordings = Recordings.load(chosen.fsdd)
    level = all_levels(recordings)
    first = TEST if chosen.final else VALIDATION
    learned = recordings.index >= first
    heard_not = recordings.index < TEST if chosen.final else ~learned & (recordings.index >= TEST)
    labels = recordings.label
    weights = fit(level[learned], labels[learned], settings, chosen.epochs, chosen.seed)
    rounded = {name: w.detach() for name, w in quantised(weights).items()}
    for text, used in (("float weights", weights), ("8-bit weights", rounded)):
        share, activity = measure(used, level[heard_not], labels[heard_not], settings)
        print(f"{text}: {share:.2%} of {heard_not.sum()}, {activity:.0f} hidden spikes each")
    names = ("beta", "threshold", "rho", "jump", "decay")
    np.savez_compressed(
        chosen.output,
        **{name: w.numpy() for name, w in rounded.items()},
        **{name: np.array(getattr(settings, name)) for name in names},
        seed=chosen.seed,
    )


if __name__ == "__main__":
    main()
