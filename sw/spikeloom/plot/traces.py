"""Pictures of potentials and values over time."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from spikeloom_sim.recording import Recording

from .sample import select_sample

__all__ = ["plot_potentials"]

_MOST_NEURONS = 10


def plot_potentials(
    recording: Recording,
    path: str | os.PathLike[str],
    *,
    sample: int = 0,
    neurons: Mapping[str, Iterable[int]] | None = None,
    title: str = "",
) -> None:
    """Draw the potentials, or the values, of one sample: a panel for each population.

    Spikes are drawn as dots, where they were recorded.

    Parameters
    ----------
    recording : Recording
        Potentials or values.
    path : str or path-like
        PNG, SVG or PDF file to write.
    sample : int
        Sample in the batch.
    neurons : Mapping of str to iterable of int, or None
        Populations and neurons to draw; None means the first 10 of each population.
    title : str
        Line above the picture.

    Raises
    ------
    ValueError
        If the recording has no potentials and no values, or no such sample or neuron.
    """
    traces = select_sample(recording.values | recording.potentials, sample)
    if not traces:
        raise ValueError("Recording has no potentials: run the network with potentials=True")
    spikes = select_sample(recording.spikes, sample)
    wanted = _wanted(traces, neurons)
    figure = Figure(figsize=(7, 0.8 + 1.8 * len(wanted)), layout="constrained")
    axes = figure.subplots(len(wanted), 1, sharex=True, squeeze=False)[:, 0]
    for axis, (name, chosen) in zip(axes, wanted.items(), strict=True):
        for neuron in chosen:
            trace = traces[name][:, neuron]
            (line,) = axis.plot(trace, linewidth=1, label=str(neuron))
            fired = np.flatnonzero(spikes[name][:, neuron]) if name in spikes else []
            axis.plot(fired, trace[fired], ".", color=line.get_color())
        axis.set_ylabel(name)
        axis.legend(title="neuron", fontsize="x-small", loc="upper left", bbox_to_anchor=(1, 1))
    axes[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[-1].set_xlabel("time step")
    figure.suptitle(title)
    figure.savefig(Path(path), dpi=150)


def _wanted(
    traces: Mapping[str, np.ndarray], neurons: Mapping[str, Iterable[int]] | None
) -> dict[str, list[int]]:
    """Check which neurons are to be drawn."""
    if neurons is None:
        return {name: list(range(min(a.shape[1], _MOST_NEURONS))) for name, a in traces.items()}
    for name, chosen in neurons.items():
        if name not in traces:
            known = ", ".join(map(repr, traces))
            raise ValueError(f"Potentials of {name!r} were not recorded, but those of {known}")
        for neuron in chosen:
            if not 0 <= neuron < traces[name].shape[1]:
                raise ValueError(
                    f"Neurons of {name!r} lie between 0 and {traces[name].shape[1] - 1}, "
                    f"{neuron} does not"
                )
    return {name: list(chosen) for name, chosen in neurons.items()}
