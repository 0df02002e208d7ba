# amaranth: UnusedElaboratable=no
import random
from typing import Any

import pytest
from amaranth.hdl import DomainRenamer, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import connect
from amaranth.sim import Simulator

from spikeloom_hw.interchip import ChipLink, ClockedLine, ParallelLine, SerialLine
from spikeloom_hw.interchip.link import LinkParameters
from spikeloom_sim.bench import simulate


class Ends(wiring.Component):
    """Two ends of a line, joined by their wires; those of serial ones can be inverted."""

    def __init__(self, first: Any, second: Any) -> None:
        self.first = first
        self.second = second
        self.flip = Signal()
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.first, m.submodules.second = self.first, self.second
        for here, there in ((self.first, self.second), (self.second, self.first)):
            if isinstance(here, ParallelLine):
                m.d.comb += [
                    there.strobe_in.eq(here.strobe_out),
                    there.data_in.eq(here.data_out),
                ]
            else:
                m.d.comb += there.rx_pin.eq(here.tx_pin ^ self.flip)
        return m


def frames_over(ends: Ends, frames: list[bytes]) -> tuple[list[bytes], int]:
    """Send frames from the first end; give those that came, and the cycles that it took."""
    received: list[bytes] = []
    cycles = 0

    async def send(ctx: Any) -> None:
        port = ends.first.tx
        ctx.set(port.valid, 1)
        for frame in frames:
            for place, byte in enumerate(frame):
                ctx.set(port.payload, {"byte": byte, "last": place == len(frame) - 1})
                await ctx.tick().until(port.ready)
        ctx.set(port.valid, 0)

    async def receive(ctx: Any) -> None:
        nonlocal cycles
        port, body = ends.second.rx, bytearray()
        ctx.set(port.ready, 1)
        while len(received) < len(frames):
            _, _, valid, payload = await ctx.tick().sample(port.valid, port.payload)
            cycles += 1
            if valid and payload.end:
                assert not payload.bad
                received.append(bytes(body))
                body.clear()
            elif valid:
                body.append(payload.byte)

    simulate(ends, send, receive)
    return received, cycles


@pytest.mark.parametrize("lines", [1, 2, 4, 8])
def test_a_parallel_line_carries_a_frame_in_its_beats_and_a_pause(lines: int) -> None:
    source = random.Random(lines)
    frames = [source.randbytes(size) for size in (1, 2, 9, 1, 30)]
    received, cycles = frames_over(Ends(ParallelLine(lines), ParallelLine(lines)), frames)
    assert received == frames
    # Registers at both ends, and the end of the last frame.
    assert cycles == sum(len(frame) * 8 // lines + 1 for frame in frames) + 2


def test_a_byte_with_a_beat_missing_makes_a_bad_frame() -> None:
    line = ParallelLine(4)
    ends: list[tuple[int, int]] = []

    async def bench(ctx: Any) -> None:
        for strobe in (1, 1, 1, 0, 0, 1, 1, 0, 0):
            ctx.set(line.strobe_in, strobe)
            _, _, valid, payload = await ctx.tick().sample(line.rx.valid, line.rx.payload)
            ends.extend([(payload.end, payload.bad)] * (valid and payload.end))

    simulate(line, bench)
    assert ends == [(1, 1), (1, 0)]


@pytest.mark.parametrize("divisor", [4, 4.06])
def test_a_serial_line_carries_frames_with_a_bit_time_that_is_a_little_off(
    divisor: float,
) -> None:
    frames = [bytes(5), random.Random(1).randbytes(7), b"\xff\x00"]
    received, cycles = frames_over(Ends(SerialLine(4), SerialLine(divisor)), frames)
    assert received == frames
    # Ten bits a byte, two bytes more in each frame, and no pause between them.
    line = 10 * 4 * sum(len(frame) + 2 for frame in frames)
    assert line < cycles < 1.2 * line


@pytest.mark.parametrize("fault", [100, 1300])
def test_a_frame_behind_a_rest_does_not_suffer_from_what_faults_made_of_the_rest(
    fault: int,
) -> None:
    line, there = SerialLine(4), SerialLine(4)
    frames: list[tuple[bytes, int]] = []
    body = bytearray()
    ends = Ends(line, there)

    async def send(ctx: Any) -> None:
        for cycle in range(1500):
            ctx.set(ends.flip, fault <= cycle < fault + 4)
            await ctx.tick()
        for place, byte in enumerate(b"spike"):
            ctx.set(line.tx.payload, {"byte": byte, "last": place == 4})
            ctx.set(line.tx.valid, 1)
            await ctx.tick().until(line.tx.ready)
        ctx.set(line.tx.valid, 0)

    async def receive(ctx: Any) -> None:
        ctx.set(there.rx.ready, 1)
        while (b"spike", 0) not in frames:
            _, _, valid, token = await ctx.tick().sample(there.rx.valid, there.rx.payload)
            if valid and token.end:
                frames.append((bytes(body), token.bad))
                body.clear()
            elif valid:
                body.append(token.byte)

    simulate(ends, send, receive, deadline=3000)
    assert len(frames) <= 2


def test_a_parallel_line_of_odd_width_is_refused() -> None:
    message = "Parallel line must have 1, 2, 4 or 8 data lines, not 3"
    with pytest.raises(ValueError, match=f"^{message}$"):
        ParallelLine(3)


class OwnClocks(wiring.Component):
    """Two links over a line with clocks, each end in a domain of its own."""

    def __init__(self, parameters: LinkParameters, lines: int) -> None:
        self.links = [ChipLink(parameters) for _ in range(2)]
        self.lines = [ClockedLine(lines) for _ in range(2)]
        super().__init__({})

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for number, (link, line) in enumerate(zip(self.links, self.lines, strict=True)):
            end, there = Module(), self.lines[1 - number]
            end.submodules.link, end.submodules.line = link, line
            connect(end, link.tx, line.tx)
            connect(end, line.rx, link.rx)
            m.submodules[f"end{number}"] = DomainRenamer(f"end{number}")(end)
            m.d.comb += [
                there.clock_in.eq(line.clock_out),
                there.strobe_in.eq(line.strobe_out),
                there.data_in.eq(line.data_out),
            ]
        return m


COUNT = 100


@pytest.mark.parametrize(("lines", "ratio"), [(8, 1.003), (4, 1.6)])
def test_words_pass_between_ends_with_clocks_of_their_own(lines: int, ratio: float) -> None:
    # On four lines a byte takes two cycles of the sender.
    ends = OwnClocks(LinkParameters(8, window=64, batch=64, timeout=512), lines)
    received: list[list[int]] = [[], []]
    spoiled = [0, 0]

    def bench(number: int) -> Any:
        async def move(ctx: Any) -> None:
            link, given = ends.links[number], 0
            ctx.set(link.o.ready, 1)
            while min(map(len, received)) < COUNT:
                ctx.set(link.i.payload, given)
                ctx.set(link.i.valid, given < COUNT)
                members = (link.i.ready, link.o.valid, link.o.payload, link.spoiled)
                _, _, ready, valid, word, bad = await ctx.tick(f"end{number}").sample(*members)
                given += ready and given < COUNT
                received[number].extend([word] * valid)
                spoiled[number] += bad

        return move

    simulator = Simulator(ends)
    simulator.add_clock(1e-6, domain="end0")
    simulator.add_clock(ratio * 1e-6, phase=0.3e-6, domain="end1")
    for number in range(2):
        simulator.add_testbench(bench(number))
    simulator.run_until(1e-3)
    assert received == [list(range(COUNT))] * 2
    assert spoiled == [0, 0]
