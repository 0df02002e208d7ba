"""Streams for asyncio: steps that are awaited while the device works on those after them."""

import asyncio
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Self

from spikeloom_sim.learning import Teaching

from .stream import Stream, StreamReport, StreamStep

__all__ = ["AsyncStream"]


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

    def teach(self, teacher: Callable[[int, int], Teaching]) -> Self:
        """Let a teacher say what comes with each step, as ``Stream.teach`` does, in its thread."""
        self._stream.teach(teacher)
        return self

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
