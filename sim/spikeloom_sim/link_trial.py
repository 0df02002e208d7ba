"""A chip link on trial: two ends, noisy wires, and words that are checked where they come out."""

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal, unsigned
from amaranth.lib import stream, wiring
from amaranth.lib.wiring import In, Out, connect

from spikeloom_hw.interchip import ChipLink, ParallelLine, SerialLine
from spikeloom_hw.interchip.link import LinkParameters

from .link_noise import NoisyWires, Random
from .link_task import OUTCOME_BYTES, TASK_BYTES

__all__ = ["LinkTrial"]

_SALT = (0x1234, 0x8765)
_LINGER = 40_000  # cycles


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
        task, place = Signal(8 * TASK_BYTES), Signal(range(TASK_BYTES + 1))
        running, starts = Signal(), Signal()
        m.d.comb += self.rx.ready.eq(place != TASK_BYTES)
        m.d.sync += [starts.eq(0), running.eq(running | starts)]
        with m.If(self.rx.valid & self.rx.ready):
            m.d.sync += [task.eq(Cat(task[8:], self.rx.payload)), place.eq(place + 1)]
            m.d.sync += starts.eq(place == TASK_BYTES - 1)

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
        outcome = Signal(8 * OUTCOME_BYTES)
        left = Signal(range(OUTCOME_BYTES + 1))
        reported = Signal()
        m.d.comb += [self.tx.valid.eq(left != 0), self.tx.payload.eq(outcome[:8])]
        with m.If(over & ~reported):
            m.d.sync += [
                reported.eq(1),
                outcome.eq(Cat(flags, *counts, total, cycles, latency)),
                left.eq(OUTCOME_BYTES),
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
