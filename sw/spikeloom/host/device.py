"""A device as the user sees it: load a program, run spikes through it, read back its state."""

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Unpack

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_hw.registers import Control
from spikeloom_sim.compiled import SimulatedTransport
from spikeloom_sim.learning import Teaching
from spikeloom_sim.library import Engine
from spikeloom_sim.recording import Recording
from spikeloom_sim.stimulus import as_stimulus

from ..errors import LinkError
from .rewiring import RewirableDevice
from .sample import join_samples
from .teaching import Lesson, check_teaching, sample_teaching
from .transport import open_transport

__all__ = ["Device"]

_ATTEMPTS = 3


class Device(RewirableDevice):
    """A generated accelerator, simulated or on a board, with a program in it.

    Made by :meth:`simulate` or :meth:`open`; a device is a context manager.

    Parameters
    ----------
    transport : Transport
        Byte link to the device.
    program : Program
        Program to load.
    patience : float
        Seconds without a word from the device after which a run is given up.
    reopen : callable or None
        Opens the link anew after it was cut; :meth:`open` knows how.
    clock : callable
        Time in seconds, which decides when an answer is late.

    Attributes
    ----------
    program : Program
        Program that the device holds.
    steps, resets : int
        Steps since the state was cleared, and how often it was.
    """

    @classmethod
    def simulate(cls, program: Program, *, engine: Engine = "auto") -> "Device":
        """Compile the emitted Verilog into a simulation, and load ``program`` into it.

        The simulation is exact to the cycle. It needs a C++ compiler; engine "auto" is Verilator
        where it is installed, as that compiles and runs faster, and CXXRTL elsewhere.
        """
        return cls(SimulatedTransport(program, engine=engine), program)

    @classmethod
    def open(cls, url: str, program: Program | str | os.PathLike[str]) -> "Device":
        """Connect to a device and load ``program``, or the program in that file, into it.

        Parameters
        ----------
        url : str
            ``serial:auto``, ``serial:///dev/ttyUSB1`` or ``tcp://host:port``, with the options of
            :func:`~spikeloom.host.transport.open_transport`.
        program : Program or path
            Program for the hardware at the other end.

        Raises
        ------
        LinkError
            If there is no link, or nobody answers.
        DeviceError
            If the hardware at the other end is of another configuration.
        """
        loaded = program if isinstance(program, Program) else Program.load(program)
        return cls(open_transport(url), loaded, reopen=partial(open_transport, url))

    def run(
        self,
        spikes: Any,
        *,
        potentials: bool = False,
        reset: bool = True,
        progress: Callable[[int, int], None] | None = None,
        **teaching: Unpack[Teaching],
    ) -> Recording:
        """Run samples one after the other.

        What a program learns from one sample is there for the next; only a new loading of the
        program begins anew.

        Parameters
        ----------
        spikes : array or Mapping of str to array
            Input spikes or values as for ``Golden.run``: (steps, batch, neurons) or
            (steps, neurons).
        potentials : bool
            Whether to read the membrane potentials after every step, which is slow.
        reset : bool
            Whether to clear the state before each sample; without it, time goes on where it was.
        progress : callable or None
            Called with the number of samples done, and of samples in all.
        **teaching
            ``modulator`` and ``errors``, see :class:`~spikeloom_sim.learning.Teaching`; arrays
            for a batch have the samples in the second dimension, like spikes.

        Returns
        -------
        Recording
            Spikes and values, potentials if asked for, and the counters of the device.

        Raises
        ------
        LinkError
            If the link failed, or lost spikes and running the sample again did not help.
        DeviceError
            If the device found fault with what it was sent.
        """
        inputs = self.program.inputs
        graded = {p.name: p.largest for p in inputs if p.largest > 1}
        stimulus = as_stimulus({p.name: p.size for p in inputs}, spikes, graded)
        steps, batch = next(iter(stimulus.values())).shape[:2]
        parts = (sample_teaching(teaching, sample) for sample in range(batch))
        lessons = [check_teaching(self.program, part, steps) for part in parts]
        for attempt in range(_ATTEMPTS):
            loads = self._loads
            try:
                recording = self._run_batch(stimulus, lessons, potentials, reset, progress)
            except LinkError:
                once = not reset or self.program.plastic
                if once or not self._session.vanished or attempt == _ATTEMPTS - 1:
                    raise
                self._recover()
                continue
            # What was counted before the program was loaded again is lost: begin anew.
            if loads == self._loads:
                return recording
        raise LinkError(f"The device lost its program {_ATTEMPTS} times in a run: check its power")

    def step(
        self,
        spikes: Any,
        *,
        modulator: int = 0,
        errors: Mapping[str, Any] | None = None,
    ) -> dict[str, np.ndarray]:
        """Advance one step from where the device is.

        Parameters
        ----------
        spikes : (neurons,) array, or Mapping of str to such arrays
            Spikes or values of the input, or of each input.
        modulator : int
            For a program that learns, from -128 to 127.
        errors : Mapping of str to (neurons,) int array, or None
            For a program that learns: errors by population.

        Returns
        -------
        dict of str to (neurons,) array
            Spikes, or values, of each recorded population.
        """
        teaching: Teaching = {}
        if modulator:
            teaching["modulator"] = np.array([modulator])
        if errors:
            teaching["errors"] = {k: np.asarray(v)[None] for k, v in errors.items()}
        if isinstance(spikes, Mapping):
            arrays: Any = {k: np.asarray(v)[None] for k, v in spikes.items()}
        else:
            arrays = np.asarray(spikes)[None]
        recording = self.run(arrays, reset=False, **teaching)
        sent = recording.spikes | recording.values
        return {name: array[0, 0] for name, array in sent.items()}

    def _run_batch(
        self,
        stimulus: Mapping[str, np.ndarray],
        lessons: Sequence[Lesson | None],
        potentials: bool,
        reset: bool,
        progress: Callable[[int, int], None] | None,
    ) -> Recording:
        """Run all samples once, and count."""
        self._memories.control(Control.ZERO_COUNTERS)
        samples = []
        for k, lesson in enumerate(lessons):
            part = {name: array[:, k] for name, array in stimulus.items()}
            samples.append(self._run_safely(part, potentials, reset, lesson))
            if progress is not None:
                progress(k + 1, len(lessons))
        self.check_errors()
        return join_samples(samples, self.counters())

    def _run_safely(
        self,
        spikes: dict[str, np.ndarray],
        potentials: bool,
        reset: bool,
        lesson: Lesson | None,
    ) -> Recording:
        """Run a sample; again, if spikes were lost on the way and it starts from a known state.

        A program that learns has no such state any more.
        """
        for attempt in range(_ATTEMPTS):
            self._cut = True
            try:
                if reset:
                    self.reset()
                recording = self._runner.run(spikes, self.steps, potentials, lesson)
            except LinkError:
                if not reset or self.program.plastic or attempt == _ATTEMPTS - 1:
                    raise
                self._recover()
            else:
                self._cut = False
                self.steps += len(next(iter(spikes.values())))
                return recording
        raise AssertionError
