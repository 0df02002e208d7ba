"""The account of a stream: what was read, sent, left out and received, and how fast."""

from dataclasses import dataclass, field
from typing import Any

__all__ = ["StreamReport"]

_WORD_BYTES = 4


@dataclass
class StreamReport:
    """Account of a stream, up to date while it runs.

    Every event that was read is in exactly one of ``events_sent``, ``merged``, ``cropped``,
    ``beyond``, ``dropped`` and ``unsent``.

    Parameters
    ----------
    dt : int
        Microseconds of a step.
    steps : int
        Steps that came back.
    seconds : float
        Time since the first step was sent.
    events_read : int
        Events of the source.
    events_sent : int
        Events sent to the device; at most one for each neuron and step.
    merged : int
        Events that had one of the same neuron in the same step before them. A graded input sends
        their sum.
    cropped : int
        Events outside the pixels of the input, where cropping was asked for.
    beyond : int
        Events that came along with the last ones, but after the last step.
    dropped : dict of str to int
        Events of each input left out because they were late, where that was asked for.
    clipped : int
        Sums beyond the largest value of a graded input, which were sent as that value.
    late_steps, late_events : int
        Steps that left later than tolerated, and the events in them.
    worst_lateness : float
        Seconds by which the latest step was late.
    events_received : int
        Events of the device: spikes, counts and values.
    unread_steps : int
        Steps that came back after the stream was closed.
    words_sent, words_received : int
        Event words on the link, 4 bytes each, without the frames around them.
    most_in_flight : int
        Most steps sent and not yet come back, at any time.
    most_waiting : int
        Most events read and not yet sent, at any time.
    """

    dt: int
    steps: int = 0
    seconds: float = 0.0
    events_read: int = 0
    events_sent: int = 0
    merged: int = 0
    cropped: int = 0
    beyond: int = 0
    dropped: dict[str, int] = field(default_factory=dict)
    clipped: int = 0
    late_steps: int = 0
    late_events: int = 0
    worst_lateness: float = 0.0
    events_received: int = 0
    unread_steps: int = 0
    words_sent: int = 0
    words_received: int = 0
    most_in_flight: int = 0
    most_waiting: int = 0

    @property
    def unsent(self) -> int:
        """Events read and not sent, as the stream runs or was closed before its end."""
        told = self.events_sent + self.merged + self.cropped + self.beyond
        return self.events_read - told - sum(self.dropped.values())

    @property
    def stream_seconds(self) -> float:
        """Time that the steps stand for."""
        return self.steps * self.dt / 1e6

    @property
    def speed(self) -> float:
        """Time that the steps stand for, over the time that they took: 1 is real time."""
        return self._rate(self.stream_seconds)

    @property
    def events_per_second(self) -> float:
        """Events read, over the time that the stream took."""
        return self._rate(self.events_read - self.unsent)

    @property
    def steps_per_second(self) -> float:
        """Steps over the time that they took."""
        return self._rate(self.steps)

    @property
    def bytes_sent(self) -> int:
        """Bytes of the event words sent."""
        return self.words_sent * _WORD_BYTES

    @property
    def bytes_received(self) -> int:
        """Bytes of the event words received."""
        return self.words_received * _WORD_BYTES

    def to_dict(self) -> dict[str, Any]:
        """Give all figures by name, fit for JSON; times are in seconds, rates per second."""
        derived = (
            *("unsent", "stream_seconds", "speed", "events_per_second", "steps_per_second"),
            *("bytes_sent", "bytes_received"),
        )
        return vars(self) | {
            "dropped": dict(self.dropped),
            **{name: getattr(self, name) for name in derived},
        }

    def rows(self) -> list[tuple[str, str]]:
        """Give the table that ``str`` shows: a name and a figure each."""
        worst = f"{1e3 * self.worst_lateness:,.1f} ms"
        dropped = sum(self.dropped.values())
        names = ", ".join(f"{name} {count:,}" for name, count in self.dropped.items() if count)
        return [
            ("steps", f"{self.steps:,} of {self.dt:,} us"),
            ("time", f"{self.seconds:,.3f} s for {self.stream_seconds:,.3f} s"),
            ("share of real time", f"{self.speed:,.2f}"),
            ("events read", f"{self.events_read:,}"),
            ("events sent", f"{self.events_sent:,}"),
            ("events merged", f"{self.merged:,}"),
            ("events cropped", f"{self.cropped:,}"),
            ("events after the end", f"{self.beyond:,}"),
            ("events dropped", f"{dropped:,}" + (f" ({names})" if names else "")),
            ("events not sent", f"{self.unsent:,}"),
            ("values clipped", f"{self.clipped:,}"),
            ("late", f"{self.late_steps:,} steps, {self.late_events:,} events, worst {worst}"),
            ("events received", f"{self.events_received:,}"),
            ("steps not taken", f"{self.unread_steps:,}"),
            ("events per second", f"{self.events_per_second:,.0f}"),
            ("steps per second", f"{self.steps_per_second:,.0f}"),
            ("bytes of events", f"{self.bytes_sent:,} out, {self.bytes_received:,} in"),
            ("most in flight", f"{self.most_in_flight:,} steps"),
        ]

    def __str__(self) -> str:
        rows = self.rows()
        width = max(len(name) for name, _ in rows)
        return "\n".join(f"{name:<{width}}  {figure}" for name, figure in rows)

    def _rate(self, amount: float) -> float:
        return amount / self.seconds if self.seconds > 0.0 else 0.0
