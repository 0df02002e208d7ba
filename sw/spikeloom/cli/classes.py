"""What a network tells its samples to be: the output neuron that fires most, beside the truth."""

from pathlib import Path
from typing import Any

import numpy as np

from spikeloom_sim.recording import Recording

from .report import Report

__all__ = ["read_labels", "tell_classes"]


def read_labels(path: Path) -> np.ndarray:
    """Read the right output neuron of each sample: (samples,) array of whole numbers."""
    try:
        labels = np.load(path, allow_pickle=False)
    except (ValueError, EOFError) as error:
        raise ValueError(f"{path} is not a whole .npy file of labels") from error
    if not isinstance(labels, np.ndarray) or labels.ndim != 1 or labels.dtype.kind not in "iu":
        raise ValueError(f"{path} must hold one whole number for each sample, as numpy.save writes")
    return labels


def tell_classes(report: Report, recording: Recording, labels: np.ndarray) -> dict[str, Any]:
    """Say which neuron of the last population fired most for each sample; ties take the first."""
    if not recording.spikes:
        raise ValueError("Labels are compared with spikes, but none were recorded; leave them out")
    name = list(recording.spikes)[-1]
    counts = recording.counts(name)
    if len(labels) != len(counts):
        raise ValueError(f"There are {len(labels)} labels, but {len(counts)} samples")
    told = counts.argmax(axis=1)
    right = int(np.count_nonzero(told == labels))
    rows = [
        (number, answer, label, "" if answer == label else "wrong")
        for number, (answer, label) in enumerate(zip(told.tolist(), labels.tolist(), strict=True))
    ]
    report.table(f"Neuron of {name!r} that fires most", ("sample", "told", "label", ""), rows)
    report.say(f"{right} of {len(labels)} right")
    return {"population": name, "told": told.tolist(), "labels": labels.tolist(), "right": right}
