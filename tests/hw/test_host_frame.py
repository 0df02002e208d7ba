import binascii
from typing import Any

import numpy as np
import pytest
from cobs import cobs

from spikeloom_hw.host.frame import (
    MAXIMUM_PAYLOAD,
    Frame,
    FrameReader,
    FrameType,
    check_window,
    checksum,
)


@pytest.mark.parametrize("size", range(MAXIMUM_PAYLOAD + 1))
def test_a_frame_of_any_length_is_read_back(size: int) -> None:
    random = np.random.default_rng(size)
    for filling in (bytes(size), b"\xff" * size, random.bytes(size)):
        frame = Frame(FrameType.WRITE, size & 0xFF, filling)
        encoded = frame.encode()
        assert encoded.index(0) == len(encoded) - 1 == len(filling) + 5
        assert Frame.decode(encoded[:-1]) == frame


def test_words_are_little_endian_and_in_order() -> None:
    frame = Frame.of_words(FrameType.WRITE, 256 + 7, 0x01020304, np.array([5, 6]))
    assert frame.sequence == 7
    assert frame.payload == bytes((4, 3, 2, 1, 5, 0, 0, 0, 6, 0, 0, 0))
    np.testing.assert_array_equal(frame.words, np.array([0x01020304, 5, 6], np.uint32))


def test_the_checksum_is_that_of_the_catalogue() -> None:
    assert checksum(b"123456789") == 0xD64E


def test_zeros_behind_a_frame_are_noticed() -> None:
    # The plain CRC-16/IBM-3740 does not notice them: a repeated last byte is enough.
    plain = b"\x04\x01\x05\0\0\0"
    plain += binascii.crc_hqx(plain, 0xFFFF).to_bytes(2, "big")
    assert binascii.crc_hqx(plain + bytes(4), 0xFFFF) == binascii.crc_hqx(plain, 0xFFFF)
    body = cobs.decode(Frame(4, 1, b"\x05\0\0\0").encode()[:-1])
    assert Frame.decode(cobs.encode(body)) is not None
    for zeros in range(1, 9):
        assert Frame.decode(cobs.encode(body + bytes(zeros))) is None


def test_every_single_fault_in_a_frame_is_noticed() -> None:
    encoded = Frame.of_words(FrameType.EVENTS, 3, 0, 0x01000100, 7).encode()[:-1]
    for place in range(len(encoded)):
        assert Frame.decode(encoded[:place] + encoded[place + 1 :]) is None
        for bit in range(8):
            flipped = bytearray(encoded)
            flipped[place] ^= 1 << bit
            assert all(Frame.decode(block) is None for block in bytes(flipped).split(b"\0"))


def test_frames_are_found_behind_any_garbage() -> None:
    random = np.random.default_rng(1)
    reader = FrameReader()
    for k in range(300):
        frame = Frame.of_words(FrameType.DEVICE_EVENTS, k, k)
        garbage = random.bytes(int(random.integers(1, 1500)))
        stream = garbage + b"\0" + frame.encode()
        found = []
        for place in range(0, len(stream), 100):
            found += reader.feed(stream[place : place + 100])
        assert found[-1] == frame
    assert reader.unreadable > 0


def test_a_payload_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="^Payload must not exceed 248 bytes, not 249$"):
        Frame(FrameType.EVENTS, 0, bytes(249)).encode()


def test_the_window_is_checked() -> None:
    check_window(512)
    wrong: Any = 512.0
    message = "^Window must be a power of two from 512 to 8192 bytes, not 300$"
    with pytest.raises(ValueError, match=message):
        check_window(300)
    with pytest.raises(TypeError, match="^Window must be an integer, not 512.0$"):
        check_window(wrong)
