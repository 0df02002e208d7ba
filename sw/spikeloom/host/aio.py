"""Devices for asyncio: the same calls, which other tasks do not wait for."""

import asyncio
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, Unpack

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_sim.checkpoint import Checkpoint
from spikeloom_sim.learning import LearningState, Teaching
from spikeloom_sim.library import Engine
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.recording import Recording
from spikeloom_sim.run_state import RunState

from .aio_stream import AsyncStream
from .device import Device
from .memories import Progress
from .stream import Binning, Pacing, Stream

__all__ = ["AsyncDevice"]

Result = TypeVar("Result")
Arguments = ParamSpec("Arguments")


class _Cancelled(Exception):
    """Ends a run in the thread of the device when nobody waits for it any more."""


class AsyncDevice:
    """A device whose calls are awaited: ``async with AsyncDevice.open(url, program) as device``.

    The calls of :class:`~spikeloom.host.device.Device` are made one after the other in a thread of
    its own. Their exceptions come through. A call that is cancelled leaves the device fit for the
    next one, which waits for what is left to do: a run finishes the sample it is at, a stream the
    steps on their way, and the results are dropped.

    Parameters
    ----------
    make : callable
        Connects to the device and loads the program; called when the ``async with`` begins.
    """

    def __init__(self, make: Callable[[], Device]) -> None:
        self._make = make
        self._device: Device | None = None
        self._thread = ThreadPoolExecutor(1, "spikeloom device")
        self._stream: AsyncStream | None = None

    @classmethod
    def open(cls, url: str, program: Program | str | os.PathLike[str]) -> "AsyncDevice":
        """Connect to a device, as ``Device.open`` does."""
        return cls(partial(Device.open, url, program))

    @classmethod
    def simulate(cls, program: Program, *, engine: Engine = "auto") -> "AsyncDevice":
        """Compile a simulation, as ``Device.simulate`` does."""
        return cls(partial(Device.simulate, program, engine=engine))

    async def __aenter__(self) -> Self:
        """Connect, and load the program."""
        opening = self._thread.submit(self._make)
        try:
            self._device = await asyncio.wrap_future(opening)
        except BaseException:
            opening.add_done_callback(_close_unwanted)
            self._thread.shutdown(wait=False)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the link."""
        device = self._opened()
        try:
            await asyncio.shield(self._call(device.close))
        finally:
            self._device = None
            self._thread.shutdown(wait=False)

    async def load(self, program: Program, *, progress: Progress | None = None) -> None:
        """Load another program, as ``Device.load`` does."""
        await self._call(partial(self._opened().load, program, progress=progress))

    async def reset(self) -> None:
        """Zero all state, as ``Device.reset`` does."""
        await self._call(self._opened().reset)

    async def run(
        self,
        spikes: Any,
        *,
        potentials: bool = False,
        reset: bool = True,
        **teaching: Unpack[Teaching],
    ) -> Recording:
        """Run samples, as ``Device.run`` does."""
        wanted = True

        def go_on(done: int, total: int) -> None:
            if not wanted:
                raise _Cancelled

        options: dict[str, Any] = {"potentials": potentials, "reset": reset, "progress": go_on}
        try:
            return await self._call(partial(self._opened().run, spikes, **options, **teaching))
        finally:
            wanted = False

    async def step(
        self, spikes: Any, *, modulator: int = 0, errors: Mapping[str, Any] | None = None
    ) -> dict[str, np.ndarray]:
        """Advance one step, as ``Device.step`` does."""
        step = self._opened().step
        return await self._call(partial(step, spikes, modulator=modulator, errors=errors))

    async def learned(
        self, network: QuantisedNetwork, *, progress: Progress | None = None
    ) -> QuantisedNetwork:
        """Read back what was learned, as ``Device.learned`` does."""
        return await self._call(partial(self._opened().learned, network, progress=progress))

    async def traces(
        self, network: QuantisedNetwork, *, progress: Progress | None = None
    ) -> dict[str, LearningState]:
        """Read traces and eligibilities, as ``Device.traces`` does."""
        return await self._call(partial(self._opened().traces, network, progress=progress))

    async def checkpoint(
        self, network: QuantisedNetwork, *, progress: Progress | None = None
    ) -> Checkpoint:
        """Read what was learned and the state, as ``Device.checkpoint`` does."""
        return await self._call(partial(self._opened().checkpoint, network, progress=progress))

    async def restore(self, state: RunState, *, progress: Progress | None = None) -> None:
        """Bring the device into a state, as ``Device.restore`` does."""
        await self._call(partial(self._opened().restore, state, progress=progress))

    async def set_rules(self, program: Program) -> None:
        """Let the device learn by other rules, as ``Device.set_rules`` does."""
        await self._call(self._opened().set_rules, program)

    async def switch_learning(self, source: str, target: str, on: bool, number: int = 0) -> None:
        """Switch the learning of a projection, as ``Device.switch_learning`` does."""
        await self._call(self._opened().switch_learning, source, target, on, number)

    async def potentials(self, name: str) -> np.ndarray:
        """Read membrane potentials, as ``Device.potentials`` does."""
        return await self._call(self._opened().potentials, name)

    async def state(self, name: str) -> dict[str, np.ndarray]:
        """Read the state of a population, as ``Device.state`` does."""
        return await self._call(self._opened().state, name)

    async def weights(self, source: str, target: str, number: int = 0) -> np.ndarray:
        """Read the weights of a projection, as ``Device.weights`` does."""
        return await self._call(self._opened().weights, source, target, number)

    async def counters(self) -> dict[str, int]:
        """Read the performance counters, as ``Device.counters`` does."""
        return await self._call(self._opened().counters)

    def stream(
        self,
        source: Iterable[np.ndarray],
        binning: Binning,
        pacing: Pacing | None = None,
        reset: bool = True,
    ) -> AsyncStream:
        """Stream events: ``async for step in device.stream(...)``.

        The parameters are those of :class:`~spikeloom.host.stream.Stream`; the source is read in
        the thread of the device. A stream that is still open is closed by the next call.
        """
        self._leave_stream()
        self._stream = AsyncStream(
            Stream(self._opened(), source, binning, pacing, reset), self._thread
        )
        return self._stream

    def _opened(self) -> Device:
        if self._device is None:
            raise ValueError("The device is not open: use it in an async with block")
        return self._device

    def _leave_stream(self) -> None:
        if self._stream is not None:
            self._stream.abandon()
            self._stream = None

    async def _call(
        self,
        function: Callable[Arguments, Result],
        *arguments: Arguments.args,
        **options: Arguments.kwargs,
    ) -> Result:
        """Make a call in the thread, after what was asked for before."""
        self._leave_stream()
        return await asyncio.wrap_future(self._thread.submit(function, *arguments, **options))


def _close_unwanted(opening: Future[Device]) -> None:
    """Close a device for which nobody waits any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
