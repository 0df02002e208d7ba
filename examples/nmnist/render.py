"""A camera learned from recordings: it turns images of digits into likely events."""

import numpy as np
import numpy.typing as npt
import torch
from events import SIDE, STEPS, Recordings, binned
from torch import nn
from torch.nn import functional

__all__ = ["fit_camera", "render"]

BATCH = 25
RENDER_BATCH = 100
TURN = 0.15
STRETCH = 0.1
SHIFT = 1.5

Images = npt.NDArray[np.uint8]
Packed = npt.NDArray[np.uint8]


def _canvas(images: Images) -> torch.Tensor:
    """Put images (n, 28, 28) in the middle of the camera's field: (n, 1, 34, 34) from 0 to 1."""
    margin = (SIDE - images.shape[1]) // 2
    return functional.pad(torch.from_numpy(images).float()[:, None] / 255, [margin] * 4)


def fit_camera(
    recordings: Recordings, picked: npt.NDArray[np.int64], images: Images, epochs: int, seed: int
) -> nn.Module:
    """
    Learn how probable an event of each polarity is at each pixel and step, given the image.

    Parameters
    ----------
    recordings : Recordings
        Event recordings.
    picked : numpy.ndarray
        Indices of the recordings to learn from.
    images : numpy.ndarray
        The images that these recordings show, uint8, shape (n, 28, 28).
    epochs, seed : int
        Passes through the recordings, and the seed of weights and order.

    Returns
    -------
    torch.nn.Module
        From images (n, 1, 34, 34) to logits (n, steps * polarity, 34, 34).
    """
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    camera = nn.Sequential(
        nn.Conv2d(1, 24, 9, padding=4),
        nn.GELU(),
        nn.Conv2d(24, 24, 5, padding=2),
        nn.GELU(),
        nn.Conv2d(24, 2 * STEPS, 3, padding=1),
    ).to(memory_format=torch.channels_last)
    canvas, spikes = _canvas(images), binned(recordings, picked)
    batches = len(picked) // BATCH
    optimiser = torch.optim.Adam(camera.parameters(), 3e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 5e-3, total_steps=epochs * batches)
    for epoch in range(epochs):
        total = 0.0
        for batch in rng.permutation(len(picked))[: batches * BATCH].reshape(batches, BATCH):
            target = torch.from_numpy(spikes[batch].reshape(BATCH, -1, SIDE, SIDE)).float()
            loss = functional.binary_cross_entropy_with_logits(camera(canvas[batch]), target)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"Camera, epoch {epoch + 1}/{epochs}: loss {total / batches:.4f}", flush=True)
    return camera


def _moved(canvas: torch.Tensor) -> torch.Tensor:
    """Rotate, stretch and shift each image by a little at random."""
    n = len(canvas)
    angle = TURN * (2 * torch.rand(n) - 1)
    size = 1 + STRETCH * (2 * torch.rand(n, 2, 1) - 1)
    turn = torch.stack([angle.cos(), -angle.sin(), angle.sin(), angle.cos()], 1).view(n, 2, 2)
    shift = SHIFT * 2 / SIDE * (2 * torch.rand(n, 2, 1) - 1)
    grid = functional.affine_grid(torch.cat([turn * size, shift], 2), list(canvas.shape), False)
    return functional.grid_sample(canvas, grid, align_corners=False)


def render(camera: nn.Module, images: Images) -> Packed:
    """
    Draw spikes of moved copies of images, from PyTorch's global generator.

    Parameters
    ----------
    camera : torch.nn.Module
        From :func:`fit_camera`.
    images : numpy.ndarray
        Images of dtype uint8, shape (n, 28, 28).

    Returns
    -------
    numpy.ndarray
        Spikes packed along the last axis, uint8, shape (n, steps, polarity, y, 5).
    """
    packed = np.empty((len(images), STEPS, 2, SIDE, -(-SIDE // 8)), np.uint8)
    with torch.no_grad():
        for k in range(0, len(images), RENDER_BATCH):
            canvas = _moved(_canvas(images[k : k + RENDER_BATCH]))
            likely = camera(canvas.contiguous(memory_format=torch.channels_last)).sigmoid()
            spikes = (torch.rand_like(likely) < likely).numpy()
            shape = (len(canvas), STEPS, 2, SIDE, SIDE)
            packed[k : k + RENDER_BATCH] = np.packbits(spikes.reshape(shape), axis=-1)
    return packed
