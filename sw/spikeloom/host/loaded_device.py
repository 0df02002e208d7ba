"""A device with a program in it: the link to it, its state, its weights, its counters."""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

import numpy as np

from spikeloom_hw.program import PlacedPopulation, PlacedProjection, Program
from spikeloom_hw.registers import Control

from ..errors import DeviceError, LinkError
from .chips import check_chips, check_errors
from .memories import LINK_FAILED, Memories, Progress, Transfer
from .readback import read_state, read_weights
from .reconnection import Reopen, Resumption, resume_within
from .sample import SampleRunner
from .session import Session
from .transport import Transport

__all__ = ["LoadedDevice"]

_RESETS = 3


class LoadedDevice:
    """A link to a device, and the program in it, which is loaded, reset and read back.

    Parameters
    ----------
    transport : Transport
        Byte link to the device.
    program : Program
        Program to load.
    patience : float
        Seconds without a word from the device after which a run is given up.
    reopen : callable or None
        Opens the link anew after it was cut; :meth:`Device.open` knows how.
    clock : callable
        Time in seconds, which decides when an answer is late.

    Attributes
    ----------
    program : Program
        Program that the device holds.
    steps, resets : int
        Steps since the state was cleared, and how often it was.
    """

    def __init__(
        self,
        transport: Transport,
        program: Program,
        patience: float = 20.0,
        reopen: Reopen | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self._reopen = reopen
        self._loads = 0
        self._earlier = 0
        self.resets = 0
        self._session = Session(transport, clock=clock)
        try:
            # Anew, whatever the last host has left behind.
            self._begin_session(program)
            self.load(program)
        except BaseException:
            self._session.close()
            raise

    def __enter__(self) -> Self:
        """Use the device in a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the link."""
        self.close()

    def close(self) -> None:
        """Close the link to the device, which keeps its program and its state."""
        self._session.close()

    def reconnect(self, seconds: float = 30.0) -> Resumption:
        """Go on after the link was cut, as when a cable was pulled and put back.

        Waits for the link. A device that has kept its power goes on: what was sent before is
        carried out exactly once. Else the program is loaded again.

        Parameters
        ----------
        seconds : float
            How long to wait for the link.

        Returns
        -------
        Resumption
            What the device still had.

        Raises
        ------
        LinkError
            If the link does not come back in time; also where the FPGA lost its configuration with
            its power, and nobody programs it again.
        DeviceError
            If a device of another configuration is there now.
        """
        if self._reopen is None:
            raise LinkError("The link of this device cannot be opened again: open another device")
        if not resume_within(self._session, self._reopen, seconds):
            self._begin_session(self.program)
            self.load(self.program)
            return Resumption.RELOADED
        try:
            if not self._cut:
                self._session.flush()
                return Resumption.CONTINUED
        except LinkError:
            if self._session.vanished:
                raise
        self.restart()
        return Resumption.INTERRUPTED

    def load(self, program: Program, *, progress: Progress | None = None) -> None:
        """Write the memories of ``program``, and clear all state.

        Parameters
        ----------
        program : Program
            Program for the hardware of the device.
        progress : callable or None
            Called with the words of the link that were written, and those in all.

        Raises
        ------
        DeviceError
            If the program was compiled for hardware of another configuration.
        """
        if program.config.hash != self._session.config_hash:
            raise DeviceError(
                f"The device has configuration {self._session.config_hash:016x}, but the program "
                f"is for {program.config.hash:016x}: build the device from this program, or "
                f"compile the network for the target of the device"
            )
        self.program = program
        self._memories = Memories(self._session, program.config)
        check_chips(self._memories, program.config)
        self._runner = SampleRunner(self._session, program, self.potentials, self._patience)
        sizes = ((name, len(image)) for name, image in program.images.items())
        moved = Transfer(self._memories.words(sizes), progress).moved
        for name, image in program.images.items():
            self._memories.write_rows(name, image, 0, moved)
        self._memories.control(Control.ZERO_COUNTERS)
        self._loads += 1
        self.reset()

    @property
    def session(self) -> Session:
        """Session with the device; whoever sends steps through it counts them in ``steps``."""
        return self._session

    def restart(self) -> None:
        """Begin a new session, whatever became of the last one, and clear all state."""
        self._begin_session(self.program)
        self.reset()

    def check_errors(self) -> None:
        """Raise DeviceError if the device found fault with what it was sent."""
        check_errors(self._memories)

    def reset(self) -> None:
        """Zero the state of all neurons, and the number of the step."""
        self._memories.control(Control.CLEAR)
        self.steps = self._earlier = 0
        self.resets += 1

    @property
    def time(self) -> int:
        """Steps since the network was at rest, those before a state that was restored included."""
        return self._earlier + self.steps

    def potentials(self, name: str) -> np.ndarray:
        """Read the membrane potentials of a population: (neurons,) int64 array."""
        return self.state(name)["potential"]

    def state(self, name: str) -> dict[str, np.ndarray]:
        """Read the state of a population.

        Returns
        -------
        dict of str to (neurons,) int64 array
            What the neurons of the hardware keep: ``"potential"``, and as far as they have it
            ``"refractory"``, ``"fired"``, ``"current"`` and ``"adaptation"``.
        """
        return read_state(self._memories, self.program, self._neurons(name))

    def weights(self, source: str, target: str, number: int = 0) -> np.ndarray:
        """Read the weights of a projection back.

        Parameters
        ----------
        source, target : str
            Populations that it joins.
        number : int
            Which one, in order of declaration, if several join the same two.

        Returns
        -------
        int64 array
            Weights in the shape that they have in the network; of a sparse projection (pre, post),
            synapses that join the same two neurons added up.

        Raises
        ------
        ValueError
            If there is no such projection.
        """
        return read_weights(self._memories, self.program, self._projection(source, target, number))

    def counters(self) -> dict[str, int]:
        """Read the performance counters, which every run starts from 0."""
        return self._memories.counters()

    def _begin_session(self, program: Program) -> None:
        """Connect, free a core that stands still in the middle of a step, and drop its words."""
        self._cut = False
        memories = Memories(self._session, program.config)
        for _ in range(_RESETS):
            self._session.connect()
            memories.control(Control.RESET)
            self._session.connect()
            # The other end of a link may give up just after this one was reset.
            if program.config.chips == 1 or not memories.link_failed():
                return
        raise DeviceError(LINK_FAILED)

    def _recover(self) -> None:
        """Make the device ready for another attempt; wait for the link if it is gone."""
        if self._session.vanished and self._reopen is not None:
            self.reconnect(self._patience)
        else:
            self._begin_session(self.program)

    def _projection(self, source: str, target: str, number: int) -> PlacedProjection:
        ends = (source, target)
        found = [p for p in self.program.projections if (p.source, p.target) == ends]
        if not 0 <= number < len(found):
            which = f" with the number {number}" if found else ""
            raise ValueError(f"There is no projection from {source!r} to {target!r}{which}")
        return found[number]

    def _neurons(self, name: str) -> PlacedPopulation:
        for population in self.program.neurons:
            if population.name == name:
                return population
        known = ", ".join(repr(p.name) for p in self.program.neurons)
        raise ValueError(f"There is no population of neurons {name!r}, but {known}")
