"""The images through the Verilog and through the golden model, and what was counted on the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_sim.golden import Golden
from spikeloom_sim.library import Engine
from spikeloom_sim.recording import Difference, Recording

from ..estimate import estimate
from ..flow import compile
from ..host.device import Device
from .images import DemoImages, load_network

__all__ = ["TARGET", "DemoResult", "run_demo"]

TARGET = "generic-32"
"""Hardware that the demo runs on."""


@dataclass(frozen=True, eq=False)
class DemoResult:
    """What the demo has measured.

    Parameters
    ----------
    program : Program
        Program that ran.
    images : DemoImages
        Images that were classified.
    spikes : (steps, images, inputs) bool array
        The images as spikes.
    recording : Recording
        Spikes of the Verilog, and its counters over all images.
    expected : Recording
        Spikes of the golden model, and its counters.
    cycles : (images,) int array
        Cycles of each inference, from its first event word to the end of its last step.
    seconds : float
        Time that the simulation took, with its compilation.
    """

    program: Program
    images: DemoImages
    spikes: np.ndarray
    recording: Recording
    expected: Recording
    cycles: np.ndarray
    seconds: float

    @property
    def digits(self) -> np.ndarray:
        """Digit that the Verilog tells for each image: the one that fires most, the least of them.

        (images,) int array.
        """
        return self._classify(self.recording)

    @property
    def accuracy(self) -> float:
        """Share of the images that the Verilog classifies correctly."""
        return float(np.mean(self.digits == self.images.labels))

    @property
    def golden_accuracy(self) -> float:
        """Share of the images that the golden model classifies correctly."""
        return float(np.mean(self._classify(self.expected) == self.images.labels))

    @property
    def mismatches(self) -> int:
        """Spikes, over all steps and neurons, in which Verilog and golden model differ."""
        pairs = [(self.expected.spikes[n], self.recording.spikes[n]) for n in self.expected.spikes]
        return sum(int(np.count_nonzero(expected != got)) for expected, got in pairs)

    @property
    def difference(self) -> Difference | None:
        """First of the mismatches."""
        return self.expected.difference(self.recording)

    @property
    def counters_agree(self) -> bool:
        """Whether the hardware counted the events and operations that the golden model did."""
        counted = self.recording.counters
        return all(counted[name] == value for name, value in self.expected.counters.items())

    def summary(self) -> dict[str, Any]:
        """Everything measured, fit for JSON; counts are means over the images."""
        images = len(self.images.labels)
        core = self.program.config.core
        steps = self.images.steps
        counted = {name: value / images for name, value in self.recording.counters.items()}
        cycles = float(np.mean(self.cycles))
        difference = self.difference
        return {
            "images": images,
            "steps": steps,
            "target": {"lanes": core.lanes, "update_lanes": core.update_lanes},
            "configuration": f"{self.program.config.hash:016x}",
            "accuracy": self.accuracy,
            "golden_accuracy": self.golden_accuracy,
            "mismatches": self.mismatches,
            "spikes_compared": sum(array.size for array in self.expected.spikes.values()),
            "first_difference": None if difference is None else difference._asdict(),
            "counters_agree": self.counters_agree,
            "per_inference": {**counted, "cycles": cycles},
            "synaptic_operations_per_cycle": counted["synaptic_operations"] / cycles,
            "synaptic_operations_per_cycle_of_integration": (
                counted["synaptic_operations"] / counted["cycles_integrate"]
            ),
            "estimated_cycles": steps * self._estimate(),
            "seconds": self.seconds,
        }

    def _classify(self, recording: Recording) -> np.ndarray:
        """Give the last population's neuron with most spikes, for each image."""
        return recording.counts(self.program.neurons[-1].name).argmax(axis=1)

    def _estimate(self) -> float:
        """Cycles of a step as the estimate tells them from the activity seen."""
        activity = {name: float(array.mean()) for name, array in self.expected.spikes.items()}
        activity[self.program.inputs[0].name] = float(self.spikes.mean())
        return estimate(self.program, activity).cycles


def run_demo(
    *,
    count: int | None = None,
    engine: Engine = "auto",
    progress: Callable[[int, int], None] | None = None,
) -> DemoResult:
    """Classify the shipped images on the emitted Verilog, and on the golden model.

    Parameters
    ----------
    count : int or None
        How many of the images; None for all.
    engine : str
        Compiler of the simulation, as for :meth:`spikeloom.host.device.Device.simulate`.
    progress : callable or None
        Called with the number of images done, and of images in all.
    """
    images = DemoImages.load()
    images = images if count is None else images.first(count)
    network = load_network()
    program = compile(network, TARGET)
    spikes = images.spikes()
    expected = Golden(network).run(spikes)
    start = time.perf_counter()
    samples = []
    with Device.simulate(program, engine=engine) as device:
        for k in range(len(images.labels)):
            samples.append(device.run(spikes[:, k]))
            if progress is not None:
                progress(k + 1, len(images.labels))
    seconds = time.perf_counter() - start
    cycles = np.array([sample.counters["cycles"] for sample in samples])
    recording = _join(samples)
    return DemoResult(program, images, spikes, recording, expected, cycles, seconds)


def _join(samples: list[Recording]) -> Recording:
    """Make one batch of recordings of a sample each; their counters add up."""
    names = samples[0].spikes
    spikes = {n: np.concatenate([s.spikes[n] for s in samples], axis=1) for n in names}
    counters = {n: sum(s.counters[n] for s in samples) for n in samples[0].counters}
    return Recording(spikes, {}, counters)
