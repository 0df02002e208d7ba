"""Devices for asyncio: the same calls, which other tasks do not wait for."""

import asyncio
import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar, Unpack

import numpy as np

from spikeloom_hw.program import Program
from spikeloom_sim.learning import Teaching
from spikeloom_sim.library import Engine
from spikeloom_sim.quantised import QuantisedNetwork
from spikeloom_sim.recording import Recording

from .device import Device
from .stream import Binning, Pacing, Stream, StreamReport, StreamStep

__all__ = ["AsyncDevice", "AsyncStream"]

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

    async def load(self, program: Program) -> None:
        """Load another program, as ``Device.load`` does."""
        await self._call(self._opened().load, program)

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

    async def step(self, spikes: Any) -> dict[str, np.ndarray]:
        """Advance one step, as ``Device.step`` does."""
        return await self._call(self._opened().step, spikes)

    async def learned(self, network: QuantisedNetwork) -> QuantisedNetwork:
        """Read back what was learned, as ``Device.learned`` does."""
        return await self._call(self._opened().learned, network)

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
    ) -> "AsyncStream":
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


class AsyncStream:
    """A stream whose steps are awaited; made by :meth:`AsyncDevice.stream`.

    An asynchronous iterator of :class:`~spikeloom.host.stream.StreamStep`, and a context manager.
    The device goes on while a step is dealt with, until as many steps as ``pacing.ahead`` allows
    have come back and wait to be taken; then it waits.

    Parameters
    ----------
    stream : Stream
        Stream.
    thread : ThreadPoolExecutor
        The one thread that uses the device.
    """

    def __init__(self, stream: Stream, thread: ThreadPoolExecutor) -> None:
        self._stream = stream
        self._thread = thread
        self._ready: deque[StreamStep] = deque()
        self._coming: Future[list[StreamStep]] | None = None
        self._closing: Future[None] | None = None

    @property
    def report(self) -> StreamReport:
        """Account of the stream, always up to date."""
        return self._stream.report

    async def __aenter__(self) -> Self:
        """Use the stream in an ``async with`` block."""
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the stream."""
        await self.aclose()

    def __aiter__(self) -> Self:
        """Give the stream, whose steps can be had once."""
        return self

    async def __anext__(self) -> StreamStep:
        """Give the next step."""
        if not self._ready:
            try:
                self._ready.extend(await self._take())
            except asyncio.CancelledError:
                self.abandon()
                raise
        if not self._ready:
            raise StopAsyncIteration
        return self._ready.popleft()

    async def aclose(self) -> None:
        """End the stream; the device finishes the steps that it has."""
        await asyncio.shield(asyncio.wrap_future(self.abandon()))

    def abandon(self) -> Future[None]:
        """Begin to end the stream, without waiting for it."""
        if self._closing is None:
            self.report.unread_steps += len(self._ready)
            self._ready.clear()
            self._stream.stop()
            self._closing = self._thread.submit(self._close)
        return self._closing

    async def _take(self) -> list[StreamStep]:
        """Wait for the next steps, and let the device work on those after them."""
        if self._closing is not None:
            return []
        if self._coming is None:
            self._coming = self._thread.submit(self._stream.take)
        steps = await asyncio.wrap_future(self._coming)
        self._coming = self._thread.submit(self._stream.take) if steps else None
        return steps

    def _close(self) -> None:
        """Close the stream, in the thread; what came since is not taken any more."""
        if self._coming is not None and not self._coming.cancelled():
            self.report.unread_steps += (
                0 if self._coming.exception() else len(self._coming.result())
            )
        self._stream.close()


def _close_unwanted(opening: Future[Device]) -> None:
    """Close a device for which nobody waits any more."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
