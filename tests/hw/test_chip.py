from typing import Any

import pytest

from spikeloom_hw.chip import SerialChip
from spikeloom_hw.config import ChipConfig, CoreConfig
from spikeloom_hw.host.frame import MAGIC, Frame, FrameReader, FrameType, Pong
from spikeloom_hw.registers import ID, Register
from spikeloom_sim.bench import simulate

CONFIG = ChipConfig(CoreConfig(lanes=4, update_lanes=1, weight_rows=16, neuron_rows=4))


@pytest.mark.parametrize("divisor", [4, 8, 8.6875])
def test_a_chip_answers_over_its_serial_line(divisor: float) -> None:
    dut = SerialChip(CONFIG, divisor)
    ping = Frame.of_words(FrameType.PING, 0, 0xC0FFEE)
    read = Frame.of_words(FrameType.READ, 1, Register.ID.value, 1)
    bits = [1] * 4
    for byte in ping.encode() + read.encode():
        bits += [0, *(byte >> k & 1 for k in range(8)), 1]
    line: list[int] = []
    cycles = round(divisor * (len(bits) + 1000))

    async def host(ctx: Any) -> None:
        for cycle in range(cycles):
            place = int(cycle / divisor)
            ctx.set(dut.rx, bits[place] if place < len(bits) else 1)
            line.append(ctx.get(dut.tx))
            await ctx.tick()

    simulate(dut, host, deadline=cycles + 1)
    pong, data = FrameReader().feed(received(line, divisor))
    assert pong.type == FrameType.PONG
    told = Pong(*pong.words.tolist())
    assert (told.magic, told.nonce, told.window) == (MAGIC, 0xC0FFEE, CONFIG.window)
    assert told.hash_high << 32 | told.hash_low == CONFIG.hash
    assert data.type == FrameType.DATA
    assert data.words.tolist() == [Register.ID, ID]


def received(line: list[int], divisor: float) -> bytes:
    """Sample each byte of a serial line in the middle of its bits."""
    octets, cycle = bytearray(), 0
    while cycle < len(line) - 10 * divisor:
        if line[cycle]:
            cycle += 1
            continue
        octets.append(sum(line[int(cycle + divisor * (k + 1.5))] << k for k in range(8)))
        cycle += int(divisor * 9.5)
    return bytes(octets)
