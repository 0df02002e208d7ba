"""A chip link on trial: two ends, noisy wires, and words that are checked where they come out."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from spikeloom_hw.interchip import ChipLink, ParallelLine, SerialLine
from spikeloom_hw.interchip.link import LinkParameters

from . import link_noise
from .compiled import CompiledChip, kept_verilog
from .link_noise import RATE_BITS, NoisyWires, Random

__all__ = ["CompiledTrial", "LinkTrial", "Outcome", "Task"]

_SALT = (0x1234, 0x8765)
_LINGER = 40_000  # cycles


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


_TASK_BYTES = 11
_OUTCOME_BYTES = 13


class LinkTrial(wiring.Component):
    """Run a task that comes as bytes, and give the outcome as bytes; then it must be reset.

    Parameters
    ----------
    parameters : LinkParameters
        The link; words of 32 bits or more.
    divisor : int
        Cycles in a bit of a serial line; 0 for a parallel one.
    delay : int
        Cycles from one end to the other.

    Members
    -------
    rx : In(stream.Signature(unsigned(8)))
        Bytes of the task.
    tx : Out(stream.Signature(unsigned(8)))
        Bytes of the outcome.
    """

    rx: stream.Interface
    tx: stream.Interface

    def __init__(self, parameters: LinkParameters, divisor: int = 0, delay: int = 4) -> None:
        self.parameters = parameters
        self.divisor = divisor
        self.delay = delay
        super().__init__({
            "rx": In(stream.Signature(unsigned(8))),
            "tx": Out(stream.Signature(unsigned(8))),
        })

    def elaborate(self, platform: Any) -> Module:
        """Build both ends, their sources and their sinks."""
        m = Module()
        ends = [ChipLink(self.parameters) for _ in range(2)]
        m.submodules.first, m.submodules.second = ends

        # The task.
        task, place = Signal(8 * _TASK_BYTES), Signal(range(_TASK_BYTES + 1))
        running, starts = Signal(), Signal()
        m.d.comb += self.rx.ready.eq(place != _TASK_BYTES)
        m.d.sync += [starts.eq(0), running.eq(running | starts)]
        with m.If(self.rx.valid & self.rx.ready):
            m.d.sync += [task.eq(Cat(task[8:], self.rx.payload)), place.eq(place + 1)]
            m.d.sync += starts.eq(place == _TASK_BYTES - 1)

        # What goes on in each direction.
        faults, counts, wrongs = [], [], []
        lines = self._lines(m, ends)
        for number, wires in enumerate(lines):
            m.d.comb += [
                wires.start.eq(starts),
                wires.seed.eq(task[:32]),
                wires.rate.eq(Mux(running, task[32:56], 0)),
            ]
            count, wrong = self._words(m, number, ends, (task, running, starts))
            faults.append(wires.faults)
            counts.append(count)
            wrongs.append(wrong)

        # It is over when all words have come, or some time after an end has given up.
        complete, given_up, over = Signal(), Signal(), Signal()
        lingered = Signal(_LINGER.bit_length())
        m.d.sync += lingered.eq(lingered + ((ends[0].error | ends[1].error) & ~given_up))
        cycles = Signal(32)
        m.d.comb += [
            complete.eq((counts[0] == task[56:72]) & (counts[1] == task[56:72])),
            given_up.eq(lingered == _LINGER),
            over.eq(running & (complete | given_up)),
        ]
        with m.If(running & ends[0].up & ends[1].up & ~over):
            m.d.sync += cycles.eq(cycles + 1)
        latency = self._time(m, ends, counts[0], task[56:72])
        flags = Cat(complete, ends[0].error, ends[1].error, wrongs[0] | wrongs[1], Signal(4))
        total = Signal(16)
        m.d.comb += total.eq(faults[0] + faults[1])
        outcome = Signal(8 * _OUTCOME_BYTES)
        left = Signal(range(_OUTCOME_BYTES + 1))
        reported = Signal()
        m.d.comb += [self.tx.valid.eq(left != 0), self.tx.payload.eq(outcome[:8])]
        with m.If(over & ~reported):
            m.d.sync += [
                reported.eq(1),
                outcome.eq(Cat(flags, *counts, total, cycles, latency)),
                left.eq(_OUTCOME_BYTES),
            ]
        with m.Elif(self.tx.valid & self.tx.ready):
            m.d.sync += [outcome.eq(outcome[8:]), left.eq(left - 1)]

        return m

    def _lines(self, m: Module, ends: list[ChipLink]) -> list[NoisyWires]:
        """Connect the ends by wires."""
        lines: list[Any] = [
            SerialLine(self.divisor) if self.divisor else ParallelLine() for _ in range(2)
        ]
        for number, line in enumerate(lines):
            m.submodules[f"line{number}"] = line
            connect(m, ends[number].tx, line.tx)
            connect(m, line.rx, ends[number].rx)
        noisy = []
        for number in range(2):
            here, there = lines[number], lines[1 - number]
            size = 1 if self.divisor else 9
            wires = NoisyWires(size, self.divisor or 1, self.delay, 3 + number)
            m.submodules[f"wires{number}"] = wires
            if self.divisor:
                m.d.comb += [wires.i.eq(here.tx_pin), there.rx_pin.eq(wires.o)]
            else:
                m.d.comb += [
                    wires.i.eq(Cat(here.data_out, here.strobe_out)),
                    Cat(there.data_in, there.strobe_in).eq(wires.o),
                ]
            noisy.append(wires)
        return noisy

    def _time(self, m: Module, ends: list[ChipLink], count: Signal, words: Any) -> Signal:
        """Count the cycles that the last word to the second end is on its way."""
        latency, given = Signal(16), Signal(16)
        with m.If(ends[0].i.valid & ends[0].i.ready):
            m.d.sync += [given.eq(given + 1), latency.eq(0)]
        with m.Elif((count != words) & (given == words)):
            m.d.sync += latency.eq(latency + 1)
        return latency

    def _words(
        self, m: Module, number: int, ends: list[ChipLink], state: tuple[Signal, Signal, Signal]
    ) -> tuple[Signal, Signal]:
        """Send words in one direction and check them; count them, and tell if any was wrong."""
        task, running, starts = state
        source, sink = ends[number].i, ends[1 - number].o
        m.submodules[f"random{number}"] = random = Random(5 + number)
        given, count, wrong, offers = Signal(16), Signal(16), Signal(), Signal()
        m.d.comb += [
            random.start.eq(starts),
            random.seed.eq(task[:32]),
            source.valid.eq(offers),
            source.payload.eq(_word(given, number)),
            sink.ready.eq(running & (random.bits[8:16] >= task[80:88])),
        ]

        # A source that offers a word goes on to do so until it is taken.
        passes, rests = Signal(), Signal()
        byte = 10 * self.divisor or 1
        beat = Signal(range(byte + 1))
        m.d.sync += beat.eq(Mux(beat == byte - 1, 0, beat + 1))
        m.d.comb += [
            passes.eq(source.valid & source.ready),
            rests.eq((random.bits[:8] < task[72:80]) | (beat != 0)),
        ]
        m.d.sync += given.eq(given + passes)
        with m.If(~offers | passes):
            following = Mux(passes, given + 1, given)
            m.d.sync += offers.eq(running & ~rests & (following[:16] != task[56:72]))
        with m.If(sink.valid & sink.ready):
            m.d.sync += count.eq(count + 1)
            with m.If(sink.payload != _word(count, number)[: self.parameters.width]):
                m.d.sync += wrong.eq(1)
        return count, wrong


def _word(count: Signal, number: int) -> Any:
    """Word ``count`` of a direction: no two are alike, and most bits change."""
    mixed = (count * 0x9E37)[:16] ^ _SALT[number]
    return Cat(count, mixed, ~count, mixed[::-1])


class CompiledTrial:
    """A trial, compiled.

    Parameters
    ----------
    parameters : LinkParameters
        The link; words of 32 bits or more.
    divisor : int
        Cycles in a bit of a serial line; 0 for a parallel one.
    """

    def __init__(self, parameters: LinkParameters, divisor: int = 0) -> None:
        sources = [Path(name).read_text() for name in (__file__, link_noise.__file__)]
        key = "\n".join([f"link trial {parameters} {divisor}", *sources])
        verilog = kept_verilog(key, lambda: LinkTrial(parameters, divisor))
        self._chip = CompiledChip(verilog)

    def run(self, task: Task, *, cycles: int = 20_000_000) -> Outcome:
        """Run a task after a reset.

        Raises
        ------
        TimeoutError
            If it was not over after so many cycles.
        """
        self._chip.reset()
        answer, _ = self._chip.run(task.encode(), cycles=cycles, quiet=40, answered=True)
        if len(answer) != _OUTCOME_BYTES:
            raise TimeoutError(f"The trial was not over within {cycles} cycles: {task}")
        return Outcome.decode(answer)
