"""A simulated device that learns digits, and the golden model that learns beside it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_sim.golden import Golden
from spikeloom_sim.library import Engine
from spikeloom_sim.quantised import QuantisedNetwork

from ..flow import compile
from ..host.device import Device
from .competition import (
    INPUT,
    LAYER,
    STEPS,
    Labels,
    encode_images,
    make_network,
    make_sample,
    without_rules,
)
from .images import DemoImages, load_digits

__all__ = ["LEARNING_TARGET", "Check", "LearningDemo", "LearningResult"]

LEARNING_TARGET = "generic-8"
"""Hardware that learns: it simulates as fast as one of 16 lanes, and compiles in half the time."""

# Shares of the images after which the device is looked at: most happens early.
_CHECKS = (0.02, 0.05, 0.1, 0.2, 0.4, 0.7, 1.0)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class Check:
    """What a device knew after some images.

    Parameters
    ----------
    seen : int
        Images that it had learned from.
    accuracy : float
        Share of the test images that its weights told rightly.
    weights : (784, neurons) int64 array
        Its weights.
    digits : (neurons,) int array
        Digit that each neuron stood for, -1 for none.
    """

    seen: int
    accuracy: float
    weights: np.ndarray
    digits: np.ndarray


@dataclass(frozen=True, eq=False)
class LearningResult:
    """What the learning demo has measured.

    Parameters
    ----------
    program : Program
        Program that ran, with the weights of the start.
    learned : QuantisedNetwork
        Network with the weights and thresholds that were read back from the device.
    checks : list of Check
        The first one before any image.
    told : (images,) bool array
        Whether the device, as it learned, told each image rightly before its label counted.
    accuracy : float
        Share of the test images that the device told rightly in the end, with learning off.
    tests : int
        How many there were.
    spikes_compared, mismatches : int
        Spikes, over all steps and neurons, and those in which device and golden model differ.
    parameters_compared, wrong_parameters : int
        Learned weights and thresholds, and those in which device and golden model differ.
    cycles : float
        Mean cycles of a step in which the device learned.
    seconds : float
        Time that all took, without compilation.
    """

    program: Program
    learned: QuantisedNetwork
    checks: list[Check]
    told: np.ndarray
    accuracy: float
    tests: int
    spikes_compared: int
    mismatches: int
    parameters_compared: int
    wrong_parameters: int
    cycles: float
    seconds: float

    @property
    def fine(self) -> bool:
        """Whether device and golden model learned the same."""
        return self.mismatches == 0 and self.wrong_parameters == 0

    def summary(self) -> dict[str, Any]:
        """Everything measured, fit for JSON."""
        core = self.program.config.core
        names = ("accuracy", "tests", "spikes_compared", "mismatches")
        more = ("parameters_compared", "wrong_parameters", "seconds")
        return {
            "images": len(self.told),
            "steps": STEPS,
            "target": {"lanes": core.lanes, "update_lanes": core.update_lanes},
            "configuration": f"{self.program.config.hash:016x}",
            "checks": [{"seen": c.seen, "accuracy": c.accuracy} for c in self.checks],
            **{name: getattr(self, name) for name in (*names, *more)},
            "cycles_per_step": self.cycles,
        }


class LearningDemo:
    """A device that starts with random weights and learns from digits, without labels.

    A context manager. :meth:`learn` shows images up to the next check, until there is none;
    :meth:`finish` then tests the device. The golden model sees the same, image by image.

    Parameters
    ----------
    count : int
        Images to learn from, at most 2,000. The accuracy is that on the 200 test images, or on as
        many as are learned from if they are fewer.
    engine : str
        Compiler of the simulation, as for :meth:`spikeloom.host.device.Device.simulate`.

    Attributes
    ----------
    program : Program
        Program of the device.
    checks : list of Check
        What the device knew so far.

    Raises
    ------
    ValueError
        If there are not so many images.
    """

    def __init__(self, count: int = 1000, *, engine: Engine = "auto") -> None:
        images, labels = load_digits()
        if not 1 <= count <= len(images):
            raise ValueError(f"Images to learn from must be 1 to {len(images)}, not {count}")
        self._labels = labels[:count]
        self._tests = DemoImages.load().first(count)
        self._test_spikes = encode_images(self._tests.images.reshape(-1, images.shape[1]))
        self._network = make_network()
        self.program = compile(self._network, LEARNING_TARGET)
        self._samples = [make_sample(image) for image in images[:count]]
        self._model = Golden(self._network)
        self._expected = self._model.learn(iter(self._samples))
        self._stops = iter(sorted({int(np.ceil(share * count)) for share in _CHECKS}))
        self._assigned = Labels()
        self._told: list[bool] = []
        self._compared = self._mismatches = self._cycles = 0
        self._device = Device.simulate(self.program, engine=engine)
        self._start = time.perf_counter()
        self.checks = [self._look()]

    def __enter__(self) -> Self:
        """Use the demo in a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the device."""
        self._device.close()

    def learn(self, progress: Progress | None = None) -> Check | None:
        """Show images up to the next check.

        Parameters
        ----------
        progress : callable or None
            Called with the number of images seen, and of images in all.

        Returns
        -------
        Check or None
            None if all images had been seen before.
        """
        stop = next(self._stops, None)
        if stop is None:
            return None
        for number in range(len(self._told), stop):
            sample, label = self._samples[number], int(self._labels[number])
            got = self._device.run(sample.spikes, modulator=sample.modulator, errors=sample.errors)
            self._compare(next(self._expected).spikes[LAYER], got.spikes[LAYER])
            self._cycles += got.counters["cycles"]
            counts = got.counts(LAYER)
            self._told.append(bool(self._assigned.tell(counts)[0] == label))
            self._assigned.add(counts[0], label)
            if progress is not None:
                progress(number + 1, len(self._samples))
        self.checks.append(self._look())
        return self.checks[-1]

    def finish(self, progress: Progress | None = None) -> LearningResult:
        """Classify the test images on the device, and compare what it has learned with golden.

        Parameters
        ----------
        progress : callable or None
            Called with the number of test images done, and of test images in all.
        """
        learned, expected = self._device.learned(self._network), self._model.learned
        pairs = [(learned.projections[0].weights, expected.projections[0].weights)]
        pairs.append((_thresholds(learned), _thresholds(expected)))
        self._device.switch_learning(INPUT, LAYER, False)
        got = self._device.run(self._test_spikes, progress=progress)
        answers = Golden(without_rules(expected)).run(self._test_spikes)
        self._compare(answers.spikes[LAYER], got.spikes[LAYER])
        return LearningResult(
            self.program,
            learned,
            self.checks,
            np.array(self._told),
            self._accuracy(got.counts(LAYER)),
            len(self._tests.labels),
            self._compared,
            self._mismatches,
            sum(mine.size for mine, _ in pairs),
            sum(int(np.count_nonzero(mine != other)) for mine, other in pairs),
            self._cycles / (STEPS * max(1, len(self._told))),
            time.perf_counter() - self._start,
        )

    def _look(self) -> Check:
        """Read the weights back; the golden model tells the test images with them."""
        learned = self._device.learned(self._network)
        answers = Golden(without_rules(learned)).run(self._test_spikes)
        accuracy = self._accuracy(answers.counts(LAYER))
        weights = learned.projections[0].weights
        return Check(len(self._told), accuracy, weights, self._assigned.digits)

    def _accuracy(self, counts: np.ndarray) -> float:
        return float(np.mean(self._assigned.tell(counts) == self._tests.labels))

    def _compare(self, expected: np.ndarray, got: np.ndarray) -> None:
        self._compared += expected.size
        self._mismatches += int(np.count_nonzero(expected != got))


def _thresholds(network: QuantisedNetwork) -> np.ndarray:
    population = network.population(LAYER)
    threshold: Any = population.neuron and population.neuron.threshold
    return np.broadcast_to(threshold, population.size)
