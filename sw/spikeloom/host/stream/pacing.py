"""When the steps of a stream are due, and what becomes of those that are late."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

__all__ = ["Pacing", "Schedule"]


@dataclass(frozen=True)
class Pacing:
    """How fast steps are sent, and how far ahead of what comes back.

    Parameters
    ----------
    speed : float or None
        1 is real time, 2 twice as fast; None is as fast as the device goes.
    tolerance : float
        Seconds after which a step that has not left is late, and counted.
    when_late : "wait" or "drop"
        Whether late steps are sent all the same, or without their events, which are counted.
    limit : float
        Seconds after which "drop" drops.
    ahead : int
        Most steps sent and not yet come back. More are faster, fewer answer sooner.
    clock, sleep : callable
        Time in seconds, and what lets some of it pass.
    """

    speed: float | None = None
    tolerance: float = 0.01
    when_late: Literal["wait", "drop"] = "wait"
    limit: float = 0.1
    ahead: int = 64
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def __post_init__(self) -> None:
        if self.speed is not None and not 0 < self.speed < float("inf"):
            raise ValueError(f"Pacing speed must be positive, or None, not {self.speed!r}")
        if self.when_late not in ("wait", "drop"):
            raise ValueError(f"Pacing when_late must be 'wait' or 'drop', not {self.when_late!r}")
        if self.when_late == "drop" and self.speed is None:
            raise ValueError("Pacing when_late='drop' needs a speed: without one no step is late")
        if self.ahead < 1:
            raise ValueError(f"Pacing ahead must be at least 1, not {self.ahead}")
        for name, value in (("tolerance", self.tolerance), ("limit", self.limit)):
            if not value >= 0:
                raise ValueError(f"Pacing {name} must not be negative, not {value!r}")


class Schedule:
    """Tells when the steps of a stream that begins now are due.

    A step is due when its time is over: before that it is not known whole.

    Parameters
    ----------
    pacing : Pacing
        How fast.
    dt : int
        Microseconds of a step.
    """

    def __init__(self, pacing: Pacing, dt: int) -> None:
        self._pacing = pacing
        self._seconds = None if pacing.speed is None else dt / 1e6 / pacing.speed
        self._began = pacing.clock()

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._pacing.clock() - self._began

    def room(self, sent: int, in_flight: int) -> int:
        """Tell how many more steps may be sent now, after ``sent`` of them."""
        free = self._pacing.ahead - in_flight
        if self._seconds is None:
            # Many small frames cost more than a few full ones.
            return free if 2 * free >= self._pacing.ahead else 0
        # A billionth of a step makes up for the rounding of the clock.
        due = int(self.elapsed / self._seconds + 1e-9) - sent
        return max(0, min(free, due))

    def wait(self, sent: int, in_flight: int) -> float:
        """Tell for how many seconds there is nothing to send, unless something comes back."""
        if self._seconds is None or in_flight >= self._pacing.ahead:
            return float("inf") if in_flight else 0.0
        return max(0.0, (sent + 1) * self._seconds - self.elapsed)

    def lateness(self, first: int, count: int) -> np.ndarray:
        """Seconds by which each of ``count`` steps would be late if it left now."""
        if self._seconds is None:
            return np.zeros(count)
        return self.elapsed - np.arange(first + 1, first + count + 1) * self._seconds
