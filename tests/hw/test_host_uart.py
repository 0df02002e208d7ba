# amaranth: UnusedElaboratable=no
import random
from typing import Any

import pytest

from spikeloom_hw.host.uart import UART, break_cycles_at
from spikeloom_sim.uart_bench import Echo, exchange_edges
from spikeloom_sim.uart_line import LineReader, LineWriter

SYNC = b"\x55"
DATA = b"\x00\xff\x55\xa3"
RATES = [6, 6.41, 7, 8, 8.333, 8.68, 12.5, 16, 25, 41.667, 104.17, 434.03, 868.06, 1000]


def echo_of(
    writer: LineWriter, bit: float, divisor: float = 8, takes: bool = True
) -> tuple[bytes, int]:
    """Give a waveform to a UART that echoes, and read the answers at a bit time."""
    longest = max(bit, divisor)
    echo = Echo(UART(divisor, break_of(longest)), takes)
    until = round(writer.now + 40 * longest)
    edges, lost = exchange_edges(echo, writer.edges, until)
    return LineReader(bit).feed(edges, until), lost


def break_of(longest: float) -> int:
    return round(26 * longest)


def negotiate(writer: LineWriter, bit: float, longest: float) -> None:
    writer.hold(0, break_of(longest))
    writer.hold(1, bit)
    writer.send(SYNC, bit)


@pytest.mark.parametrize("divisor", [4, 8, 8.68, 33.33])
def test_bytes_come_through_at_the_rate_after_reset(divisor: float) -> None:
    writer = LineWriter(20.3)
    data = DATA + random.Random(1).randbytes(12)
    writer.send(data, divisor)
    assert echo_of(writer, divisor, divisor) == (data, 0)


@pytest.mark.parametrize("bit", RATES)
def test_any_rate_is_measured(bit: float) -> None:
    for seed in range(6 if bit < 100 else 1):
        chance = random.Random(seed)
        writer = LineWriter(20 + chance.random())
        negotiate(writer, bit, max(bit, 8))
        writer.hold(1, bit * chance.random())
        data = DATA if bit > 100 else DATA + chance.randbytes(12)
        writer.send(data, bit)
        assert echo_of(writer, bit) == (data, 0)


@pytest.mark.parametrize("drift", [0.98, 1.02])
@pytest.mark.parametrize("bit", [16, 83.3])
def test_a_clock_that_drifts_by_two_percent_after_the_measurement_is_followed(
    bit: float, drift: float
) -> None:
    writer = LineWriter(20.9)
    negotiate(writer, bit, bit)
    for byte in DATA:
        writer.hold(1, bit)
        writer.send(bytes((byte,)), bit * drift)
    assert echo_of(writer, bit) == (DATA, 0)


@pytest.mark.parametrize("seed", range(3))
def test_edges_that_jitter_are_followed(seed: int) -> None:
    chance = random.Random(seed)
    writer = LineWriter(20.0)
    negotiate(writer, 16, 16)
    writer.send(DATA, 16)
    writer.edges = [edge + chance.uniform(-1, 1) for edge in writer.edges]
    assert echo_of(writer, 16) == (DATA, 0)


@pytest.mark.parametrize("seed", range(3))
def test_glitches_of_one_cycle_are_not_seen(seed: int) -> None:
    chance = random.Random(seed)
    writer = LineWriter(200.0)
    negotiate(writer, 16, 16)
    writer.hold(1, 100)
    writer.send(DATA, 16)
    writer.hold(1, 100)
    clean, noisy = writer.edges, []
    for begin, end in zip([0.0, *clean], [*clean, writer.now], strict=True):
        # The middle of every stretch between two edges may have one.
        noisy += [end] if end < writer.now else []
        if chance.random() < 0.6:
            place = (begin + end) / 2
            noisy += [place, place + 0.95]
    writer.edges = sorted(noisy)
    assert len(noisy) > len(clean)
    assert echo_of(writer, 16) == (DATA, 0)


def test_a_pulse_shorter_than_half_a_bit_is_no_start_bit() -> None:
    writer = LineWriter(20.0)
    writer.hold(0, 14)
    writer.hold(1, 50)
    writer.send(DATA, 32)
    assert echo_of(writer, 32, 32) == (DATA, 0)


@pytest.mark.parametrize("bits", [1, 4.5, 8.2])
def test_a_break_may_begin_in_a_byte(bits: float) -> None:
    writer = LineWriter(20.0)
    writer.send(b"a", 8)
    for k in range(int(bits)):
        writer.hold(k % 2, 8)
    negotiate(writer, 20, 20)
    writer.send(b"bc", 20)
    echo = Echo(UART(8, break_of(20)))
    until = round(writer.now + 600)
    edges, _ = exchange_edges(echo, writer.edges, until)
    # The first byte comes back at the rate before.
    early = [edge for edge in edges if edge < 20 + 80 + 120]
    assert LineReader(8).feed(early, 20 + 80 + 120) == b"a"
    assert LineReader(20).feed(edges[len(early) :], until) == b"bc"


def test_nothing_is_passed_on_between_a_break_and_the_measurement() -> None:
    writer = LineWriter(20.0)
    writer.hold(0, break_of(8))
    writer.hold(1, 5000)
    assert echo_of(writer, 8) == (b"", 0)
    negotiate(writer, 8, 8)
    writer.send(DATA, 8)
    assert echo_of(writer, 8) == (DATA, 0)


@pytest.mark.parametrize("wrong", [0x00, 0x0F, 0x13, 0x33, 0xFF, 0xAA, 0x54])
@pytest.mark.parametrize("after", [6.3, 11])
def test_a_wrong_byte_after_a_break_is_overcome_by_the_next_break(wrong: int, after: float) -> None:
    writer = LineWriter(20.0)
    writer.hold(0, break_of(11))
    writer.hold(1, 8)
    writer.send(bytes((wrong,)) * 3, 8)
    writer.hold(1, 30)
    negotiate(writer, after, 11)
    begin = writer.now
    writer.send(DATA, after)
    echo = Echo(UART(11, break_of(11)))
    until = round(writer.now + 400)
    edges, _ = exchange_edges(echo, writer.edges, until)
    late = [edge for edge in edges if edge > begin]
    assert len(late) % 2 == 0
    assert LineReader(after).feed(late, until) == DATA


def test_a_measurement_that_takes_too_long_begins_again() -> None:
    writer = LineWriter(20.0)
    writer.hold(0, break_of(8))
    writer.hold(1, 8)
    writer.hold(0, 20)
    writer.hold(1, 2 * break_of(8))
    writer.send(SYNC + DATA, 8)
    assert echo_of(writer, 8) == (DATA, 0)


def test_a_line_that_is_low_for_less_than_half_a_break_changes_nothing() -> None:
    writer = LineWriter(20.0)
    writer.hold(0, break_of(8) // 2)
    writer.hold(1, 20)
    writer.send(DATA, 8)
    assert echo_of(writer, 8) == (DATA, 0)


def test_bytes_follow_each_other_without_a_gap() -> None:
    writer = LineWriter(20.0)
    writer.send(b"UU", 8)
    edges, _ = exchange_edges(Echo(UART(8)), writer.edges, 300)
    steps = [after - before for before, after in zip(edges, edges[1:], strict=False)]
    assert steps == [8] * 19


def test_a_byte_that_finds_no_room_is_reported() -> None:
    writer = LineWriter(20.0)
    writer.send(b"abc", 8)
    assert echo_of(writer, 8, takes=False) == (b"", 2)


def test_a_break_lasts_300_microseconds() -> None:
    assert break_cycles_at(24e6) == 7200


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("8",), TypeError, "^Divisor must be a number, not '8'$"),
        (
            (3,),
            ValueError,
            (
                "^Divisor must lie between 4 and 65535 cycles in a bit, not 3: "
                "choose another baud rate$"
            ),
        ),
        ((8, 7200.0), TypeError, "^Break must be a whole number of cycles, not 7200.0$"),
        (
            (8, 127),
            ValueError,
            (
                "^Break must be at least 16 bits of 8 cycles, not 127 cycles: "
                "choose a higher baud rate$"
            ),
        ),
    ],
)
def test_what_a_uart_is_made_from_is_checked(
    arguments: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        UART(*arguments)
