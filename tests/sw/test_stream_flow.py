"""A stream holds little, sends when it is time, waits for the slow, and counts what it leaves out.

The device here sends back what it gets, in no time; the clock moves when somebody sleeps.
"""

import json
import re
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from spikeloom import LIF, Network, Program, compile, quantise
from spikeloom.errors import LinkError
from spikeloom.host.stream import Binning, Pacing, Stream
from spikeloom_hw.event import Kind, unpack

NEURONS = 9
DT = 1000
NEURON = np.dtype([("t", np.int64), ("neuron", np.int32)])


class Clock:
    """Time that passes only when somebody waits."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def pacing(self, **chosen: Any) -> Pacing:
        return Pacing(clock=self, sleep=self.sleep, **chosen)


class Echo:
    """A device that sends back the spikes of each step, ``seconds`` after it got them."""

    def __init__(self, program: Program, clock: Clock | None = None, seconds: float = 0.0) -> None:
        self.program = program
        self.steps = self.resets = 0
        self.left: list[float] = []
        self._clock = clock or Clock()
        self._seconds = seconds
        self._answers: list[np.ndarray] = []
        self._number = 0

    @property
    def session(self) -> "Echo":
        return self

    def restart(self) -> None:
        self.resets += 1
        self.steps = self._number = 0

    def check_errors(self) -> None:
        pass

    def send_events(self, words: np.ndarray) -> None:
        ends = np.flatnonzero(unpack(words)[0] == Kind.STEP.value)
        self._clock.sleep(self._seconds * len(ends))
        self.left += [self._clock.now] * len(ends)
        counts = np.diff(ends, prepend=-1) - 1
        answer = words.copy()
        numbers = np.arange(self._number, self._number + len(ends)) % (1 << 20)
        answer[ends] = numbers | Kind.STEP.value << 29
        self._answers.append(np.insert(answer, ends + 1, counts))
        self._number += len(ends)

    def receive_events(self, timeout: float) -> np.ndarray:
        if not self._answers:
            self._clock.sleep(timeout)
            return np.zeros(0, np.uint32)
        words = np.concatenate(self._answers)
        self._answers.clear()
        return words.astype(np.uint32)


@pytest.fixture(scope="module")
def program() -> Program:
    network = Network()
    network.add_input("in", NEURONS)
    network.add_population("out", 2, LIF(decay=0.5))
    network.connect("in", "out", np.ones((NEURONS, 2)))
    return compile(quantise(network), "generic-4", record=("in",))


def events_at(*times: int) -> np.ndarray:
    events = np.zeros(len(times), NEURON)
    events["t"] = times
    events["neuron"] = np.arange(len(times)) % NEURONS
    return events


def drizzle(steps: int, chunk: int, taken: Callable[[int], object]) -> Iterator[np.ndarray]:
    """One event a step, ``chunk`` of them at a time; each chunk is told to ``taken``."""
    for first in range(0, steps, chunk):
        taken(first)
        yield events_at(*(range(first * DT, min(first + chunk, steps) * DT, DT)))


def test_a_million_steps_take_no_more_room_than_a_few(program: Program) -> None:
    steps, chunk, ahead = 1_000_000, 500, 256
    stream = None
    worst = 0

    def taken(first: int) -> None:
        nonlocal worst
        if stream is not None:
            worst = max(worst, first - stream.report.steps)

    stream = Stream(Echo(program), drizzle(steps, chunk, taken), Binning(DT), Pacing(ahead=ahead))
    assert sum(1 for step in stream) == steps
    report = stream.report
    assert steps == report.steps == report.events_sent == report.events_received
    assert report.most_in_flight == ahead
    assert report.most_waiting <= ahead + chunk
    assert worst <= 2 * ahead


def test_the_memory_of_a_stream_does_not_grow(program: Program) -> None:
    steps = 100_000
    device = Echo(program)
    stream = Stream(device, drizzle(steps, 100, lambda first: None), Binning(DT))
    tracemalloc.start()
    for _ in stream:
        device.left.clear()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert stream.report.steps == steps
    # One pointer kept for each step would be twice as much.
    assert peak < 4 * steps


def test_silence_costs_no_room_either(program: Program) -> None:
    events = events_at(0, 50_000 * DT)
    stream = Stream(Echo(program), [events], Binning(DT))
    assert sum(int(step.spikes["in"].sum()) for step in stream) == 2
    assert stream.report.steps == 50_001
    assert stream.report.most_waiting == 2


def test_who_takes_nothing_makes_sender_and_source_wait(program: Program) -> None:
    chunks: list[int] = []
    device = Echo(program)
    stream = Stream(device, drizzle(1000, 10, chunks.append), Binning(DT), Pacing(ahead=16))
    assert (chunks, device.left) == ([], [])
    next(stream)
    assert len(device.left) == 16
    assert chunks == [0, 10]
    for _ in range(15):
        next(stream)
    assert len(device.left) == 16


@pytest.mark.parametrize("speed", [0.5, 1.0, 2.0])
def test_steps_leave_when_their_time_is_over(program: Program, speed: float) -> None:
    clock = Clock()
    device = Echo(program, clock)
    source = drizzle(50, 7, lambda first: None)
    stream = Stream(device, source, Binning(DT), clock.pacing(speed=speed))
    for step in stream:
        assert clock.now - 100.0 == pytest.approx((step.number + 1) * DT / 1e6 / speed)
    due = 100.0 + np.arange(1, 51) * DT / 1e6 / speed
    np.testing.assert_allclose(device.left, due)
    report = stream.report
    assert (report.late_steps, report.late_events, report.dropped) == (0, 0, {})
    assert report.speed == pytest.approx(speed)
    assert report.steps_per_second == pytest.approx(1000 * speed)
    assert report.most_in_flight == 1


def test_a_slow_device_makes_steps_late_which_are_counted_and_sent(program: Program) -> None:
    clock = Clock()
    # Each step takes 3 ms and lasts 1 ms.
    device = Echo(program, clock, 0.003)
    source = drizzle(20, 20, lambda first: None)
    stream = Stream(device, source, Binning(DT), clock.pacing(speed=1.0, tolerance=0.0045))
    spikes = stream.record().spikes["in"][:, 0]
    assert spikes.sum(axis=1).tolist() == [1] * 20
    late = np.array(device.left) - 100.0 - np.arange(1, 21) * DT / 1e6
    report = stream.report
    assert report.late_steps == report.late_events == np.count_nonzero(late > 0.0045) == 19
    assert report.worst_lateness == pytest.approx(late.max())
    assert (report.dropped, report.events_sent, report.unsent) == ({}, 20, 0)


def test_late_events_are_dropped_and_counted_where_that_is_asked_for(program: Program) -> None:
    clock = Clock()
    device = Echo(program, clock, 0.003)
    source = drizzle(20, 20, lambda first: None)
    pacing = clock.pacing(speed=1.0, tolerance=0.001, when_late="drop", limit=0.005, ahead=1)
    stream = Stream(device, source, Binning(DT), pacing)
    spikes = stream.record().spikes["in"][:, 0]
    # Step k is due after k + 1 ms, but it is sent at 1 + 3 k ms.
    kept = [1 if 1 + 3 * k - (k + 1) <= 5 else 0 for k in range(20)]
    assert spikes.sum(axis=1).tolist() == kept
    report = stream.report
    assert report.dropped == {"in": 20 - sum(kept)}
    assert report.events_sent == sum(kept)
    assert report.late_steps == 20
    assert (report.unsent, report.events_read) == (0, 20)


def test_a_device_that_falls_silent_is_given_up(program: Program) -> None:
    class Mute(Echo):
        def receive_events(self, timeout: float) -> np.ndarray:
            self._answers.clear()
            return super().receive_events(timeout)

    clock = Clock()
    stream = Stream(Mute(program, clock), [events_at(0, 5 * DT)], Binning(DT), clock.pacing())
    message = (
        "The device has not answered for 20 seconds: 0 of 6 steps came; check the link and "
        "stream again"
    )
    with pytest.raises(LinkError, match=f"^{message}$"):
        next(stream)
    assert clock.now - 100.0 < 21.0
    stream.close()
    assert list(stream) == []


def test_a_stream_that_is_stopped_gives_no_more(program: Program) -> None:
    clock = Clock()
    source = drizzle(50, 50, lambda first: None)
    stream = Stream(Echo(program, clock), source, Binning(DT), clock.pacing(speed=1.0))
    assert next(stream).number == 0
    stream.stop()
    assert stream.take() == []
    stream.close()
    assert stream.report.steps == 1
    assert stream.report.unsent == 49


def test_the_report_is_a_table_and_a_dict(program: Program) -> None:
    clock = Clock()
    source = drizzle(1500, 100, lambda first: None)
    stream = Stream(Echo(program, clock), source, Binning(DT), clock.pacing(speed=3.0))
    list(stream)
    values = json.loads(json.dumps(stream.report.to_dict()))
    assert values["steps"] == values["events_read"] == values["events_sent"] == 1500
    assert values["stream_seconds"] == 1.5
    assert values["seconds"] == pytest.approx(0.5)
    assert values["speed"] == pytest.approx(3.0)
    assert values["events_per_second"] == pytest.approx(3000)
    assert (values["bytes_sent"], values["bytes_received"]) == (2 * 4 * 1500, 3 * 4 * 1500)
    lines = str(stream.report).splitlines()
    assert re.fullmatch(r"steps +1,500 of 1,000 us", lines[0])
    assert re.fullmatch(r"share of real time +3\.00", lines[2])
    assert len({line.index(line.split("  ")[-1].strip()) for line in lines}) == 1


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"speed": 0}, "Pacing speed must be positive, or None, not 0"),
        ({"speed": float("nan")}, "Pacing speed must be positive, or None, not nan"),
        ({"when_late": "cry"}, "Pacing when_late must be 'wait' or 'drop', not 'cry'"),
        (
            {"when_late": "drop"},
            "Pacing when_late='drop' needs a speed: without one no step is late",
        ),
        ({"ahead": 0}, "Pacing ahead must be at least 1, not 0"),
        ({"tolerance": -1.0}, "Pacing tolerance must not be negative, not -1.0"),
        ({"limit": float("nan")}, "Pacing limit must not be negative, not nan"),
    ],
)
def test_a_pacing_that_makes_no_sense_is_refused(chosen: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        Pacing(**chosen)
