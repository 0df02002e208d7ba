# amaranth: UnusedElaboratable=no
import random
from typing import Any

import pytest
from amaranth.hdl import Module
from amaranth.lib import wiring

from spikeloom_hw.interchip import ParallelLine, SerialLine
from spikeloom_sim.bench import simulate


class Ends(wiring.Component):
    """Two ends of a line, joined by their wires."""

    def __init__(self, first: Any, second: Any) -> None:
        self.first = first
        self.second = second
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
                m.d.comb += there.rx_pin.eq(here.tx_pin)
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


def test_a_parallel_line_of_odd_width_is_refused() -> None:
    message = "Parallel line must have 1, 2, 4 or 8 data lines, not 3"
    with pytest.raises(ValueError, match=f"^{message}$"):
        ParallelLine(3)
