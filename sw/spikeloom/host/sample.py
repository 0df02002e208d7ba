"""One sample through a device, from its spikes to its recording."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_sim.recording import Recording

from ..errors import DeviceError, LinkError
from .memories import LINK_FAILED, Memories
from .session import Session
from .teaching import Lesson, encode_lesson
from .words import StepDecoder, encode_steps

__all__ = ["SampleRunner", "join_samples"]

_GLANCE = 1.0  # seconds of silence after which several chips are asked whether they are well


class SampleRunner:
    """Runs samples through a device that holds a program.

    Parameters
    ----------
    session : Session
        Connected session.
    program : Program
        What the device holds.
    read_potentials : callable
        Reads the potentials of the population with that name: (neurons,) int64 array.
    patience : float
        Seconds without a word from the device after which a run is given up.
    """

    def __init__(
        self,
        session: Session,
        program: Program,
        read_potentials: Callable[[str], np.ndarray],
        patience: float,
    ) -> None:
        self._session = session
        self._program = program
        self._read_potentials = read_potentials
        self._patience = patience

    def run(
        self,
        spikes: Mapping[str, np.ndarray],
        first: int,
        potentials: bool,
        lesson: Lesson | None = None,
    ) -> Recording:
        """Run one sample from where the device is.

        Parameters
        ----------
        spikes : Mapping of str to (steps, neurons) array
            Spikes or values of every input population.
        first : int
            Number of the first step on the device.
        potentials : bool
            Whether to read the potentials after every step.
        lesson : Lesson or None
            Modulator and errors.

        Returns
        -------
        Recording
            (steps, neurons) arrays, without counters.

        Raises
        ------
        LinkError
            If the link failed, or words of the device were lost.
        DeviceError
            If a link between chips gave up.
        """
        steps = len(next(iter(spikes.values())))
        decoder = StepDecoder(self._program.recorded, steps, first)
        kept: dict[str, list[np.ndarray]] = {p.name: [] for p in self._program.neurons}
        for batch in np.split(np.arange(steps), steps if potentials else 1):
            part = {name: array[batch] for name, array in spikes.items()}
            taught = () if lesson is None else encode_lesson(lesson, self._program, batch)
            self._session.send_events(encode_steps(part, self._program.inputs, taught))
            self._receive(decoder, int(batch[-1]) + 1)
            for name in kept if potentials else ():
                kept[name].append(self._read_potentials(name))
        read = {name: np.stack(rows) for name, rows in kept.items() if rows}
        return Recording(decoder.spikes, read, values=decoder.values)

    def _receive(self, decoder: StepDecoder, steps: int) -> None:
        """Take words until ``steps`` steps are whole."""
        while decoder.done < steps:
            words = self._hear()
            if not len(words):
                raise LinkError(
                    f"The device has not answered for {self._patience:g} seconds: "
                    f"{decoder.done} of {steps} steps came; check the link and run again"
                )
            decoder.feed(words)

    def _hear(self) -> np.ndarray:
        """Wait for words; none if the device is silent for too long."""
        if self._program.config.chips == 1:
            return self._session.receive_events(self._patience)
        glance = min(_GLANCE, self._patience)
        words = self._session.receive_events(glance)
        if len(words):
            return words
        # A device that has told already that a link gave up says nothing more.
        if Memories(self._session, self._program.config).link_failed():
            raise DeviceError(LINK_FAILED)
        return self._session.receive_events(self._patience - glance)


def join_samples(samples: Sequence[Recording], counters: dict[str, int]) -> Recording:
    """Make one recording of those of single samples.

    Parameters
    ----------
    samples : sequence of Recording
        Recordings of (steps, neurons) arrays.
    counters : dict of str to int
        What was counted over all of them.

    Returns
    -------
    Recording
        (steps, batch, neurons) arrays.
    """
    spikes, potentials, values = (
        {name: np.stack([part[name] for part in parts], axis=1) for name in parts[0]}
        for parts in (
            [s.spikes for s in samples],
            [s.potentials for s in samples],
            [s.values for s in samples],
        )
    )
    return Recording(spikes, potentials, counters, values)
