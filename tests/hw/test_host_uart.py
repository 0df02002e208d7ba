# amaranth: UnusedElaboratable=no
from typing import Any

import numpy as np
import pytest
from amaranth.sim import Simulator

from spikeloom_hw.host import UART


def exchange(divisor: float, sent: bytes, drift: float = 1.0, takes: bool = True) -> Any:
    """Send bytes to a UART that sends back what it takes; give those, and the bytes it lost."""
    dut = UART(divisor)
    period = divisor * drift
    levels = [level for byte in sent for level in (0, *((byte >> k) & 1 for k in range(8)), 1)]
    total = round(len(levels) * period) + 30 * round(divisor)
    line: list[int] = []
    lost = 0

    async def run(ctx: Any) -> None:
        nonlocal lost
        ctx.set(dut.rx_pin, 1)
        for cycle in range(total):
            place = int((cycle - 20) / period) if cycle >= 20 else len(levels)
            ctx.set(dut.rx_pin, levels[place] if place < len(levels) else 1)
            ctx.set(dut.tx.payload, ctx.get(dut.rx.payload))
            ctx.set(dut.tx.valid, ctx.get(dut.rx.valid) and takes)
            ctx.set(dut.rx.ready, ctx.get(dut.tx.ready) and takes)
            _, _, pin, overflow = await ctx.tick().sample(dut.tx_pin, dut.overflow)
            line.append(pin)
            lost += overflow

    simulator = Simulator(dut)
    simulator.add_clock(1e-6)
    simulator.add_testbench(run)
    simulator.run()
    return read_line(line, divisor), lost


def read_line(line: list[int], divisor: float) -> bytes:
    """Read the bytes of a line, as a perfect receiver does."""
    received = bytearray()
    cycle = 1
    while cycle + 10 * divisor < len(line):
        if line[cycle - 1] == 1 and line[cycle] == 0:
            bits = [line[cycle + int((k + 0.5) * divisor)] for k in range(10)]
            assert bits[0] == 0 and bits[9] == 1
            received.append(sum(bit << k for k, bit in enumerate(bits[1:9])))
            cycle += int(9.5 * divisor)
        cycle += 1
    return bytes(received)


@pytest.mark.parametrize("divisor", [4, 8, 8.68, 33.33])
def test_bytes_come_through(divisor: float) -> None:
    sent = bytes((0x00, 0xFF, 0x55, 0xAA)) + np.random.default_rng(1).bytes(8)
    assert exchange(divisor, sent) == (sent, 0)


@pytest.mark.parametrize("drift", [0.98, 1.02])
def test_a_clock_that_is_two_percent_off_is_followed(drift: float) -> None:
    sent = bytes((0x00, 0x55))
    for byte in sent:
        assert exchange(16, bytes((byte,)), drift) == (bytes((byte,)), 0)


def test_a_byte_that_finds_no_room_is_reported() -> None:
    received, lost = exchange(8, b"abc", takes=False)
    assert received == b""
    assert lost == 2


@pytest.mark.parametrize(
    ("divisor", "error", "message"),
    [
        ("8", TypeError, "^Divisor must be a number, not '8'$"),
        (
            3,
            ValueError,
            (
                "^Divisor must lie between 4 and 65535 cycles in a bit, not 3: "
                "choose another baud rate$"
            ),
        ),
    ],
)
def test_the_divisor_is_checked(divisor: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        UART(divisor)
