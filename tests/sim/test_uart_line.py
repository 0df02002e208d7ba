import random

import pytest

from spikeloom_sim.uart_line import LineReader, LineWriter


@pytest.mark.parametrize("bit", [1.0, 8.68, 400])
def test_what_is_written_is_read(bit: float) -> None:
    data = random.Random(2).randbytes(300)
    writer = LineWriter(7.5)
    writer.send(data, bit)
    reader = LineReader(bit)
    assert reader.feed(writer.edges, writer.now) == data
    assert reader.unframed == 0
    assert writer.now == pytest.approx(7.5 + 3000 * bit)


def test_the_line_may_be_read_in_pieces() -> None:
    chance = random.Random(3)
    data = chance.randbytes(100)
    writer = LineWriter()
    writer.send(data, 10)
    edges, now = writer.take(), 0.0
    assert writer.edges == []
    reader, received = LineReader(10), b""
    while now < writer.now:
        now += chance.uniform(0, 70)
        part = [edge for edge in edges if edge < now]
        edges = edges[len(part) :]
        received += reader.feed(part, now)
    assert received == data


def test_the_bits_of_a_byte_stand_in_the_order_of_a_uart() -> None:
    writer = LineWriter()
    writer.send(b"\x53", 1)
    # Start, 1 1 0 0 1 0 1 0, stop.
    assert writer.edges == [0, 1, 3, 5, 6, 7, 8, 9]


@pytest.mark.parametrize("ratio", [0.5, 0.8, 1.25, 1.6])
def test_garbage_comes_of_a_wrong_rate(ratio: float) -> None:
    data = random.Random(4).randbytes(50)
    writer = LineWriter()
    writer.send(data, 10)
    reader = LineReader(10 * ratio)
    received = reader.feed(writer.edges, writer.now + 200)
    assert received and received != data
    assert reader.unframed > 0


def test_a_break_is_one_byte_without_a_stop_bit() -> None:
    writer = LineWriter()
    writer.hold(0, 5000)
    writer.hold(1, 20)
    writer.send(b"a", 8)
    reader = LineReader(8)
    assert reader.feed(writer.edges, writer.now) == b"\0a"
    assert reader.unframed == 1
