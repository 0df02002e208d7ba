"""Pictures of what a network learned."""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeloom_sim.recording import Recording

__all__ = ["plot_accuracy", "plot_synapse", "plot_weight_maps"]

_MOST_SNAPSHOTS = 8
_MOST_NEURONS = 16


def plot_weight_maps(
    recording: Recording,
    label: str,
    shape: tuple[int, int],
    path: str | os.PathLike[str],
    *,
    neurons: Iterable[int] | None = None,
) -> None:
    """Draw what neurons have learned to see: a row for each of them, a column for each snapshot.

    Parameters
    ----------
    recording : Recording
        Of a run with ``weights_every``.
    label : str
        The projection, as ``"image -> hidden"``.
    shape : tuple of int
        Height and width of the source, seen as an image.
    path : str or path-like
        PNG, SVG or PDF file to write.
    neurons : iterable of int or None
        Postsynaptic neurons; None means the first 16.

    Raises
    ------
    ValueError
        If the weights were not recorded, the shape does not hold the source, or there is no such
        neuron.
    """
    weights = _weights(recording, label)
    count, pre, post = weights.shape
    if np.prod(shape) != pre:
        raise ValueError(
            f"Shape must hold the {pre} neurons before {label}, which {shape} does not"
        )
    chosen = list(range(min(post, _MOST_NEURONS)) if neurons is None else neurons)
    for neuron in chosen:
        _check_index("Postsynaptic neuron", neuron, post)
    # Snapshots at equal distances, the last one among them.
    picked = np.unique(np.linspace(count - 1, 0, min(count, _MOST_SNAPSHOTS)).round().astype(int))
    height, width = shape
    sheet = np.full((len(chosen) * (height + 1) - 1, len(picked) * (width + 1) - 1), np.nan)
    for row, neuron in enumerate(chosen):
        for column, snapshot in enumerate(picked):
            top, left = row * (height + 1), column * (width + 1)
            image = weights[snapshot, :, neuron].reshape(shape)
            sheet[top : top + height, left : left + width] = image
    size = (1 + 0.8 * len(picked), 1 + 0.8 * len(chosen) * height / width)
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    drawn = axis.imshow(sheet, cmap="viridis", interpolation="nearest")
    axis.set_xticks((np.arange(len(picked)) + 0.5) * (width + 1), [str(n + 1) for n in picked])
    axis.set_yticks((np.arange(len(chosen)) + 0.5) * (height + 1), [str(n) for n in chosen])
    axis.set_xlabel("snapshot")
    axis.set_ylabel("neuron")
    axis.set_title(label)
    figure.colorbar(drawn, ax=axis, shrink=0.8)
    figure.savefig(Path(path), dpi=150)


def plot_synapse(
    recording: Recording,
    label: str,
    synapse: tuple[int, int],
    path: str | os.PathLike[str],
) -> None:
    """Draw the traces on both sides of a synapse, and its weight, over time.

    Parameters
    ----------
    recording : Recording
        Of a run of one sample with ``traces=True`` and ``weights_every=1``.
    label : str
        The projection, as ``"image -> hidden"``.
    synapse : tuple of int
        Presynaptic and postsynaptic neuron.
    path : str or path-like
        PNG, SVG or PDF file to write.

    Raises
    ------
    ValueError
        If traces or weights were not recorded at every step, or there is no such synapse.
    """
    weights = _weights(recording, label)
    found = {
        name.removeprefix(f"{label}/"): array
        for name, array in recording.traces.items()
        if name.startswith(f"{label}/")
    }
    if not found:
        raise ValueError(f"Recording has no traces of {label}: run the network with traces=True")
    before, after = synapse
    _check_index("Presynaptic neuron", before, weights.shape[1])
    _check_index("Postsynaptic neuron", after, weights.shape[2])
    steps = len(next(iter(found.values())))
    if len(weights) != steps:
        raise ValueError(
            f"Weights must be recorded after each of the {steps} steps, not {len(weights)} times: "
            f"run the network with weights_every=1"
        )
    figure = Figure(figsize=(7, 4), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True)
    for name, array in found.items():
        above.plot(array[:, before if name.startswith("x") else after], linewidth=1, label=name)
    above.set_ylabel("trace")
    above.legend(fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
    below.step(range(steps), weights[:, before, after], where="post", linewidth=1)
    below.set_ylabel("weight")
    below.set_xlabel("time step")
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.suptitle(f"{label}: from {before} to {after}")
    figure.savefig(Path(path), dpi=150)


def plot_accuracy(
    correct: Any, path: str | os.PathLike[str], *, window: int = 100, title: str = ""
) -> None:
    """Draw the accuracy against the samples seen, as the mean over a moving window.

    Parameters
    ----------
    correct : (samples,) bool array
        Whether each sample was told rightly, in the order in which they were seen.
    path : str or path-like
        PNG, SVG or PDF file to write.
    window : int
        Samples in the mean; the first ones have fewer.
    title : str
        Line above the picture.

    Raises
    ------
    ValueError
        If there are no samples, or the window is not positive.
    """
    told = np.asarray(correct, bool).ravel()
    if not told.size:
        raise ValueError("Accuracy needs at least one sample")
    if window < 1:
        raise ValueError(f"Window must be at least 1, not {window}")
    sums = np.concatenate([[0], np.cumsum(told)])
    ends = np.arange(1, told.size + 1)
    begins = np.maximum(ends - window, 0)
    means = (sums[ends] - sums[begins]) / (ends - begins)
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axis = figure.subplots()
    axis.plot(ends, 100 * means, linewidth=1)
    axis.set_ylim(0, 100)
    axis.set_xlabel("samples seen")
    axis.set_ylabel(f"accuracy in %, mean of {window}")
    axis.set_title(title)
    figure.savefig(Path(path), dpi=150)


def _weights(recording: Recording, label: str) -> np.ndarray:
    if label not in recording.weights:
        known = ", ".join(map(repr, recording.weights)) or "none: run it with weights_every"
        raise ValueError(f"Weights of {label!r} were not recorded; those recorded are {known}")
    weights = recording.weights[label]
    if weights.ndim != 3:
        raise ValueError(
            f"Weights of {label!r} are those of single synapses: only dense projections are drawn"
        )
    return weights


def _check_index(what: str, index: int, size: int) -> None:
    if not 0 <= index < size:
        raise ValueError(f"{what} must lie between 0 and {size - 1}, not {index}")
