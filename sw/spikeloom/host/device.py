"""A device as the user sees it: load a program, run spikes through it, read back its state."""

import os
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Literal, Self

import numpy as np

from spikeloom_hw.program import PlacedPopulation, Program
from spikeloom_hw.registers import Control
from spikeloom_sim.compiled import SimulatedTransport
from spikeloom_sim.recording import Recording
from spikeloom_sim.stimulus import as_stimulus

from ..errors import DeviceError, LinkError
from .memories import Memories
from .readback import read_state, read_weights
from .sample import SampleRunner, join_samples
from .session import Session
from .transport import Transport, open_transport

__all__ = ["Device"]

_ATTEMPTS = 3


class Device:
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
    """

    def __init__(self, transport: Transport, program: Program, patience: float = 20.0) -> None:
        self._transport = transport
        self._patience = patience
        self._session = Session(transport)
        try:
            self._open(program)
        except BaseException:
            transport.close()
            raise

    @classmethod
    def simulate(
        cls, program: Program, *, engine: Literal["cxxrtl", "verilator"] = "cxxrtl"
    ) -> "Device":
        """Compile the emitted Verilog into a simulation, and load ``program`` into it.

        The simulation is exact to the cycle. It needs a C++ compiler, and Verilator for the engine
        "verilator", which is the faster one on large designs.
        """
        return cls(SimulatedTransport(program, engine=engine), program)

    @classmethod
    def open(cls, url: str, program: Program | str | os.PathLike[str]) -> "Device":
        """Connect to a device and load ``program``, or the program in that file, into it.

        Parameters
        ----------
        url : str
            ``serial:///dev/ttyUSB1?baud=3000000`` or ``tcp://host:port``.
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
        return cls(open_transport(url), loaded)

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
        self._transport.close()

    def load(self, program: Program) -> None:
        """Write the memories of ``program``, and clear all state.

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
        self._runner = SampleRunner(self._session, program, self.potentials, self._patience)
        for name, image in program.images.items():
            self._memories.write_rows(name, image)
        self._memories.control(Control.ZERO_COUNTERS)
        self.reset()

    def reset(self) -> None:
        """Zero the state of all neurons, and the number of the step."""
        self._memories.control(Control.CLEAR)
        self._steps = 0

    def run(
        self,
        spikes: Any,
        *,
        potentials: bool = False,
        reset: bool = True,
        progress: Callable[[int, int], None] | None = None,
    ) -> Recording:
        """Run samples one after the other.

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
        batch = next(iter(stimulus.values())).shape[1]
        self._memories.control(Control.ZERO_COUNTERS)
        samples: list[Recording] = []
        for k in range(batch):
            part = {name: array[:, k] for name, array in stimulus.items()}
            samples.append(self._run_safely(part, potentials, reset))
            if progress is not None:
                progress(k + 1, batch)
        errors = self._memories.take_errors()
        if errors:
            raise DeviceError(f"The device reported {errors!r}; the results were discarded")
        return join_samples(samples, self.counters())

    def step(self, spikes: Any) -> dict[str, np.ndarray]:
        """Advance one step from where the device is.

        Parameters
        ----------
        spikes : (neurons,) array, or Mapping of str to such arrays
            Spikes or values of the input, or of each input.

        Returns
        -------
        dict of str to (neurons,) array
            Spikes, or values, of each recorded population.
        """
        if isinstance(spikes, Mapping):
            recording = self.run({k: np.asarray(v)[None] for k, v in spikes.items()}, reset=False)
        else:
            recording = self.run(np.asarray(spikes)[None], reset=False)
        sent = recording.spikes | recording.values
        return {name: array[0, 0] for name, array in sent.items()}

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
        ends = (source, target)
        found = [p for p in self.program.projections if (p.source, p.target) == ends]
        if not 0 <= number < len(found):
            which = f" with the number {number}" if found else ""
            raise ValueError(f"There is no projection from {source!r} to {target!r}{which}")
        return read_weights(self._memories, self.program, found[number])

    def counters(self) -> dict[str, int]:
        """Read the performance counters, which every :meth:`run` starts from 0."""
        return self._memories.counters()

    def _open(self, program: Program) -> None:
        """Start anew, whatever the last host has left behind."""
        self._begin_session(program)
        self.load(program)

    def _begin_session(self, program: Program) -> None:
        """Connect, free a core that stands still in the middle of a step, and drop its words."""
        self._session.connect()
        Memories(self._session, program.config).control(Control.RESET)
        self._session.connect()

    def _neurons(self, name: str) -> PlacedPopulation:
        for population in self.program.neurons:
            if population.name == name:
                return population
        known = ", ".join(repr(p.name) for p in self.program.neurons)
        raise ValueError(f"There is no population of neurons {name!r}, but {known}")

    def _run_safely(
        self, spikes: dict[str, np.ndarray], potentials: bool, reset: bool
    ) -> Recording:
        """Run a sample; again, if spikes were lost on the way and it starts from a known state."""
        for attempt in range(_ATTEMPTS):
            if reset:
                self.reset()
            try:
                recording = self._runner.run(spikes, self._steps, potentials)
            except LinkError:
                if not reset or attempt == _ATTEMPTS - 1:
                    raise
                self._begin_session(self.program)
            else:
                self._steps += len(next(iter(spikes.values())))
                return recording
        raise AssertionError
