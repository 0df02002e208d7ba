"""Events through a device as they come, however many: bounded memory, and an account of all."""

from collections import deque
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import NamedTuple, Self

import numpy as np

from spikeloom_sim.learning import Teaching
from spikeloom_sim.recording import Recording

from ...errors import DeviceError, LinkError
from ..teaching import Taught, encode_teaching
from ..words import BlockDecoder, encode_steps
from .binning import Binner, Binning
from .device import StreamingDevice
from .pacing import Pacing, Schedule
from .report import StreamReport

__all__ = ["Stream", "StreamStep"]

_SILENCE = 20.0
_SLICE = 0.25
# Inputs of steps that are made at once: 4 MiB of them.
_INPUTS = 1 << 22


class StreamStep(NamedTuple):
    """What a device sent in one step of a stream.

    Parameters
    ----------
    number : int
        Step, from 0.
    time : int
        Microseconds from the beginning of the stream to that of the step.
    spikes : dict of str to (neurons,) array
        Spikes of each recorded population: bool, or uint8 counts.
    values : dict of str to (neurons,) int64 array
        Values of each recorded population that sends them.
    """

    number: int
    time: int
    spikes: dict[str, np.ndarray]
    values: dict[str, np.ndarray]


class Stream:
    """Sends a source of events through a device, and gives the steps that come back.

    An iterator of :class:`StreamStep`, and a context manager. Nothing moves but in a call: a slow
    taker makes the sender wait, and a slow device makes the source wait. What is sent, on its way
    or waiting never exceeds ``pacing.ahead`` steps and the events of one more chunk of the source.
    What comes back is, bit for bit, what ``Device.run`` gives for the same spikes.

    Leaving it early, or an error of the source, drains the device: it finishes the steps on their
    way, whose results are counted as unread, and can be used on. After a LinkError it is in an
    unknown state, from which the next stream restarts it.

    Parameters
    ----------
    device : Device
        Device; nobody else may use it until the stream is at its end, or closed.
    source : iterable of structured array
        Chunks of events, as :class:`~spikeloom.host.stream.binning.Binner` takes them.
    binning : Binning
        How events become spikes.
    pacing : Pacing or None
        How fast; by default as fast as the device goes.
    reset : bool
        Whether to begin with a new session and cleared state; without it, time goes on.

    Attributes
    ----------
    report : StreamReport
        Account, always up to date.
    """

    def __init__(
        self,
        device: StreamingDevice,
        source: Iterable[np.ndarray],
        binning: Binning,
        pacing: Pacing | None = None,
        reset: bool = True,
    ) -> None:
        self.report = StreamReport(binning.dt)
        self._device = device
        self._binner = Binner(source, device.program.inputs, binning, self.report)
        self._pacing = Pacing() if pacing is None else pacing
        self._reset = reset
        self._schedule: Schedule | None = None
        self._decoder = BlockDecoder((), 0)
        self._ready: deque[StreamStep] = deque()
        self._sent = 0
        self._silent_since = 0.0
        self._most = max(1, _INPUTS // max(1, sum(p.size for p in device.program.inputs)))
        self._place = (0, 0)
        self._teacher: Callable[[int, int], Teaching] | None = None
        self._stopped = self._ended = self._sound = False

    def __enter__(self) -> Self:
        """Use the stream in a ``with`` block."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the stream."""
        self.close()

    def __iter__(self) -> Self:
        """Give the stream, whose steps can be had once."""
        return self

    def __next__(self) -> StreamStep:
        """Give the next step."""
        if not self._ready:
            self._ready.extend(self.take())
        if not self._ready:
            raise StopIteration
        return self._ready.popleft()

    def teach(self, teacher: Callable[[int, int], Teaching]) -> Self:
        """Let a teacher say what comes with each step, and give the stream.

        Parameters
        ----------
        teacher : callable
            Called with the number of a step and how many are sent from there on, it gives their
            ``modulator``, (steps,), and ``errors`` by population, (steps, neurons); or nothing.
            The steps of up to ``pacing.ahead`` before them have not come back then.
        """
        self._teacher = teacher
        return self

    def take(self) -> list[StreamStep]:
        """Wait for the next steps, and give all that came at once; none at the end."""
        while not self._ended and not self._stopped:
            steps = self._advance()
            if steps:
                return steps
        return []

    def record(self) -> Recording:
        """Take all steps that are left: a recording of one sample, without counters."""
        steps = list(self)
        if not steps:
            raise ValueError("The stream has no step left to record")
        spikes, values = (
            {name: np.stack([part[name] for part in parts])[:, None] for name in parts[0]}
            for parts in ([s.spikes for s in steps], [s.values for s in steps])
        )
        return Recording(spikes, values=values)

    def stop(self) -> None:
        """End a ``take`` that waits in another thread; :meth:`close` is still to be called."""
        self._stopped = True

    def close(self) -> None:
        """End the stream; the device finishes the steps that it has.

        Raises
        ------
        LinkError
            If the link fails meanwhile.
        """
        self.report.unread_steps += len(self._ready)
        self._ready.clear()
        self._stopped = True
        # A link that failed, or an interrupt in the middle of a word, leaves nothing to wait for.
        while self._sound and self._alone and not self._ended and self._in_flight:
            self.report.unread_steps += len(self._receive(_SLICE))
        self._ended = True

    @property
    def _in_flight(self) -> int:
        return self._sent - self._decoder.done

    @property
    def _alone(self) -> bool:
        """Whether nobody else has run steps on the device meanwhile."""
        return self._place == (self._device.resets, self._device.steps)

    def _advance(self) -> list[StreamStep]:
        """Send the steps that are due, and give those that came back."""
        schedule = self._begin() if self._schedule is None else self._schedule
        if not self._alone:
            self._ended = True
            raise DeviceError(
                "The device was used for something else during the stream, which is lost: take "
                "all of its steps, or close it, before"
            )
        free = min(self._most, schedule.room(self._sent, self._in_flight))
        if free and not self._binner.ended:
            try:
                arrays = self._binner.take(free)
                taught = self._taught(len(next(iter(arrays.values()))))
            except BaseException:
                self.close()
                raise
            self._send(arrays, taught, schedule)
        steps = []
        wait = _SLICE
        if not self._binner.ended:
            wait = min(wait, schedule.wait(self._sent, self._in_flight))
        if self._in_flight:
            steps = self._receive(wait)
        elif not self._binner.ended:
            self._pacing.sleep(wait)
        self.report.seconds = schedule.elapsed
        if self._binner.ended and not self._in_flight:
            self._ended = True
            self._device.check_errors()
        return steps

    def _begin(self) -> Schedule:
        if self._reset:
            self._device.restart()
        self._decoder = BlockDecoder(self._device.program.recorded, self._device.steps)
        self._schedule = Schedule(self._pacing, self.report.dt)
        self._place = (self._device.resets, self._device.steps)
        self._sound = True
        return self._schedule

    def _taught(self, steps: int) -> Taught:
        """Ask the teacher about the next steps."""
        if self._teacher is None or not steps:
            return []
        return encode_teaching(self._device.program, self._teacher(self._sent, steps), steps)

    def _send(self, arrays: dict[str, np.ndarray], taught: Taught, schedule: Schedule) -> None:
        """Send steps, and count those that are late."""
        report = self.report
        steps = len(next(iter(arrays.values())))
        if not steps:
            return
        if self._pacing.when_late == "drop":
            late = schedule.lateness(self._sent, steps) > self._pacing.limit
            for name, array in arrays.items():
                lost = int(np.count_nonzero(array[late]))
                report.dropped[name] = report.dropped.get(name, 0) + lost
                array[late] = 0
        words = encode_steps(arrays, self._device.program.inputs, taught)
        if not self._in_flight:
            self._silent_since = self._pacing.clock()
        self._sound = False
        self._device.session.send_events(words)
        self._sound = True
        lateness = schedule.lateness(self._sent, steps)
        late = lateness > self._pacing.tolerance
        for array in arrays.values():
            report.events_sent += int(np.count_nonzero(array))
            report.late_events += int(np.count_nonzero(array[late])) if late.any() else 0
        report.late_steps += int(np.count_nonzero(late))
        report.worst_lateness = max(report.worst_lateness, *lateness.tolist(), 0.0)
        report.words_sent += len(words)
        self._sent += steps
        report.most_in_flight = max(report.most_in_flight, self._in_flight)

    def _receive(self, timeout: float) -> list[StreamStep]:
        """Give the steps that came back, waiting for the first of them."""
        self._sound = False
        words = self._device.session.receive_events(timeout)
        first = self._decoder.done
        block = self._decoder.feed(words)
        self._sound = True
        now = self._pacing.clock()
        if len(words):
            self._silent_since = now
        elif self._in_flight and now - self._silent_since > _SILENCE:
            self._sound = False
            raise LinkError(
                f"The device has not answered for {_SILENCE:g} seconds: {first} of "
                f"{self._sent} steps came; check the link and stream again"
            )
        self._device.steps += block.steps
        self._place = (self._device.resets, self._device.steps)
        self.report.steps += block.steps
        self.report.words_received += len(words)
        self.report.events_received += block.events
        values = [(n, array) for n, array in block.sent.items() if array.dtype == np.int64]
        spikes = [(n, array) for n, array in block.sent.items() if array.dtype != np.int64]
        return [
            StreamStep(
                first + k,
                (first + k) * self.report.dt,
                {name: array[k] for name, array in spikes},
                {name: array[k] for name, array in values},
            )
            for k in range(block.steps)
        ]
