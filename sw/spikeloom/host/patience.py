"""How long a session waits for the device, and when it asks again."""

from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Patience", "Retry"]


@dataclass(frozen=True)
class Patience:
    """How long a session waits for an answer.

    Parameters
    ----------
    first : float
        Seconds until it asks again for the first time; they double each time.
    retries : int
        How often it asks again before it gives up. By default that takes 16 seconds.
    """

    first: float = 0.25
    retries: int = 5

    @property
    def seconds(self) -> float:
        """Time until a silent device is given up."""
        return self.first * (2 ** (self.retries + 1) - 1)


class Retry:
    """Time since the device last got on with its work.

    Parameters
    ----------
    patience : Patience
        How long to wait.
    clock : callable
        Time in seconds.
    """

    def __init__(self, patience: Patience, clock: Callable[[], float]) -> None:
        self._patience = patience
        self._clock = clock
        self.restart()

    def restart(self) -> None:
        """Begin anew, as after an answer."""
        self._tries = 0
        self._deadline = self._clock() + self._patience.first

    @property
    def left(self) -> float:
        """Seconds until the device is to be asked again; never negative."""
        return max(0.0, self._deadline - self._clock())

    def again(self) -> bool:
        """Count one more time of asking, and tell whether there is patience for it."""
        self._tries += 1
        self._deadline = self._clock() + self._patience.first * 2**self._tries
        return self._tries <= self._patience.retries
