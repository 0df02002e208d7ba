"""What a chip link is tried with, and what came of it, as bytes."""

from dataclasses import dataclass

from .link_noise import RATE_BITS

__all__ = ["OUTCOME_BYTES", "TASK_BYTES", "Outcome", "Task"]

TASK_BYTES = 11
OUTCOME_BYTES = 13


@dataclass(frozen=True)
class Task:
    """What to try.

    Parameters
    ----------
    seed : int
        Seed of faults and pauses, below 2**32.
    rate : float
        Probability of a fault in a symbol (a byte of a parallel line, a bit of a serial one), in
        each direction.
    words : int
        Words to send in each direction, below 2**16.
    pause_in, pause_out : int
        Of 256 times of a byte, those in which a source rests, and of 256 cycles, those in which a
        sink does, on the average.
    """

    seed: int
    rate: float
    words: int
    pause_in: int = 0
    pause_out: int = 0

    def encode(self) -> bytes:
        """Bytes for the trial."""
        fields = (
            (self.seed, 4),
            (round(self.rate * 2**RATE_BITS), 3),
            (self.words, 2),
            (self.pause_in, 1),
            (self.pause_out, 1),
        )
        return b"".join(value.to_bytes(size, "little") for value, size in fields)


@dataclass(frozen=True)
class Outcome:
    """What came of a task.

    Parameters
    ----------
    complete : bool
        All words have come in both directions.
    errors : int
        Ends that have given up.
    wrong : bool
        Some word was not the next one.
    delivered : tuple of int
        Words that came, to the second end and to the first.
    faults : int
        Faults of the wires in both directions.
    cycles : int
        Cycles from the time that both ends were up.
    latency : int
        Cycles that the last word to the second end was on its way.
    """

    complete: bool
    errors: int
    wrong: bool
    delivered: tuple[int, int]
    faults: int
    cycles: int
    latency: int

    @classmethod
    def decode(cls, answer: bytes) -> "Outcome":
        """Read the bytes that a trial gives."""
        flags, *numbers = (
            int.from_bytes(answer[begin:end], "little")
            for begin, end in ((0, 1), (1, 3), (3, 5), (5, 7), (7, 11), (11, 13))
        )
        return cls(
            complete=bool(flags & 1),
            errors=(flags >> 1 & 1) + (flags >> 2 & 1),
            wrong=bool(flags & 8),
            delivered=(numbers[0], numbers[1]),
            faults=numbers[2],
            cycles=numbers[3],
            latency=numbers[4],
        )
