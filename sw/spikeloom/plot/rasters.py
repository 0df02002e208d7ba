"""Pictures of spikes over time."""

import os
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeloom_sim.recording import Recording

from .sample import select_sample

__all__ = ["plot_raster", "plot_stack"]

_COLOURS = ("black", "tab:red", "tab:blue", "tab:green", "tab:purple", "tab:orange")


def plot_raster(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    sample: int = 0,
    inputs: dict[str, np.ndarray] | None = None,
    title: str = "",
) -> None:
    """Draw the spikes of one sample: a panel for each population, neurons upward, time rightward.

    Parameters
    ----------
    recording : Recording
        Spikes.
    path : str or path-like
        PNG, SVG or PDF file to write.
    sample : int
        Sample in the batch.
    inputs : dict of str to (steps, neurons) array or None
        Spikes or values of the inputs of that sample, drawn first.
    title : str
        Line above the picture.

    Raises
    ------
    ValueError
        If the recording has no such sample.
    """
    panels = dict(inputs or {})
    panels |= select_sample(recording.spikes, sample)
    figure = Figure(figsize=(7, 1.2 + 1.6 * len(panels)), layout="constrained")
    heights = [max(1.0, np.sqrt(spikes.shape[1]) / 8) for spikes in panels.values()]
    axes = figure.subplots(len(panels), 1, sharex=True, squeeze=False, height_ratios=heights)
    for axis, (name, spikes) in zip(axes[:, 0], panels.items(), strict=True):
        step, neuron = np.nonzero(spikes)
        size = float(np.clip(300 / spikes.shape[1], 0.5, 8))
        axis.scatter(step, neuron, s=size**2, marker="|", linewidths=1.2, color="black")
        axis.set_ylim(-0.5, spikes.shape[1] - 0.5)
        axis.set_xlim(-0.5, len(spikes) - 0.5)
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axis.set_ylabel(f"{name}\n({spikes.shape[1]})")
    axes[-1, 0].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1, 0].set_xlabel("time step")
    figure.suptitle(title)
    figure.savefig(Path(path), dpi=150)


def plot_stack(
    recording: Recording, path: str | os.PathLike[str], *, sample: int = 0, title: str = ""
) -> None:
    """Draw the spikes of all populations of one sample in one panel, one above the other.

    Parameters
    ----------
    recording : Recording
        Spikes; the population that comes first is at the bottom.
    path : str or path-like
        PNG, SVG or PDF file to write.
    sample : int
        Sample in the batch.
    title : str
        Line above the picture.

    Raises
    ------
    ValueError
        If the recording has no such sample.
    """
    panels = select_sample(recording.spikes, sample)
    sizes = [spikes.shape[1] for spikes in panels.values()]
    first = np.cumsum([0, *sizes])
    end = max(len(spikes) for spikes in panels.values()) - 0.5
    figure = Figure(figsize=(7, 1.5 + 0.45 * len(panels)), layout="constrained")
    axis = figure.subplots()
    length = float(np.clip(200 / first[-1], 0.5, 6))
    for index, spikes in enumerate(panels.values()):
        step, neuron = np.nonzero(spikes)
        colour = _COLOURS[index % len(_COLOURS)]
        axis.scatter(step, neuron + first[index], s=length**2, marker="|", color=colour)
    axis.set_yticks(first[:-1] + np.array(sizes) / 2 - 0.5, list(panels))
    axis.hlines(first[1:-1] - 0.5, -0.5, end, color="lightgrey", linewidth=0.5)
    axis.set_xlim(-0.5, end)
    axis.set_ylim(-0.5, first[-1] - 0.5)
    axis.xaxis.set_major_locator(MaxNLocator(integer=True))
    axis.set_xlabel("time step")
    figure.suptitle(title)
    figure.savefig(Path(path), dpi=150)
